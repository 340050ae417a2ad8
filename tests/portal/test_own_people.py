"""What our own people see of their pay: time by the hour, further projects, appeals, earnings; and what comes next."""

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crowd.models import Appeal, Assignment, Batch, OutboxCommand, Worker, WorkerInvitation
from crowd.services import claims, handing_in, invitations, judging, teams
from crowd.services.teams import Terms
from curation.models import Event, Project
from curation.portal.visits import Visit, links_of
from curation.services import appeals
from tests import scenes
from tests.portal import hosting
from tests.portal.conftest import phone_of

pytestmark = pytest.mark.django_db
AGREED = {"agree": "yes", "adult": "yes"}


@pytest.fixture
def students(wanda: Worker):
    team = teams.make(account=wanda.account, name="Students", terms=Terms("hour", 12_000_000))
    teams.move(worker_id=wanda.pk, team=team)
    return team


def work(world: Project, n: int = 3, **fields: object) -> Batch:
    batch = scenes.batch(world, "choice", **fields)
    for number in range(n):
        scenes.task(batch, f"task-{number}")
    return batch


def home(phone: Client) -> str:
    return phone.get(reverse("w-home")).content.decode()


def answer_all(phone: Client, page: Assignment) -> str:
    """Answer every task without JavaScript, hand in, and return where one is sent."""
    for row in page.answers.all():
        phone.post(reverse("w-answer", args=[page.pk, row.pk]), {"answer": "correct"})
    return phone.post(reverse("w-submit", args=[page.pk])).url


def rejected(world: Project, wanda: Worker, batch: Batch | None = None) -> Assignment:
    now = timezone.now()
    page = claims.claim_page(batch_id=(batch or work(world, auto_accept=False)).pk, worker_id=wanda.pk, now=now)
    given = {row.pk: {"answer": "correct"} for row in page.answers.all()}
    handing_in.submit_page(assignment_id=page.pk, worker_id=wanda.pk, answers=given, duration_ms=9, now=now)
    return judging.reject(assignment_id=page.pk, reason="Too quick.", now=now)


# Pay by the hour


def test_who_is_paid_by_the_hour_reads_the_rate_before_and_on_the_page(world, wanda, wandas, students):
    batch = work(world, assignment_seconds=600)
    assert "$12.00 an hour" in home(wandas)
    page = claims.claim_page(batch_id=batch.pk, worker_id=wanda.pk, now=timezone.now() - timedelta(seconds=42))
    shown = wandas.get(reverse("w-page", args=[page.pk])).content.decode()
    assert "$12.00 an hour" in shown
    assert 0.14 <= float(shown.partition("page so far <b data-so-far>$")[2].partition("</b>, at most $2.00")[0]) < 1


def test_a_page_with_a_price_says_nothing_of_time(world, wanda, wandas):
    page = claims.claim_page(batch_id=work(world).pk, worker_id=wanda.pk, now=timezone.now())
    assert "data-time-pay" not in wandas.get(reverse("w-page", args=[page.pk])).content.decode()


def test_a_browser_cannot_make_its_time_longer(world, wanda, wandas, students):
    page = claims.claim_page(batch_id=work(world).pk, worker_id=wanda.pk, now=timezone.now() - timedelta(seconds=30))
    given = {str(row.pk): {"answer": "correct"} for row in page.answers.all()}
    body = {"answers": given, "ms": 3_600_000}
    wandas.post(reverse("w-submit", args=[page.pk]), body, content_type="application/json")
    page.refresh_from_db()
    assert 100_000 <= page.price_micro < 1_000_000  # half a minute and what the test took; a browser says an hour


# What comes next


def test_the_page_that_is_open_stands_first_and_says_what_is_left(world, wanda, wandas):
    work(world, n=7, priority=5)
    low = work(world, priority=1)
    claims.claim_page(batch_id=low.pk, worker_id=wanda.pk, now=timezone.now())
    shown = home(wandas)
    assert shown.index("Go on") < shown.index("Start")
    assert "7 left for you" in shown


def test_one_more_page_of_the_same_pool_says_that_the_one_before_is_in(world, wanda, wandas):
    batch = work(world, n=2)
    page = claims.claim_page(batch_id=batch.pk, worker_id=wanda.pk, now=timezone.now())
    target = answer_all(wandas, page)
    assert target != reverse("w-page", args=[page.pk])
    assert '<span class="w-state" id="state" role="status">Handed in</span>' in wandas.get(target).content.decode()
    assert "Handed in" not in wandas.get(target).content.decode()


