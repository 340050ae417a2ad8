"""Deciding: each decision is stored once, in the order it was made, or refused with a sentence."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from crowd.errors import CrowdError
from curation.models import Asset, Decision, Project, Review, ReviewLease, Stage, User
from curation.services import versions
from curation.services.consensus import refitting
from curation.services.reviews.controls import answer_control
from curation.services.reviews.fixing import check_boxes, known_labels, new_version
from curation.services.reviews.places import crowd_task, current_consensus
from curation.services.reviews.queue import take_leases
from curation.services.reviews.undoing import undo
from curation.services.reviews.values import REASONS, Decided, Refusal, Refused, Saved, Stale
from curation.services.reviews.verdicts import ASKING, JUDGING
from curation.services.reviews.writing import append, decide

MOST_DECISIONS = 200
MOST_ASKED = 3
OPEN_STATES = (Asset.State.WAITING, Asset.State.HELD)
Verdict = Review.Verdict


def record(*, project: Project, user: User, decisions: Sequence[Decided], now: datetime) -> Saved:
    """Store decisions one by one; a refused one does not hold up the others, a repeated key is stored once."""
    result = Saved()
    for decided in decisions[:MOST_DECISIONS]:
        try:
            _record_one(project=project, user=user, decided=decided, now=now)
        except CrowdError as error:
            result.refused.append(Refusal(decided.key, str(error), isinstance(error, Stale)))
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
    if answer_control(asset, user, decided, now):
        return
    if decided.verdict == Verdict.UNDO:
        undo(asset, user, decided, now)
        take_leases([asset.pk], user=user, now=now)  # the image is in front of this person again
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
    if decided.seen is not None and decided.seen != (seen.pk if seen else 0):
        raise Stale("The boxes of this image have changed since they were shown; look at it again.")
    if decided.verdict == Verdict.FIX:
        boxes = check_boxes(decided.boxes, {label["name"] for label in known_labels(asset.project)})
        decided = replace(decided, boxes=boxes)
    action(asset, user, decided, now)
    append(asset, user, decided, now, consensus=seen)
    if seen is not None and decided.verdict in JUDGING:
        refitting.after_verdict(seen, now)


def _accept(asset: Asset, user: User, decided: Decided, now: datetime) -> None:
    decide(asset, user, decided, Decision.Verdict.PASSED, now)


def _reject(asset: Asset, user: User, decided: Decided, now: datetime) -> None:
    if decided.reason not in REASONS:
        raise Refused(f"{decided.reason!r} is no reason to reject; known are {', '.join(REASONS)}.")
    decide(asset, user, decided, Decision.Verdict.DROPPED, now, reason=decided.reason)


def _hold(asset: Asset, user: User, decided: Decided, now: datetime) -> None:
    if asset.state != Asset.State.HELD:
        decide(asset, user, decided, Decision.Verdict.HELD, now)


def _fix(asset: Asset, user: User, decided: Decided, now: datetime) -> None:
    new_version(asset, decided.boxes or (), user, now)
    decide(asset, user, decided, Decision.Verdict.PASSED, now, reason="fixed")


def _ask_again(asset: Asset, user: User, decided: Decided, now: datetime) -> None:
    """Ask the crowd for one more answer: back at its stage, the image's task gets room for one."""
    task = crowd_task(asset)
    if task is None:
        raise Refused("No crowd task made this result, so it cannot be sent back.")
    asked = Review.objects.filter(asset=asset, verdict__in=ASKING, undone_by=None).count()
    if asked >= MOST_ASKED:
        raise Refused(f"{MOST_ASKED} more answers were asked for already. Accept, fix or reject this image.")
    stage = Stage.objects.get(pk=task.batch.stage_id)
    decide(asset, user, decided, Decision.Verdict.RETURNED, now, reason=decided.verdict, to_stage=stage)
