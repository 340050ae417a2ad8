"""A person's word about evidence: it is cheating, or it is not. Both may be said again without effect."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from crowd.errors import CrowdError
from crowd.models import Evidence
from crowd.services import dishonesty
from curation.models import Asset, Decision, User
from curation.services import assets, events, honesty, submissions, versions
from curation.services.consensus import readmitting

LIKENESS, SAME = "same_scene", "same_photo"
State = Asset.State
Verdict = Decision.Verdict


@transaction.atomic
def confirm(*, evidence_id: int, by: User | None, now: datetime) -> Evidence:
    """It is cheating: it counts, a held picture is dropped and its submission rejected, unpaid."""
    _lock(evidence_id)
    evidence = dishonesty.confirm(evidence_id=evidence_id, now=now, **_standing(evidence_id))
    asset = assets.locked(evidence.item_id)
    if asset.state == State.HELD and asset.reason == evidence.kind:
        _decide(asset, Verdict.DROPPED, evidence.kind, by, now)
        submissions.reject(asset=asset, reason=evidence.kind, now=now)
    if by is not None:
        text = f"{by.name} confirmed: {evidence.worker.short_id} cheated ({evidence.kind.replace('_', ' ')})."
        events.record(kind="evidence.confirmed", text=text, project=asset.project, subject=evidence, by=by, now=now)
    versions.bump(project_id=asset.project_id)
    return evidence


@transaction.atomic
def clear(*, evidence_id: int, by: User | None, now: datetime) -> Evidence:
    """It is not cheating: the evidence no longer counts, rule-made bans are lifted, the picture goes on.

    What was rejected because of it is accepted after all and paid, unless a later stage has still to say so.
    """
    _lock(evidence_id)
    evidence = dishonesty.overturn(evidence_id=evidence_id, now=now, **_standing(evidence_id))
    readmitting.ask_in(evidence.project_id)
    asset = assets.locked(evidence.item_id)
    if asset.state == State.HELD and asset.reason == evidence.kind:
        _decide(asset, Verdict.PASSED, "", by, now)
    elif asset.state == State.DROPPED and asset.reason == evidence.kind:
        assets.decide(
            asset=asset,
            verdict=Verdict.RESTORED,
            by_kind=Decision.By.PERSON,
            by_id=by.pk if by else None,
            to_stage=assets.way_back(asset),
            now=now,
        )
        if not assets.is_judged_later(asset):
            submissions.accept(asset=asset, now=now)
    if by is not None:
        text = f"{by.name} decided: {evidence.worker.short_id} did not cheat ({evidence.kind.replace('_', ' ')})."
        events.record(kind="evidence.cleared", text=text, project=asset.project, subject=evidence, by=by, now=now)
    versions.bump(project_id=asset.project_id)
    return evidence


def _lock(evidence_id: int) -> None:
    """Lock the worker, then the budget: everybody does it in this order."""
    worker_id, item_id = Evidence.objects.values_list("worker_id", "item_id").get(pk=evidence_id)
    dishonesty.lock(worker_id)
    assets.lock_purse(item_id)


def _standing(evidence_id: int) -> dict[str, Any]:
    """Return by what the level of an accused worker is found."""
    evidence = Evidence.objects.get(pk=evidence_id)
    asset = Asset.objects.get(pk=evidence.item_id)
    batch_id = honesty.batches_of([asset]).get(asset.answer_id)
    return {"batch_id": batch_id, "policy": honesty.policy_of(evidence.project_id)}


def _decide(asset: Asset, verdict: str, reason: str, by: User | None, now: datetime) -> None:
    assets.decide(
        asset=asset,
        verdict=verdict,
        reason=reason,
        by_kind=Decision.By.PERSON,
        by_id=by.pk if by else None,
        now=now,
    )


@dataclass(frozen=True, slots=True)
class Likeness:
    """A picture that waits because it resembles another, and that other."""

    asset: Asset
    other: UUID | None
    distance: int | None


def likenesses(waiting: Sequence[Asset]) -> list[Likeness]:
    """Return these held pictures with what they resemble, from the decisions that held them."""
    rows = Decision.objects.filter(asset__in=waiting, verdict=Verdict.HELD, reason=LIKENESS).order_by("id")
    evidence = {row.asset_id: row.evidence for row in rows}
    return [_likeness(asset, evidence.get(asset.pk, {})) for asset in waiting]


def _likeness(asset: Asset, evidence: dict[str, Any]) -> Likeness:
    other = evidence.get("other_asset")
    return Likeness(asset, UUID(other) if other else None, evidence.get("distance"))


@transaction.atomic
def decide_likeness(*, asset_id: int, is_same: bool, by: User, now: datetime) -> Asset:
    """A person looked: another photo goes on; the same photo is rejected, and is evidence against who sent it."""
    sender = Asset.objects.values_list("worker_id", flat=True).get(pk=asset_id)
    if sender is not None:
        dishonesty.lock(sender)
    assets.lock_purse(asset_id)
    asset = assets.locked(asset_id)
    if asset.state != State.HELD or asset.reason != LIKENESS:
        raise CrowdError("This picture no longer waits for a person.")
    (likeness,) = likenesses([asset])
    text = f"{by.name}: {'the same' if is_same else 'another'} photo."
    events.record(kind="asset.compared", text=text, project=asset.project, subject=asset, by=by, now=now)
    if not is_same:
        _decide(asset, Verdict.PASSED, "", by, now)
        return asset
    mine = Asset.objects.filter(project_id=asset.project_id)
    other = mine.filter(public_id=likeness.other).first() if likeness.other else None
    details = {"other_asset": str(likeness.other), "distance": likeness.distance, "by": by.name}
    _decide(asset, Verdict.DROPPED, SAME, by, now)
    submissions.reject(asset=asset, reason=SAME, now=now)
    accusation = honesty.Accusation(asset, Evidence.Level.DUPLICATE, SAME, other, details)
    honesty.record_all(found=[accusation], now=now)
    return asset
