"""Checks that the crowd could not settle: who decides, what is paid, what comes back."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crowd.models import Assignment, Budget
from curation.models import Annotation, Asset, CheckVerdict, Decision, Project, Stage, User
from curation.services import appeals
from curation.stages.validate import ValidateSettings, settle
from tests.factories import make_answer, make_asset, make_pool, make_project, make_user, make_worker

pytestmark = pytest.mark.django_db
OPTIONS = [
    {"value": "correct", "label": "Yes", "tone": "good", "keeps": True},
    {"value": "incorrect", "label": "No", "tone": "bad"},
]
State = Assignment.State


@pytest.fixture
def alice() -> User:
    return make_user("Alice")


@pytest.fixture
def rita() -> User:
    return make_user("Rita")


@pytest.fixture
def project(alice, rita) -> Project:
    row = make_project(lead=alice, reviewer=rita)
    row.stages.filter(kind="validate").update(settings={"options": OPTIONS, "undecided": "person"})
    return row


def photo(project: Project, state: str, page: str = State.SUBMITTED, reason: str = "undecided") -> Asset:
    pool = project.pools.first() or make_pool(project)
    worker = make_worker()
    answer = make_answer(pool, worker, page)
    asset = make_asset(project, state, stage="validate", reason=reason, worker=worker, answer=answer)
    with_preview(asset)
    return asset


def with_preview(asset: Asset) -> None:
    from curation.models import AssetPreview

    AssetPreview.objects.create(asset=asset, thumb_key="a.webp", screen_key="a.jpg", grey_key="a.jpg")


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def queue(user: User, project: Project) -> list[dict]:
    return browser_of(user).get(reverse("review-checks-next", args=[project.public_id])).json()["items"]


def say(user: User, project: Project, asset: Asset, answer: str, key: str = "") -> dict:
    rows = [{"key": key or str(uuid.uuid4()), "id": str(asset.public_id), "answer": answer, "ms": 900}]
    address = reverse("review-checks-decisions", args=[project.public_id])
    return browser_of(user).post(address, {"decisions": rows}, content_type="application/json").json()


def test_votes_that_tie_wait_for_a_person_where_the_stage_says_so(project):
    asset = photo(project, Asset.State.WORKING, reason="")
    stage = Stage.objects.get(project=project, kind="validate")
    tied = ValidateSettings(options=OPTIONS, undecided="person", overlap=2, most_overlap=2, stop="fixed")
    Stage.objects.filter(pk=stage.pk).update(settings=tied.model_dump(mode="json"))
    stage.refresh_from_db()
    for label in ("correct", "incorrect"):
        answer = make_answer(project.pools.first(), make_worker())
        Annotation.objects.create(
            project_id=project.pk, asset=asset, stage=stage, answer_id=answer.pk, worker_id=answer.worker_id,
            kind="label", label=label,
        )  # fmt: skip
    settle(stage=stage, asset_ids=[asset.pk], now=timezone.now())
    asset.refresh_from_db()
    assert (asset.state, asset.reason) == ("held", "undecided")
    assert Assignment.objects.get(answers=asset.answer).state == State.SUBMITTED


@pytest.mark.parametrize(
    ("answer", "state", "page"), [("correct", "waiting", "accepted"), ("incorrect", "dropped", "rejected")]
)
def test_a_reviewers_answer_pays_or_refuses_what_was_held_once(project, rita, answer, state, page):
    asset, key = photo(project, Asset.State.HELD), str(uuid.uuid4())
    assert [one["id"] for one in queue(rita, project)] == [str(asset.public_id)]
    for _ in range(2):
        assert say(rita, project, asset, answer, key)["saved"] == [key]
    asset.refresh_from_db()
    assert (asset.state, Assignment.objects.get(answers=asset.answer).state) == (state, page)
    assert Budget.objects.get(project_id=project.pk).spent_micro == (30_000 if page == "accepted" else 0)
    last = Decision.objects.filter(asset=asset).latest("id")
    assert (last.by_kind, last.by_id) == ("reviewer", rita.pk)
    assert CheckVerdict.objects.get().answer == answer
    assert queue(rita, project) == []


def test_what_was_refused_for_a_tie_comes_back_by_a_lead_alone(project, alice, rita):
    asset, stays = (photo(project, Asset.State.DROPPED, State.REJECTED) for _ in range(2))
    assert queue(rita, project) == []
    assert "no longer in dispute" in say(rita, project, asset, "correct")["refused"][0]["why"]
    assert len(queue(alice, project)) == 2
    say(alice, project, asset, "correct")
    say(alice, project, stays, "incorrect")
    asset.refresh_from_db()
    stays.refresh_from_db()
    assert (asset.stage.kind, asset.state, stays.state) == ("publish", "waiting", "dropped")
    assert Assignment.objects.get(answers=asset.answer).state == State.ACCEPTED
    assert queue(alice, project) == []


@pytest.mark.parametrize(("answer", "state"), [("correct", "upheld"), ("incorrect", "denied")])
def test_an_appeal_is_answered_with_the_same_keys(project, alice, answer, state):
    asset = photo(project, Asset.State.DROPPED, State.REJECTED, reason="incorrect")
    page = Assignment.objects.get(answers=asset.answer)
    appeal = appeals.file(page_id=page.pk, worker_id=page.worker_id, text="It is the sign.", now=timezone.now())
    (item,) = queue(alice, project)
    assert item["appeal"] == "It is the sign."
    assert say(alice, project, asset, answer)["refused"] == []
    appeal.refresh_from_db()
    assert appeal.state == state
    assert appeal.reply.startswith("A person has looked") is (state == "denied")
    assert queue(alice, project) == []


def test_two_reviewers_never_get_the_same_photo(project, rita, alice):
    asset = photo(project, Asset.State.HELD)
    assert len(queue(rita, project)) == 1
    assert queue(alice, project) == []
    assert "Rita is looking at this photo" in say(alice, project, asset, "correct")["refused"][0]["why"]


def test_nonsense_is_refused_with_a_sentence_and_changes_nothing(project, rita):
    asset = photo(project, Asset.State.HELD)
    assert "known are correct, incorrect" in say(rita, project, asset, "perhaps")["refused"][0]["why"]
    assert "is no key" in say(rita, project, asset, "correct", key="7")["refused"][0]["why"]
    asset.refresh_from_db()
    assert asset.state == "held"


def test_the_nearest_deadline_comes_first(project, rita):
    late, soon = photo(project, Asset.State.HELD), photo(project, Asset.State.HELD)
    now = timezone.now()
    for asset, days in ((late, 3), (soon, 1)):
        Assignment.objects.filter(answers=asset.answer).update(review_until=now + timedelta(days=days))
    assert [one["id"] for one in queue(rita, project)] == [str(soon.public_id), str(late.public_id)]


@pytest.mark.parametrize("name", ["review-checks", "review-checks-next", "review-grid", "submissions"])
def test_viewers_and_strangers_find_nothing(project, name):
    for user in (make_user("Vera"), make_user("Charlie")):
        if user.name == "Vera":
            project.memberships.create(user=user, role="viewer")
        assert browser_of(user).get(reverse(name, args=[project.public_id])).status_code == 404
