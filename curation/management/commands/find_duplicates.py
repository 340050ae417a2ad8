"""Find near-duplicate pictures, copies of templates and poor pictures in a folder; needs no project."""

from __future__ import annotations

import json
import re
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.intake.kinds import OTHER_PICTURE_SUFFIXES, PICTURE_SUFFIXES
from curation.management.terminal import Progress
from curation.preprocessing.cache import user_folder
from curation.preprocessing.folder import Search, find_duplicates
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.looks import template_of
from curation.preprocessing.pool import Pool
from curation.preprocessing.report import Report

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
        report = self._look(folder, options)
        seconds = round(time.perf_counter() - started, 3)
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(report), "seconds": seconds}, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(_table(report, seconds)))

    def _look(self, folder: Path, options: dict[str, Any]) -> Report:
        min_long, min_short = options["min_size"]
        search = Search(options["radius"], min_long, min_short, fast=options["fast"])
        files = [(path.relative_to(folder).as_posix(), path) for path in _pictures(folder)]
        cache = None if options["no_cache"] else options["cache"] or user_folder()
        with Pool() as pool, Progress("looking", visible=sys.stderr.isatty()) as bar:
            templates = [_checked(path, pool) for path in options["template"]]
            try:
                return find_duplicates(
                    files, templates=templates, search=search, cache=cache, pool=pool, progress=bar.show_part
                )
            except KeyboardInterrupt:
                kept = "what was looked at is kept, and the same command goes on from there"
                self.stderr.write(f"Interrupted: {'nothing is kept' if cache is None else kept}.")
                raise SystemExit(INTERRUPTED) from None
            except OSError as error:
                raise CommandError(str(error), returncode=1) from error


def _checked(path: Path, pool: Pool) -> str:
    """Return a template's name once it is known to be a picture."""
    try:
        pool.run(template_of, str(path))
    except Unreadable as refusal:
        raise CommandError(f"template {path}: {refusal.sentence}", returncode=2) from refusal
    return str(path)


def _pictures(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _table(report: Report, seconds: float) -> Iterator[str]:
    for group in report.clusters:
        yield group.representative
        for member in group.members:
            yield f"    {member.verdict:<11} {member.distance:>3} bits  {member.orientation:<10} {member.file}"
    for copy in report.template_copies:
        yield f"template copy   {copy.file}  of {copy.template}  ({copy.transform}, level {copy.level})"
    for small in report.low_resolution:
        yield f"low resolution  {small.file}  {small.width}x{small.height}"
    for blurred in report.blurred:
        yield f"blurred         {blurred.file}  sharpness {blurred.sharpness:g}"
    for broken in report.unreadable:
        yield f"unreadable      {broken.file}  {broken.reason}"
    relatives = sum(len(group.members) for group in report.clusters)
    yield (
        f"{report.images} pictures in {seconds:.1f} s: {relatives} relatives in {len(report.clusters)} groups, "
        f"{len(report.template_copies)} template copies, {len(report.low_resolution)} small, "
        f"{len(report.blurred)} blurred, {len(report.unreadable)} unreadable"
    )
