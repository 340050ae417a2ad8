"""Many pictures taken out at once by a rule, as a job, and brought back at once: near-duplicates, cuts, held-out sets.

Nobody is paid less: what waits for its verdict, has been given to people, or stands in a frozen version is left.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from crowd.errors import CrowdError
from crowd.models import Assignment, Task
from curation.models import Asset, BulkDrop, BulkDropped, DatasetItem, Decision, Job, Project, Stage, User
from curation.services import assets, events, jobs, versions
from curation.services.assets import Move
from curation.services.jobs import Again
from curation.services.turns import take_turns

KIND = "bulk_drop"
A_SLICE, A_PLAN = 100, 2000
State = BulkDrop.State
TAKEN = (Asset.State.WAITING, Asset.State.PUBLISHED, Asset.State.WORKING)
PLANS = {
    "near_duplicates": "curation.services.lookalikes.thinning:plan",
    "cuts": "curation.services.cuts:plan",
    "held_out": "curation.services.held_out:plan",
}
WORDS = {
    "near_duplicates": "near-duplicates",
    "cuts": "blurred, dark or bright pictures",
    "held_out": "pictures of a held-out set",
}


@dataclass(frozen=True, slots=True)
class Planned:
    """One picture that a rule would take out, why, and the picture it repeats if there is one."""

    asset_id: int
    reason: str
    other_id: int | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


Plan = Callable[[BulkDrop], Iterable[Planned]]


@transaction.atomic
def start(*, project: Project, kind: str, settings: dict[str, Any], by: User | None, now: datetime) -> BulkDrop:
    """Take out what the kind's plan names, in the background. One at a time."""
    take_turns(project=project, what=KIND)
    must_rest(project=project)
    drop = BulkDrop.objects.create(project=project, kind=kind, settings=settings, by=by, created_at=now)
    text = f"{by.name if by else 'A rule'} takes {WORDS[kind]} out."
    events.record(kind="bulk_drop.started", text=text, project=project, subject=drop, by=by, data=settings, now=now)
    _enqueue(drop)
    return drop


@transaction.atomic
def undo(*, drop: BulkDrop, by: User, now: datetime) -> BulkDrop:
    """Bring all its pictures back to where they were, and the settings that were changed with it."""
    take_turns(project=drop.project, what=KIND)
    row = BulkDrop.objects.select_for_update().get(pk=drop.pk)
    if row.state in {State.UNDOING, State.UNDONE}:
        return row
    must_rest(project=drop.project)
    row.move_to(State.UNDOING)
    row.settings["undone_by"] = by.pk
    row.save(update_fields=["state", "settings"])
    _put_settings(row, "after", "before")
    text = f"{by.name} brings {row.dropped:,} {WORDS[row.kind]} back."
    events.record(kind="bulk_drop.undone", text=text, project=row.project, subject=row, by=by, now=now)
    _enqueue(row)
    return row


def at_work(*, project: Project) -> BulkDrop | None:
    return BulkDrop.objects.filter(project=project, state__in=[State.RUNNING, State.UNDOING]).first()


def must_rest(*, project: Project) -> None:
    """Raise CrowdError while pictures are being taken out or brought back."""
    if at_work(project=project) is not None:
        raise CrowdError("Pictures are being taken out or brought back already; wait until that is done.")


def failed(drop: BulkDrop) -> str:
    """Return why it does not go on, or nothing."""
    job = Job.objects.filter(kind=KIND, key=f"{drop.pk}-{drop.state}", state=Job.State.DEAD).first()
    return job.last_error.splitlines()[0][:200] if job and job.last_error else ""


def _enqueue(drop: BulkDrop) -> None:
    jobs.enqueue(
        kind=KIND, key=f"{drop.pk}-{drop.state}", project_id=drop.project_id, payload={"bulk_drop_id": drop.pk}
    )


@transaction.atomic
def _put_settings(drop: BulkDrop, known: str, wanted: str) -> None:
    """Set the stage's settings that the drop has changed; what somebody else changed since then stays."""
    changed = drop.settings.get("stage_settings")
    if not changed:
        return
    stage = Stage.objects.select_for_update().get(pk=drop.settings["stage_id"])
    for name, values in changed.items():
        if stage.settings.get(name) == values[known]:
            stage.settings[name] = values[wanted]
            if values[wanted] is None:
                del stage.settings[name]
    stage.save(update_fields=["settings"])


def run_bulk_drop(job: Job, now: datetime) -> Again | None:
    """Job: plan once, then one slice of pictures a call."""
    drop = BulkDrop.objects.select_related("project").get(pk=job.payload["bulk_drop_id"])
    if drop.state == State.RUNNING:
        return _take_out(drop, job, now)
    return _bring_back(drop, now) if drop.state == State.UNDOING else None


def _take_out(drop: BulkDrop, job: Job, now: datetime) -> Again | None:
    if not job.cursor:
        planned = _plan(drop)
        return Again(cursor={"after": 0, "of": planned}, done_n=0, total_n=planned)
    after, of = int(job.cursor["after"]), int(job.cursor["of"])
    rows = list(drop.pictures.filter(pk__gt=after).order_by("pk")[:A_SLICE])
    if not rows:
        _finish(drop, State.DONE, now)
        return None
    _drop_slice(drop, rows, now)
    done = drop.pictures.filter(pk__lte=rows[-1].pk).count()
    return Again(cursor={"after": rows[-1].pk, "of": of}, done_n=done, total_n=of)


