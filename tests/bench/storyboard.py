"""Frames per second and core: our storyboard, key frames, and a pipe from ffmpeg through imageio where installed.

PEERS names a Python that has imageio and imageio-ffmpeg; without it this one is asked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import skimage

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from curation.preprocessing import video  # noqa: E402
from curation.preprocessing.video_pictures import simplejpeg  # noqa: E402
from tests.bench.imaging.peer import processor_seconds  # noqa: E402

FRAMES, SIZE, GOP = 300, (1080, 1920), 30
GRAIN = 2.0
EVERY, ROUNDS = 10, 3
PIPE = "imageio pipe"


def make(path: Path) -> Path:
    """A 1080p30 H.264 clip with two B-frames, as of a camera: a photograph passes by, each frame has its grain."""
    rng = np.random.default_rng(3)
    photo = cv2.imread(str(Path(skimage.__file__).parent / "data" / "coffee.png"))
    big = cv2.resize(photo, (SIZE[1] + 320, SIZE[0] + 320), interpolation=cv2.INTER_CUBIC)
    grain = rng.normal(0, GRAIN, (*big.shape[:2], 1)).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=30)
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        stream.codec_context.max_b_frames, stream.codec_context.gop_size = 2, GOP
        stream.options = {"preset": "fast", "crf": "23"}
        for number in range(FRAMES):
            top, left = rng.integers(0, 320, 2)
            own = grain[top : top + SIZE[0], left : left + SIZE[1]]
            shown = big[number : number + SIZE[0], number : number + SIZE[1]] + own
            frame = av.VideoFrame.from_ndarray(np.clip(shown, 0, 255).astype(np.uint8), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def ours(path: Path) -> float:
    return _spent(lambda: [frame.jpeg for frame in video.frames_of(video.plan(path, every=EVERY))])


def keyframes(path: Path) -> float:
    return _spent(lambda: [frame.jpeg for frame in video.frames_of(video.plan(path, keyframes=True))])


def _spent(work: Callable[[], object]) -> float:
    started = processor_seconds()
    work()
    return processor_seconds() - started


def piped(path: Path) -> float | None:
    """Return what the usual way takes in a process of its own; None where it is not installed."""
    python = os.environ.get("PEERS") or sys.executable
    command = [python, "-m", "tests.bench.imaging.pipe", str(path), str(EVERY)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return None if done.returncode else float(json.loads(done.stdout)["processor seconds"])


WAYS: dict[str, Callable[[Path], float | None]] = {"every 10th": ours, "key frames": keyframes, PIPE: piped}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder) / "clip.mp4")
        megabytes = path.stat().st_size / 1e6
        # Interleaved, so that a busy machine is unfair to nobody.
        rounds = [{name: work(path) for name, work in WAYS.items()} for _ in range(ROUNDS)]
    known = {name: [spent for one in rounds if (spent := one[name]) is not None] for name in WAYS}
    best = {name: round(FRAMES / min(found), 1) for name, found in known.items() if found}
    print(
        f"{FRAMES} frames 1920x1080, {megabytes:.1f} MB, {os.cpu_count()} cores, simplejpeg: {simplejpeg is not None}"
    )
    if PIPE not in best:
        print("imageio and imageio-ffmpeg are not installed: nothing to compare with")
    for name, one in best.items():
        times = f"{one / best[PIPE]:.1f} x imageio" if PIPE in best else ""
        print(f"{name:<14}{one:>9.1f} source frames per second of processor time  {times}")
    place = ROOT / "var" / "bench"
    place.mkdir(parents=True, exist_ok=True)
    (place / "storyboard.json").write_text(json.dumps({"rates": best, "megabytes": megabytes, "at": time.time()}))


if __name__ == "__main__":
    main()
