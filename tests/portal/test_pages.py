"""Pages of tasks: taking, answering, handing in; other people's pages are not there."""

import gzip
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crowd.models import Answer, Assignment, Batch, Skill, SkillValue, Task
from crowd.services import invitations
from tests import scenes

JSON = "application/json"
WRONG = {"payload": {"answer": "incorrect"}}


@pytest.fixture
def photo_key(db) -> str:
    return scenes.stored(scenes.jpeg(size=(480, 270)))


@pytest.fixture
def checking(world, photo_key) -> Batch:
    """Two real tasks and a control task on one page."""
    batch = scenes.batch(world, "choice", page_size=3, control_per_page=1)
    for key in ("first", "second"):
        scenes.task(batch, key, image=photo_key)
    scenes.task(batch, "control", image=photo_key, known="correct")
    return batch


def take(client, batch: Batch) -> Assignment:
    answer = client.post(reverse("w-take", args=[batch.pk]))
    assert "/pages/" in answer.url, answer.url
    return Assignment.objects.latest("id")


def answer_url(answer: Answer) -> str:
    return reverse("w-answer", args=[answer.assignment_id, answer.pk])


# --- home -------------------------------------------------------------------------------------------------------------
def test_home_offers_work_with_its_price(wandas, checking):
    page = wandas.get(reverse("w-home")).content.decode()
    assert "Is this the sign?" in page
    assert "$0.02" in page
    assert "3 tasks a page" in page


def test_workers_pages_are_sent_compressed(wandas, checking):
    for url in (reverse("w-home"), reverse("w-page", args=[take(wandas, checking).pk]), reverse("w-earnings")):
        page = wandas.get(url, headers={"accept-encoding": "gzip"})
        assert page["Content-Encoding"] == "gzip"
        assert gzip.decompress(page.content).startswith(b"<!doctype html>")


def test_home_says_what_is_needed_first(wandas, world):
    exam = Skill.objects.create(account=invitations.inhouse_account(), name="Checking: exam")
    scenes.batch(world, "choice", needs_skill=exam, needs_value=70)
    assert "Needs “Checking: exam” first." in wandas.get(reverse("w-home")).content.decode()


def test_an_empty_queue_explains_itself(wandas, world):
    assert "Nothing to do right now" in wandas.get(reverse("w-home")).content.decode()


def test_home_asks_the_database_as_often_for_many_pools_as_for_one(wandas, checking, world):
    def asked() -> int:
        with CaptureQueriesContext(connection) as found:
            assert wandas.get(reverse("w-home")).status_code == 200
        return len(found)

    one = asked()
    for _ in range(8):
        scenes.task(scenes.batch(world, "choice"), "first")
        scenes.batch(world, "boxes")
    assert asked() == one


def test_a_budget_that_is_used_up_does_not_tell_its_numbers(wandas, checking):
    Batch.objects.filter(pk=checking.pk).update(price_micro=900_000_000)
    page = wandas.post(reverse("w-take", args=[checking.pk]), follow=True).content.decode()
    assert "The money for this work is used up for now" in page
    assert "500" not in page


# --- answering --------------------------------------------------------------------------------------------------------
def test_a_page_is_answered_by_plain_forms_and_handed_in(wandas, checking):
    page = take(wandas, checking)
    for number, answer in enumerate(page.answers.order_by("seq"), start=1):
        reply = wandas.post(answer_url(answer), {"answer": "correct"})
        assert reply.url.endswith(f"?task={number + 1}")
    assert "All 3 done" in wandas.get(reverse("w-page", args=[page.pk])).content.decode()
    wandas.post(reverse("w-submit", args=[page.pk]))
    page.refresh_from_db()
    assert page.state == "accepted"
    assert Task.objects.get(key="first").done == 1


def test_a_part_of_a_cent_is_not_missing_from_what_is_earned(wandas, checking):
    Batch.objects.filter(pk=checking.pk).update(price_micro=25_000)
    page = take(wandas, checking)
    for answer in page.answers.all():
        wandas.post(answer_url(answer), {"answer": "correct"})
    wandas.post(reverse("w-submit", args=[page.pk]))
    for where in ("w-home", "w-earnings"):
        shown = wandas.get(reverse(where)).content.decode()
        assert "<dt>Earned</dt><dd>$0.025</dd>" in shown


