"""A person looks over what the crowd agreed on: who looks at what, what was decided, and taking it back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Subquery

from crowd.errors import CrowdError
from crowd.models import Batch, Task
from crowd.services.tasks import mark_changed
from curation.models import Asset, Consensus, ConsensusBox, Decision, Project, Review, ReviewLease, Stage, User
from curation.services import assets, versions

LEASE = timedelta(minutes=10)
MOST_IMAGES, MOST_DECISIONS = 100, 200
MOST_ASKED = 3
REASONS = ("misplaced", "wrong_label", "missing_box", "extra_box", "cut_off", "third_party")
OPEN_STATES = (Asset.State.WAITING, Asset.State.HELD)
Verdict = Review.Verdict
ASKING = (Verdict.SEND_BACK, Verdict.ONE_MORE)


class Refused(CrowdError):
    """A decision that cannot be stored; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision as a browser or a program sends it. `key` makes it happen once."""

    key: UUID
    asset: UUID
    verdict: str
    reason: str = ""
    boxes: Sequence[Mapping[str, Any]] | None = None
    ms: int | None = None
    undoes: UUID | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    key: UUID
    why: str


@dataclass(frozen=True, slots=True)
class Saved:
    saved: list[UUID] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the review is, and the person's own pace."""

    done: int
    left: int
    per_hour: int
    with_others: int


# --- the queue --------------------------------------------------------------------------------------------------------
def at_review(project: Project) -> QuerySet[Asset]:
    """Return what the review stage has set aside for a person; what still waits there may yet pass by rule."""
    return Asset.objects.filter(project=project, stage__kind="review", state=Asset.State.HELD)


def next_images(*, project: Project, user: User, n: int, now: datetime) -> list[Asset]:
    """Lease the n worst images to a reviewer for ten minutes and return them, worst confidence first.

    Images the reviewer holds already come again with a longer lease; those put aside come last.
    """
    with transaction.atomic():
        candidates = list(_queue(project, user, now)[: min(max(n, 0), MOST_IMAGES)])
        mine = _lease([asset.pk for asset in candidates], user=user, now=now)
    return [asset for asset in candidates if asset.pk in mine]


def _queue(project: Project, user: User, now: datetime) -> QuerySet[Asset]:
    taken = ReviewLease.objects.filter(asset=OuterRef("pk"), until__gt=now).exclude(user=user)
    aside = Review.objects.filter(asset=OuterRef("pk"), verdict=Verdict.HOLD, undone_by=None)
    current = Consensus.objects.filter(asset=OuterRef("pk"), is_current=True).order_by("-stage__position", "-id")
    return (
        at_review(project)
        .filter(~Exists(taken))
        .annotate(put_aside=Exists(aside), confidence=Subquery(current.values("confidence")[:1]))
        .order_by("put_aside", F("confidence").asc(nulls_first=True), "id")
        .select_for_update(of=("self",), skip_locked=True)
    )


def _lease(asset_ids: list[int], *, user: User, now: datetime) -> set[int]:
    """Take the leases that nobody else holds and return their assets.

    A lock on the asset is not enough: a lease committed after our snapshot is seen only by this conflict.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO curation_reviewlease AS held (asset_id, user_id, until)
            SELECT unnest(%s::bigint[]), %s, %s
            ON CONFLICT (asset_id) DO UPDATE SET user_id = excluded.user_id, until = excluded.until
            WHERE held.user_id = excluded.user_id OR held.until <= %s
            RETURNING asset_id
            """,
            [asset_ids, user.pk, now + LEASE, now],
        )
        return {row[0] for row in cursor.fetchall()}


def release_leases(*, user: User, project: Project, until: datetime | None = None) -> int:
    """Give back what a reviewer holds; others get it at once.

    `until` spares leases taken after the screen that is being left: a reload may overtake its own farewell.
    """
    leases = ReviewLease.objects.filter(user=user, asset__project=project)
    if until is not None:
        leases = leases.filter(until__lte=until)
    return leases.delete()[0]


