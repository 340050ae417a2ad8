"""The recipe of gestures on MTurk from the first photo to the last published one, the same in its books and in ours."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
from django.core.management import call_command

from crowd.clock import database_now
from crowd.emulators.mturk import VirtualClock
from crowd.emulators.mturk.players import CrowdPlayer
from crowd.models import Account, Assignment, Batch, LedgerEntry, OutboxCommand, SkillValue, Task
from crowd.money import micro
from crowd.services import dispatch, publishing, pulling
from curation.engine import asking, campaigns, flow
from curation.engine.guests import RehearsalPeople
from curation.engine.rehearsal_driver import judge_suspicions, review_as_person
from curation.engine.report import cost_of, funnel_of, ledger_of
from curation.models import Asset, Project, Stage
from curation.services import jobs, pools
from tests.platforms.mturk.conftest import BENCH, There

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 14
SEED = 1  # nobody leaves a page open here, whose lease would outlast the test
MOST_ROUNDS = 240
VISITS_A_ROUND = 3
WORDS = {"Submitted": "submitted", "Approved": "accepted", "Rejected": "rejected"}
SMALL = {
    "validate": {"training_tasks": 3, "exam_tasks": 3, "page_size": 3, "whole_pages": True, "least_seconds": 0.001},
    "boxes": {"page_size": 2, "whole_pages": True},
}


@dataclass
class OnMTurk:
    """A project whose crowd comes from an emulated MTurk, and what the product's workers do between two visits."""

    project: Project
    account: Account
    there: There

    def run(self) -> None:
        for _ in range(MOST_ROUNDS):
            self.settle()
            if self.is_over():
                return
            for _ in range(VISITS_A_ROUND):
                self.there.house.crowd.visit()
        waiting = Asset.objects.filter(project=self.project).values_list("stage__name", "state", "reason")
        raise AssertionError(f"it never ended: {list(waiting)}")

    def settle(self) -> None:
        """Pull, do all machine work, send what follows from it."""
        self._send()
        for batch in Batch.objects.filter(account=self.account).exclude(remote_id="").order_by("id"):
            while pulling.pull_batch(batch_id=batch.pk, now=database_now()).more:
                pass
        while flow.take_in(project_id=self.project.pk, now=database_now()):
            pass
        for _ in range(2):
            self._work_stages()
        self._send()

    def _work_stages(self) -> None:
        for stage in Stage.objects.filter(project=self.project).select_related("project").order_by("position"):
            while flow.work_stage(stage=stage, now=database_now()):
                pass
            if stage.kind == "checks":
                judge_suspicions(project_id=self.project.pk, now=database_now())
            if stage.kind == "review":
                review_as_person(stage=stage, now=database_now())

    def _send(self) -> None:
        pushed = Task.objects.filter(batch__account=self.account, to_push=True, batch__published_at__isnull=False)
        for batch in Batch.objects.filter(pk__in=pushed.values("batch")).select_related("account"):
            publishing.plan_pushes(batch=batch)
        waiting = OutboxCommand.objects.filter(account=self.account, state="planned")
        for _ in range(20):
            waiting.update(next_at=database_now())
            if not dispatch.drain(now=database_now(), account_id=self.account.pk):
                break
        pools.settle_openings(project_id=self.project.pk)

    def is_over(self) -> bool:
        moving = Asset.objects.filter(project=self.project, state__in=["waiting", "working", "held"])
        wanted = sum(self.project.pools.values_list("wanted", flat=True))
        return not moving.exists() and self.published() >= wanted

    def close(self) -> None:
        for pool in self.project.pools.exclude(state="done"):
            pools.close_pool(pool_id=pool.pk, by=None, now=database_now())
        self.settle()

    def told(self, interface: str) -> Counter[str]:
        """Count the platform's own pages of this work by their state there."""
        mine = Batch.objects.filter(account=self.account, kind="main", interface=interface)
        places = list(mine.values_list("remote_id", flat=True))
        market = self.there.house.market
        pages = (one for one in market.assignments.values() if one.state in WORDS)
        return Counter(one.state for one in pages if any(market.hits[one.hit_id].type.requires(at) for at in places))

    def published(self) -> int:
        return Asset.objects.filter(project=self.project, state=Asset.State.PUBLISHED).count()


@pytest.fixture
def campaign(transactional_db, live_server, settings, monkeypatch) -> Iterator[OnMTurk]:
    settings.BASE_URL = live_server.url
    monkeypatch.setattr(campaigns, "CONTROL_STOCK", 3)
    account = BENCH.account(seed=SEED, clock=VirtualClock(database_now()))
    account.slug = "turk"
    account.save()
    house = BENCH.house(account)
    house.crowd.players["ExternalQuestion"] = CrowdPlayer(RehearsalPeople("hands"))
    house.crowd.invite(PEOPLE)
    asked = asking.campaign(
        recipe="gestures", platform="turk", name="Hands", classes=["call", "like"], wanted=1, settings=SMALL
    )
    with jobs.moved_by_hand():
        project = campaigns.ensure_project(asked=asked, by=None, now=database_now(), seed="hands").project
        campaigns.open_all(project=project, by=None, now=database_now(), accept_differences=True)
        yield OnMTurk(project, account, There(house))


def test_gestures_are_collected_checked_boxed_and_published_and_both_books_say_the_same(campaign):
    campaign.run()
    campaign.close()
    assert_the_funnel_is_what_the_platform_saw(campaign)
    assert_the_ledger_is_what_the_platform_took(campaign)
    boxers = Assignment.objects.filter(batch__interface="boxes", state="accepted").values_list("worker_id", flat=True)
    examined = SkillValue.objects.filter(skill__name="Checking static gestures: exam", value__gte=70)
    assert 0 < len(set(boxers)) <= len(set(boxers) & set(examined.values_list("worker_id", flat=True)))


def assert_the_funnel_is_what_the_platform_saw(campaign: OnMTurk) -> None:
    funnel = funnel_of(campaign.project)
    names = [row["stage"] for row in funnel]
    assert names == ["collect", "checks", "validate", "boxes", "aggregate", "review", "publish"]
    for earlier, later in pairwise(funnel):
        assert later["in"] == earlier["passed"] == earlier["in"] - earlier["dropped"]
    assert funnel[0]["in"] == sum(campaign.told("photo").values())
    assert campaign.told("photo")["Approved"] == funnel[-1]["passed"] == campaign.published() == 2
    for interface in ("photo", "choice", "boxes"):
        mine = Assignment.objects.filter(account=campaign.account, batch__kind="main", batch__interface=interface)
        here = Counter(mine.filter(state__in=WORDS.values()).values_list("state", flat=True))
        assert {WORDS[state]: n for state, n in campaign.told(interface).items()} == here


def assert_the_ledger_is_what_the_platform_took(campaign: OnMTurk) -> None:
    books, booked = campaign.there.house.market.books, Counter[str]()
    for kind, amount in LedgerEntry.objects.values_list("kind", "amount_micro"):
        booked[kind] += amount
    assert (books.sum_of("reward"), books.sum_of("fee")) == (booked["charge"], booked["fee"])
    told = ledger_of(campaign.project)
    assert micro(told["accepted_work_usd"]) == books.sum_of("reward") > 0
    assert (micro(told["reserved_usd"]), books.on_hold) == (0, 0)
    spent = cost_of(campaign.project, funnel_of(campaign.project), campaign.published())
    assert micro(spent["total_usd"]) == micro(told["charged_usd"]) == books.paid
    call_command("reconcile", account=campaign.account.slug)
