"""A person's word about evidence: it is cheating, or it is not. Both may be said again without effect."""

from datetime import datetime

from django.db import transaction

from crowd.models import Evidence
from crowd.services import trust
from curation.models import Asset, Decision, User
from curation.services import assets, events, submissions, versions
from curation.services.consensus import readmitting

State = Asset.State
Verdict = Decision.Verdict


@transaction.atomic
def confirm(*, evidence_id: int, by: User | None, now: datetime) -> Evidence:
    """It is cheating: a held picture is dropped and its submission rejected, unpaid."""
    evidence = Evidence.objects.select_for_update().get(pk=evidence_id)
    asset = assets.locked(evidence.item_id)
    if asset.state == State.HELD and asset.reason == evidence.kind:
        _decide(asset, Verdict.DROPPED, evidence.kind, by, now)
        submissions.reject(asset=asset, reason=evidence.kind, now=now)
    versions.bump(project_id=asset.project_id)
    return evidence


@transaction.atomic
def clear(*, evidence_id: int, by: User | None, now: datetime) -> Evidence:
    """It is not cheating: the evidence no longer counts, rule-made bans are lifted, the picture goes on.

    What was rejected because of it is accepted after all and paid, unless a later stage has still to say so.
    """
    evidence = trust.overturn(evidence_id=evidence_id, now=now)
    readmitting.ask_in(evidence.project_id)
    asset = assets.locked(evidence.item_id)
    if asset.state == State.HELD and asset.reason == evidence.kind:
        _decide(asset, Verdict.PASSED, "", by, now)
    elif asset.state == State.DROPPED and asset.reason == evidence.kind:
        following = assets.next_stage(asset.stage)
        assets.decide(
            asset=asset,
            verdict=Verdict.RESTORED,
            by_kind=Decision.By.PERSON,
            by_id=by.pk if by else None,
            to_stage=following,
            now=now,
        )
        if not assets.is_judged_later(asset):
            submissions.accept(asset=asset, now=now)
    if by is not None:
        text = f"{by.name}: not cheating."
        events.record(kind="evidence.cleared", text=text, project=asset.project, subject=evidence, by=by, now=now)
    versions.bump(project_id=asset.project_id)
    return evidence


def _decide(asset: Asset, verdict: str, reason: str, by: User | None, now: datetime) -> None:
    assets.decide(
        asset=asset,
        verdict=verdict,
        reason=reason,
        by_kind=Decision.By.PERSON,
        by_id=by.pk if by else None,
        now=now,
    )