def standing(*, project: Project, user: User, now: datetime) -> Standing:
    """Count done and left, and the reviewer's pace over the last half hour."""
    decided = Review.objects.filter(project_id=project.pk, undone_by=None).exclude(
        verdict__in=[Verdict.UNDO, Verdict.HOLD]
    )
    lately = list(
        decided.filter(by=user, created_at__gt=now - timedelta(minutes=30)).values_list("created_at", flat=True)
    )
    others = ReviewLease.objects.filter(asset__in=at_review(project), until__gt=now).exclude(user=user)
    return Standing(decided.count(), at_review(project).count(), pace(lately, now), others.count())


def pace(moments: Sequence[datetime], now: datetime) -> int:
    """Return decisions an hour, from the first of these moments on; 0 before there are three."""
    if len(moments) < 3:
        return 0
    seconds = max(1.0, (now - min(moments)).total_seconds())
    return round(len(moments) * 3600 / seconds)


def known_labels(project: Project) -> list[dict[str, str]]:
    """Return the labels a box may have: those of the crowd's box task, else the project's classes."""
    batch = Batch.objects.filter(project_id=project.pk, interface="boxes").order_by("-id").first()
    labels = batch.spec.get("labels", []) if batch else []
    if labels:
        return [{"name": str(one["name"]), "colour": str(one.get("colour", ""))} for one in labels]
    names = project.classes.filter(retired_at=None).values_list("name", flat=True)
    return [{"name": name, "colour": ""} for name in names]


# --- deciding ---------------------------------------------------------------------------------------------------------
def record(*, project: Project, user: User, decisions: Sequence[Decided], now: datetime) -> Saved:
    """Store decisions one by one; a refused one does not hold up the others, a repeated key is stored once."""
    result = Saved()
    for decided in decisions[:MOST_DECISIONS]:
        try:
            _record_one(project=project, user=user, decided=decided, now=now)
        except CrowdError as error:
            result.refused.append(Refusal(decided.key, str(error)))
        else:
            result.saved.append(decided.key)
    return result


@transaction.atomic
def _record_one(*, project: Project, user: User, decided: Decided, now: datetime) -> None:
    asset = _lock(project, decided.asset)
    earlier = Review.objects.filter(key=decided.key).first()
    if earlier is not None:
        if earlier.by_id != user.pk or earlier.asset_id != asset.pk:
            raise Refused("This key belongs to another decision; make a new one.")
        return
    if decided.verdict == Verdict.UNDO:
        _undo(asset, user, decided, now)
    else:
        _check_turn(asset, user, now)
        _apply(asset, user, decided, now)
    ReviewLease.objects.filter(asset=asset, user=user).delete()
    versions.bump(project_id=project.pk)


def _lock(project: Project, public_id: UUID) -> Asset:
    asset = (
        Asset.objects.select_for_update(of=("self",))
        .select_related("stage", "project")
        .filter(project=project, public_id=public_id)
        .first()
    )
    if asset is None:
        raise Refused("This image is not in this project.")
    return asset


def _check_turn(asset: Asset, user: User, now: datetime) -> None:
    if asset.stage.kind != "review" or asset.state not in OPEN_STATES:
        raise Refused(f"This image is no longer at review: it is {asset.get_state_display()} ({asset.stage.title}).")
    held = ReviewLease.objects.filter(asset=asset, until__gt=now).exclude(user=user).select_related("user").first()
    if held is not None:
        raise Refused(f"{held.user.name} is looking at this image until {held.until:%H:%M} UTC.")


def _apply(asset: Asset, user: User, decided: Decided, now: datetime) -> None:
    """Do what the verdict says and append it, in this order: a refusal must leave nothing behind."""
    actions = {
        Verdict.ACCEPT: _accept,
        Verdict.REJECT: _reject,
        Verdict.FIX: _fix,
        Verdict.SEND_BACK: _ask_again,
        Verdict.ONE_MORE: _ask_again,
        Verdict.HOLD: _hold,
    }
    action = actions.get(Verdict(decided.verdict)) if decided.verdict in Verdict.values else None
    if action is None:
        raise Refused(f"{decided.verdict!r} is no verdict; known are {', '.join(actions)} and undo.")
    seen = current_consensus(asset)
    action(asset, user, decided, now)
    _append(asset, user, decided, now, consensus=seen)


