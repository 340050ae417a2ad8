"""Videos that workers have sent: stored as they came, examined, cut into frames that go on in their place."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from shutil import copyfileobj
from tempfile import NamedTemporaryFile

from django.core.files.storage import default_storage
from django.db import transaction

from crowd.models import Evidence
from crowd.services import dishonesty
from curation.intake.found import Found
from curation.intake.video import found_frame
from curation.models import Asset, AssetPreview, Decision, Stage
from curation.preprocessing.contact_sheet import MOST_SHOWN, contact_sheet
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.pool import shared_pool
from curation.preprocessing.video import VideoInfo
from curation.preprocessing.video_child import Order, reading
from curation.preprocessing.video_wish import ANY, REASONS, VideoWish
from curation.services import assets, honesty, previews, submissions
from curation.services.ingest import Incoming, take
from curation.services.sendable import HEADER_ONLY
from curation.stages.base import Done

FRAMES_A_SLICE = 60
LOST = "the stored file is missing"
State = Asset.State


def examine(*, stage: Stage, wish: VideoWish, now: datetime) -> Done:
    """Make the sheet by which the first video that waits is judged, and pass it on whole.

    One that is there already, cannot be read or is not as wished is rejected with the reason.
    """
    video = _first_waiting(stage)
    if video is None:
        return Done(0)
    if _refused_as_copy(video, now):
        return Done(1, more=True)
    try:
        with _local_copy(video) as path:
            info, pictures = _some_frames(path, wish)
        _keep_sheet(video, info, pictures)
    except FileNotFoundError:  # one lost file must not stop the whole stage
        _refuse(video, "unreadable_video", now, sentence=LOST)
    except Unreadable as refusal:
        _refuse_unreadable(video, refusal, now)
    else:
        _decide(video, now, verdict=Decision.Verdict.PASSED)
    return Done(1, more=True)


def _some_frames(path: Path, wish: VideoWish) -> tuple[VideoInfo, list[bytes]]:
    """Return so many frames as a sheet shows, evenly spread over the video."""
    with reading(path, HEADER_ONLY) as header:
        wish.require(header.info)
        every = max(1, header.source_frames // MOST_SHOWN)
    with reading(path, Order(every, most=MOST_SHOWN)) as clip:
        return clip.info, [frame.jpeg for frame in clip.frames]


def _keep_sheet(video: Asset, info: VideoInfo, pictures: list[bytes]) -> None:
    """Store the sheet as the copies that screens show. It has no hash: nothing resembles a sheet."""
    copies = previews.measure(shared_pool().run(contact_sheet, pictures)).copies
    AssetPreview.objects.update_or_create(asset=video, defaults=previews.store_copies(copies))
    Asset.objects.filter(pk=video.pk).update(width=info.width, height=info.height)


def cut(*, stage: Stage, every: int, wish: VideoWish = ANY, now: datetime) -> Done:
    """Cut one slice of frames from the first video that waits; frames that are there already are not made again.

    A video that is not as wished is rejected with the reason.
    """
    video = _first_waiting(stage)
    if video is None:
        return Done(0)
    if _refused_as_copy(video, now):
        return Done(1, more=True)
    try:
        finished = _take_frames(video, every, wish, now)
    except FileNotFoundError:  # one lost file must not stop the whole stage
        _refuse(video, "unreadable_video", now, sentence=LOST)
    except Unreadable as refusal:
        if video.frames.exists():  # it ends early
            _finish(video, now, sentence=refusal.sentence)
        else:
            _refuse_unreadable(video, refusal, now)
    else:
        if finished:
            _finish(video, now)
    return Done(1, more=True)


def _first_waiting(stage: Stage) -> Asset | None:
    waiting = Asset.objects.filter(stage=stage, state=State.WAITING, media=Asset.Media.VIDEO, answer__isnull=False)
    return waiting.select_related("project", "label_class").order_by("id").first()


def _refused_as_copy(video: Asset, now: datetime) -> bool:
    same = _earlier_copy(video)
    if same is not None:
        _refuse(video, "same_file", now, other=same)
    return same is not None


def _refuse_unreadable(video: Asset, refusal: Unreadable, now: datetime) -> None:
    reason = refusal.reason_code if refusal.reason_code in REASONS else "unreadable_video"
    _refuse(video, reason, now, sentence=refusal.sentence)


def _earlier_copy(video: Asset) -> Asset | None:
    earlier = Asset.objects.filter(project_id=video.project_id, sha256=video.sha256, parent=None, pk__lt=video.pk)
    return earlier.order_by("id").first()


def _take_frames(video: Asset, every: int, wish: VideoWish, now: datetime) -> bool:
    """Return whether no frame is missing any more."""
    target = assets.next_stage(video.stage)
    if target is None:
        raise LookupError(f"There is no stage after {video.stage} that could judge the frames.")
    indices = Asset.objects.filter(parent=video).values_list("frame_index", flat=True)
    known = {index for index in indices if index is not None}
    order = Order(every, there=known, most=FRAMES_A_SLICE)
    with _local_copy(video) as path, reading(path, order) as clip:
        wish.require(clip.info)
        for frame in clip.frames:
            _take_frame(video, target, found_frame(path, video.name or "video", frame), now)
    return clip.missing <= FRAMES_A_SLICE


@contextmanager
def _local_copy(video: Asset) -> Iterator[Path]:
    """Give the stored file where it lies on this machine, else a copy of it. Raises FileNotFoundError."""
    with default_storage.open(video.storage_key, "rb") as file:
        stored = _where(video.storage_key)
        if stored is not None:
            yield stored
            return
        with NamedTemporaryFile(prefix="winnow-video-") as copy:
            copyfileobj(file, copy)
            copy.flush()
            yield Path(copy.name)


def _where(key: str) -> Path | None:
    try:
        return Path(default_storage.path(key))
    except NotImplementedError:  # the store is not on this machine
        return None


def _take_frame(video: Asset, target: Stage, frame: Found, now: datetime) -> None:
    incoming = Incoming(
        name=frame.name,
        data=frame.data(),
        source=video.source,
        parent=video,
        frame_index=frame.frame_index,
        frame_ms=frame.frame_ms,
        label_class=video.label_class,
        worker_id=video.worker_id,
    )
    take(project=video.project, stage=target, incoming=incoming, now=now)


@transaction.atomic
def _decide(
    seen: Asset, now: datetime, *, verdict: str = Decision.Verdict.DROPPED, reason: str = "", **evidence: str
) -> bool:
    """Move the video itself on, or out of the stages; False when somebody else has."""
    video = assets.locked(seen.pk)
    if video.state != State.WAITING or video.stage_id != seen.stage_id:
        return False
    assets.decide(
        asset=video,
        verdict=verdict,
        reason=reason,
        evidence=evidence,
        by_kind=Decision.By.RULE,
        now=now,
    )
    return True


@transaction.atomic
def _finish(video: Asset, now: datetime, **evidence: str) -> None:
    """Let the frames go on alone. Those that came first may have been dropped already, all of them."""
    assets.lock_purse(video.pk)
    if _decide(video, now, reason="cut_into_frames", **evidence):
        submissions.settle_video(video=assets.locked(video.pk), now=now)


@transaction.atomic
def _refuse(video: Asset, reason: str, now: datetime, *, sentence: str = "", other: Asset | None = None) -> None:
    evidence = {"sentence": sentence} if sentence else {}
    evidence |= {"other_asset": str(other.public_id)} if other else {}
    if other is not None and video.worker_id is not None:
        dishonesty.lock(video.worker_id)
    assets.lock_purse(video.pk)
    if not _decide(video, now, reason=reason, **evidence):
        return
    submissions.reject(asset=video, reason=reason, now=now)
    if other is not None:
        accusation = honesty.Accusation(video, Evidence.Level.DUPLICATE, reason, other, evidence)
        honesty.record_all(found=[accusation], now=now)
