"""An exam that ends as soon as it knows: both ways, by the server alone, with a result that says so."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crowd.models import Answer, Assignment, Batch, Skill, SkillValue
from crowd.services import claims, handing_in, invitations
from crowd.services.exam_ending import Ending
from curation.models import Event, Pool
from curation.services import worker_pages
from tests import scenes

pytestmark = pytest.mark.django_db
QUESTIONS = 10


@pytest.fixture
def exam(world) -> Batch:
    """Ten questions with three answers each; the work behind it asks for 70."""
    skill = Skill.objects.create(account=invitations.inhouse_account(), name="Checking: exam")
    batch = scenes.batch(world, "choice", kind="exam", price_micro=0, page_size=QUESTIONS, grants_skill=skill)
    for n in range(QUESTIONS):
        scenes.task(batch, f"question-{n}", known="correct")
    scenes.task(scenes.batch(world, "choice", needs_skill=skill, needs_value=70), "work")
    return batch


def ends(exam: Batch, how: str, **more: float) -> None:
    exam.spec |= Ending(how, **more).spec()
    exam.save(update_fields=["spec"])


def answer_until_over(phone: Client, exam: Batch, given: str) -> tuple[Assignment, int]:
    phone.post(reverse("w-take", args=[exam.pk]))
    page = Assignment.objects.get(batch=exam)
    for n, row in enumerate(page.answers.order_by("seq"), start=1):
        word = "correct" if given[(n - 1) % len(given)] == "+" else "incorrect"
        answer = phone.post(
            reverse("w-answer", args=[page.pk, row.pk]), {"payload": {"answer": word}}, content_type="application/json"
        ).json()
        if "next" in answer:
            assert answer["next"] == reverse("w-result", args=[page.pk])
            return Assignment.objects.get(pk=page.pk), n
    return page, n


@pytest.mark.parametrize(
    ("how", "given", "told"),
    [
        ("curtailed", "+", (7, 100)),
        ("curtailed", "-", (4, 0)),
        ("curtailed", "++-", (10, 70)),
        ("sequential", "+", (4, 100)),  # evidence ln(0.85 / 0.333) = 0.936 a right answer, 2.944 are enough
        ("sequential", "-", (2, 0)),
    ],
)
def test_an_exam_ends_when_it_knows_and_says_so(exam, wandas, how, given, told):
    asked, value = told
    ends(exam, how)
    page, n = answer_until_over(wandas, exam, given)
    assert (n, page.state) == (asked, "accepted")
    assert Answer.objects.filter(assignment=page).count() == asked
    assert SkillValue.objects.get(skill=exam.grants_skill).value == value
    result = wandas.get(reverse("w-result", args=[page.pk])).content.decode()
    assert f"of {asked} right" in result
    assert ("It ended early: your answers were enough to tell." in result) is (asked < QUESTIONS)
    assert ("you have passed" in result) is (value >= 70)


def test_a_sequential_test_decides_where_the_share_alone_would_not(exam, wandas):
    ends(exam, "sequential", good=0.6, error=0.2)  # little evidence an answer: the sign decides in the end
    page, n = answer_until_over(wandas, exam, "+-")
    assert (n, page.state) == (QUESTIONS, "accepted")
    assert SkillValue.objects.get(skill=exam.grants_skill).value == 70  # 5 of 10 speak for a good worker, if barely


def test_an_answer_after_the_exam_is_over_leads_to_the_result_and_changes_nothing(exam, wandas):
    ends(exam, "curtailed")
    page, _ = answer_until_over(wandas, exam, "-")
    first = page.answers.order_by("seq")[0]
    again = wandas.post(
        reverse("w-answer", args=[page.pk, first.pk]),
        {"payload": {"answer": "correct"}},
        content_type="application/json",
    )
    over = {"ok": True, "hint": "", "next": reverse("w-result", args=[page.pk])}
    assert (again.status_code, again.json()) == (200, over)
    assert page.answers.get(pk=first.pk).control_ok is False
    assert SkillValue.objects.get(skill=exam.grants_skill).value == 0


def test_the_first_answer_to_a_question_counts_where_the_end_of_the_exam_would_tell_which_is_right(exam, wandas):
    ends(exam, "curtailed")
    wandas.post(reverse("w-take", args=[exam.pk]))
    page = Assignment.objects.get(batch=exam)
    rows = list(page.answers.order_by("seq"))
    for row, word in [*((row, "correct") for row in rows[:6]), (rows[6], "incorrect")]:
        url = reverse("w-answer", args=[page.pk, row.pk])
        for _ in range(2):  # the same once more is no other answer
            sent = wandas.post(url, {"payload": {"answer": word}}, content_type="application/json")
            assert sent.status_code == 200
    other = wandas.post(url, {"payload": {"answer": "correct"}}, content_type="application/json")
    assert (other.status_code, other.json()["title"]) == (422, "In this exam your first answer to a question counts.")
    page.refresh_from_db()
    assert page.state == "active"
    handed_in = {rows[6].pk: {"answer": "correct"}, **{row.pk: {"answer": "incorrect"} for row in rows[7:]}}
    worker_pages.hand_in(page=page, worker_id=page.worker_id, posted=handed_in, duration_ms=9_000, now=timezone.now())
    assert SkillValue.objects.get(skill=exam.grants_skill).value < 70


def test_answers_that_come_all_at_once_count_up_to_the_end_of_the_exam(exam, wanda):
    ends(exam, "curtailed")
    noon = timezone.now()
    page = claims.claim_page(batch_id=exam.pk, worker_id=wanda.pk, now=noon)
    rows = list(page.answers.order_by("seq"))
    answers = {row.pk: {"answer": "incorrect" if n < 4 else "correct"} for n, row in enumerate(rows)}
    handing_in.submit_page(assignment_id=page.pk, worker_id=wanda.pk, answers=answers, duration_ms=9_000, now=noon)
    assert list(page.answers.values_list("control_ok", flat=True)) == [False] * 4
    assert SkillValue.objects.get(skill=exam.grants_skill).value == 0


def test_without_scripts_the_last_answer_leads_to_the_result(exam, wandas):
    ends(exam, "sequential")
    wandas.post(reverse("w-take", args=[exam.pk]))
    page = Assignment.objects.get(batch=exam)
    assert "of at most 10" in wandas.get(reverse("w-page", args=[page.pk])).content.decode()
    one, two = page.answers.order_by("seq")[:2]
    here = wandas.post(reverse("w-answer", args=[page.pk, one.pk]), {"answer": "incorrect"})
    assert here["Location"].endswith("?task=2")
    over = wandas.post(reverse("w-answer", args=[page.pk, two.pk]), {"answer": "incorrect"})
    assert over["Location"] == reverse("w-result", args=[page.pk])


def test_a_lead_chooses_when_the_exam_ends_and_reads_what_each_way_lets_through(exam, world):
    pool = Pool.objects.create(
        project=world,
        stage=world.stages.get(pk=exam.stage_id),
        account=exam.account,
        kind="exam",
        title="EXAM",
    )
    Batch.objects.filter(pk=exam.pk).update(pool_id=pool.pk)
    alice, url = Client(), reverse("pool-ending", args=[world.public_id, pool.pk])
    alice.force_login(scenes.person("Alice"))
    page = alice.get(reverse("pool-rules", args=[world.public_id, pool.pk])).content.decode()
    assert "everybody is asked 10 questions" in page
    assert page.count("A random clicker passes in 2.0 %") == 2  # settled lets the same people pass
    assert alice.post(url, {"how": "sequential", "good": "85", "error": "5"}).status_code == 302
    exam.refresh_from_db()
    assert exam.spec["ending"] == {"how": "sequential", "good": 0.85, "error": 0.05}
    assert Event.objects.filter(text="Alice set when EXAM ends: when it is clear enough.").exists()
    for typed in ({"how": "never"}, {"good": "20"}, {"error": "much"}):
        assert alice.post(url, {"how": "sequential", "good": "85", "error": "5", **typed}).status_code == 400
    charlie = Client()
    charlie.force_login(scenes.person("Charlie"))
    assert charlie.post(url, {"how": "fixed"}).status_code == 404
