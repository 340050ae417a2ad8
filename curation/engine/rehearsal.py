"""Rehearsals: a whole campaign with the simulated crowd, live beside the workers or on a virtual clock of its own."""

import logging
import math
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from crowd.clock import database_now
from crowd.models import Account, Batch, Evidence, Task
from crowd.money import dollars, micro
from crowd.rehearsal import visits
from crowd.rehearsal.models import RehearsalCrowd
from crowd.rehearsal.pictures.truth import TEMPLATE
from curation.engine import asking, campaigns, flow, known_films
from curation.engine.crowds import Crowd, OwnCrowd, emulated
from curation.engine.market_accounts import account_for
from curation.engine.report import current_boxes, report, shows_the_truth, truth_of
from curation.engine.wish import USUAL_VISITS, Wish
from curation.models import Asset, Decision, Job, Pool, Project, Review, Stage
from curation.recipes.loading import load
from curation.services import assets, jobs, people, pools, suspicions
from curation.services.jobs import Again

T = TypeVar("T")
log = logging.getLogger(__name__)
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
IDLE_TURNS = 400
SLICE_SECONDS = 1.5
DEMO_PATIENCE = timedelta(minutes=4)
DATABASE_PATIENCE = 60.0


# What a live demo does: a job that lets people come by, until no pool is open.
def run_visits(job: Job, _now: datetime) -> Again | None:
    """Job: let the simulated crowd of an account work for a moment."""
    crowd = RehearsalCrowd.objects.filter(account_id=job.payload["account_id"]).first()
    if crowd is None or not _has_open_work(crowd.account_id):
        return None
    outcomes = _visit_for_a_while(crowd)
    if job.project_id:
        is_demo = Project.objects.filter(pk=job.project_id, is_demo=True).exists()
        patience = DEMO_PATIENCE if is_demo else timedelta(0)
        judge_suspicions(project_id=job.project_id, now=database_now(), patience=patience)
    if crowd.visits_per_second:
        return Again(after=max(0.2, len(outcomes) / crowd.visits_per_second))
    if "page" in outcomes:
        return Again()
    return Again(after=1.0 if _has_open_tasks(crowd.account_id) else 5.0)


def _has_open_work(account_id: int) -> bool:
    waiting = [Pool.State.OPENING, Pool.State.OPEN]
    return Pool.objects.filter(account_id=account_id, state__in=waiting).exists()


def _has_open_tasks(account_id: int) -> bool:
    on_offer = Task.objects.filter(cancelled=False, issued__lt=F("overlap"), batch__account_id=account_id)
    return on_offer.filter(batch__state=Batch.State.OPEN).exists()


def _visit_for_a_while(crowd: RehearsalCrowd) -> list[str]:
    """Do as many visits as a slice of time holds; a demo with a pace does one."""
    end = time.monotonic() + (0 if crowd.visits_per_second else SLICE_SECONDS)
    outcomes = [_live_visit(crowd)]
    while time.monotonic() < end and outcomes[-1] != "budget" and outcomes[-5:] != ["nothing"] * 5:
        outcomes.append(_live_visit(crowd))
    return outcomes


def _live_visit(crowd: RehearsalCrowd) -> str:
    outcome = visits.visit(account_id=crowd.account_id, now=database_now()).outcome
    batch = Batch.objects.filter(account_id=crowd.account_id).first()
    if outcome == "page" and batch is not None:
        flow.wake_take_in(batch.project_id)
    return outcome


def rehearse(
    *,
    wish: Wish,
    progress: Callable[[int, int], None] | None = None,
    feed: Callable[[Project], None] | None = None,
) -> dict[str, Any]:
    """Run the whole recipe on a virtual clock and return the report. An interrupted rehearsal is continued.

    A database that goes away is waited for: every step is a transaction, so the run goes on where it was. `feed`
    brings in what comes from elsewhere, before anybody comes by.
    """
    started = time.monotonic()
    with jobs.moved_by_hand(), _crowd_of(wish) as (project, crowd):
        if feed is not None:
            feed(project)
        driver = _Driver(project, crowd, wish.visits_a_turn, progress)
        while not _patiently(driver.turn):
            pass
        _patiently(driver.finish)
        hours = (crowd.row().clock - START).total_seconds() / 3600
    wall = round(time.monotonic() - started, 1)
    return {**report(project=project, wish=wish), "time": {"virtual_hours": round(hours, 2), "wall_seconds": wall}}


