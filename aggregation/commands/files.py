"""Files of JSON lines: read as they are, written whole or not at all."""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from aggregation.core.answers import ImageAnswers
from aggregation.core.errors import BadInput
from aggregation.core.skills import WorkerSkill

PROGRESS_EVERY = 500
TOGETHER = 512  # images: enough to be decided together, few enough to stream


@contextmanager
def source(path: str) -> Iterator[BinaryIO]:
    """Yield an open file, standard input for `-`."""
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
def target(path: str) -> Iterator[BinaryIO]:
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


def result_lines(options: Namespace, outputs: ExitStack) -> BinaryIO | None:
    """Return where result lines go: the file that was named, else standard output unless it carries a summary."""
    if options.out:
        return outputs.enter_context(target(options.out))
    return None if options.json else sys.stdout.buffer


def worker_lines(options: Namespace, outputs: ExitStack) -> BinaryIO | None:
    """Return where the lines about workers go, if anywhere."""
    return outputs.enter_context(target(options.workers)) if options.workers else None


def write(out: BinaryIO, document: dict[str, object]) -> None:
    """Write one JSON document a line."""
    out.write(json.dumps(document, separators=(",", ":"), allow_nan=False).encode() + b"\n")


def write_skills(out: BinaryIO | None, skills: Iterable[WorkerSkill]) -> None:
    """Write one line a worker, if anybody asked for them."""
    if out:
        for skill in skills:
            write(out, skill.to_json())


def counted(images: Iterable[ImageAnswers]) -> Iterator[ImageAnswers]:
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


def together(images: Iterable[ImageAnswers]) -> Iterator[list[ImageAnswers]]:
    """Yield the images a few hundred at a time."""
    stream = iter(images)
    while some := list(islice(stream, TOGETHER)):
        yield some