def _append(
    asset: Asset,
    user: User,
    decided: Decided,
    now: datetime,
    *,
    consensus: Consensus | None = None,
    undoes: Review | None = None,
) -> Review:
    return Review.objects.create(
        project_id=asset.project_id,
        key=decided.key,
        asset=asset,
        consensus=consensus,
        by=user,
        verdict=decided.verdict,
        reason=decided.reason,
        boxes=None if decided.boxes is None else [dict(box) for box in decided.boxes],
        undoes=undoes,
        duration_ms=None if decided.ms is None else min(max(decided.ms, 0), 86_400_000),
        created_at=now,
    )


def current_consensus(asset: Asset) -> Consensus | None:
    """Return the consensus of the latest stage that has one."""
    return Consensus.objects.filter(asset=asset, is_current=True).order_by("-stage__position", "-id").first()


def _accept(asset: Asset, user: User, decided: Decided, now: datetime) -> None:
    _decide(asset, user, decided, Decision.Verdict.PASSED, now)


def _reject(asset: Asset, user: User, decided: Decided, now: datetime) -> None:
    if decided.reason not in REASONS:
        raise Refused(f"{decided.reason!r} is no reason to reject; known are {', '.join(REASONS)}.")
    _decide(asset, user, decided, Decision.Verdict.DROPPED, now, reason=decided.reason)


def _hold(asset: Asset, user: User, decided: Decided, now: datetime) -> None:
    if asset.state != Asset.State.HELD:
        _decide(asset, user, decided, Decision.Verdict.HELD, now)


def _fix(asset: Asset, user: User, decided: Decided, now: datetime) -> None:
    boxes = check_boxes(decided.boxes, {label["name"] for label in known_labels(asset.project)})
    _new_version(asset, boxes, user, now)
    _decide(asset, user, decided, Decision.Verdict.PASSED, now, reason="fixed")


def _ask_again(asset: Asset, user: User, decided: Decided, now: datetime) -> None:
    """Ask the crowd for one more answer: back at its stage, the image's task gets room for one."""
    task = crowd_task(asset)
    if task is None:
        raise Refused("No crowd task made this result, so it cannot be sent back.")
    asked = Review.objects.filter(asset=asset, verdict__in=ASKING, undone_by=None).count()
    if asked >= MOST_ASKED:
        raise Refused(f"{MOST_ASKED} more answers were asked for already. Accept, fix or reject this image.")
    stage = Stage.objects.get(pk=task.batch.stage_id)
    _decide(asset, user, decided, Decision.Verdict.RETURNED, now, reason=decided.verdict, to_stage=stage)


def _decide(
    asset: Asset,
    user: User,
    decided: Decided,
    verdict: str,
    now: datetime,
    *,
    reason: str = "",
    to_stage: Stage | None = None,
) -> None:
    assets.decide(
        asset=asset,
        verdict=verdict,
        reason=reason,
        by_kind=Decision.By.REVIEWER,
        by_id=user.pk,
        evidence={"review": str(decided.key)},
        to_stage=to_stage,
        now=now,
    )


def review_stage(asset: Asset) -> Stage:
    return Stage.objects.filter(project_id=asset.project_id, kind="review").order_by("-position").first() or asset.stage


def crowd_task(asset: Asset) -> Task | None:
    """Return the real task of the latest crowd stage before review in which this image was answered."""
    stages = Stage.objects.filter(project_id=asset.project_id, position__lt=review_stage(asset).position)
    order = list(stages.order_by("position").values_list("pk", flat=True))
    tasks = Task.objects.select_for_update(of=("self",)).select_related("batch")
    found = tasks.filter(item_id=asset.pk, overlap__isnull=False, cancelled=False, batch__stage_id__in=order)
    return max(found, key=lambda task: (order.index(task.batch.stage_id), task.pk), default=None)


# --- fixed boxes ------------------------------------------------------------------------------------------------------
def check_boxes(boxes: Sequence[Mapping[str, Any]] | None, labels: set[str]) -> list[dict[str, Any]]:
    """Return boxes in fractions of the image, cut at its edge; Refused names the first one that is wrong."""
    if not isinstance(boxes, list | tuple):
        raise Refused("A fix needs its boxes; send an empty list when there is nothing to box.")
    return [_checked(number, box, labels) for number, box in enumerate(boxes, start=1)]