@contextmanager
def _crowd_of(wish: Wish) -> Iterator[tuple[Project, Crowd]]:
    """Set up or find the project, and the crowd that works for it."""
    if wish.platform == "rehearsal":
        project = _patiently(lambda: _prepare(wish))
        yield project, OwnCrowd(Account.objects.get(slug=account_for(project, "rehearsal").slug))
        return
    slug, population = f"emulated-{uuid.uuid4().hex[:8]}", campaigns.population_for(_photos(wish))
    with emulated(slug=slug, seed=_seed(wish), population=population, start=START) as crowd:
        project = _new(wish, slug)
        _start(project, wish)
        yield project, crowd


def _patiently(do: Callable[[], T]) -> T:
    end = time.monotonic() + DATABASE_PATIENCE
    while True:
        try:
            return do()
        except (OperationalError, InterfaceError):
            if time.monotonic() > end:
                raise
            log.warning("the database does not answer; the rehearsal waits for it")
            connection.close()
            time.sleep(0.5)


def _prepare(wish: Wish) -> Project:
    """Find the unfinished rehearsal of this wish, or set a new one up."""
    project = _unfinished(wish)
    if project is None:
        project = _new(wish, "rehearsal")
    if Pool.objects.filter(project=project, state=Pool.State.DRAFT).exists():
        _start(project, wish)
    return project


def _start(project: Project, wish: Wish) -> None:
    _share_out(project, wish)
    campaigns.open_all(project=project, by=None, now=START, accept_differences=True)


def _seed(wish: Wish) -> str:
    return f"{wish.recipe}-{wish.seed}"


def _classes(wish: Wish) -> list[str]:
    return list(load(wish.recipe).classes)[: wish.size]


