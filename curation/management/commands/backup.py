"""`backup FILE [--media copied|noted] [--with-secrets] [--json]`: all that must not be lost in one file."""

import json
import signal
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from crowd.clock import database_now
from curation.embedded.schema import pending_migrations
from curation.embedded.supervisor import hearing
from curation.management.terminal import Progress
from curation.services.backups.taking import Taken, remember, take


class Command(BaseCommand):
    help = "Write the database and the files of one moment into one file. The product may go on meanwhile."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="where to write; must not exist yet")
        parser.add_argument(
            "--media",
            choices=["copied", "noted"],
            help="copied = the files themselves (usual for a folder); noted = only their names and sizes, they stay "
            "where they are (usual for a bucket)",
        )
        parser.add_argument("--with-secrets", action="store_true", help="put SECRET_KEY and FIELD_KEYS in as well")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_: Any, **options: Any) -> None:
        path = options["file"].absolute()
        with (
            hearing((signal.SIGTERM, signal.SIGHUP), signal.default_int_handler),
            Progress("backup", visible=sys.stderr.isatty()) as progress,
        ):
            taken = take(
                path=path, media=options["media"], with_secrets=options["with_secrets"], show=progress.show_part
            )
        if not pending_migrations():
            remember(taken=taken, now=database_now())
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(taken), "path": str(taken.path)}, indent=2))
            return
        for text in said(taken):
            self.stdout.write(text)


def said(taken: Taken) -> list[str]:
    what = "copied" if taken.media == "copied" else "noted by name and size; they stay where they are"
    lines = [
        f"{taken.path}: {taken.bytes / 1e6:,.1f} MB",
        f"{taken.rows:,} rows of {taken.tables:,} tables",
        f"{taken.files:,} files ({taken.file_bytes / 1e6:,.1f} MB), {what}",
    ]
    if taken.missing:
        lines.append(f"{len(taken.missing):,} files that rows speak of are not there, first {taken.missing[0]}")
    if not taken.secrets:
        lines.append("SECRET_KEY and FIELD_KEYS are not in it: keep a copy of them somewhere else.")
    return lines