def test_after_the_last_page_of_a_pool_comes_the_next_pool(world, wanda, wandas):
    first, second = work(world, n=1, priority=5), work(world, n=1)
    page = claims.claim_page(batch_id=first.pk, worker_id=wanda.pk, now=timezone.now())
    target = answer_all(wandas, page)
    following = Assignment.objects.get(batch=second, worker=wanda)
    assert target == reverse("w-page", args=[following.pk])
    shown = wandas.get(target).content.decode()
    assert "Thank you, the page is in. This is the next work for you." in shown
    assert "Nothing to do here" not in shown


def test_after_the_last_page_of_a_pool_comes_the_page_in_hand_before_anything_new(world, wanda, wandas):
    last, begun, _new = work(world, n=1), work(world, n=1), work(world, n=3, priority=9)
    page, in_hand = (
        claims.claim_page(batch_id=batch.pk, worker_id=wanda.pk, now=timezone.now()) for batch in (last, begun)
    )
    assert answer_all(wandas, page) == reverse("w-page", args=[in_hand.pk])


def test_when_nothing_is_left_one_comes_home_with_the_reason(world, wanda, wandas):
    page = claims.claim_page(batch_id=work(world, n=1).pk, worker_id=wanda.pk, now=timezone.now())
    assert answer_all(wandas, page) == reverse("w-home")
    shown = home(wandas)
    assert 0 < shown.index("Thank you, the page is in.") < shown.index("Nothing to do here right now.")


# Further projects


@pytest.fixture
def also(world, students) -> str:
    """A link to a second project, of another team."""
    other = Project.objects.create(name="Feet on stairs", slug="feet", recipe="gestures")
    token = invitations.invite(
        project_id=other.pk,
        account_id=students.account_id,
        label="Feet",
        max_uses=1,
        expires_at=timezone.now() + timedelta(days=1),
        by_id=None,
        team=teams.make(account=students.account, name="Others", terms=Terms()),
    )
    return reverse("w-join", args=[token])


def test_another_link_brings_a_worker_to_one_more_project(world, wanda, wandas, students, also):
    Worker.objects.filter(pk=wanda.pk).update(only_projects=[world.pk])
    assert "You go on as <b>Wanda</b>" in wandas.get(also).content.decode()
    assert wandas.post(also, AGREED).url == reverse("w-home")
    wanda.refresh_from_db()
    assert wanda.only_projects == [world.pk, Project.objects.get(slug="feet").pk]
    assert wanda.team == students
    assert Worker.objects.count() == 1
    assert Event.objects.filter(kind="worker.joined", subject_id=wanda.pk).count() == 1
    wandas.post(also, AGREED)
    assert WorkerInvitation.objects.get().uses == 1


@pytest.mark.usefixtures("students")
def test_nobody_comes_to_a_further_project_without_agreeing(world, wanda, wandas, also):
    Worker.objects.filter(pk=wanda.pk).update(only_projects=[world.pk])
    assert wandas.post(also, {"agree": "yes"}).status_code == 422
    wanda.refresh_from_db()
    assert wanda.only_projects == [world.pk]
    assert WorkerInvitation.objects.get().uses == 0


def test_who_comes_by_the_link_of_a_team_is_in_it(also, client):
    assert client.post(also, {"name": "Walt", **AGREED}).status_code == 302
    assert Worker.objects.get(name="Walt").team.name == "Others"


# Appeals


def test_a_worker_appeals_once_and_reads_the_answer(world, wanda, wandas):
    assert "#rejected" not in home(wandas)
    page = rejected(world, wanda)
    here = reverse("w-appeal", args=[page.pk])
    assert '<a class="w-link" href="#rejected">Not accepted: 1</a>' in home(wandas)
    assert here in home(wandas)
    assert "Too quick." in wandas.get(here).content.decode()
    wandas.post(here, {"text": "I have done many of these."})
    assert "Your appeal is being looked at." in home(wandas)
    assert wandas.post(here, {"text": "Again."}).status_code == 422
    appeal = Appeal.objects.get()
    appeals.uphold(
        appeal_id=appeal.pk, by=scenes.person("Alice"), reply="You are right.", takes_back=True, now=timezone.now()
    )
    shown = home(wandas)
    assert "the page is paid" in shown
    assert "You are right." in shown
    assert "$0.02" in shown


@pytest.mark.parametrize("text", ["", "  ", "x" * 1001])
def test_an_appeal_has_1_to_1000_characters(text, world, wanda, wandas):
    page = rejected(world, wanda)
    assert wandas.post(reverse("w-appeal", args=[page.pk]), {"text": text}).status_code == 422
    assert not Appeal.objects.exists()


