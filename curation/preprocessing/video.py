"""Frames of a video, chosen by time stamp, upright, as JPEG; nothing but matroska/webm and mp4/mov is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from . import quality
from .limits import MEGABYTE, VIDEO_LIMITS, Unreadable, VideoLimits
from .pixels import Grey
from .video_pictures import TURNS, as_jpeg, half_luma, thumb

STILL_LEVELS = 4.0
USUAL_RATE = 30.0
ENDS_EARLY_SECONDS, ENDS_EARLY_SHARE = 1.0, 0.05
_EBML = b"\x1a\x45\xdf\xa3"
_SKIPPABLE = frozenset({"h264"})
"""Codecs whose decoder leaves out pictures that nothing refers to without changing the others."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What the container says; width and height as displayed."""

    seconds: float
    width: int
    height: int
    rate: float
    codec: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Which frames of a video to take: time stamp of each wanted frame -> its index in display order.

    `keys` are the stamps at which decoding can begin, `first` is the first picture, if it can be decoded. `fault` is a
    sentence about a container that ends early or is damaged on the way; empty when it is whole.
    """

    path: Path
    info: VideoInfo
    source_frames: int
    wanted: Mapping[int, int]
    limits: VideoLimits
    keys: Sequence[int]
    keyframes: bool = False
    fault: str = ""
    first: av.VideoFrame | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: its place in display order, its time, its picture and how sharp it is."""

    index: int
    time_seconds: float
    jpeg: bytes
    sharpness: float


def looks_like_video(head: bytes) -> bool:
    """Judge by the first 16 bytes of a file, never by its name."""
    return head.startswith(_EBML) or (head[4:8] == b"ftyp" and head[8:12] not in (b"heic", b"heix", b"mif1", b"avif"))


def plan(path: Path, *, every: int = 10, keyframes: bool = False, limits: VideoLimits = VIDEO_LIMITS) -> Plan:
    """Choose the first frame at or after every n-th tick of the average rate; decodes the first. Raises Unreadable.

    `keyframes` chooses the pictures that need no other to be decoded, whatever their distance: ten times as fast.
    """
    if every < 1:
        raise ValueError(f"every must be 1 or more, not {every}")
    with _opened(path, limits) as container:
        stream = container.streams.video[0]
        info = _info(container, stream, limits)
        found, keys, fault = _stamps(container, stream)
        base = Fraction(stream.time_base or Fraction(1, 1000))
    stamps = sorted(found)
    if not stamps:
        raise Unreadable("damaged", fault) if fault else Unreadable("no_frames", "the video has no frames")
    if (stamps[-1] - stamps[0]) * base > limits.max_seconds:
        raise Unreadable("too_long", f"the video is longer than {limits.max_seconds:g} s")
    step = every / info.rate if info.rate else every / USUAL_RATE
    chosen = _places(stamps, keys) if keyframes else choose_stamps(stamps, step / float(base))
    if len(chosen) > limits.max_frames:
        raise Unreadable("too_many_frames", f"more than {limits.max_frames} frames would be taken")
    read = float((stamps[-1] - stamps[0]) * base)
    if not fault and info.seconds - read > max(ENDS_EARLY_SECONDS, ENDS_EARLY_SHARE * info.seconds, 2 * step):
        fault = f"the video ends early: {read:.1f} of {info.seconds:.1f} s are there"
    wanted = {stamps[index]: index for index in chosen}
    first = _first_picture(path, limits)
    if first is not None and TURNS.get(first.rotation % 360) in ("rot90", "rot270"):  # the container does not say
        info = replace(info, width=info.height, height=info.width)
    return Plan(path, info, len(stamps), wanted, limits, sorted(keys), keyframes, fault, first)


def _first_picture(path: Path, limits: VideoLimits) -> av.VideoFrame | None:
    with suppress(Unreadable), _opened(path, limits) as container:  # what cannot be decoded is found when it is read
        container.streams.video[0].thread_count = 1
        return next(container.decode(video=0), None)
    return None


