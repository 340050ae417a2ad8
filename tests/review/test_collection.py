"""Submissions that wait for our word: accepted, paid but not used, or rejected, many at once."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crowd.models import Account, AnswerRaw, Assignment, Bonus, Budget, Task
from curation.models import Asset, Decision, Pool, Project, User
from curation.services import erasing
from tests.factories import make_answer, make_asset, make_evidence, make_pool, make_project, make_user, make_worker

pytestmark = pytest.mark.django_db
State = Assignment.State


@pytest.fixture
def alice() -> User:
    return make_user("Alice")


@pytest.fixture
def rita() -> User:
    return make_user("Rita")


@pytest.fixture
def project(alice, rita) -> Project:
    return make_project(lead=alice, reviewer=rita)


@pytest.fixture
def pool(project) -> Pool:
    return make_pool(project)


@pytest.fixture
def sent(project, pool) -> Asset:
    return submission(project, pool)


def submission(project: Project, pool: Pool, worker=None, state: str = Asset.State.WAITING, **fields: object) -> Asset:
    worker = worker or make_worker()
    answer = make_answer(pool, worker, State.SUBMITTED)
    return make_asset(project, state, stage="validate", worker=worker, answer=answer, **fields)


def page_of(asset: Asset) -> Assignment:
    return Assignment.objects.get(answers=asset.answer)


def look(user: User, project: Project, **query: object):
    client = Client()
    client.force_login(user)
    return client.get(reverse("submissions", args=[project.public_id]), query)


def judge(user: User, project: Project, *sent: Asset, **form: object):
    client = Client()
    client.force_login(user)
    pages = [page_of(one).pk for one in sent]
    return client.post(reverse("submissions-judge", args=[project.public_id]), {"page": pages, **form})


@pytest.mark.parametrize("said", ["accept accepted waiting", "soft accepted dropped", "reject rejected dropped"])
def test_what_is_said_pays_or_not_and_uses_the_photo_or_not(project, rita, sent, said):
    verdict, page, state = said.split()
    answer = judge(rita, project, sent, verdict=verdict, reason="blurred", note="Hold still.")
    assert answer.status_code == 302
    sent.refresh_from_db()
    row = page_of(sent)
    assert (row.state, sent.state) == (page, state)
    assert row.reason == ("The photo is blurred. Hold still." if verdict == "reject" else "")
    assert Budget.objects.get(project_id=project.pk).spent_micro == (row.price_micro if page == "accepted" else 0)
    assert judge(rita, project, sent, verdict="accept").status_code == 400


def test_who_is_erased_is_paid_and_her_photos_are_offered_to_nobody(project, pool, alice):
    wanda = make_worker("Wanda")
    asset = submission(project, pool, wanda, state=Asset.State.WORKING)
    file = {"key": "uploads/a.jpg", "sha256": "ab" * 32, "bytes": 9, "name": "wanda.jpg"}
    AnswerRaw.objects.create(answer=asset.answer, payload={"file": file, "camera": "front"})
    batch = Task.objects.latest("pk").batch
    about = {"batch": batch, "key": "check", "project_id": project.pk, "item_id": asset.pk, "overlap": 3, "issued": 0}
    task = Task.objects.create(**about, payload={"sha256": "ab" * 32, "width": 640})
    erasing.erase(project=project, worker=wanda, note="asked", by=alice, now=timezone.now())
    task.refresh_from_db()
    assert (task.cancelled, task.payload) == (True, {"sha256": "", "width": 640})
    told = AnswerRaw.objects.get(answer=asset.answer_id).payload
    assert told == {"file": {**file, "sha256": "", "name": ""}, "camera": "front"}
    page = Assignment.objects.get(worker=wanda)
    assert page.state == State.ACCEPTED
    assert Budget.objects.get(project_id=project.pk).spent_micro == page.price_micro


def test_all_of_a_worker_are_judged_at_once_or_none(project, pool, rita):
    wanda = make_worker("Wanda")
    mine = [submission(project, pool, wanda) for _ in range(3)]
    other = submission(project, pool)
    assert look(rita, project, worker=wanda.pk).context["found"] == 3
    judge(rita, project, mine[0], verdict="accept")
    refused = judge(rita, project, *mine, verdict="accept")
    assert refused.status_code == 400
    assert "judged meanwhile" in refused.content.decode()
    assert {page_of(one).state for one in mine[1:]} == {State.SUBMITTED}
    judge(rita, project, *mine[1:], verdict="accept")
    assert {page_of(one).state for one in mine} == {State.ACCEPTED}
    assert page_of(other).state == State.SUBMITTED


def test_a_photo_in_the_crowds_hands_is_taken_back_from_it(project, pool, rita):
    asset = submission(project, pool, state=Asset.State.WORKING)
    pool_task = Task.objects.latest("pk")
    task = Task.objects.create(
        batch=pool_task.batch, key="check", project_id=project.pk, item_id=asset.pk, overlap=3, issued=0
    )
    judge(rita, project, asset, verdict="reject", reason="incorrect")
    task.refresh_from_db()
    assert task.cancelled


def test_a_held_photo_that_is_accepted_goes_on_and_its_sender_is_no_longer_suspected(project, pool, rita):
    asset = submission(project, pool, state=Asset.State.HELD, reason="same_photo")
    evidence = make_evidence(asset)
    judge(rita, project, asset, verdict="accept")
    asset.refresh_from_db()
    evidence.refresh_from_db()
    assert (asset.stage.kind, asset.state) == ("publish", "waiting")
    assert evidence.overturned_at is not None


def test_one_bonus_is_not_so_many_dollars_here_and_so_many_euro_there(project, pool, alice, sent):
    abroad = submission(project, pool)
    euro = Account.objects.create(slug="abroad", platform="inhouse", label="Abroad", currency="EUR")
    Assignment.objects.filter(pk=page_of(abroad).pk).update(account=euro)
    refused = judge(alice, project, sent, abroad, verdict="accept", bonus="0.50")
    assert refused.status_code == 400
    assert "are paid in EUR and USD; give a bonus to each apart" in refused.content.decode()
    assert not Bonus.objects.exists()


def test_a_bonus_comes_with_it_from_a_lead_alone(project, alice, rita, sent):
    refused = judge(rita, project, sent, verdict="accept", bonus="0.50")
    assert (refused.status_code, page_of(sent).state) == (400, State.SUBMITTED)
    judge(alice, project, sent, verdict="accept", bonus="0.50", note="Well done")
    bonus = Bonus.objects.get()
    assert (bonus.amount_micro, bonus.message) == (500_000, "Well done")


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"verdict": "reject"}, "Choose a reason: whoever sent it reads it."),
        ({"verdict": "soft"}, "The sender is only paid."),
        ({"verdict": "praise"}, "is no verdict"),
        ({"verdict": "accept", "bonus": "much"}, "much"),
        ({"verdict": "reject", "reason": "blurred", "bonus": "1"}, "gets no bonus"),
    ],
)
def test_what_makes_no_sense_is_said_and_changes_nothing(project, alice, sent, form, sentence):
    answer = judge(alice, project, sent, **form)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert page_of(sent).state == State.SUBMITTED
    assert not Decision.objects.filter(by_kind="person").exists()


def test_nothing_chosen_is_said(project, alice, sent):
    assert "Choose at least one" in judge(alice, project, verdict="accept").content.decode()


def test_the_checks_are_shown_as_chips_and_the_deadline_as_a_clock(project, pool, rita, sent):
    Assignment.objects.filter(pk=page_of(sent).pk).update(review_until=timezone.now() + timedelta(hours=5, minutes=10))
    twin = submission(project, pool)
    evidence = {"other_asset": str(sent.public_id), "distance": 3}
    held = {"verdict": "held", "reason": "same_photo", "by_kind": "rule", "evidence": evidence}
    Decision.objects.create(project_id=project.pk, asset=twin, stage=twin.stage, **held)
    page = look(rita, project).content.decode()
    assert "Resolution: 1920 × 1080" in page
    assert "accepts by itself in 5 h" in page
    assert "The same photo was sent before." in page
    assert reverse("asset", args=[project.public_id, sent.public_id]) in page


def test_a_video_is_played_only_while_it_waits_for_our_word(project, pool, rita):
    key = default_storage.save("clip.mp4", ContentFile(b"0123456789"))
    video = submission(project, pool, media="video", storage_key=key, name="clip.mp4")
    client = Client()
    client.force_login(rita)
    address = reverse("submission-clip", args=[project.public_id, video.public_id])
    part = client.get(address, headers={"Range": "bytes=2-4"})
    assert (part.status_code, b"".join(part.streaming_content), part["Content-Type"]) == (206, b"234", "video/mp4")
    judge(rita, project, video, verdict="accept")
    assert client.get(address).status_code == 404


def test_many_submissions_need_no_more_queries(project, pool, rita):
    submission(project, pool)
    with CaptureQueriesContext(connection) as one:
        look(rita, project)
    for _ in range(5):
        submission(project, pool)
    with CaptureQueriesContext(connection) as six:
        look(rita, project)
    assert len(six) <= len(one), [query["sql"][:120] for query in six.captured_queries]
