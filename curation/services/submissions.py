"""Postponed acceptance: a sent photo is paid when a stage accepts it, and rejected with a reason when one drops it."""

from datetime import datetime

from crowd.models import Assignment
from crowd.services import judging
from curation.models import Asset
from curation.services.assets import SENTENCES


def accept(*, asset: Asset, now: datetime) -> None:
    """Pay the submission this asset came with, once; imported assets have none."""
    if asset.answer is not None:
        judging.accept(assignment_id=asset.answer.assignment_id, now=now)


def reject(*, asset: Asset, reason: str, now: datetime) -> None:
    """Reject the submission with a sentence for its worker; what was accepted before stays accepted."""
    if asset.answer is None:
        return
    page = Assignment.objects.get(pk=asset.answer.assignment_id)
    if page.state == Assignment.State.SUBMITTED:
        judging.reject(assignment_id=page.pk, reason=SENTENCES.get(reason, reason), now=now)