def _stamps(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> tuple[set[int], set[int], str]:
    """Return all time stamps, those of key frames, and what is wrong; what came before a damage counts."""
    found: set[int] = set()
    keys: set[int] = set()
    try:
        for packet in container.demux(stream):
            if packet.pts is not None:
                found.add(packet.pts)
                if packet.is_keyframe:
                    keys.add(packet.pts)
    except av.FFmpegError:
        return found, keys, "the video is damaged on the way"
    return found, keys, ""


def _places(stamps: Sequence[int], some: set[int]) -> list[int]:
    return [index for index, stamp in enumerate(stamps) if stamp in some]


def frames_of(plan: Plan, *, skip_still: bool = False) -> Iterator[Frame]:
    """Yield the planned frames in display order, upright, one at a time.

    Raises Unreadable: at once when nothing can be decoded, and after the last good frame when the video is damaged or
    ends early. `skip_still` leaves out frames that differ from the last kept one by no more than 4 grey levels on
    average.
    """
    last: Grey | None = None
    for index, picture in _decoded(plan):
        small = thumb(picture)
        if skip_still and last is not None and _is_still(small, last):
            continue
        last = small
        yield _frame(index, picture)
    if plan.fault:
        raise Unreadable("ends_early", plan.fault)


@contextmanager
def _opened(path: Path, limits: VideoLimits) -> Iterator[av.container.InputContainer]:
    form = _container_format(path, limits)
    try:
        # A resolved local path, a named demuxer and only the file protocol: no playlist can reach the network.
        # FFmpeg decodes a picture on opening, for its pixel format; skip_frame spares that, and means nothing later.
        options = {"protocol_whitelist": "file", "skip_frame": "all"}
        with av.open(str(path.resolve()), format=form, options=options, metadata_errors="ignore") as container:
            if not container.streams.video:
                raise Unreadable("no_video", "the file has no video track")
            if len(container.streams) > limits.max_streams:
                raise Unreadable("too_many_streams", f"the video has more than {limits.max_streams} tracks")
            yield container
    except (av.FFmpegError, OSError) as error:
        raise Unreadable("damaged", "the video is damaged or ends early") from error


def _container_format(path: Path, limits: VideoLimits) -> str:
    size = path.stat().st_size
    if size == 0:
        raise Unreadable("empty", "the file is empty")
    if size > limits.max_bytes:
        most = limits.max_bytes // MEGABYTE
        raise Unreadable("too_large", f"the video has {size / MEGABYTE:.0f} MB; at most {most} MB are accepted")
    with path.open("rb") as file:
        head = file.read(16)
    if not looks_like_video(head):
        raise Unreadable("not_a_video", "the file is not a video; MP4, MOV, WEBM and MKV are accepted")
    return "matroska" if head.startswith(_EBML) else "mov"


def _info(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, limits: VideoLimits
) -> VideoInfo:
    long, short = max(stream.width, stream.height), min(stream.width, stream.height)
    if long > limits.max_long_side or short > limits.max_short_side:
        bound = f"{limits.max_long_side}x{limits.max_short_side}"
        raise Unreadable("too_many_pixels", f"the video is {stream.width}x{stream.height}; at most {bound} is accepted")
    seconds = _seconds(container, stream)
    if seconds > limits.max_seconds:
        raise Unreadable("too_long", f"the video lasts {seconds:.1f} s; at most {limits.max_seconds:g} s are accepted")
    rate = float(stream.average_rate or stream.guessed_rate or 0)
    codec = stream.codec_context.name
    return VideoInfo(seconds, stream.width, stream.height, rate, codec)


def _seconds(container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / av.time_base


def choose_stamps(stamps: Sequence[int], step: float) -> list[int]:
    """Return the index of the first stamp at or after each multiple of `step` from the first one (no repeats)."""
    # Containers round stamps to their own clock; a hair before the target is the target.
    targets = stamps[0] + np.arange(0, (stamps[-1] - stamps[0]) / step + 1) * step - min(1.0, step / 4)
    found = np.searchsorted(np.asarray(stamps), targets)
    return sorted({int(index) for index in found if index < len(stamps)})


def _decoded(plan: Plan) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decode in order and give the wanted frames; pictures nothing refers to are not decoded unless wanted."""
    wanted = plan.wanted
    left = set(wanted)
    if plan.keyframes and plan.first is not None and plan.first.pts in left:
        left.discard(plan.first.pts)
        yield wanted[plan.first.pts], plan.first
    if not left:
        return
    with _opened(plan.path, plan.limits) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        for packet in _packets(container, stream, plan.keys, min(left)):
            if plan.keyframes and packet.pts is not None and packet.pts not in left:
                continue
            _leave_out(stream.codec_context, packet, plan)
            for picture in packet.decode():
                if picture.pts in left:
                    left.discard(picture.pts)
                    yield wanted[picture.pts], picture
            if not left:
                return
        if len(left) == len(wanted):
            raise Unreadable("damaged", "no frame of the video can be decoded")


def _packets(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, keys: Sequence[int], first: int
) -> Iterator[av.packet.Packet[Any]]:
    """Give the packets from the last key frame on that is not after `first`; from the start where that is not found."""
    start = max((key for key in keys if key <= first), default=None)
    if start is not None and start > keys[0]:
        try:
            container.seek(start, stream=stream)
            at = next(container.demux(stream), None)
        except av.FFmpegError:
            at = None
        if at is not None and at.pts is not None and at.pts <= start:
            yield at
        else:
            container.seek(keys[0], stream=stream)
    yield from container.demux(stream)


def _leave_out(codec: av.codec.context.CodecContext, packet: av.packet.Packet[Any], plan: Plan) -> None:
    """Tell the decoder which pictures it need not make."""
    if plan.keyframes:
        codec.skip_frame = "NONKEY"
    elif codec.name in _SKIPPABLE and packet.pts is not None:
        codec.skip_frame = "DEFAULT" if packet.pts in plan.wanted else "NONREF"


def _is_still(small: Grey, last: Grey) -> bool:
    if small.shape != last.shape:
        return False
    return float(np.abs(small.astype(np.int16) - last).mean()) <= STILL_LEVELS


def _frame(index: int, picture: av.VideoFrame) -> Frame:
    return Frame(index, float(picture.time or 0.0), as_jpeg(picture), quality.sharpness(half_luma(picture)))
