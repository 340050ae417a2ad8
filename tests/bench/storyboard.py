"""Frames per second and core: our storyboard, key frames, and a pipe from ffmpeg through imageio where installed."""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import av
import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from curation.preprocessing import video
from curation.preprocessing.video_pictures import simplejpeg

FRAMES, SIZE, GOP = 300, (1080, 1920), 30
EVERY, ROUNDS = 10, 3


def make(path: Path) -> Path:
    """A 1080p30 H.264 clip of moving texture with two B-frames, drawn with a fixed seed."""
    rng = np.random.default_rng(3)
    big = cv2.GaussianBlur(rng.integers(0, 255, (SIZE[0] + 320, SIZE[1] + 320, 3), np.uint8), (0, 0), 3)
    big = cv2.normalize(big, None, 0, 255, cv2.NORM_MINMAX)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=30)
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        stream.codec_context.max_b_frames, stream.codec_context.gop_size = 2, GOP
        stream.options = {"preset": "fast", "crf": "23"}
        for number in range(FRAMES):
            place = number % 300
            picture = np.ascontiguousarray(big[place : place + SIZE[0], place : place + SIZE[1]])
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def ours(path: Path) -> int:
    return len([frame.jpeg for frame in video.frames_of(video.plan(path, every=EVERY))])


def keyframes(path: Path) -> int:
    return len([frame.jpeg for frame in video.frames_of(video.plan(path, keyframes=True))])


def imageio_pipe(path: Path) -> int:
    """The usual way: every frame through a pipe as RGB, each tenth written as JPEG."""
    import imageio.v2 as imageio

    written = 0
    with imageio.get_reader(str(path), "ffmpeg", ffmpeg_params=["-threads", "1"]) as reader:
        for number, picture in enumerate(reader):
            if number % EVERY == 0:
                written += len(imageio.imwrite("<bytes>", picture, format="jpg", quality=90)) > 0
    return written


def processor() -> float:
    """Seconds of this process and of the children that have ended."""
    here, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return here.ru_utime + here.ru_stime + children.ru_utime + children.ru_stime


def rate(work: Callable[[Path], int], path: Path) -> float:
    started = processor()
    work(path)
    return FRAMES / (processor() - started)


def main() -> None:
    ways: dict[str, Callable[[Path], int]] = {"every 10th": ours, "key frames": keyframes}
    if find_spec("imageio") and find_spec("imageio_ffmpeg"):
        ways["imageio pipe"] = imageio_pipe
    else:
        print("imageio and imageio-ffmpeg are not installed: nothing to compare with")
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder) / "clip.mp4")
        megabytes = path.stat().st_size / 1e6
        rates = {name: [] for name in ways}
        for _ in range(ROUNDS):  # interleaved, so that a busy machine is unfair to nobody
            for name, work in ways.items():
                rates[name].append(rate(work, path))
    best = {name: round(max(found), 1) for name, found in rates.items()}
    print(
        f"{FRAMES} frames 1920x1080, {megabytes:.1f} MB, {os.cpu_count()} cores, simplejpeg: {simplejpeg is not None}"
    )
    for name, one in best.items():
        times = f"{one / best['imageio pipe']:.1f} x imageio" if "imageio pipe" in best else ""
        print(f"{name:<14}{one:>9.1f} source frames per second of processor time  {times}")
    place = Path("var/bench")
    place.mkdir(parents=True, exist_ok=True)
    (place / "storyboard.json").write_text(json.dumps({"rates": best, "megabytes": megabytes, "at": time.time()}))


if __name__ == "__main__":
    main()