def test_answers_so_far_survive_a_reload(wandas, checking):
    page = take(wandas, checking)
    first = page.answers.get(seq=0)
    wandas.post(answer_url(first), {"payload": {"answer": "rotated"}}, content_type=JSON)
    html = wandas.get(reverse("w-page", args=[page.pk])).content.decode()
    assert html.count('aria-pressed="true"') == 1
    assert re.search(r'value="rotated" aria-pressed="true"', html)
    assert re.search(r'id="task-2"[^>]*>', html).group().count("hidden") == 0


def test_handing_in_with_an_answer_missing_is_refused_in_one_sentence(wandas, checking):
    page = take(wandas, checking)
    reply = wandas.post(reverse("w-submit", args=[page.pk]), {"answers": {}, "ms": 10}, content_type=JSON)
    assert reply.status_code == 422
    assert reply.json()["title"].startswith("An answer is missing")
    page.refresh_from_db()
    assert page.state == "active"


def test_after_a_page_comes_the_next_one(wandas, checking, photo_key):
    for key in ("third", "fourth"):
        scenes.task(checking, key, image=photo_key)
    page = take(wandas, checking)
    answers = {str(answer.pk): {"answer": "correct"} for answer in page.answers.all()}
    reply = wandas.post(reverse("w-submit", args=[page.pk]), {"answers": answers, "ms": 5}, content_type=JSON)
    following = Assignment.objects.latest("id")
    assert following.pk != page.pk
    assert reply.json()["next"] == reverse("w-page", args=[following.pk])


def test_a_page_given_back_is_not_paid_and_not_lost(wandas, checking):
    page = take(wandas, checking)
    wandas.post(reverse("w-skip", args=[page.pk]))
    page.refresh_from_db()
    assert page.state == "skipped"
    assert Task.objects.get(key="first").issued == 0


def test_boxes_without_a_label_are_kept_as_a_draft_but_not_handed_in(wandas, world, photo_key):
    batch = scenes.batch(world, "boxes")
    scenes.task(batch, "one", image=photo_key)
    page = take(wandas, batch)
    box = {"label": None, "x": 0.1, "y": 0.1, "w": 0.2, "h": 0.2}
    url = answer_url(page.answers.get())
    assert wandas.post(url, {"payload": {"boxes": [box], "flags": []}}, content_type=JSON).status_code == 200
    reply = wandas.post(reverse("w-submit", args=[page.pk]), {"answers": {}, "ms": 9}, content_type=JSON)
    assert reply.status_code == 422
    assert reply.json()["title"] == "Box 1 needs one of the labels gesture, no gesture."


# --- training ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def training(world, photo_key) -> Batch:
    skill = Skill.objects.create(account=invitations.inhouse_account(), name="Checking: training")
    batch = scenes.batch(world, "choice", kind=Batch.Kind.TRAINING, price_micro=0, page_size=2, grants_skill=skill)
    scenes.task(batch, "a", image=photo_key, known="correct", hint="Two fingers are up.")
    scenes.task(batch, "b", image=photo_key, known="incorrect", hint="That is a fist.")
    return batch


def test_a_wrong_training_answer_explains_itself_and_the_first_try_counts(wandas, wanda, training):
    page = take(wandas, training)
    first, second = page.answers.order_by("seq")

    def say(answer, value):
        return wandas.post(answer_url(answer), {"payload": {"answer": value}}, content_type=JSON).json()

    assert say(first, "incorrect") == {"ok": False, "hint": "Two fingers are up."}
    assert say(first, "correct") == {"ok": True, "hint": ""}
    assert say(second, "incorrect")["ok"]
    wandas.post(reverse("w-submit", args=[page.pk]))
    assert SkillValue.objects.get(worker=wanda).value == 50


def test_a_training_answer_must_be_corrected_before_handing_in(wandas, training):
    page = take(wandas, training)
    first, second = page.answers.order_by("seq")
    wandas.post(answer_url(first), {"answer": "incorrect"})
    wandas.post(answer_url(second), {"answer": "incorrect"})
    reply = wandas.post(reverse("w-submit", args=[page.pk]), follow=True)
    assert "Task 1 is not right yet. Two fingers are up." in reply.content.decode()


def test_a_training_page_opened_again_goes_on_at_the_task_that_is_wrong(wandas, training):
    page = take(wandas, training)
    first, second = page.answers.order_by("seq")
    wandas.post(answer_url(second), {"answer": "incorrect"})
    wandas.post(answer_url(first), {"answer": "incorrect"})
    shown = wandas.get(reverse("w-page", args=[page.pk])).context["shown"]
    assert [task.answered for task in shown.tasks] == [False, True]
    assert shown.current == 1


