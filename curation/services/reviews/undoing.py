"""Taking a decision back: an undo is added that points at it, and the image returns to review."""

from datetime import datetime

from django.db.models import Q

from crowd.services.tasks import mark_changed
from curation.models import Asset, Consensus, Decision, Review, User
from curation.services.consensus.undone import follow_run
from curation.services.reviews.places import crowd_task, review_stage
from curation.services.reviews.values import Decided, Refused
from curation.services.reviews.verdicts import ASKING
from curation.services.reviews.writing import append, decide

Verdict = Review.Verdict


def undo(asset: Asset, user: User, decided: Decided, now: datetime) -> None:
    """Add an undo that points at an own earlier decision and bring the image back to review."""
    earlier = _undoable(asset, user, decided)
    _take_back(asset, earlier)
    stage = review_stage(asset)
    decide(asset, user, decided, Decision.Verdict.RETURNED, now, reason="undo", to_stage=stage)
    decide(asset, user, decided, Decision.Verdict.HELD, now, reason="undo")
    append(asset, user, decided, now, undoes=earlier)
    follow_run(asset=asset, now=now)


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
    frozen = asset.dataset_items.select_related("dataset").first()  # also of one that is being frozen
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