def test_after_seven_days_it_is_too_late(world, wanda, wandas):
    page = rejected(world, wanda)
    late = timezone.now() - timedelta(days=7, minutes=1)
    Assignment.objects.filter(pk=page.pk).update(judged_at=late)
    here = reverse("w-appeal", args=[page.pk])
    assert here not in home(wandas)
    assert wandas.get(here).url == reverse("w-home")
    assert wandas.post(here, {"text": "But."}).status_code == 422


def test_a_page_in_check_cannot_be_appealed(world, wanda, wandas):
    page = claims.claim_page(batch_id=work(world).pk, worker_id=wanda.pk, now=timezone.now())
    assert wandas.post(reverse("w-appeal", args=[page.pk]), {"text": "Why?"}).status_code == 422


def test_nobody_appeals_for_another(world, wanda, willas, client):
    here = reverse("w-appeal", args=[rejected(world, wanda).pk])
    for phone in (willas, client):
        assert phone.get(here).status_code == 404
        assert phone.post(here, {"text": "Mine!"}).status_code == 404
    assert not Appeal.objects.exists()


# Earnings


def test_the_statement_tells_each_day_and_each_refusal(world, wanda, wandas):
    rejected(world, wanda)
    page = claims.claim_page(batch_id=work(world).pk, worker_id=wanda.pk, now=timezone.now())
    answer_all(wandas, page)
    shown = wandas.get(reverse("w-earnings")).content.decode()
    for words in ("Hand gestures", "1 page accepted", "$0.02", "1 page not accepted", "Too quick."):
        assert words in shown
    table = wandas.get(reverse("w-earnings-csv"))
    rows = list(csv.DictReader(io.StringIO(table.content.decode())))
    assert [row["kind"] for row in rows] == ["day", "rejected", "total"]
    assert rows[-1]["earned"] == "0.02"


def test_a_worker_sees_only_what_is_his(world, wanda, willas):
    rejected(world, wanda)
    assert "Too quick." not in willas.get(reverse("w-earnings")).content.decode()
    assert "Too quick." not in willas.get(reverse("w-earnings-csv")).content.decode()


@pytest.mark.parametrize("name", ["w-earnings", "w-earnings-csv"])
def test_without_a_workers_session_there_is_no_statement(name, client, db):
    assert client.get(reverse(name)).status_code == 404


def test_statements_of_empty_hands_are_empty(wanda):
    shown = phone_of(wanda).get(reverse("w-earnings")).content.decode()
    assert "Nothing yet" in shown


# People of other platforms


def rejected_elsewhere(world: Project, client: Client, platform: str) -> Assignment:
    """A page of somebody from there that we have rejected, as the platform knows by now."""
    batch = hosting.batch(world, "choice", hosting.account(platform), n=1, auto_accept=False)
    url = hosting.hit(batch) if platform == "mturk" else hosting.study(batch)
    hosting.hand_in(client, hosting.come(client, url), {"answer": "correct"})
    page = Assignment.objects.get(batch=batch)
    Assignment.objects.filter(pk=page.pk).update(platform_state=Assignment.State.SUBMITTED, awaits_files=False)
    return judging.reject(assignment_id=page.pk, reason="Too quick.", now=timezone.now())


def appeal_address(page: Assignment) -> str:
    visit = Visit(page.batch_id, page.worker_id, page.pk, page.ext_id, hosting.SUBMIT_TO)
    return f"{links_of(visit).page}appeal/"


def test_who_came_from_mturk_appeals_on_our_page_and_mturk_is_told(world, client):
    page = rejected_elsewhere(world, client, "mturk")
    here = appeal_address(page)
    assert "Too quick." in client.get(here.replace("appeal/", ""), follow=True).content.decode()
    assert "Your appeal is in" in client.post(here, {"text": "I am quick."}).content.decode()
    appeals.uphold(
        appeal_id=Appeal.objects.get().pk,
        by=scenes.person("Alice"),
        reply="You are.",
        takes_back=True,
        now=timezone.now(),
    )
    assert OutboxCommand.objects.filter(kind="accept", payload__assignment_id=page.pk).exists()
    assert client.get(here, follow=True).status_code == 200


def test_where_a_rejection_is_final_no_appeal_is_offered(world, client):
    page = rejected_elsewhere(world, client, "prolific")
    assert client.post(appeal_address(page), {"text": "But."}).status_code == 422
    assert not Appeal.objects.exists()
