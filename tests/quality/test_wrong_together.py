"""Accounts that give the same wrong answers: found by a job, shown with the answers, acted on by a lead alone."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from crowd.clock import database_now
from crowd.models import Answer, AnswerRaw, Assignment, Batch, Restriction, Task, Worker
from crowd.models.worker import digest_of
from curation.models import Annotation, Asset, Consensus, Event, Job, PairSearch, Pool, Project, WrongTogether
from curation.services import collusion, rings
from tests import scenes

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TASKS, HONEST = 12, 30


@pytest.fixture
def world() -> Project:
    return scenes.project(Rita="reviewer", Vera="viewer")


@pytest.fixture
def batch(world: Project) -> Batch:
    return scenes.batch(world, "choice", page_size=TASKS, control_per_page=TASKS - 1)


def answered(batch: Batch, name: str, given: dict[Task, str]) -> Worker:
    """One page of answers, stored as it came."""
    who = scenes.worker(name)
    page = Assignment.objects.create(
        account=who.account,
        ext_id=f"page-{name}",
        ext_digest=digest_of(f"page-{name}-{batch.pk}"),
        batch=batch,
        project_id=batch.project_id,
        worker=who,
        state=Assignment.State.ACCEPTED,
        issued_at=NOW,
        lease_until=NOW + timedelta(hours=1),
    )
    rows = Answer.objects.bulk_create(Answer(assignment=page, task=task, worker=who) for task in given)
    AnswerRaw.objects.bulk_create(
        AnswerRaw(answer=row, payload={"answer": answer}) for row, answer in zip(rows, given.values(), strict=True)
    )
    return who


def honest_crowd(batch: Batch) -> list[Task]:
    tasks = [scenes.task(batch, f"known-{n}", known="correct", image=f"known-{n}.jpg") for n in range(TASKS)]
    for number in range(HONEST):
        wrong_in = number % TASKS
        answered(
            batch, f"honest-{number}", {task: "rotated" if n == wrong_in else "correct" for n, task in enumerate(tasks)}
        )
    return tasks


def colluding(batch: Batch, tasks: list[Task]) -> list[Worker]:
    same = {task: "incorrect" if n < 10 else "correct" for n, task in enumerate(tasks)}
    return [answered(batch, name, same) for name in ("Clara", "Carl")]


def test_two_who_are_wrong_alike_are_a_ring_with_the_answers_and_nobody_else_is(world, batch):
    tasks = honest_crowd(batch)
    pair = colluding(batch, tasks)
    stage = world.stages.get(pk=batch.stage_id)
    for _ in range(2):  # a second search finds the same and tells nobody again
        collusion.search(stage=stage, now=NOW)
    (found,) = WrongTogether.objects.all()
    assert {found.one_id, found.other_id} == {one.pk for one in pair}
    assert (found.alike, found.shared) == (10, TASKS)
    assert Event.objects.filter(kind="worker.wrong_together").count() == 1
    (ring,) = rings.rings(project=world)
    assert ring.ids == sorted(one.pk for one in pair)

    alice = Client()
    alice.force_login(scenes.person("Alice"))
    page = alice.get(reverse("rings", args=[world.public_id])).content.decode()
    assert "2 accounts, 1 pair wrong alike" in page
    assert "The same wrong answer to 10 of 12 tasks that both answered" in page
    assert page.count("incorrect instead of correct</a>") == rings.WRONGS_SHOWN
    assert "32 workers compared" in page
    ban = reverse("ring-ban", args=[world.public_id, pair[0].pk])
    assert alice.post(ban, {"days": "10", "worker": [one.pk for one in pair]}).status_code == 302
    reasons = set(Restriction.objects.values_list("reason", flat=True))
    assert reasons == {"Shares wrong answers with 1 other account"}


def test_the_next_search_waits_until_enough_has_come_in_whether_its_truth_is_known_or_not(world, batch, monkeypatch):
    monkeypatch.setattr(collusion, "GROWN_BY", 10)
    stage = world.stages.get(pk=batch.stage_id)
    Pool.objects.create(
        project=world, stage=stage, account=batch.account, kind="main", title="VALIDATE", state="open", price_micro=1
    )
    crowd = [scenes.worker(f"voter-{n}") for n in range(9)]

    def is_woken(votes: list[int]) -> bool:
        for number in votes:
            voted(world, batch, number, dict.fromkeys(crowd, "correct"), confidence=0.6)
        Job.objects.all().delete()
        collusion.wake_due()
        return Job.objects.filter(kind="search_pairs", key=str(stage.pk)).exists()

    assert is_woken([0, 1])
    collusion.search(stage=stage, now=database_now())
    assert not is_woken([])
    assert not is_woken([2])
    assert is_woken([3])


def test_accounts_of_one_person_are_no_ring(world, batch):
    pair = colluding(batch, honest_crowd(batch))
    Worker.objects.filter(pk__in=[one.pk for one in pair]).update(person_id=7)
    collusion.search(stage=world.stages.get(pk=batch.stage_id), now=NOW)
    assert not WrongTogether.objects.exists()
    assert PairSearch.objects.get().workers == HONEST + 2


def voted(
    world: Project,
    batch: Batch,
    number: int,
    votes: dict[Worker, str],
    *,
    label: str = "correct",
    confidence: float = 0.97,
) -> Asset:
    asset = scenes._asset(world, f"vote {number}".encode(), f"vote-{number}")
    stage = world.stages.get(pk=batch.stage_id)
    Annotation.objects.bulk_create(
        Annotation(
            project_id=world.pk,
            asset=asset,
            stage=stage,
            answer_id=number * 1_000 + at,
            worker_id=who.pk,
            kind="label",
            label=given,
        )
        for at, (who, given) in enumerate(votes.items())
    )
    Consensus.objects.create(
        project_id=world.pk,
        asset=asset,
        stage=stage,
        method="majority",
        status=Consensus.Status.LABEL,
        label=label,
        confidence=confidence,
        n_answers=len(votes),
    )
    return asset


def test_votes_against_a_sure_result_count_and_lead_to_their_pictures(world, batch):
    honest = [scenes.worker(f"honest-{n}") for n in range(20)]
    pair = [scenes.worker(name) for name in ("Clara", "Carl")]
    for number in range(14):
        votes = dict.fromkeys(honest[number % 10 : number % 10 + 6], "correct") | dict.fromkeys(
            pair, "rotated" if number < 12 else "correct"
        )
        asset = voted(world, batch, number, votes)
    collusion.search(stage=world.stages.get(pk=batch.stage_id), now=NOW)
    (found,) = WrongTogether.objects.all()
    assert (found.alike, found.shared) == (12, 14)
    alice = Client()
    alice.force_login(scenes.person("Alice"))
    page = alice.get(reverse("rings", args=[world.public_id])).content.decode()
    shown = Asset.objects.get(pk=found.evidence[0]["asset"])
    assert reverse("asset", args=[world.public_id, shown.public_id]) in page

    Consensus.objects.filter(asset_id__in=[one["asset"] for one in found.evidence]).update(confidence=0.9)
    Consensus.objects.filter(asset=asset).update(confidence=0.99)
    collusion.search(stage=world.stages.get(pk=batch.stage_id), now=NOW)
    assert not WrongTogether.objects.exists()


def test_only_a_lead_has_answers_compared(world, batch):
    url = reverse("rings-search", args=[world.public_id])
    for name in ("Rita", "Vera", "Charlie"):
        client = Client()
        client.force_login(scenes.person(name))
        assert client.post(url).status_code == 404
    alice = Client()
    alice.force_login(scenes.person("Alice"))
    assert alice.post(url).status_code == 302
    assert Job.objects.get(kind="search_pairs").key == str(batch.stage_id)
