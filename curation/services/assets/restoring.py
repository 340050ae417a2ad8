"""A dropped picture comes back: a false alarm costs it nothing."""

from datetime import datetime

from django.db import transaction

from crowd.errors import CrowdError, IllegalTransition
from crowd.services import judging
from curation.models import Asset, Decision, PublishFinding, Stage, User
from curation.services import events
from curation.services.assets.deciding import decide, next_stage
from curation.services.assets.locking import lock_purse, locked
from curation.services.assets.reasons import ERASED, FLAG

JUDGING_KINDS = ("validate",)  # stages that pay or refuse what was sent


@transaction.atomic
def restore(*, asset_id: int, by: User, note: str = "", now: datetime) -> Asset:
    """Bring a dropped asset back to the stage after the one that dropped it: a false alarm costs it nothing.

    What people took out goes back to the stage it was taken from, which has not decided on it yet.

    Its submission is accepted after all where no later stage would say so: what is used is paid.
    """
    lock_purse(asset_id)
    asset = bring_back(asset=locked(asset_id), by=by, note=note, now=now)
    events.record(
        kind="asset.restored", text=f"{by.name} restored an asset.", project=asset.project, subject=asset, by=by
    )
    return asset


@transaction.atomic
def bring_back(*, asset: Asset, by: User, note: str = "", now: datetime) -> Asset:
    """Do what `restore` says with an asset whose lock the caller holds."""
    if asset.state != Asset.State.DROPPED:
        raise IllegalTransition("This asset", asset.state, "restored")
    if asset.reason == ERASED:
        raise CrowdError("Its sender was erased: there is no picture to bring back.")
    if asset.reason in {"unreadable", "video_not_asked"}:
        raise CrowdError("This file cannot be read as a picture, so no later stage could do anything with it.")
    if asset.media == Asset.Media.VIDEO:
        raise CrowdError("A video goes through the stages as its frames; restore those.")
    target = way_back(asset)
    if target is None:
        raise CrowdError("There is no stage after the one that dropped it.")
    decide(
        asset=asset,
        verdict=Decision.Verdict.RESTORED,
        by_kind=Decision.By.PERSON,
        by_id=by.pk,
        evidence={"note": note} if note else None,
        to_stage=target,
        now=now,
    )
    removed = PublishFinding.objects.filter(asset=asset, word=PublishFinding.Word.REMOVED)
    removed.update(word=PublishFinding.Word.KEPT, decided_by=by, decided_at=now)
    if asset.answer is not None and not is_judged_later(asset):
        judging.accept(assignment_id=asset.answer.assignment_id, now=now)
    return asset


def way_back(asset: Asset) -> Stage | None:
    """Return where a dropped picture goes on: after the stage that dropped it, or where people took it out.

    A report and a bulk drop take it from a stage that has not decided on it.
    """
    return asset.stage if asset.reason == FLAG or _was_taken_out(asset) else next_stage(asset.stage)


def _was_taken_out(asset: Asset) -> bool:
    newest = Decision.objects.filter(asset=asset, verdict=Decision.Verdict.DROPPED).order_by("-id").first()
    return newest is not None and not {"bulk_drop", "bulk_change", "filter"}.isdisjoint(newest.evidence)


def is_judged_later(asset: Asset) -> bool:
    """Whether a stage that accepts or rejects submissions is still before this asset."""
    ahead = Stage.objects.filter(project_id=asset.project_id, position__gte=asset.stage.position)
    return ahead.filter(kind__in=JUDGING_KINDS).exists()
