"""Consensus of boxes, an image a line."""

import json
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from aggregation.boxes import box_method
from aggregation.boxes.batch import aggregate_many
from aggregation.boxes.reliability import ReliabilityState, fit_reliability
from aggregation.boxes.reliability import resolve as reliability
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.skills import SkillTally
from aggregation.commands.files import (
    counted,
    result_lines,
    source,
    target,
    together,
    worker_lines,
    write,
    write_skills,
)
from aggregation.core.answers import NEXT_STEPS, STATUSES, Box, Consensus, ImageAnswers
from aggregation.core.errors import BadInput
from aggregation.core.reading import documents, read_images, read_truth
from aggregation.core.settings import with_pairs


@dataclass(slots=True)
class Summary:
    """Counts over the images of one run."""

    images: int = 0
    answers: int = 0
    status: Counter[str] = field(default_factory=Counter)
    next: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, consensus: Consensus) -> None:
        self.images += 1
        self.answers += len(consensus.used) + len(consensus.dropped)
        self.status[consensus.status] += 1
        self.next[consensus.next] += 1
        if consensus.failed_question:
            self.failed[consensus.failed_question] += 1
        if consensus.reason:
            self.reasons[consensus.reason] += 1

    def to_json(self, *, method: str, settings: BoxSettings, seconds: float) -> dict[str, object]:
        return {
            "method": method,
            "settings": settings.to_json(),
            "images": self.images,
            "status": {name: self.status[name] for name in STATUSES},
            "next": {name: self.next[name] for name in NEXT_STEPS},
            "hard_fails_at": dict(sorted(self.failed.items())),
            "drop_reasons": dict(sorted(self.reasons.items())),
            "mean_answers": round(self.answers / self.images, 4) if self.images else None,
            "images_per_second": round(self.images / seconds, 1) if self.images else None,
        }


def run(options: Namespace) -> None:
    """Write one consensus a line, in the order of the input."""
    settings = box_settings(options)
    box_method(options.method)
    start, summary = time.perf_counter(), Summary()
    with source(options.file) as lines, ExitStack() as outputs:
        images = counted(read_images(documents(lines), settings.flags))
        results = (_learning if options.method == reliability.NAME else _streaming)(images, settings, options, outputs)
        out = result_lines(options, outputs)
        for consensus in results:
            summary.add(consensus)
            if out:
                write(out, consensus.to_json())
    if options.json:
        seconds = max(time.perf_counter() - start, 1e-9)
        write(sys.stdout.buffer, summary.to_json(method=options.method, settings=settings, seconds=seconds))


def box_settings(options: Namespace) -> BoxSettings:
    """Return the box settings of the command line."""
    pairs = [] if options.iou is None else [f"iou={options.iou}"]
    return with_pairs(BoxSettings(), [*options.set, *pairs])


def _streaming(
    images: Iterable[ImageAnswers], settings: BoxSettings, options: Namespace, outputs: ExitStack
) -> Iterator[Consensus]:
    """Yield the results of a method that looks at one image at a time: nothing but names stays in memory."""
    for name in ("state", "known"):
        if getattr(options, name):
            raise BadInput(f"--{name} is for a method that learns: expected --method {reliability.NAME}")
    workers = worker_lines(options, outputs)
    tally = SkillTally(settings)
    for some in together(images):
        results = aggregate_many(some, settings, method=options.method)
        yield from results
        for image, consensus in zip(some, results, strict=True) if workers else ():
            tally.add(image, consensus)
    write_skills(workers, tally.skills())


def _learning(
    images: Iterable[ImageAnswers], settings: BoxSettings, options: Namespace, outputs: ExitStack
) -> Iterator[Consensus]:
    """Yield the results of the method that learns from all images first, and keep what it learnt."""
    before = _stored_state(options.state)
    known = _truth(options.known)
    state_lines = outputs.enter_context(target(options.state)) if options.state else None
    workers = worker_lines(options, outputs)
    everything = list(images)
    state = fit_reliability(everything, settings, before, known)
    yield from aggregate_many(everything, settings, method=options.method, state=state)
    write_skills(workers, state.skills())
    if state_lines:
        write(state_lines, state.to_json())


def _stored_state(path: str | None) -> ReliabilityState | None:
    """Return what an earlier run learnt; a file that is not there yet is the first run's."""
    if not path or not Path(path).exists():
        return None
    with source(path) as file:
        try:
            return ReliabilityState.from_json(json.loads(file.read()))
        except ValueError as error:
            said = str(error) if isinstance(error, BadInput) else "not JSON: expected what an earlier run wrote"
            raise BadInput(f"cannot read {path}: {said}") from error


def _truth(path: str | None) -> Mapping[str, Sequence[Box]]:
    if not path:
        return {}
    with source(path) as lines:
        try:
            return dict(read_truth(documents(lines)))
        except BadInput as error:
            raise BadInput(f"{path}, {error}") from error
