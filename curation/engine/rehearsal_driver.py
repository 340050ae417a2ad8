"""What moves a rehearsal: people come by, machines work, a moderator and a reviewer who know the truth decide."""

import gc
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction
from django.db.models import JSONField

from crowd.bulk import insert_all
from crowd.clock import database_now
from crowd.models import Answer, AnswerRaw, Assignment, Evidence, Reservation, Task
from crowd.rehearsal.pictures import Truth
from crowd.rehearsal.pictures.truth import TEMPLATE
from curation.engine import flow, known_films
from curation.engine.crowds import Crowd
from curation.engine.rehearsal_eyes import check_planted
from curation.engine.report import shows_the_truth, truth_of, with_truth
from curation.engine.wish import Wish
from curation.models import Annotation, Asset, Consensus, Decision, Pool, Project, Review, Stage
from curation.services import assets, pools, suspicions

IDLE_TURNS = 400
OBJECTS_A_COLLECTION = 500_000
GROWING = (Answer, AnswerRaw, Assignment, Reservation, Task, Annotation, Asset, Consensus, Decision)
AT_ONCE = 1_000  # pages or assets in a slice of machine work


class Driver:
    """Moves one project from its first visit to the last published picture, always in the same order."""

    def __init__(self, project: Project, crowd: Crowd, wish: Wish, progress: Callable[[int, int], None] | None) -> None:
        self.project = project
        self.crowd = crowd
        self.visits_a_turn = wish.visits
        self.pictures = wish.pictures
        self.progress = progress
        self.stages = list(Stage.objects.filter(project=project).select_related("project").order_by("position"))
        self.idle = 0
        self.owes_work = crowd.row().step > 0

    def turn(self) -> bool:
        """Let some people come by, then do all the machine work that follows. True when nothing is left."""
        _wait_for_no_disk()
        self._open_what_opens()
        step = self.crowd.row().step
        done = step % self.visits_a_turn
        if self.owes_work and not done:  # interrupted before the end of its machine work: this comes first
            self._work()
            return self._is_over()
        pages = self._let_people_come(self.visits_a_turn - done)
        if self.crowd.row().step.bit_length() > step.bit_length():
            _let_plans_know()
        self._work()
        self.idle = 0 if pages else self.idle + 1
        if self.progress:
            self.progress(self.accepted(), self._wanted())
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
        return self.crowd.visit(visitors)

    def _work(self) -> None:
        """Do all machine work until nothing waits: done again at once, it would find nothing to do."""
        self.crowd.settle()
        now = self.crowd.row().clock
        while flow.take_in(project_id=self.project.pk, now=now, limit=AT_ONCE, together=AT_ONCE):
            pass
        waiting = Asset.objects.filter(project=self.project, state=Asset.State.WAITING)
        self._work_stages(now)
        for _ in self.stages:
            if not waiting.exists():
                break
            self._work_stages(now)
        self.owes_work = False

    def _work_stages(self, now: datetime) -> None:
        for stage in self.stages:
            while self._work_stage(stage, now):
                pass
            if stage.kind == "storyboard":
                known_films.know_frames(self.project)
            if stage.kind == "checks":
                judge_suspicions(project_id=self.project.pk, now=now)
            if stage.kind == "review":
                review_as_person(stage=stage, now=now)

    def _work_stage(self, stage: Stage, now: datetime) -> bool:
        if stage.kind == "checks" and not self.pictures:
            return check_planted(stage=stage, now=now)
        return flow.work_stage(stage=stage, now=now, limit=AT_ONCE)

    def _is_over(self) -> bool:
        moving = [Asset.State.WAITING, Asset.State.WORKING, Asset.State.HELD]
        collecting = Pool.objects.filter(project=self.project, label_class__isnull=False).exclude(state=Pool.State.DONE)
        return not collecting.exists() and not Asset.objects.filter(project=self.project, state__in=moving).exists()

    def accepted(self) -> int:
        return Asset.objects.filter(project=self.project, state=Asset.State.PUBLISHED).count()

    def _wanted(self) -> int:
        return sum(Pool.objects.filter(project=self.project).values_list("wanted", flat=True))


def _let_plans_know() -> None:
    """Have PostgreSQL look at tables that have doubled: it would do so once a minute, and plans by what it last saw.

    Not at what people sent: nobody looks for that, and all of it would have to be unpacked.
    """
    with connection.cursor() as cursor:
        for model in GROWING:
            plain = [str(field.column) for field in model._meta.concrete_fields if not isinstance(field, JSONField)]
            named = ", ".join(map(connection.ops.quote_name, plain))
            cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)} ({named})")


@contextmanager
def commits_later() -> Iterator[None]:
    """Do not wait for the disk at each commit: after a power cut a rehearsal goes on from a moment before."""
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("RESET synchronous_commit")


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage in cycles seldom: a turn makes rows by the hundred thousand, and few of them are in cycles."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(OBJECTS_A_COLLECTION, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _wait_for_no_disk() -> None:
    """Said at every turn: the connection may be another one than before."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")


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


@transaction.atomic
def review_as_person(*, stage: Stage, now: datetime) -> int:
    """Judge what is held for a person by the hidden truth, as a careful reviewer would."""
    held = Asset.objects.select_for_update(of=("self",)).select_related("answer").filter(state=Asset.State.HELD)
    found = assets.at_stage(stage, held.order_by("pk"))
    if not found:
        return 0
    given = [_review(asset, truth, boxes, now) for asset, truth, boxes in with_truth(found)]
    insert_all(given)
    moves = [
        assets.Move(asset, Decision.Verdict.DROPPED if one.reason else Decision.Verdict.PASSED, one.reason)
        for asset, one in zip(found, given, strict=True)
    ]
    assets.decide_all(moves=moves, by_kind=Decision.By.REVIEWER, now=now)
    return len(given)


def _review(asset: Asset, truth: Truth | None, boxes: Consensus | None, now: datetime) -> Review:
    fine = boxes is not None and shows_the_truth(truth, boxes)
    return Review(
        project_id=asset.project_id,
        key=uuid.uuid4(),
        asset=asset,
        consensus=boxes,
        verdict=Review.Verdict.ACCEPT if fine else Review.Verdict.REJECT,
        reason="" if fine else "misplaced",
        created_at=now,
    )
