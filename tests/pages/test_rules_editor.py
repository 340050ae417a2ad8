"""Leads change the quality rules of a pool in words, try them on the past, and every change is on record."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crowd import rules
from crowd.models import Answer, Batch, Restriction, Skill, SkillValue, Task
from crowd.services import skills
from curation.models import Event, Pool, Project
from tests.factories import make_answer, make_pool, make_project, make_worker

pytestmark = pytest.mark.django_db
CONTROL = {
    "kind": "control",
    "method": "bound",
    "clicker": "50",
    "good": "90",
    "least_accuracy": "65",
    "least_answers": "4",
    "action": "ban",
    "action-scope": "account",
    "action-days": "7",
}


@pytest.fixture
def pool(project: Project) -> Pool:
    return make_pool(project)


def kept(pool: Pool) -> list[Any]:
    return rules.read(Batch.objects.get(pool_id=pool.pk).rules)


def at(pool: Pool, name: str = "pool-rules", *more: int) -> str:
    return reverse(name, args=[pool.project.public_id, pool.pk, *more])


def mark(client: Client, pool: Pool) -> str:
    return re.search(r'name="mark" value="(\w+)"', client.get(at(pool)).content.decode()).group(1)


def save(client: Client, pool: Pool, **changed: str):
    sent = {**CONTROL, "mark": mark(client, pool), **changed}
    return client.post(at(pool, "pool-rule-save"), sent, follow=True)


def test_only_leads_open_the_editor(pool, people):
    assert people["alice"].get(at(pool)).status_code == 200
    for name in ("rita", "vera", "charlie"):
        assert people[name].get(at(pool)).status_code == 404
        assert people[name].post(at(pool, "pool-rule-save"), CONTROL).status_code == 404
        assert people[name].post(at(pool, "pool-rule-try"), CONTROL).status_code == 404
        assert people[name].post(at(pool, "pool-rule-remove", 0), {}).status_code == 404
        assert people[name].get(at(pool, "pool-exam")).status_code == 404
    assert people["nobody"].get(at(pool)).status_code == 302
    assert kept(pool) == []


def test_a_pool_of_another_project_is_not_found(pool, people, alice):
    theirs = make_project("Other", lead=alice)
    assert people["alice"].get(reverse("pool-rules", args=[theirs.public_id, pool.pk])).status_code == 404


def test_a_rule_is_added_in_words_and_put_on_record(pool, people):
    page = save(people["alice"], pool).content.decode()
    sentence = (
        "Surely under 65 % right on 4 or more control tasks: no more work in every project of this account for 7 days."
    )
    assert sentence in page
    assert kept(pool)[0].action == rules.Ban(scope="account", days=7)
    event = Event.objects.get(kind="pool.rules")
    assert event.text == f"PEACE: rule added. {sentence}"
    assert event.data["before"] == []
    assert sentence in people["vera"].get(at(pool, "pool")).content.decode()


@pytest.mark.parametrize("kind", list(rules.KINDS))
def test_every_kind_can_be_added_with_its_usual_values(kind, pool, people):
    page = people["alice"].get(at(pool) + f"?kind={kind}").content.decode()
    form = page[page.index('id="edit"') : page.index('id="exam-h"')]
    sent = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)".*?>(.*?)</select>', form, re.DOTALL):
        sent[name] = re.search(r'<option value="([^"]*)" selected', options).group(1)
    people["alice"].post(at(pool, "pool-rule-save"), sent)
    assert kept(pool) == [rules.KINDS[kind].model_validate({})]


@pytest.mark.parametrize("action", list(rules.ACTIONS))
def test_every_consequence_has_its_own_fields(action, pool, people):
    query = f"?kind=control&was_kind=control&was_action=suspend&action={action}&good=95&clicker=50"
    part = people["alice"].get(at(pool, "pool-rule-form") + query).content.decode()
    assert "<html" not in part
    assert f'<option value="{action}" selected>' in part
    assert 'value="95"' in part
    assert ("action-days" in part) == (action in {"suspend", "ban"})
    assert ("action-comment" in part) == (action == "reject")
    assert "nothing to reject" not in part


def test_another_kind_brings_its_usual_values(pool, people):
    query = "?kind=income&was_kind=control&was_action=suspend&action=suspend&good=95"
    part = people["alice"].get(at(pool, "pool-rule-form") + query).content.decode()
    assert 'value="20.00"' in part
    assert '<option value="hold" selected>' in part
    assert "good" not in part


def test_a_rule_is_changed_and_removed(pool, people):
    save(people["alice"], pool)
    save(people["alice"], pool, kind="income", most_micro="12.50", action="hold")
    form = people["alice"].get(at(pool) + "?change=1").content.decode()
    assert "Change rule 2" in form
    assert 'value="12.50"' in form
    save(people["alice"], pool, kind="income", most_micro="15", action="hold", number="1")
    assert [rule.kind for rule in kept(pool)] == ["control", "income"]
    assert kept(pool)[1].most_micro == 15_000_000
    people["alice"].post(at(pool, "pool-rule-remove", 0), {"mark": mark(people["alice"], pool)})
    assert [rule.kind for rule in kept(pool)] == ["income"]
    assert [event.text.split(".")[0] for event in Event.objects.order_by("id")] == [
        "PEACE: rule added",
        "PEACE: rule added",
        "PEACE: rule changed",
        "PEACE: rule removed",
    ]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"good": "very"}, "must be a number, not &#x27;very&#x27;"),
        ({"least_answers": "4.5"}, "must be a whole number"),
        ({"clicker": "89"}, "too close to be told apart"),
        ({"clicker": "NaN"}, "must be a number"),
        ({"least_accuracy": "100"}, "less than 1"),
        ({"action-days": "0"}, "greater than or equal to 1"),
        ({"action-days": "1e9"}, "less than or equal to 3650"),
        ({"number": "7"}, "There is no rule 8 in this pool"),
        ({"mark": "stale"}, "Somebody has changed the rules meanwhile"),
    ],
)
def test_a_wrong_rule_comes_back_with_a_sentence_and_what_was_typed(changed, sentence, pool, people):
    answer = save(people["alice"], pool, **changed)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert sentence in page
    assert f'value="{changed.get("least_accuracy", "65")}"' in page
    assert kept(pool) == []


def test_the_form_of_earlier_batches_is_shown_and_becomes_a_list(pool, people):
    Batch.objects.filter(pool_id=pool.pk).update(rules={"control": {"least_answers": 5}, "speed": {"times": 3}})
    page = people["alice"].get(at(pool)).content.decode()
    assert "Surely under 70 % right on 5 or more control tasks" in page
    people["alice"].post(at(pool, "pool-rule-remove", 1), {"mark": mark(people["alice"], pool)})
    assert Batch.objects.get(pool_id=pool.pk).rules[0]["kind"] == "control"


@pytest.fixture
def tried(pool: Pool) -> Pool:
    """One worker who was right in 40 of 40 control tasks, and one who was wrong in all 6."""
    batch = Batch.objects.get(pool_id=pool.pk)
    for name, ok, n in (("Wanda", True, 40), ("Clive", False, 6)):
        who = make_worker(name)
        for _ in range(n):
            answer = make_answer(pool, who)
            Task.objects.filter(pk=answer.task_id).update(known_answer={"answer": "yes"})
            Answer.objects.filter(pk=answer.pk).update(control_ok=ok)
    batch.refresh_from_db()
    return pool


def test_a_trial_names_who_would_have_been_struck_and_changes_nothing(tried, people):
    answer = people["alice"].post(at(tried, "pool-rule-try"), CONTROL, headers={"HX-Request": "true"})
    part = answer.content.decode()
    assert "Over 46 pages of 2 workers it would have struck 1, of whom 0 look honest." in part
    assert "0 of 4 control tasks right" in part
    assert "<html" not in part
    speed = {
        "kind": "speed",
        "method": "fixed",
        "seconds_per_task": "10",
        "times": "3",
        "of_last": "10",
        "action": "warn",
    }
    part = people["alice"].post(at(tried, "pool-rule-try"), speed, headers={"HX-Request": "true"}).content.decode()
    assert "struck 2, of whom 1 looks honest" in part
    assert kept(tried) == []
    assert not Restriction.objects.exists()
    assert not Event.objects.exists()


def test_without_scripts_a_trial_is_a_page_with_the_form_as_it_was(tried, people):
    sent = {**CONTROL, "try": "yes", "least_accuracy": "61"}
    page = people["alice"].post(at(tried, "pool-rule-save"), sent).content.decode()
    assert "it would have struck 1" in page
    assert 'value="61"' in page
    assert kept(tried) == []


def test_a_trial_of_a_wrong_rule_says_so(tried, people):
    sent = {**CONTROL, "good": "x"}
    part = people["alice"].post(at(tried, "pool-rule-try"), sent, headers={"HX-Request": "true"}).content.decode()
    assert "must be a number" in part


def test_the_calculator_tells_what_a_gate_lets_through(pool, people):
    ask = at(pool, "pool-exam") + "?questions=10&gate=70&options=2&attempts=1"
    part = people["alice"].get(ask, headers={"HX-Request": "true"}).content.decode()
    assert "a random clicker passes in 17.2 %, a 90 % worker in 98.7 %" in part
    assert "15 of 19" in part
    assert "<html" not in part
    wrong = people["alice"].get(at(pool, "pool-exam") + "?questions=900").content.decode()
    assert "questions must be from 1 to 200, not 900" in wrong


def test_the_monitor_says_what_it_does_to_good_workers(pool, people):
    save(people["alice"], pool, method="monitor", action="suspend", **{"action-days": ""})
    page = people["alice"].get(at(pool)).content.decode()
    assert "found after about 15 control tasks" in page
    assert "struck by mistake in 0.36 %, one at 80 % in 19.7 %" in page


def test_a_control_task_that_good_workers_fail_is_retired_from_the_page(pool, people):
    Batch.objects.filter(pool_id=pool.pk).update(page_size=10, control_per_page=1)
    batch = Batch.objects.get(pool_id=pool.pk)
    task = Task.objects.create(batch=batch, key="c1", project_id=pool.project_id, known_answer={"answer": "correct"})
    people_who_fail = [make_worker() for _ in range(5)]
    skill = Skill.objects.create(account=batch.account, name=skills.quality_name(batch))
    for worker in people_who_fail:
        SkillValue.objects.create(worker=worker, skill=skill, value=90, ok=9, n=10)
        answer = make_answer(pool, worker)
        Answer.objects.filter(pk=answer.pk).update(task=task, control_ok=False)
    page = people["alice"].get(at(pool)).content.decode()
    assert "5 of 5 good workers fail it" in page
    assert "1 control task last for 10 answers" in people["vera"].get(at(pool, "pool")).content.decode()
    assert people["rita"].post(at(pool, "pool-control-retire", task.pk)).status_code == 404
    assert people["alice"].post(at(pool, "pool-control-retire", task.pk)).status_code == 302
    assert people["alice"].post(at(pool, "pool-control-retire", task.pk)).status_code == 400
    assert Event.objects.filter(kind="pool.control").count() == 1
