"""Reading a stranger's video in a child process with limits; its frames come back one at a time, never all at once.

The child gets no secrets and can write no file; what it says is plain JSON and JPEG bytes, so that a decoder that was
taken over can hand back wrong pictures and nothing else.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from .limits import MEGABYTE, VIDEO_LIMITS, Unreadable, VideoLimits
from .video import Frame, VideoInfo, frames_of, plan

MEMORY = 2048 * MEGABYTE
CPU_SECONDS = 1200
DEADLINE_SECONDS = 3600.0
MAX_JPEG = 64 * MEGABYTE
_MODULE = "curation.preprocessing.video_child"
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Order:
    """What to take: every n-th or each key frame, from an index on, not what is there, at most so many at once."""

    every: int = 10
    keyframes: bool = False
    skip_still: bool = False
    first: int = 0
    there: Collection[int] = ()
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the child may use: bytes of address space, seconds of processor and of wall clock."""

    memory: int = MEMORY
    cpu_seconds: int = CPU_SECONDS
    deadline_seconds: float = DEADLINE_SECONDS


@dataclass(frozen=True, slots=True)
class Reading:
    """A video that is being read: what it is, how many frames are wanted and missing, and the frames as they come."""

    info: VideoInfo
    source_frames: int
    wanted: int
    missing: int
    frames: Iterator[Frame]


@contextmanager
def reading(
    path: Path, order: Order, *, limits: VideoLimits = VIDEO_LIMITS, bounds: Bounds | None = None
) -> Iterator[Reading]:
    """Start a child that reads a video and end it with the block.

    Raises Unreadable at once for what is no acceptable video; the frames raise it after the last good one when the
    video is damaged, ends early, or needs more than the bounds.
    """
    bounds = bounds or Bounds()
    with _child(path, order, limits, bounds) as process:
        out = process.stdout
        if out is None:
            raise AssertionError("the child has an output")
        head = _message(out, process)
        info = VideoInfo(**head["info"])
        yield Reading(info, head["source_frames"], head["wanted"], head["missing"], _frames(out, process))


@contextmanager
def _child(path: Path, order: Order, limits: VideoLimits, bounds: Bounds) -> Iterator[subprocess.Popen[bytes]]:
    job = {"path": str(path.resolve()), "limits": asdict(limits), "bounds": asdict(bounds)}
    job |= {"order": {**asdict(order), "there": sorted(order.there)}}
    environment = {"PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(  # noqa: S603  our own interpreter and module
        [sys.executable, "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,  # Ctrl-C is answered by the parent
    )
    watch = threading.Timer(bounds.deadline_seconds, process.kill)
    watch.daemon = True
    watch.start()
    try:
        with suppress(BrokenPipeError):
            _send(process.stdin, json.dumps(job).encode())
        yield process
    finally:
        watch.cancel()
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _send(pipe: IO[bytes] | None, data: bytes) -> None:
    if pipe is not None:
        pipe.write(data)
        pipe.close()


def _frames(out: IO[bytes], process: subprocess.Popen[bytes]) -> Iterator[Frame]:
    while True:
        message = _message(out, process)
        if "end" in message:
            return
        jpeg = out.read(message.pop("bytes"))
        yield Frame(jpeg=jpeg, **message)


def _message(out: IO[bytes], process: subprocess.Popen[bytes]) -> dict[str, Any]:
    try:
        message: dict[str, Any] = json.loads(out.readline(MEGABYTE))
        whole = 0 <= message.get("bytes", 0) <= MAX_JPEG
    except ValueError:
        whole = False
    if not whole:
        raise _died(_ended(process))
    if "refused" in message:
        raise Unreadable(*message["refused"])
    return message


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Return how the child ended; one that talks rubbish and lives on is killed."""
    try:
        return process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return 0


def _died(status: int) -> Unreadable:
    if status in (-signal.SIGKILL, -signal.SIGXCPU):
        return Unreadable("too_expensive", "reading the video took more time or memory than it may")
    return Unreadable("damaged", "the video is damaged: reading it ended abruptly")


def _limit(bounds: Bounds) -> None:
    for what, most in (
        (resource.RLIMIT_AS, bounds.memory),
        (resource.RLIMIT_CPU, bounds.cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _serve(job: dict[str, Any], out: IO[bytes]) -> None:
    order = Order(**job["order"])
    whole = plan(Path(job["path"]), every=order.every, keyframes=order.keyframes, limits=VideoLimits(**job["limits"]))
    there = set(order.there)
    missing = {stamp: index for stamp, index in whole.wanted.items() if index >= order.first and index not in there}
    now = dict(list(missing.items())[: order.most])
    head = {"source_frames": whole.source_frames, "wanted": len(whole.wanted), "missing": len(missing)}
    _say(out, {"info": asdict(whole.info), **head})
    fault = whole.fault if len(now) == len(missing) else ""  # said once, with the last frames
    for frame in frames_of(replace(whole, wanted=now, fault=fault), skip_still=order.skip_still) if now else ():
        about = {"index": frame.index, "time_seconds": frame.time_seconds, "sharpness": frame.sharpness}
        _say(out, {**about, "bytes": len(frame.jpeg)})
        out.write(frame.jpeg)
        out.flush()
    _say(out, {"end": True})


def _say(out: IO[bytes], message: dict[str, Any]) -> None:
    out.write(json.dumps(message).encode() + b"\n")
    out.flush()


def main() -> None:
    job = json.load(sys.stdin)
    _limit(Bounds(**job["bounds"]))
    out = os.fdopen(os.dup(1), "wb")
    try:
        _serve(job, out)
    except Unreadable as refusal:
        _say(out, {"refused": [refusal.reason_code, refusal.sentence]})
    except MemoryError:
        _say(out, {"refused": ["too_expensive", "reading the video took more memory than it may"]})


if __name__ == "__main__":
    main()
