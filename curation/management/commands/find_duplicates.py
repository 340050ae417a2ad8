"""Find near-duplicate pictures, copies of templates and poor pictures in a folder; needs no project."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.intake.kinds import OTHER_PICTURE_SUFFIXES, PICTURE_SUFFIXES
from curation.management.terminal import Progress
from curation.preprocessing.cache import user_folder
from curation.preprocessing.findings import KINDS, Findings
from curation.preprocessing.folder import Search, looked_through
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.looks import template_of
from curation.preprocessing.pool import Pool

INTERRUPTED = 130
SUFFIXES = PICTURE_SUFFIXES | OTHER_PICTURE_SUFFIXES
"""What is no picture we take is then named with the reason, not passed over."""


def size(text: str) -> tuple[int, int]:
    """Read a size such as 1920x1080 as (long, short) side."""
    found = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is not a size: write two numbers such as 1920x1080")
    sides = int(found[1]), int(found[2])
    return max(sides), min(sides)


def bits(text: str) -> int:
    if not text.isdecimal() or int(text) > 256:
        raise ArgumentTypeError(f"{text!r} is not a radius: write a whole number of bits from 0 to 256")
    return int(text)


class Command(BaseCommand):
    help = "Find near-duplicates, template copies, blurred, small and broken pictures in a folder."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--radius", type=bits, default=64, help="candidate radius of the 256-bit hash")
        parser.add_argument("--template", type=Path, nargs="+", action="extend", default=[], metavar="FILE")
        parser.add_argument("--min-size", type=size, default=(1920, 1080), metavar="WxH")
        parser.add_argument("--fast", action="store_true", help="leave out descriptor voting and registration")
        parser.add_argument("--cache", type=Path, metavar="DIR", help="where what was looked at is kept")
        parser.add_argument("--no-cache", action="store_true", help="keep nothing: look at every file anew")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_: Any, **options: Any) -> None:
        started = time.perf_counter()
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder; name the folder that holds the pictures", returncode=2)
        if options["cache"] and options["no_cache"]:
            raise CommandError("--cache and --no-cache contradict each other; leave one out", returncode=2)
        with self._looked_through(folder, options) as findings:
            seconds = round(time.perf_counter() - started, 3)
            for text in _document(findings, seconds) if options["json"] else _table(findings, seconds):
                self.stdout.write(text.encode("utf-8", "backslashreplace").decode(), ending="")  # names may be no text

    @contextmanager
    def _looked_through(self, folder: Path, options: dict[str, Any]) -> Iterator[Findings]:
        min_long, min_short = options["min_size"]
        search = Search(options["radius"], min_long, min_short, fast=options["fast"])
        files = ((path.relative_to(folder).as_posix(), path) for path in _pictures(folder))
        cache = None if options["no_cache"] else options["cache"] or user_folder()
        with ExitStack() as held:
            bar = held.enter_context(Progress("looking", visible=sys.stderr.isatty()))
            pool = held.enter_context(Pool())
            templates = [_checked(path, pool) for path in options["template"]]
            try:
                looked = looked_through(
                    files, templates=templates, search=search, cache=cache, pool=pool, progress=bar.show_part
                )
                findings = held.enter_context(looked)
            except KeyboardInterrupt:
                kept = "what was looked at is kept, and the same command goes on from there"
                self.stderr.write(f"Interrupted: {'nothing is kept' if cache is None else kept}.")
                raise SystemExit(INTERRUPTED) from None
            except OSError as error:
                raise CommandError(str(error), returncode=1) from error
            yield findings


def _checked(path: Path, pool: Pool) -> str:
    """Return a template's name once it is known to be a picture."""
    try:
        pool.run(template_of, str(path))
    except Unreadable as refusal:
        raise CommandError(f"template {path}: {refusal.sentence}", returncode=2) from refusal
    return str(path)


def _pictures(folder: Path) -> Iterator[Path]:
    """Yield the pictures in a folder and below as they come: not even their names are held.

    So is what cannot be looked into, be it a folder below: whoever reads it finds out why.
    """
    folders = [folder]
    while folders:
        place = folders.pop()
        try:
            entries = os.scandir(place)
        except OSError:
            if place == folder:
                raise
            yield place
            continue
        with entries:
            for entry in entries:
                try:
                    is_folder, is_file = entry.is_dir(follow_symlinks=False), entry.is_file()
                except OSError:
                    is_folder, is_file = False, True
                path = Path(entry.path)
                if is_folder:
                    folders.append(path)
                elif is_file and path.suffix.lower() in SUFFIXES:
                    yield path


def _document(findings: Findings, seconds: float) -> Iterator[str]:
    yield "{"
    for kind in KINDS.values():
        yield f'"{kind}": ['
        for number, one in enumerate(findings.each(kind)):
            yield (", " if number else "") + json.dumps(one)
        yield "], "
    yield f'"images": {findings.images}, "seconds": {seconds}}}\n'


def _table(findings: Findings, seconds: float) -> Iterator[str]:
    for group in findings.each("clusters"):
        yield f"{group['representative']}\n"
        for one in group["members"]:
            yield f"    {one['verdict']:<11} {one['distance']:>3} bits  {one['orientation']:<10} {one['file']}\n"
    for copy in findings.each("template_copies"):
        how = f"({copy['transform']}, level {copy['level']})"
        yield f"template copy   {copy['file']}  of {copy['template']}  {how}\n"
    for small in findings.each("low_resolution"):
        yield f"low resolution  {small['file']}  {small['width']}x{small['height']}\n"
    for blurred in findings.each("blurred"):
        yield f"blurred         {blurred['file']}  sharpness {blurred['sharpness']:g}\n"
    for broken in findings.each("unreadable"):
        yield f"unreadable      {broken['file']}  {broken['reason']}\n"
    relatives = sum(len(group["members"]) for group in findings.each("clusters"))
    yield (
        f"{findings.images} pictures in {seconds:.1f} s: "
        f"{relatives} relatives in {findings.count('clusters')} groups, "
        f"{findings.count('template_copies')} template copies, {findings.count('low_resolution')} small, "
        f"{findings.count('blurred')} blurred, {findings.count('unreadable')} unreadable\n"
    )
