"""The frames of one video as candidates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from curation.preprocessing.limits import Unreadable
from curation.preprocessing.video import Frame
from curation.preprocessing.video_child import Order, reading
from curation.preprocessing.video_wish import ANY, VideoWish

from .found import Found, Refused, in_memory

EVERY = 10


def read_video(path: Path, name: str, *, every: int = EVERY, wish: VideoWish = ANY) -> Iterator[Found | Refused]:
    """Yield every n-th frame; a video that is not as wished, or cannot be read on, is one refusal."""
    try:
        with reading(path, Order(every)) as video:
            wish.require(video.info)
            for frame in video.frames:
                yield found_frame(path, name, frame)
    except Unreadable as refusal:
        yield Refused(name, refusal.reason_code, refusal.sentence)


def found_frame(path: Path, name: str, frame: Frame) -> Found:
    """Name a frame after its video and its place in it."""
    frame_name = str(PurePosixPath(name).with_suffix("") / f"{frame.index:06d}.jpg")
    milliseconds = round(frame.time_seconds * 1000)
    return Found(frame_name, in_memory(frame.jpeg), name, frame.index, milliseconds, video=path)
