"""What the levels of dishonesty are called in a project, how grave they are, and what follows; a reviewer's flag."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from crowd import honesty
from crowd.errors import CrowdError
from crowd.honesty import Policy
from crowd.models import Evidence, Task
from crowd.services import dishonesty, tasks
from curation.models import Asset, Decision, HonestyTerms, Project, User
from curation.services import assets, events, submissions, versions
from curation.services.turns import take_turns

FLAG = assets.FLAG
LONGEST_NOTE = 300


def policy_of(project_id: int) -> Policy:
    return policy_as_stored(HonestyTerms.objects.filter(project_id=project_id).values_list("terms", flat=True).first())


def policy_as_stored(terms: Mapping[str, Any] | None) -> Policy:
    """Return the policy from a row of HonestyTerms, or the usual one."""
    return honesty.policy_from(terms) if terms else Policy()


@transaction.atomic
def save_policy(*, project: Project, policy: Policy, by: User, now: datetime) -> Policy:
    """Let these levels hold from now on; bans that were made stay. Raises CrowdError naming a value that is wrong."""
    new = honesty.checked(policy)
    take_turns(project=project, what="levels")
    old = policy_of(project.pk)
    if new == old:
        return new
    HonestyTerms.objects.update_or_create(project=project, defaults={"terms": new.as_json(), "updated_at": now})
    text = f"{by.name} changed the levels of dishonesty."
    data = {"before": old.as_json(), "after": new.as_json()}
    events.record(kind="levels.changed", text=text, project=project, by=by, data=data, now=now)
    versions.bump(project_id=project.pk)
    return new


def record(
    *, asset: Asset, level: int, kind: str, other: Asset | None, details: dict[str, Any], now: datetime
) -> Evidence | None:
    """Keep evidence against whoever sent a picture; what the level asks for follows. A frame accuses nobody.

    What is held counts only when a person has confirmed it.
    """
    if asset.worker_id is None or asset.parent_id is not None:
        return None
    return dishonesty.record_evidence(
        worker_id=asset.worker_id,
        project_id=asset.project_id,
        level=level,
        kind=kind,
        item_id=asset.pk,
        other_item_id=other.pk if other else None,
        details=details,
        now=now,
        batch_id=batch_of(asset),
        policy=policy_of(asset.project_id),
        awaits_person=asset.state == Asset.State.HELD,
    )


def batch_of(asset: Asset) -> int | None:
    """Return the batch a picture came in, if any."""
    return asset.answer.assignment.batch_id if asset.answer else None


@transaction.atomic
def flag(*, asset_id: int, by: User, note: str, now: datetime) -> Evidence | None:
    """A person says that a picture is generated or swapped: it is dropped, unpaid if that is still open."""
    sender = Asset.objects.values_list("worker_id", flat=True).get(pk=asset_id)
    if sender is not None:
        dishonesty.lock(sender)
    assets.lock_purse(asset_id)
    asset = assets.locked(asset_id)
    if asset.worker_id is None or asset.parent_id is not None:
        raise CrowdError("Nobody of the crowd has sent this picture, so there is nobody to report.")
    if asset.state == Asset.State.DROPPED:
        raise CrowdError("This picture is dropped already.")
    if not note.strip():
        raise CrowdError("Say what shows it: the note is kept with the evidence.")
    details = {"note": note.strip()[:LONGEST_NOTE], "by": by.name}
    if asset.state == Asset.State.WORKING:
        _withdraw_places(asset)
    assets.decide(
        asset=asset,
        verdict=Decision.Verdict.DROPPED,
        reason=FLAG,
        evidence=details,
        by_kind=Decision.By.PERSON,
        by_id=by.pk,
        now=now,
    )
    submissions.reject(asset=asset, reason=FLAG, now=now)
    evidence = record(asset=asset, level=Evidence.Level.SYNTHETIC, kind=FLAG, other=None, details=details, now=now)
    text = f"{by.name} reported a picture as generated or swapped."
    events.record(kind="evidence.flagged", text=text, project=asset.project, subject=asset, by=by, now=now)
    return evidence


def _withdraw_places(asset: Asset) -> None:
    """Offer the picture to nobody else; should it come back, the stage that offers it asks for as many answers."""
    offered = Task.objects.filter(batch__stage_id=asset.stage_id, item_id=asset.pk, issued__lt=F("overlap"))
    ids = list(offered.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    Task.objects.filter(pk__in=ids).update(overlap=F("overlap") - 1, cancelled=True)
    tasks.mark_changed(ids)
