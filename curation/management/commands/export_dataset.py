"""Write a data set into a folder, with a receipt."""

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.datasets.formats.base import About, BadRecord
from curation.datasets.formats.receipt import CountsDiffer
from curation.datasets.formats.registry import WRITERS, writer
from curation.management.projects import project_or_exit
from curation.management.terminal import Progress
from curation.management.versions import add_version, version_or_exit
from curation.models import DatasetVersion, Project
from curation.services import datasets
from curation.services.asset_query import QueryError
from curation.services.export_records import about_of
from curation.services.export_requests import LARGEST_SIDE, SMALLEST_SIDE
from curation.services.exporting import Written

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class What:
    """Which part of which version is written."""

    version: DatasetVersion
    since: DatasetVersion | None
    max_side: int | None
    with_images: bool


class Command(BaseCommand):
    help = "Export a frozen version of a project; without --version, what is published now, frozen first if it changed."
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Let --version be the version of the data set: Django's own would print Django's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="short name or id")
        add_version(parser, "number of a frozen version")
        parser.add_argument("--query", default="", help="what this query means, such as 'class:palm light:low'")
        parser.add_argument("--since", type=int, metavar="V", help="only what differs from this version")
        parser.add_argument("--format", required=True, help=", ".join(sorted(WRITERS)))
        parser.add_argument("--out", required=True, type=Path, metavar="PATH", help="a new folder")
        parser.add_argument("--no-images", action="store_true", help="annotations only")
        parser.add_argument("--max-side", type=int, metavar="PIXELS", help="longest side of pictures; boxes fit them")
        parser.add_argument(
            "--label", default=About().label, metavar="NAME", help="groundtruth: key of the annotations"
        )
        parser.add_argument(
            "--source",
            default=About().source,
            metavar="PREFIX",
            help="groundtruth: where the pictures will lie, s3://…/",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, project: str, out: Path, **options: Any) -> None:
        found, form = project_or_exit(project), options["format"]
        if form not in WRITERS:
            known = ", ".join(sorted(WRITERS))
            raise CommandError(f"{form!r} is not a format we write; there are: {known}.", returncode=2)
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise CommandError(f"{out} is there already; name a new folder for the export.", returncode=2)
        free = _free_names(form, options["label"], options["source"])
        side = _side(options["max_side"])
        since = None if options["since"] is None else version_or_exit(found, options["since"])
        version = self._version(found, options["number"], options["query"])
        about = replace(about_of(version), label=free.label, source=free.source)
        what = What(version, since, None if options["no_images"] else side, with_images=not options["no_images"])
        written = self._write(out, what, form, about)
        if lost := written.receipt.outlines_as_boxes:
            self.stderr.write(f"Outlines that became the boxes around them: {lost:,}; {form} has no place for corners.")
        self.stdout.write(_document(written) if options["json"] else _sentence(written, version))

    def _version(self, project: Project, number: int | None, query: str) -> DatasetVersion:
        if number is not None and query:
            raise CommandError("--version and --query say two different things; give one of them.", returncode=2)
        if number is not None:
            return version_or_exit(project, number)
        now, what = database_now(), f"what matches “{query}”" if query else "what is published now"
        try:
            version = datasets.newest_or_freeze(project_id=project.pk, by=None, query=query, now=now)
        except QueryError as error:
            raise CommandError(str(error), returncode=2) from None
        except CrowdError as error:
            raise CommandError(str(error), returncode=1) from None
        is_new = version.frozen_at == now
        self.stderr.write(
            f"{'Froze' if is_new else 'Took'} {what} as version {version.number}{'' if is_new else ' has it'}."
        )
        return version

    def _write(self, out: Path, what: What, form: str, about: About) -> Written:
        try:
            with Progress("images", visible=sys.stderr.isatty()) as bar:
                return datasets.export_to(
                    path=out,
                    version=what.version,
                    format=form,
                    with_images=what.with_images,
                    max_side=what.max_side,
                    since=what.since,
                    about=about,
                    progress=bar.show,
                )
        except (BadRecord, CountsDiffer, OSError) as error:
            raise CommandError(f"The export failed: {error}", returncode=1) from None
        except KeyboardInterrupt:
            self.stderr.write("\nInterrupted. Nothing was left behind; the version stays frozen.")
            sys.exit(INTERRUPTED)


def _free_names(form: str, label: str, source: str) -> About:
    """Return what a person may choose; refuse it before a version is frozen."""
    about = About(label=label, source=source)
    try:
        writer(form, about)
    except ValueError as error:
        raise CommandError(f"{error}.", returncode=2) from None
    return about


def _side(pixels: int | None) -> int | None:
    if pixels is not None and not SMALLEST_SIDE <= pixels <= LARGEST_SIDE:
        raise CommandError(f"--max-side is {SMALLEST_SIDE} to {LARGEST_SIDE:,} pixels, not {pixels}.", returncode=2)
    return pixels


def _document(written: Written) -> str:
    receipt = written.receipt
    return json.dumps(
        {
            "format": receipt.format,
            "path": str(written.path),
            "images": receipt.images,
            "boxes": receipt.boxes,
            "negatives": receipt.negatives,
            "sha256": receipt.sha256,
            "files": [asdict(one) for one in receipt.files],
            "outlines_as_boxes": receipt.outlines_as_boxes,
        },
        ensure_ascii=False,
    )


def _sentence(written: Written, version: DatasetVersion) -> str:
    receipt = written.receipt
    return (
        f"{version} as {receipt.format} in {written.path}: {receipt.images} images, {receipt.boxes} boxes, "
        f"{receipt.negatives} without boxes, {len(receipt.files)} files, sha256 {receipt.sha256}"
    )
