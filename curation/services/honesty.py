"""What the levels of dishonesty are called in a project, how grave they are, and what follows; a reviewer's flag."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from crowd import honesty
from crowd.errors import CrowdError
from crowd.honesty import Policy
from crowd.models import Answer, Evidence, Task
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


@dataclass(frozen=True, slots=True)
class Accusation:
    """What a picture says against whoever sent it; `other` is the one it repeats, if any."""

    asset: Asset
    level: int
    kind: str
    other: Asset | None
    details: Mapping[str, Any]


def record_all(*, found: Sequence[Accusation], now: datetime) -> list[Evidence]:
    """Keep evidence against whoever sent these pictures of one project; what the levels ask for follows.

    A frame accuses nobody. What is held counts only when a person has confirmed it.
    """
    against = [one for one in found if one.asset.worker_id is not None and one.asset.parent_id is None]
    if not against:
        return []
    came_in = batches_of([one.asset for one in against])
    hits = [
        dishonesty.Hit(
            worker_id=one.asset.worker_id or 0,
            level=one.level,
            kind=one.kind,
            item_id=one.asset.pk,
            other_item_id=one.other.pk if one.other else None,
            details=one.details,
            batch_id=came_in.get(one.asset.answer_id),
            awaits_person=one.asset.state == Asset.State.HELD,
        )
        for one in against
    ]
    (project_id,) = {one.asset.project_id for one in against}
    return dishonesty.record_all(project_id=project_id, hits=hits, now=now, policy=policy_of(project_id))


def batches_of(sent: Iterable[Asset]) -> dict[int | None, int]:
    """Return the batches that pictures came in, by the answers they were."""
    answers = Answer.objects.filter(pk__in=[asset.answer_id for asset in sent if asset.answer_id])
    return dict(answers.values_list("pk", "assignment__batch_id"))


@transaction.atomic
def flag(*, asset_id: int, by: User, note: str, now: datetime) -> Evidence:
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
    accusation = Accusation(asset, Evidence.Level.SYNTHETIC, FLAG, None, details)
    (evidence,) = record_all(found=[accusation], now=now)
    text = f"{by.name} reported a picture as generated or swapped."
    events.record(kind="evidence.flagged", text=text, project=asset.project, subject=asset, by=by, now=now)
    return evidence


def _withdraw_places(asset: Asset) -> None:
    """Offer the picture to nobody else; should it come back, the stage that offers it asks for as many answers."""
    offered = Task.objects.filter(batch__stage_id=asset.stage_id, item_id=asset.pk, issued__lt=F("overlap"))
    ids = list(offered.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    Task.objects.filter(pk__in=ids).update(overlap=F("overlap") - 1, cancelled=True)
    tasks.mark_changed(ids)