# --- what a worker must not see ---------------------------------------------------------------------------------------
def test_a_control_task_looks_like_a_real_one_to_the_byte(wandas, checking):
    page = take(wandas, checking)
    seen = {answer.task.key: article_of(wandas, answer) for answer in page.answers.select_related("task")}
    assert len(seen) == 3
    assert seen["control"] == seen["first"] == seen["second"]


def article_of(client, answer: Answer) -> str:
    """One task as it is shown, without what is an id."""
    url = reverse("w-page", args=[answer.assignment_id])
    html = client.get(f"{url}?task={answer.seq + 1}").content.decode()
    article = re.search(rf'<article[^>]*data-answer="{answer.pk}".*?</article>', html, re.S).group()
    plain = re.sub(rf'(data-answer="|/media/|/answers/){answer.pk}', r"\1ID", article)
    plain = plain.replace(f'id="task-{answer.seq + 1}"', 'id="task-N"')
    return re.sub(r'csrfmiddlewaretoken" value="\w+"', "", plain)


def test_the_page_says_nowhere_which_task_is_known(wandas, checking):
    page = take(wandas, checking)
    html = wandas.get(reverse("w-page", args=[page.pk])).content.decode()
    assert "known" not in html
    assert "control" not in html


def test_a_control_answer_is_told_nothing_outside_training(wandas, checking):
    page = take(wandas, checking)
    replies = {
        answer.task.key: wandas.post(
            answer_url(answer), {"payload": {"answer": "incorrect"}}, content_type=JSON
        ).content
        for answer in page.answers.select_related("task")
    }
    assert len(set(replies.values())) == 1


def test_storage_keys_never_reach_the_browser(wandas, checking, photo_key):
    page = take(wandas, checking)
    assert photo_key not in wandas.get(reverse("w-page", args=[page.pk])).content.decode()


def test_the_pictures_of_a_page_are_for_its_worker_alone(wandas, willas, client, checking):
    answer = take(wandas, checking).answers.first()
    url = reverse("w-media", args=[answer.pk, "image"])
    reply = wandas.get(url)
    assert (reply.status_code, reply["Content-Type"]) == (200, "image/jpeg")
    assert "Last-Modified" not in reply
    assert willas.get(url).status_code == client.get(url).status_code == 404


def test_another_workers_page_is_not_there(wandas, willas, client, checking):
    page = take(wandas, checking)
    for stranger in (willas, client):
        assert stranger.get(reverse("w-page", args=[page.pk])).status_code == 404
        assert stranger.post(answer_url(page.answers.first()), {"answer": "correct"}).status_code == 404
        assert stranger.post(reverse("w-submit", args=[page.pk])).status_code == 404
        assert stranger.post(reverse("w-skip", args=[page.pk])).status_code == 404


def test_work_of_another_account_is_not_there(wandas, checking):
    other = invitations.Account.objects.create(slug="toloka", platform="toloka", label="Toloka")
    Batch.objects.filter(pk=checking.pk).update(account=other)
    assert wandas.post(reverse("w-take", args=[checking.pk])).status_code == 404


# --- links ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def filming(world, photo_key) -> Batch:
    batch = scenes.batch(world, "link", auto_accept=False)
    scenes.task(batch, "one", image=photo_key)
    return batch


def test_a_link_is_sent_by_a_plain_form_and_the_page_handed_in(wandas, filming):
    page = take(wandas, filming)
    html = wandas.get(reverse("w-page", args=[page.pk])).content.decode()
    assert "Link to your file" in html
    wandas.post(answer_url(page.answers.get()), {"link": "https://files.example/me.jpg"})
    wandas.post(reverse("w-submit", args=[page.pk]))
    page.refresh_from_db()
    assert (page.state, page.awaits_files) == ("submitted", True)
    assert page.remote_files.get().ref == "https://files.example/me.jpg"


def test_a_link_that_cannot_be_used_is_said_before_the_page_is_handed_in(wandas, filming):
    page = take(wandas, filming)
    payload = {"payload": {"link": "http://files.example/me.jpg"}}
    reply = wandas.post(answer_url(page.answers.get()), payload, content_type=JSON)
    assert reply.status_code == 422
    assert reply.json()["title"].startswith("This link cannot be used. http:// addresses")
