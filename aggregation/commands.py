"""The three commands: read lines, call the library, write lines."""

import json
import os
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from aggregation.agreement import BoxAgreement, label_agreement
from aggregation.boxes import box_method
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.skills import SkillTally
from aggregation.core.answers import NEXT_STEPS, STATUSES, Consensus, ImageAnswers
from aggregation.core.errors import BadInput
from aggregation.core.reading import documents, read_images, read_votes
from aggregation.core.settings import with_pairs
from aggregation.core.skills import WorkerSkill
from aggregation.labels import aggregate_labels, label_method
from aggregation.labels.result import LabelOutcome
from aggregation.labels.settings import LabelSettings

PROGRESS_EVERY = 500


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


def boxes(options: Namespace) -> None:
    """Write one consensus a line, in the order of the input."""
    settings = box_settings(options)
    method = box_method(options.method)
    summary, tally, start = Summary(), SkillTally(settings), time.perf_counter()
    with _source(options.file) as lines, ExitStack() as outputs:
        out = _result_lines(options, outputs)
        workers = outputs.enter_context(_target(options.workers)) if options.workers else None
        for image in _counted(read_images(documents(lines))):
            consensus = method(image, settings)
            summary.add(consensus)
            if workers:
                tally.add(image, consensus)
            if out:
                _write(out, consensus.to_json())
        if workers:
            _write_skills(workers, tally.skills())
    if options.json:
        seconds = max(time.perf_counter() - start, 1e-9)
        _write(sys.stdout.buffer, summary.to_json(method=options.method, settings=settings, seconds=seconds))


def labels(options: Namespace) -> None:
    """Write one label a task, sorted by task."""
    settings = label_settings(options)
    label_method(options.method)
    with _source(options.file) as lines:
        outcome = aggregate_labels(list(read_votes(documents(lines))), settings, options.method)
    with ExitStack() as outputs:
        out = _result_lines(options, outputs)
        workers = outputs.enter_context(_target(options.workers)) if options.workers else None
        if out:
            for task, result in outcome.tasks.items():
                _write(out, result.to_json(task))
        if workers:
            _write_skills(workers, outcome.workers)
    if options.json:
        _write(sys.stdout.buffer, _label_summary(outcome, options.method, settings))


def agreement(options: Namespace) -> None:
    """Write how far people agree, for box answers and for label votes alike."""
    with _source(options.file) as lines:
        pairs = documents(lines)
        first = next(pairs, None)
        everything = chain([first] if first else [], pairs)
        if first and "task" in first[1]:
            report = label_agreement(read_votes(everything))
        else:
            collected = BoxAgreement(box_settings(options))
            for image in _counted(read_images(everything)):
                collected.add(image)
            report = collected.report()
    with ExitStack() as outputs:
        out = outputs.enter_context(_target(options.out)) if options.out else sys.stdout.buffer
        if options.json:
            _write(out, report.to_json())
        else:
            out.writelines(f"{line}\n".encode("utf-8", "backslashreplace") for line in report.lines())


def box_settings(options: Namespace) -> BoxSettings:
    """Return the box settings of the command line."""
    pairs = [] if options.iou is None else [f"iou={options.iou}"]
    return with_pairs(BoxSettings(), [*options.set, *pairs])


def label_settings(options: Namespace) -> LabelSettings:
    """Return the label settings of the command line."""
    return with_pairs(LabelSettings(), options.set)


def _label_summary(outcome: LabelOutcome, method: str, settings: LabelSettings) -> dict[str, object]:
    said = Counter(result.label for result in outcome.tasks.values() if result.label is not None)
    advice = Counter(result.next for result in outcome.tasks.values())
    return {
        "method": method,
        "settings": settings.to_json(),
        "tasks": len(outcome.tasks),
        "undecided": len(outcome.tasks) - sum(said.values()),
        "labels": dict(sorted(said.items())),
        "next": {name: advice[name] for name in NEXT_STEPS},
        "workers": len(outcome.workers),
    }


def _result_lines(options: Namespace, outputs: ExitStack) -> BinaryIO | None:
    if options.out:
        return outputs.enter_context(_target(options.out))
    return None if options.json else sys.stdout.buffer


def _write_skills(out: BinaryIO, skills: Iterable[WorkerSkill]) -> None:
    for skill in skills:
        _write(out, skill.to_json())


def _write(out: BinaryIO, document: dict[str, object]) -> None:
    out.write(json.dumps(document, separators=(",", ":"), allow_nan=False).encode() + b"\n")


@contextmanager
def _source(path: str) -> Iterator[BinaryIO]:
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - only the opening may be blamed on the user
        file.peek(1)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}: expected a file of JSON lines") from error
    with file:
        yield file


@contextmanager
def _target(path: str) -> Iterator[BinaryIO]:
    """Yield a file that takes its name only when all of it is written."""
    final = Path(path).resolve()
    whole = not final.exists() or final.is_file()  # a pipe or a device is written as it is
    part = final.with_name(f".{final.name}.{os.getpid()}.part") if whole else final
    try:
        file = part.open("wb")
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}: expected a file in a writable folder") from error
    try:
        with file:
            yield file
        if whole:
            part.replace(final)
    finally:
        if whole:
            part.unlink(missing_ok=True)


def _counted(images: Iterable[ImageAnswers]) -> Iterator[ImageAnswers]:
    """Pass the images on, telling a person at a terminal how far it is."""
    watched = sys.stderr.isatty()
    done = 0
    for done, image in enumerate(images, start=1):
        if watched and done % PROGRESS_EVERY == 0:
            sys.stderr.write(f"\r{done:,} images")
            sys.stderr.flush()
        yield image
    if watched and done >= PROGRESS_EVERY:
        sys.stderr.write(f"\r{done:,} images\n")