@transaction.atomic
def _plan(drop: BulkDrop) -> int:
    """Write down what is to be taken out, and let the same hold for what comes."""
    module, name = PLANS[drop.kind].split(":")
    plan: Plan = getattr(import_module(module), name)
    drop.pictures.all().delete()  # a plan that died half-way
    planned = iter(plan(drop))
    while some := list(islice(planned, A_PLAN)):
        BulkDropped.objects.bulk_create(_rows(drop, some))
    _put_settings(drop, "before", "after")
    return drop.pictures.count()


def _rows(drop: BulkDrop, planned: Iterable[Planned]) -> Iterator[BulkDropped]:
    for one in planned:
        yield BulkDropped(
            drop=drop, asset_id=one.asset_id, other_id=one.other_id, reason=one.reason, evidence=one.evidence
        )


@transaction.atomic
def _drop_slice(drop: BulkDrop, rows: list[BulkDropped], now: datetime) -> None:
    there = {asset.pk: asset for asset in withdrawn(list(takeable(row.asset_id for row in rows)))}
    others = dict(Asset.objects.filter(pk__in=[row.other_id for row in rows]).values_list("id", "public_id"))
    moves = []
    for row in rows:
        asset = there.get(row.asset_id)
        if asset is None or row.from_stage_id is not None:
            continue
        row.from_stage = asset.stage
        evidence = {**row.evidence, "bulk_drop": drop.pk}
        if row.other_id in others:
            evidence["other_asset"] = str(others[row.other_id])
        moves.append(Move(asset, Decision.Verdict.DROPPED, row.reason, evidence))
    BulkDropped.objects.bulk_update(rows, ["from_stage"])
    person = Decision.By.PERSON if drop.by_id else Decision.By.RULE
    assets.decide_all(moves=moves, by_kind=person, by_id=drop.by_id, now=now)
    BulkDrop.objects.filter(pk=drop.pk).update(dropped=drop.pictures.filter(from_stage__isnull=False).count())


def takeable(asset_ids: Iterable[int], states: Collection[str] = TAKEN) -> QuerySet[Asset]:
    """Return the pictures of these that may be taken out, locked in order."""
    ids = set(asset_ids)
    frozen = DatasetItem.objects.filter(asset_id__in=ids).values("asset_id")
    locked = Asset.objects.select_for_update(of=("self",)).select_related("stage", "project").order_by("pk")
    unjudged = Asset.objects.filter(answer__assignment__state=Assignment.State.SUBMITTED)
    mine = locked.filter(pk__in=ids, state__in=states).exclude(pk__in=frozen)
    return mine.exclude(pk__in=unjudged.filter(pk__in=ids)).exclude(
        Exists(unjudged.filter(pk=OuterRef("parent_id"))), parent_id__isnull=False
    )


def withdrawn(taken: Sequence[Asset]) -> Iterator[Asset]:
    """Take back the tasks about these pictures that nobody has seen; leave out pictures that somebody has."""
    working = [asset.pk for asset in taken if asset.state == Asset.State.WORKING]
    rows = Task.objects.select_for_update(of=("self",)).filter(item_id__in=working).select_related("batch")
    at_stage: dict[tuple[int, int | None], list[Task]] = defaultdict(list)
    for task in rows.order_by("pk"):
        at_stage[task.item_id or 0, task.batch.stage_id].append(task)
    for asset in taken:
        mine = at_stage[asset.pk, asset.stage_id]
        if any(task.issued or task.kept or task.remote_id or task.push_id for task in mine):
            continue
        Task.objects.filter(pk__in=[task.pk for task in mine]).delete()
        yield asset


def _bring_back(drop: BulkDrop, now: datetime) -> Again | None:
    rows = list(_out(drop).order_by("pk")[:A_SLICE])
    if not rows:
        _finish(drop, State.UNDONE, now)
        return None
    _restore_slice(drop, rows, now)
    return Again(done_n=drop.dropped - _out(drop).count(), total_n=drop.dropped)


def _out(drop: BulkDrop) -> QuerySet[BulkDropped]:
    return drop.pictures.filter(from_stage__isnull=False, brought_back_at__isnull=True)


@transaction.atomic
def _restore_slice(drop: BulkDrop, rows: list[BulkDropped], now: datetime) -> None:
    """Only what still lies where this drop has put it; somebody may have restored it, or dropped it again, since."""
    locked = Asset.objects.select_for_update(of=("self",)).select_related("stage", "project").order_by("pk")
    there = {asset.pk: asset for asset in locked.filter(pk__in=[row.asset_id for row in rows])}
    moves = []
    for row in rows:
        asset = there[row.asset_id]
        row.brought_back_at = now
        if asset.state == Asset.State.DROPPED and asset.reason == row.reason:
            to_stage = row.from_stage or asset.stage
            moves.append(Move(asset, Decision.Verdict.RESTORED, evidence={"bulk_drop": drop.pk}, to_stage=to_stage))
    BulkDropped.objects.bulk_update(rows, ["brought_back_at"])
    assets.decide_all(moves=moves, by_kind=Decision.By.PERSON, by_id=drop.settings.get("undone_by"), now=now)
    back = drop.pictures.filter(brought_back_at__isnull=False).count()
    BulkDrop.objects.filter(pk=drop.pk).update(brought_back=back)


@transaction.atomic
def _finish(drop: BulkDrop, state: str, now: datetime) -> None:
    row = BulkDrop.objects.select_for_update().get(pk=drop.pk)
    if row.state == state:
        return
    row.move_to(state)
    row.undone_at = now if state == State.UNDONE else None
    row.save(update_fields=["state", "undone_at"])
    done = f"{row.dropped:,} {WORDS[row.kind]} were taken out."
    back = f"{row.brought_back:,} {WORDS[row.kind]} are back."
    events.record(
        kind=f"bulk_drop.{state}", text=done if state == State.DONE else back, project=row.project, subject=row, now=now
    )
    versions.bump(project_id=row.project_id)
