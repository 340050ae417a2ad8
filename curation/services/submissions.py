"""Postponed acceptance: what was sent is paid when a stage accepts it, and rejected with a reason when one drops it.

A video is paid with the first of its frames that is accepted, and rejected when none of them is left.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from crowd.models import Assignment
from crowd.services import judging
from curation.models import Asset
from curation.services.assets import SENTENCES, locked

NO_FRAME = "No frame of the video can be used."


def accept(*, asset: Asset, now: datetime) -> None:
    """Pay the submission this asset came with, once; imported assets have none."""
    accept_all(found=[asset], now=now)


def accept_all(*, found: Sequence[Asset], now: datetime) -> None:
    """Pay the submissions that these assets came with."""
    sent = [asset.parent or asset for asset in found]
    pages = {one.answer.assignment_id for one in sent if one.answer is not None}
    if pages:
        judging.accept_all(assignment_ids=sorted(pages), now=now)


def reject(*, asset: Asset, reason: str, now: datetime) -> None:
    """Reject the submission with a sentence for its worker; what was accepted before stays accepted."""
    reject_all(found=[(asset, reason)], now=now)


def reject_all(*, found: Sequence[tuple[Asset, str]], now: datetime) -> None:
    """Reject the submissions of these assets as `reject` does, each for its reason."""
    for asset, _ in found:
        if asset.parent_id is not None:
            settle_video(video=locked(asset.parent_id), now=now)
    _reject([(asset, SENTENCES.get(reason, reason)) for asset, reason in found if asset.parent_id is None], now)


def settle_video(*, video: Asset, now: datetime) -> None:
    """Reject a video none of whose frames is left. The caller holds its lock."""
    reason = _why_all_were_dropped(video)
    if reason:
        _reject([(video, f"{NO_FRAME} {SENTENCES.get(reason, reason)}")], now)


def _reject(found: Sequence[tuple[Asset, str]], now: datetime) -> None:
    first = reversed(found)  # of a page with several the first says why
    reasons = {sent.answer.assignment_id: sentence for sent, sentence in first if sent.answer is not None}
    open_ones = Assignment.objects.filter(pk__in=reasons, state=Assignment.State.SUBMITTED)
    ids = list(open_ones.values_list("pk", flat=True))
    if ids:
        judging.reject_all(reasons={pk: reasons[pk] for pk in ids}, now=now)


def _why_all_were_dropped(video: Asset) -> str:
    """Return the commonest reason; empty while the video is being cut or a frame is still in the stages."""
    frames = list(video.frames.values_list("state", "reason"))
    if video.state != Asset.State.DROPPED or any(state != Asset.State.DROPPED for state, _ in frames):
        return ""
    return Counter(reason for _, reason in frames).most_common(1)[0][0] if frames else ""
