"""Control images: one whose right answer is known, now and then among the others. Nothing follows for the image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from curation.models import Asset, Decision, Project, Review, ReviewControl, User
from curation.services.quality_facts.comparing import Labelled, compare
from curation.services.reviews.fixing import check_boxes, known_labels
from curation.services.reviews.queue import at_review
from curation.services.reviews.values import REASONS, Decided, Refused
from curation.services.reviews.verdicts import ASKING, JUDGING, boxes_of

CONTROL_EVERY = 50
FORGOTTEN_AFTER = timedelta(minutes=30)
LEFT_AFTER = timedelta(days=1)
MOST_TRUTHS = 2_000
Verdict = Review.Verdict


@dataclass(frozen=True, slots=True)
class AsSeen:
    """How an image looked when somebody decided about it: which result stood, and why it was held."""

    consensus_id: int | None
    reason: str


def with_control(
    images: Sequence[Asset], *, project: Project, user: User, now: datetime, label_class: str = ""
) -> tuple[list[Asset], dict[int, AsSeen]]:
    """Put the control that is due in its place among these images; drawn now if none waits for an answer yet.

    Among images of one class it is of that class; one of another class that waits there since a day is given up.
    """
    every = _every(project)
    place = max(0, every - 1 - _decided_since_the_last(project, user))
    if not every or place >= len(images):
        return list(images), {}
    control = _waiting(project, user)
    if control and _is_of_another(control, label_class) and control.shown_at < now - LEFT_AFTER:
        ReviewControl.objects.filter(pk=control.pk, answered_at=None).delete()
        control = None
    control = control or _draw(project, user, now, label_class)
    if control is None or _is_of_another(control, label_class):
        return list(images), {}
    seen = AsSeen(control.truth.consensus_id, _held_because(control.truth))
    return [*images[:place], control.asset, *images[place:]], {control.asset_id: seen}


def _is_of_another(control: ReviewControl, label_class: str) -> bool:
    label = control.asset.label_class
    return bool(label_class) and (label is None or label.name != label_class)


def _every(project: Project) -> int:
    stage = project.stages.filter(kind="review").order_by("-position").first()
    return int(stage.settings.get("control_every", CONTROL_EVERY)) if stage else 0


def _decided_since_the_last(project: Project, user: User) -> int:
    last = ReviewControl.objects.filter(project_id=project.pk, user=user).exclude(answered_at=None)
    own = Review.objects.filter(project_id=project.pk, by=user, undone_by=None)
    own = own.exclude(verdict__in=[Verdict.UNDO, Verdict.HOLD])
    answered_at = last.order_by("-answered_at").values_list("answered_at", flat=True).first()
    return (own if answered_at is None else own.filter(created_at__gt=answered_at)).count()


def _waiting(project: Project, user: User) -> ReviewControl | None:
    """Return the control that waits for an answer; one whose image is at review again is forgotten."""
    rows = ReviewControl.objects.filter(project_id=project.pk, user=user, answered_at=None)
    control = rows.select_related("asset__stage", "asset__label_class", "truth").first()
    if control is not None and _is_at_review(control.asset):
        rows.delete()
        return None
    return control


def _is_at_review(asset: Asset) -> bool:
    return asset.stage.kind == "review" and asset.state == Asset.State.HELD


def _draw(project: Project, user: User, now: datetime, label_class: str = "") -> ReviewControl | None:
    """Draw an image with a verdict that stands; half of them, where there are such, had something wrong."""
    chance = Random(f"{project.pk} {user.pk} {now.isoformat()}")  # noqa: S311
    truths = _truths(project, user, now)
    truths = truths.filter(asset__label_class__name=label_class) if label_class else truths
    rows = list(truths.values_list("pk", "verdict")[:MOST_TRUTHS])
    right = [pk for pk, verdict in rows if verdict == Verdict.ACCEPT]
    wrong = [pk for pk, verdict in rows if verdict != Verdict.ACCEPT]
    if not rows:
        return None
    truth = Review.objects.get(pk=chance.choice(chance.choice([part for part in (right, wrong) if part])))
    # Two requests at once draw one control: whoever comes second gets that of the first.
    control, _ = ReviewControl.objects.get_or_create(
        project_id=project.pk,
        user=user,
        answered_at=None,
        defaults={"asset_id": truth.asset_id, "truth": truth, "shown_at": now},
    )
    return control


def _truths(project: Project, user: User, now: datetime) -> QuerySet[Review]:
    later = Review.objects.filter(asset=OuterRef("asset"), pk__gt=OuterRef("pk"), undone_by=None)
    shown = ReviewControl.objects.filter(asset=OuterRef("asset"), user=user)
    rows = Review.objects.filter(project_id=project.pk, verdict__in=JUDGING, undone_by=None, consensus__isnull=False)
    rows = rows.filter(~Exists(later.exclude(verdict=Verdict.UNDO)), ~Exists(shown))
    return rows.filter(created_at__lt=now - FORGOTTEN_AFTER).exclude(asset__in=at_review(project)).order_by("-pk")


def _held_because(truth: Review) -> str:
    held = Decision.objects.filter(asset=truth.asset_id, verdict=Decision.Verdict.HELD, stage__kind="review")
    return held.filter(created_at__lte=truth.created_at).order_by("-pk").values_list("reason", flat=True).first() or ""


def answer_control(asset: Asset, user: User, decided: Decided, now: datetime) -> bool:
    """Take a decision about a control, or its undoing; False when this image is none to this person.

    The row keeps the key of what was said last, so that the same said twice is taken once.
    """
    controls = ReviewControl.objects.select_for_update(of=("self",)).select_related("truth")
    mine = controls.filter(asset=asset, user=user).first()
    if mine is None or mine.key == decided.key:
        return mine is not None
    if decided.verdict == Verdict.UNDO:
        return _reopened(mine, decided)
    if mine.answered_at is not None:
        return False
    if _is_at_review(asset):
        mine.delete()
        return False
    mine.key, mine.verdict, mine.answered_at = decided.key, decided.verdict, now
    mine.duration_ms = None if decided.ms is None else min(max(decided.ms, 0), 86_400_000)
    mine.is_right = _is_right(mine.truth, asset, decided)
    mine.save()
    return True


def _reopened(control: ReviewControl, undo: Decided) -> bool:
    if control.answered_at is None or control.key != undo.undoes:
        return False
    ReviewControl.objects.filter(project_id=control.project_id, user=control.user_id, answered_at=None).delete()
    ReviewControl.objects.filter(pk=control.pk).update(
        key=undo.key, verdict="", is_right=None, duration_ms=None, answered_at=None
    )
    return True


def _is_right(truth: Review, asset: Asset, decided: Decided) -> bool | None:
    if decided.verdict == Verdict.HOLD:
        return _is_faulty(truth, _boxes_seen(truth)) if decided.in_grid else None
    if decided.verdict not in Verdict.values:
        raise Refused(f"{decided.verdict!r} is no verdict; known are {', '.join(Verdict.values)}.")
    if decided.verdict == Verdict.REJECT and decided.reason not in REASONS:
        raise Refused(f"{decided.reason!r} is no reason to reject; known are {', '.join(REASONS)}.")
    fixed: Sequence[Mapping[str, Any]] = ()
    if decided.verdict == Verdict.FIX:
        fixed = check_boxes(decided.boxes, {label["name"] for label in known_labels(asset.project)})
    return agrees(truth.verdict, seen=_boxes_seen(truth), right=truth.boxes or (), verdict=decided.verdict, fixed=fixed)


def _boxes_seen(truth: Review) -> Sequence[Mapping[str, Any]]:
    return boxes_of([truth.consensus_id]).get(truth.consensus_id, []) if truth.consensus_id else []


def _is_faulty(truth: Review, seen: Sequence[Mapping[str, Any]]) -> bool:
    return not agrees(truth.verdict, seen=seen, right=truth.boxes or (), verdict=Verdict.ACCEPT, fixed=())


def agrees(
    truth: str,
    *,
    seen: Sequence[Mapping[str, Any]],
    right: Sequence[Mapping[str, Any]],
    verdict: str,
    fixed: Sequence[Mapping[str, Any]],
) -> bool:
    """Whether a verdict says the same as the true one: nothing is wrong, or something is.

    Edges that were moved and nothing else are no fault. Boxes fixed must be those of the true fix, if it was one.
    """
    faulty = truth == Verdict.REJECT or (truth == Verdict.FIX and not _same(seen, right))
    if not faulty:
        return verdict == Verdict.ACCEPT or (verdict == Verdict.FIX and _same(seen, fixed))
    if verdict == Verdict.FIX:
        return _same(fixed, right) if truth == Verdict.FIX else not _same(seen, fixed)
    return verdict in {Verdict.REJECT, *ASKING}


def _same(some: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> bool:
    return compare([_labelled(box) for box in some], [_labelled(box) for box in others]).is_right


def _labelled(box: Mapping[str, Any]) -> Labelled:
    return (box["x"], box["y"], box["x"] + box["w"], box["y"] + box["h"]), box["label"]
