"""Small videos, encoded by the tests themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from curation.preprocessing.video import Frame, frames_of, plan

BASE = 90_000


def moving(number: int, size: tuple[int, int] = (192, 320)) -> np.ndarray:
    """Draw a frame whose red level tells its number, with a bright bar that moves."""
    height, width = size
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, :, 0] = (number * 4) % 256
    picture[: height // 2, :, 1] = 200
    left = (number * 7) % (width - 40)
    picture[:, left : left + 40] = 255
    return picture


def clip(
    path: Path,
    *,
    times: Sequence[float],
    draw: Callable[[int], np.ndarray] = moving,
    codec: str = "h264",
    b_frames: int = 2,
    gop: int | None = None,
) -> Path:
    """Encode one frame per time (in seconds)."""
    first = draw(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = first.shape[1], first.shape[0], "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, BASE)
        stream.codec_context.max_b_frames = b_frames
        if gop is not None:
            stream.codec_context.gop_size = gop
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(draw(number), format="rgb24")
            frame.pts, frame.time_base = round(time * BASE), Fraction(1, BASE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def steady(count: int, rate: float = 30.0) -> list[float]:
    return [number / rate for number in range(count)]


def audio_only(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        for start in range(0, 8192, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44_100, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def rotated(path: Path, degrees: int) -> Path:
    """Set the display matrix in the track header of an MP4, as a phone held upright does."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4
    matrix = at + (40 if data[at] == 0 else 52)
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    values = (cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30)
    data[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    path.write_bytes(data)
    return path


def taken(path: Path, every: int = 10, *, skip_still: bool = False) -> Iterator[Frame]:
    """Read every n-th frame in this process."""
    return frames_of(plan(path, every=every), skip_still=skip_still)
