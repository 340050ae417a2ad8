"""Taggers on pictures and videos: results are kept, so that a second or interrupted run asks no tagger twice."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .cache import Cache
from .cascade import Cascade, Interval, Step, run
from .limits import PICTURE_LIMITS, Unreadable
from .taggers.base import Tag, Tagger
from .taggers.looking import Picture, Run
from .video import Frame

VERSION = "tags-1"


class Subject:
    """A picture or a frame that is being tagged, with what is already known of it."""

    def __init__(
        self, path: Path, picture: Picture, *, frame: Frame | None = None, before: Picture | None = None
    ) -> None:
        self.path, self.picture, self.frame, self.before = path, picture, frame, before
        self.status = path.stat()
        self.kept: dict[str, dict[str, Any]] | None = None
        self.digest = b""

    @property
    def name(self) -> Path:
        return self.path if self.frame is None else self.path / f"{self.frame.index:06d}"

    def digest_now(self) -> bytes:
        """Return what decides its tags: its bytes, and those of the frame before it."""
        digest = hashlib.sha256(self.picture.data)
        if self.frame is not None:
            digest.update(hashlib.sha256(self.before.data).digest() if self.before else b"first")
        return digest.digest()


@dataclass(slots=True)
class Usage:
    """How often a tagger was asked, how often it had to work, and the processor seconds that took."""

    asked: int = 0
    worked: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Outcome:
    """One picture or frame in the end: what was said of it, and the layer that stopped it (-1: none)."""

    file: Path
    index: int | None
    seconds: float
    tags: dict[str, list[Tag]]
    stopped_at: int


@dataclass(slots=True)
class Totals:
    """Funnel, intervals and faults of a whole run."""

    pictures: int = 0
    passed: list[int] = field(default_factory=list)
    intervals: list[tuple[Path, Interval]] = field(default_factory=list)
    faults: list[tuple[Path, str]] = field(default_factory=list)


class Tagging:
    """One run: which taggers, in which cascade, with which memory."""

    def __init__(
        self, taggers: Mapping[str, Tagger], *, cascade: Cascade | None = None, cache: Cache | None = None, run: Run
    ) -> None:
        self.taggers, self.cascade, self._cache, self._run = taggers, cascade, cache, run
        self.describing = list(taggers) if cascade is None else cascade.taggers
        self.usage = {name: Usage() for name in taggers}
        self.totals = Totals(passed=[0] * len(cascade.layers if cascade else ()))

    def picture(self, path: Path) -> Outcome:
        """Tag one picture; its tags are found again as long as the file has not changed. Raises Unreadable, OSError."""
        subject = Subject(path, Picture(lambda: _read(path), self._run))
        return next(self._outcomes(path, [Step(subject)]))

    def frames(self, path: Path, frames: Iterable[Frame]) -> Iterator[Outcome]:
        """Tag the frames of one video in order; a damage on the way is noted and ends them."""
        return self._outcomes(path, self._steps(path, frames))

    def _steps(self, path: Path, frames: Iterable[Frame]) -> Iterator[Step[Subject]]:
        before: Picture | None = None
        coming = iter(frames)
        while True:
            try:
                frame = next(coming)
            except StopIteration:
                return
            except Unreadable as fault:
                self.totals.faults.append((path, fault.sentence))
                return
            picture = Picture(_given(frame.jpeg), self._run)
            yield Step(Subject(path, picture, frame=frame, before=before), frame.index, frame.time_seconds)
            before = picture

    def _outcomes(self, path: Path, steps: Iterable[Step[Subject]]) -> Iterator[Outcome]:
        found: list[Interval] = []
        layers = self.cascade.layers if self.cascade else []
        for step in run(steps, layers, self._said, found):
            for name in self.describing if step.stopped_at < 0 else ():
                self._said(name, step.subject)
            self._count(step)
            yield self._outcome(step)
        self.totals.intervals += [(path, one) for one in found if step.subject.frame]

    def _count(self, step: Step[Subject]) -> None:
        self.totals.pictures += 1
        reached = len(self.totals.passed) if step.stopped_at < 0 else step.stopped_at
        for layer in range(reached):
            self.totals.passed[layer] += 1

    def _outcome(self, step: Step[Subject]) -> Outcome:
        subject = step.subject
        kept = subject.kept or {}
        tags = {name: _tags(kept[name]) for name in self.taggers if name in kept}
        index = None if subject.frame is None else subject.frame.index
        return Outcome(subject.path, index, step.seconds, tags, step.stopped_at)

    def _said(self, name: str, subject: Subject) -> Sequence[Tag]:
        """Return a tagger's word, from memory where the same version has spoken before."""
        tagger, usage = self.taggers[name], self.usage[name]
        kept = subject.kept = self._remembered(subject) if subject.kept is None else subject.kept
        if name not in kept or kept[name]["version"] != tagger.version:
            views = subject.picture.views(tagger.needs, before=subject.before, is_frame=subject.frame is not None)
            started = time.process_time()
            tags = tagger.tags(views)
            usage.seconds += time.process_time() - started
            usage.worked += 1
            kept[name] = {"version": tagger.version, "tags": [asdict(tag) for tag in tags]}
            self._keep(subject)
        usage.asked += 1
        return _tags(kept[name])

    def _remembered(self, subject: Subject) -> dict[str, dict[str, Any]]:
        if self._cache is None:
            return {}
        known = self._cache.digest_of(subject.path) if subject.frame is None else None
        subject.digest = known or subject.digest_now()
        value = self._cache.value_of(subject.digest)
        return json.loads(value) if value else {}

    def _keep(self, subject: Subject) -> None:
        if self._cache is not None:
            value = json.dumps(subject.kept, ensure_ascii=False).encode()
            self._cache.keep(subject.name, subject.status, subject.digest, value)


def _given(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def _tags(known: Mapping[str, Any]) -> list[Tag]:
    return [Tag(**{**tag, "box": tuple(tag["box"]) if tag["box"] else None}) for tag in known["tags"]]


def _read(path: Path) -> bytes:
    """Read a picture, but never more than one byte over the limit, which is enough to refuse it."""
    with path.open("rb") as file:
        return file.read(PICTURE_LIMITS.max_bytes + 1)