def _photos(wish: Wish) -> int:
    classes = len(_classes(wish))
    return max(1, wish.size // classes) * classes


def _name(wish: Wish) -> str:
    extra = f", {wish.settings}" if wish.settings else ""
    extra += f", through {wish.platform}" if wish.platform != "rehearsal" else ""
    extra += f", {wish.visits_a_turn} visits a turn" if wish.visits_a_turn != USUAL_VISITS else ""
    return f"Rehearsal of {wish.recipe}, seed {wish.seed}, {wish.size} photos{extra}"


def _unfinished(wish: Wish) -> Project | None:
    mine = Project.objects.filter(is_rehearsal=True, description=_name(wish)[:300], archived_at=None)
    return mine.order_by("-id").first()


def _new(wish: Wish, platform: str) -> Project:
    recipe, chosen = load(wish.recipe), _classes(wish)
    asked = asking.campaign(
        recipe=wish.recipe,
        platform=platform,
        name=f"Rehearsal {uuid.uuid4().hex[:8]}",
        classes=chosen,
        wanted=_photos(wish) // len(chosen),
        budget=str(max(dollars(micro(recipe.budget_usd)), wish.size)),
        settings=wish.settings,
    )
    project = campaigns.ensure_project(asked=asked, by=None, now=START, seed=_seed(wish), clock=START).project
    Project.objects.filter(pk=project.pk).update(name=_name(wish)[:120], description=_name(wish)[:300])
    people.seat_operators(project=project)
    return project


def _share_out(project: Project, wish: Wish) -> None:
    """Give the first classes one photo more where the size does not divide."""
    mine = list(Pool.objects.filter(project=project, label_class__isnull=False).order_by("id"))
    for pool in mine[: wish.size % len(mine)] if mine else []:
        pools.change_pool(pool_id=pool.pk, by=None, now=START, wanted=math.ceil(wish.size / len(mine)))


class _Driver:
    """Moves one project from its first visit to the last published picture, always in the same order."""

    def __init__(
        self, project: Project, crowd: Crowd, visits_a_turn: int, progress: Callable[[int, int], None] | None
    ) -> None:
        self.project = project
        self.crowd = crowd
        self.visits_a_turn = visits_a_turn
        self.progress = progress
        self.stages = list(Stage.objects.filter(project=project).select_related("project").order_by("position"))
        self.idle = 0
        self.owes_work = crowd.row().step > 0

    def turn(self) -> bool:
        """Let some people come by, then do all the machine work that follows. True when nothing is left."""
        self._open_what_opens()
        done = self.crowd.row().step % self.visits_a_turn
        if self.owes_work and not done:  # interrupted before the end of its machine work: this comes first
            self._work()
            return self._is_over()
        pages = self._let_people_come(self.visits_a_turn - done)
        self._work()
        self.idle = 0 if pages else self.idle + 1
        if self.progress:
            self.progress(self._accepted(), self._wanted())
        return self._is_over() or self.idle > IDLE_TURNS

    def finish(self) -> None:
        now = self.crowd.row().clock
        for pool in Pool.objects.filter(project=self.project, state=Pool.State.OPEN).order_by("id"):
            pools.close_pool(pool_id=pool.pk, by=None, now=now)
        self._open_what_opens()
        Project.objects.filter(pk=self.project.pk).update(archived_at=database_now())

    def _open_what_opens(self) -> None:
        self.crowd.settle()
        pools.settle_openings(project_id=self.project.pk)

    def _let_people_come(self, visitors: int) -> int:
        """Return how many of them handed a page in. A turn that was interrupted gets the visitors it still lacks."""
        self.owes_work = True
        return sum(self.crowd.visit() for _ in range(visitors))

    def _work(self) -> None:
        """Do all machine work until nothing waits: done again at once, it would find nothing to do."""
        self.crowd.settle()
        now = self.crowd.row().clock
        while flow.take_in(project_id=self.project.pk, now=now):
            pass
        waiting = Asset.objects.filter(project=self.project, state=Asset.State.WAITING)
        self._work_stages(now)
        for _ in self.stages:
            if waiting.exists():
                self._work_stages(now)
        self.owes_work = False

    def _work_stages(self, now: datetime) -> None:
        for stage in self.stages:
            while flow.work_stage(stage=stage, now=now):
                pass
            if stage.kind == "storyboard":
                known_films.know_frames(self.project)
            if stage.kind == "checks":
                judge_suspicions(project_id=self.project.pk, now=now)
            if stage.kind == "review":
                review_as_person(stage=stage, now=now)

    def _is_over(self) -> bool:
        moving = [Asset.State.WAITING, Asset.State.WORKING, Asset.State.HELD]
        collecting = Pool.objects.filter(project=self.project, label_class__isnull=False).exclude(state=Pool.State.DONE)
        return not collecting.exists() and not Asset.objects.filter(project=self.project, state__in=moving).exists()

    def _accepted(self) -> int:
        return Asset.objects.filter(project=self.project, state=Asset.State.PUBLISHED).count()

    def _wanted(self) -> int:
        return sum(Pool.objects.filter(project=self.project).values_list("wanted", flat=True))


def judge_suspicions(*, project_id: int, now: datetime, patience: timedelta = timedelta(0)) -> int:
    """Decide about pictures held as edited examples, as a moderator does who knows the truth.

    In the demo the moderator waits a while, so that a person can decide first and the demo still goes on.
    """
    held = Asset.objects.filter(project_id=project_id, state=Asset.State.HELD, reason="template_copy")
    found = Evidence.objects.filter(
        project_id=project_id,
        kind="template_copy",
        overturned_at=None,
        item_id__in=held.values("pk"),
        created_at__lte=now - patience,
    )
    for evidence in found.order_by("id"):
        truth = truth_of(Asset.objects.get(pk=evidence.item_id))
        if truth is not None and truth.has(TEMPLATE):
            suspicions.confirm(evidence_id=evidence.pk, by=None, now=now)
        else:
            suspicions.clear(evidence_id=evidence.pk, by=None, now=now)
    return len(found)


def review_as_person(*, stage: Stage, now: datetime) -> int:
    """Judge what is held for a person by the hidden truth, as a careful reviewer would."""
    held = Asset.objects.filter(stage=stage, state=Asset.State.HELD).order_by("id").values_list("id", flat=True)
    for asset_id in held:
        _review(asset_id, now)
    return len(held)


@transaction.atomic
def _review(asset_id: int, now: datetime) -> None:
    asset = assets.locked(asset_id)
    row = current_boxes(asset)
    fine = row is not None and shows_the_truth(asset, row)
    Review.objects.create(
        project_id=asset.project_id,
        key=uuid.uuid4(),
        asset=asset,
        consensus=row,
        verdict=Review.Verdict.ACCEPT if fine else Review.Verdict.REJECT,
        reason="" if fine else "misplaced",
        created_at=now,
    )
    verdict = Decision.Verdict.PASSED if fine else Decision.Verdict.DROPPED
    reason = "" if fine else "misplaced"
    assets.decide(asset=asset, verdict=verdict, reason=reason, by_kind=Decision.By.REVIEWER, now=now)
