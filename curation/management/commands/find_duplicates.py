"""Find near-duplicate pictures, copies of templates and poor pictures in a folder; needs no project."""

from __future__ import annotations

import json
import re
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.management.terminal import Progress
from curation.preprocessing.folder import Search, find_duplicates
from curation.preprocessing.limits import Limits, Unreadable
from curation.preprocessing.report import Report
from curation.preprocessing.templates import TemplateFeatures, template_features

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


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
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_: Any, **options: Any) -> None:
        started = time.perf_counter()
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder; name the folder that holds the pictures", returncode=2)
        min_long, min_short = options["min_size"]
        search = Search(options["radius"], min_long, min_short, fast=options["fast"])
        templates = {str(path): _template(path) for path in options["template"]}
        files = [(path.relative_to(folder).as_posix(), partial(_read, path)) for path in _pictures(folder)]
        with Progress("looking", visible=sys.stderr.isatty()) as bar:
            report = find_duplicates(files, templates=templates, search=search, progress=bar.show)
        seconds = round(time.perf_counter() - started, 3)
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(report), "seconds": seconds}, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(_table(report, seconds)))


def _pictures(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _read(path: Path) -> bytes:
    """Read a picture, but never more than one byte over the limit, which is enough to refuse it."""
    with path.open("rb") as file:
        return file.read(Limits().max_bytes + 1)


def _template(path: Path) -> TemplateFeatures:
    try:
        return template_features(_read(path))
    except Unreadable as refusal:
        raise CommandError(f"template {path}: {refusal.sentence}", returncode=2) from refusal
    except OSError as error:
        raise CommandError(f"template {path} cannot be read: {error.strerror}", returncode=2) from error


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