def _checked(number: int, box: Mapping[str, Any], labels: set[str]) -> dict[str, Any]:
    if not isinstance(box, Mapping) or box.get("label") not in labels:
        raise Refused(f"Box {number} needs one of the labels {', '.join(sorted(labels))}.")
    sides = [box.get(side) for side in ("x", "y", "w", "h")]
    if not all(isinstance(side, int | float) and math.isfinite(side) for side in sides):
        raise Refused(f"Box {number} needs the numbers x, y, w and h.")
    x, y, w, h = (float(side) for side in sides if side is not None)
    slack = 1e-6
    if w <= 0 or h <= 0 or x < -slack or y < -slack or x + w > 1 + slack or y + h > 1 + slack:
        raise Refused(f"Box {number} must lie inside the image and have a size (fractions from 0 to 1).")
    left, top = max(0.0, x), max(0.0, y)
    return {"label": box["label"], "x": left, "y": top, "w": min(w, 1 - left), "h": min(h, 1 - top)}


def _new_version(asset: Asset, boxes: Sequence[Mapping[str, Any]], user: User, now: datetime) -> Consensus:
    """Add the person's boxes as the current version; the version before stays and can come back."""
    before = current_consensus(asset)
    stage = before.stage if before else asset.stage
    last = Consensus.objects.filter(asset=asset, stage=stage).aggregate(n=Max("version"))["n"] or 0
    Consensus.objects.filter(asset=asset, stage=stage, is_current=True).update(is_current=False)
    row = Consensus.objects.create(
        project_id=asset.project_id,
        asset=asset,
        stage=stage,
        version=last + 1,
        method="person",
        settings={"instead_of": before.version} if before else {},
        status=before.status if before else Consensus.Status.HARD,
        label=before.label if before else "",
        confidence=1.0,
        n_answers=1,
        used=[],
        trace=[f"{user.name} fixed the boxes: {len(boxes)} in the end."],
        created_at=now,
    )
    ConsensusBox.objects.bulk_create(
        [ConsensusBox(consensus=row, seq=seq, confidence=1.0, support=[], **box) for seq, box in enumerate(boxes)]
    )
    return row


# --- taking back ------------------------------------------------------------------------------------------------------
def _undo(asset: Asset, user: User, decided: Decided, now: datetime) -> None:
    """Add an undo that points at an own earlier decision and bring the image back to review."""
    earlier = _undoable(asset, user, decided)
    _take_back(asset, earlier)
    stage = review_stage(asset)
    _decide(asset, user, decided, Decision.Verdict.RETURNED, now, reason="undo", to_stage=stage)
    _decide(asset, user, decided, Decision.Verdict.HELD, now, reason="undo")
    _append(asset, user, decided, now, undoes=earlier)


def _undoable(asset: Asset, user: User, decided: Decided) -> Review:
    own = Review.objects.filter(asset=asset, by=user).exclude(verdict=Verdict.UNDO)
    earlier = own.filter(key=decided.undoes).first() if decided.undoes else None
    if earlier is None:
        raise Refused("There is no decision of yours to undo here.")
    if Review.objects.filter(undoes=earlier).exists():
        raise Refused("This decision was undone already.")
    later = Q(pk__gt=earlier.pk) & ~Q(verdict=Verdict.UNDO) & Q(undone_by=None)
    if Review.objects.filter(later, asset=asset).exists():
        raise Refused("A later decision about this image stands; undo that one first.")
    frozen = asset.dataset_items.filter(dataset__frozen_at__isnull=False).select_related("dataset").first()
    if frozen is not None:
        raise Refused(f"This image is frozen in data set version {frozen.dataset}; it cannot go back to review.")
    return earlier


def _take_back(asset: Asset, earlier: Review) -> None:
    """Undo what the verdict did besides moving the image."""
    if earlier.verdict == Verdict.FIX:
        Consensus.objects.filter(asset=asset, is_current=True, method="person").update(is_current=False)
        if earlier.consensus_id is not None:
            Consensus.objects.filter(pk=earlier.consensus_id).update(is_current=True)
    elif earlier.verdict in ASKING and asset.state == Asset.State.WORKING:
        task = crowd_task(asset)
        if task is not None and task.overlap and task.issued < task.overlap:
            task.overlap -= 1  # nobody has begun the answer that was asked for
            task.save(update_fields=["overlap"])
            mark_changed([task.pk])
