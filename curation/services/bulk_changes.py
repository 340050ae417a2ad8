"""Changes of many assets at once: what a query means or what was picked, in the background, with an undo.

Which assets is written down first, then they are changed slice by slice under their locks, and each remembers what it
was. Undo goes over the same rows; pressed while the change still runs, it stops it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from crowd.errors import CrowdError
from curation.models import Asset, BulkChange, BulkChanged, HeldOutSet, Job, Project, Stage, User
from curation.services import assets, events, held_out, jobs, versions
from curation.services.asset_query import matching, parse
from curation.services.bulk_actions import ACTIONS, locked
from curation.services.jobs import Again
from curation.services.turns import take_turns

KIND: Final = "bulk_change"
A_PLAN: Final = 20_000
MOST_PICKED: Final = 1_000
LONGEST_TAG: Final = (40, 120)
A_CALL: Final = 10
"""Slices a call of the job does, so that its lease is never in danger."""
DROP_REASONS: Final = (
    "not_wanted",
    "blurred",
    "too_dark",
    "too_bright",
    "low_resolution",
    "near_duplicate",
    "incorrect",
    "rotated",
    "third_party",
    "cut_off",
)
State, Action = BulkChange.State, BulkChange.Action
Reader = Callable[[Project, Mapping[str, str], User, datetime], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Which:
    """Which assets are meant: those picked, or all that the query means and that had arrived when it was seen."""

    query: str = ""
    picked: Sequence[UUID] = ()
    newest: UUID | None = None


@transaction.atomic
def start(
    *, project: Project, action: str, how: Mapping[str, str], which: Which, by: User, now: datetime
) -> BulkChange:
    """Write the change down and let it be done. Raises CrowdError or QueryError before anything is kept."""
    if action not in ACTIONS:
        raise CrowdError(f"{action[:20]!r} is no change; known are {', '.join(ACTIONS)}.")
    take_turns(project=project, what=KIND)
    if at_work(project=project) is not None:
        raise CrowdError("Another change of many assets is at work; wait until it is done, or undo it.")
    settings = _READERS[action](project, how, by, now) | _which(project, which)
    change = BulkChange.objects.create(project=project, action=action, settings=settings, by=by, created_at=now)
    text = f"{by.name}: {sentence(change)}."
    events.record(kind="assets.changed", text=text, project=project, subject=change, by=by, data=settings, now=now)
    _enqueue(change)
    return change


@transaction.atomic
def undo(*, change: BulkChange, by: User, now: datetime) -> BulkChange:
    """Take a change back, or stop it half-way and take back what it has done. Asked twice, it is done once."""
    take_turns(project=change.project, what=KIND)
    row = BulkChange.objects.select_for_update().get(pk=change.pk)
    if row.state in {State.UNDOING, State.UNDONE}:
        return row
    other = at_work(project=change.project)
    if other is not None and other.pk != row.pk:
        raise CrowdError("Another change of many assets is at work; wait until it is done, or undo it.")
    row.move_to(State.UNDOING)
    row.save(update_fields=["state"])
    if row.action == Action.HOLD_OUT:
        held_out.retire(held_out=HeldOutSet.objects.get(pk=row.settings["held_out_id"]), by=by, now=now)
    text = f"{by.name} takes back: {sentence(row)}."
    events.record(kind="assets.change_undone", text=text, project=row.project, subject=row, by=by, now=now)
    _enqueue(row)
    return row


def at_work(*, project: Project) -> BulkChange | None:
    return BulkChange.objects.filter(project=project, state__in=[State.RUNNING, State.UNDOING]).first()


def job_of(change: BulkChange) -> Job | None:
    return Job.objects.filter(kind=KIND, key=f"{change.pk}-{change.state}").first()


def sentence(change: BulkChange) -> str:
    """Return what the change does, in words."""
    how = change.settings
    words = {
        Action.CLASS: f"class set to {how.get('class') or 'none'}",
        Action.TAG: f"tag “{how.get('value')}” added",
        Action.UNTAG: f"tag “{how.get('value')}” removed",
        Action.DROP: f"dropped as {str(how.get('reason')).replace('_', ' ')}",
        Action.RESTORE: "restored",
        Action.REVIEW: "sent to review",
        Action.HOLD_OUT: f"held out as “{how.get('name')}”",
    }
    return words[Action(change.action)]


def _enqueue(change: BulkChange) -> None:
    payload = {"bulk_change_id": change.pk}
    jobs.enqueue(kind=KIND, key=f"{change.pk}-{change.state}", project_id=change.project_id, payload=payload)


# --- what is asked ----------------------------------------------------------------------------------------------------
def _which(project: Project, which: Which) -> dict[str, Any]:
    if which.picked:
        if len(which.picked) > MOST_PICKED:
            raise CrowdError(f"At most {MOST_PICKED:,} assets are picked one by one; choose all that match instead.")
        known = Asset.objects.filter(project=project, public_id__in=which.picked).count()
        if known != len(set(which.picked)):
            raise CrowdError("Some of these assets are not in this project.")
        return {"picked": sorted(map(str, set(which.picked)))}
    query = parse(which.query)
    matching(query, project=project)
    if which.newest is None:
        raise CrowdError("Say which assets: pick some, or all that match as you have seen them.")
    newest = Asset.objects.filter(project=project, public_id=which.newest).values_list("pk", flat=True).first()
    if newest is None:
        raise CrowdError("The newest asset that you have seen is not in this project; load the page again.")
    return {"q": str(query), "newest": newest}


def _read_class(project: Project, how: Mapping[str, str], _by: User, _now: datetime) -> dict[str, Any]:
    name = how.get("class", "").strip()
    label = project.classes.filter(name=name, retired_at=None).first()
    if label is None and name:
        known = ", ".join(project.classes.filter(retired_at=None).values_list("name", flat=True))
        raise CrowdError(f"{name[:60]!r} is no class of this project; classes are {known}.")
    return {"class_id": label.pk if label else None, "class": label.name if label else ""}


def _read_tag(_project: Project, how: Mapping[str, str], _by: User, _now: datetime) -> dict[str, Any]:
    key, colon, value = (part.strip() for part in how.get("tag", "").partition(":"))
    key, value = (key, value) if colon else ("tag", key)
    if not key or not value or len(key) > LONGEST_TAG[0] or len(value) > LONGEST_TAG[1] or "\0" in key + value:
        raise CrowdError("A tag is a word or two, such as blurred, or a key with its value, such as room: kitchen.")
    return {"key": key, "value": value}


def _read_reason(_project: Project, how: Mapping[str, str], _by: User, _now: datetime) -> dict[str, Any]:
    reason = how.get("reason", "")
    if reason not in DROP_REASONS:
        raise CrowdError(f"{reason[:40]!r} is no reason to drop; known are {', '.join(DROP_REASONS)}.")
    return {"reason": reason, "note": how.get("note", "").strip()[:300]}


def _read_review(project: Project, _how: Mapping[str, str], _by: User, _now: datetime) -> dict[str, Any]:
    stage = Stage.objects.filter(project=project, kind="review").order_by("position").first()
    if stage is None:
        raise CrowdError("This project has no review stage.")
    return {"stage_id": stage.pk}


def _read_name(project: Project, how: Mapping[str, str], by: User, now: datetime) -> dict[str, Any]:
    row = held_out.begin(project=project, name=how.get("name", ""), by=by, now=now)
    return {"held_out_id": row.pk, "name": row.name}


def _nothing(_project: Project, _how: Mapping[str, str], _by: User, _now: datetime) -> dict[str, Any]:
    return {}


_READERS: Final[Mapping[str, Reader]] = {
    Action.CLASS: _read_class,
    Action.TAG: _read_tag,
    Action.UNTAG: _read_tag,
    Action.DROP: _read_reason,
    Action.RESTORE: _nothing,
    Action.REVIEW: _read_review,
    Action.HOLD_OUT: _read_name,
}


# --- the job ----------------------------------------------------------------------------------------------------------
def run_bulk_change(job: Job, now: datetime) -> Again | None:
    """Job: write down which assets, then change a few slices a call; or take them back."""
    change = BulkChange.objects.select_related("project", "by").get(pk=job.payload["bulk_change_id"])
    if change.state == State.UNDOING:
        return _take_back(change, now)
    if change.state != State.RUNNING:
        return None
    if "changed_to" not in job.cursor:
        return _plan(change, int(job.cursor.get("planned_to", 0)))
    return _change_on(change, int(job.cursor["changed_to"]), now)


@transaction.atomic
def _plan(change: BulkChange, planned_to: int) -> Again:
    rows = _meant(change).filter(pk__gt=planned_to).order_by("pk").values_list("pk", flat=True)
    ids = list(rows[:A_PLAN])
    BulkChanged.objects.bulk_create(
        (BulkChanged(change=change, asset_id=pk) for pk in ids), batch_size=5_000, ignore_conflicts=True
    )
    if len(ids) == A_PLAN:
        return Again(cursor={"planned_to": ids[-1]})
    matched = change.assets.count()
    BulkChange.objects.filter(pk=change.pk).update(matched=matched)
    return Again(cursor={"changed_to": 0}, done_n=0, total_n=matched)


def _meant(change: BulkChange) -> QuerySet[Asset]:
    if "picked" in change.settings:
        return Asset.objects.filter(project=change.project, public_id__in=change.settings["picked"])
    query = parse(change.settings["q"])
    return matching(query, project=change.project).filter(pk__lte=change.settings["newest"])


def _change_on(change: BulkChange, changed_to: int, now: datetime) -> Again | None:
    does = ACTIONS[change.action]
    for _ in range(A_CALL * 200 // max(does.slice, 20)):
        following = _change_slice(change, changed_to, does.slice, now)
        if following is None:
            return None
        changed_to = following
    done = change.assets.filter(pk__lte=changed_to).count()
    versions.bump(project_id=change.project_id)
    return Again(cursor={"changed_to": changed_to}, done_n=done)


@transaction.atomic
def _change_slice(change: BulkChange, changed_to: int, size: int, now: datetime) -> int | None:
    """Change the next assets and return where to go on; nothing when all are done or somebody stopped it."""
    rows = list(change.assets.filter(pk__gt=changed_to).order_by("pk")[:size])
    if size == 1 and rows:
        assets.lock_purse(rows[0].asset_id)
    current = BulkChange.objects.select_for_update().get(pk=change.pk)
    if current.state != State.RUNNING:
        return None
    if not rows:
        _finish(current, State.DONE, now)
        return None
    there = list(locked([row.asset_id for row in rows]))
    before = ACTIONS[change.action].apply(change, there, now)
    for row in rows:
        row.before = before.get(row.asset_id)
    BulkChanged.objects.bulk_update([row for row in rows if row.before is not None], ["before"])
    current.changed += len(before)
    current.save(update_fields=["changed"])
    return rows[-1].pk


def _take_back(change: BulkChange, now: datetime) -> Again | None:
    does = ACTIONS[change.action]
    for _ in range(A_CALL):
        if not _undo_slice(change, max(does.slice, 50), now):
            return None
    versions.bump(project_id=change.project_id)
    current = BulkChange.objects.get(pk=change.pk)
    return Again(done_n=current.undone, total_n=current.changed)


@transaction.atomic
def _undo_slice(change: BulkChange, size: int, now: datetime) -> bool:
    current = BulkChange.objects.select_for_update().get(pk=change.pk)
    if current.state != State.UNDOING:
        return False
    rows = list(change.assets.filter(before__isnull=False, undone_at=None).order_by("pk")[:size])
    if not rows:
        _finish(current, State.UNDONE, now)
        return False
    there = {asset.pk: asset for asset in locked([row.asset_id for row in rows])}
    mine = [(there[row.asset_id], dict(row.before or {})) for row in rows if row.asset_id in there]
    ACTIONS[change.action].undo(change, mine, now)
    BulkChanged.objects.filter(pk__in=[row.pk for row in rows]).update(undone_at=now or Now())
    current.undone += len(rows)
    current.save(update_fields=["undone"])
    return True


def _finish(change: BulkChange, state: str, now: datetime) -> None:
    change.move_to(state)
    change.finished_at = now
    change.save(update_fields=["state", "finished_at"])
    n = change.changed if state == State.DONE else change.undone
    text = f"{n:,} asset{'' if n == 1 else 's'}: {sentence(change)}{'' if state == State.DONE else ', taken back'}."
    kind = f"assets.change_{state}"
    events.record(kind=kind, text=text, project=change.project, subject=change, by=change.by, now=now)
    versions.bump(project_id=change.project_id)
