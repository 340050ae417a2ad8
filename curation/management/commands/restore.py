"""`restore FILE [--dry-run] [--json]`: bring a backup back into an empty installation, all of it or nothing."""

import json
import signal
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from curation.embedded.services import make_folders
from curation.embedded.supervisor import hearing, only_supervisor
from curation.management.commands.up import embedded_services
from curation.management.terminal import Progress
from curation.services.backups import Contents, Restored, check, restore


class Command(BaseCommand):
    help = "Check a backup wholly, then bring it back into an empty database and an empty storage."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--dry-run", action="store_true", help="only check the file; nothing is written or started")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_: Any, **options: Any) -> None:
        path = options["file"].absolute()
        restored: Restored | None = None
        with (
            hearing((signal.SIGTERM, signal.SIGHUP), signal.default_int_handler),
            Progress("checking", visible=sys.stderr.isatty()) as progress,
        ):
            contents = check(path=path, show=progress.show_part)
            if not options["dry_run"]:
                make_folders(settings.PATHS)
                with only_supervisor(settings.PATHS), embedded_services():
                    restored = restore(path=path, contents=contents, show=progress.show_part)
        if options["json"]:
            self.stdout.write(json.dumps(document(path, contents, restored), indent=2))
            return
        for text in [*about(contents), *(after(restored) if restored else ["Sound. Nothing was restored."])]:
            self.stdout.write(text)


def document(path: Path, contents: Contents, restored: Restored | None) -> dict[str, Any]:
    header = contents.header
    told = {
        "file": str(path),
        "made_at": header.made_at,
        "release": header.release,
        "rows": sum(header.rows.values()),
        "tables": header.rows,
        "ledger": header.ledger,
        "media": header.media,
        "files": contents.files,
        "file_bytes": contents.size,
        "missing": contents.missing,
        "dry_run": restored is None,
    }
    if restored is not None:
        told |= {name: value for name, value in asdict(restored).items() if name not in {"contents", "rows"}}
    return told


def about(contents: Contents) -> list[str]:
    header = contents.header
    where = "" if header.media == "copied" else f", which lie in {header.storage}"
    when = header.made_at[:16].replace("T", " ")
    lines = [
        f"Backup of {when} UTC by Winnow {header.release}, PostgreSQL {header.postgres}",
        f"{sum(header.rows.values()):,} rows of {len(header.rows):,} tables; "
        f"{contents.files:,} files ({contents.size / 1e6:,.1f} MB){where}",
    ]
    if contents.missing:
        lines.append(f"{len(contents.missing):,} files were missing already then, first {contents.missing[0]}")
    return lines


def after(restored: Restored) -> list[str]:
    lines = ["Restored: rows, ledger and files are those of the backup. Everybody has to sign in again."]
    if restored.erased_again:
        lines.append(f"{restored.erased_again:,} contributors were erased after this backup: they were erased again.")
    if restored.not_there:
        lines.append(f"{len(restored.not_there):,} files are not in the storage, first {restored.not_there[0]}")
    if restored.tokens:
        lines.append(f"{restored.tokens:,} API tokens work as they did then: revoke those that were revoked since.")
    if restored.webhooks_off:
        lines.append(f"{restored.webhooks_off:,} webhooks are switched off: switch those on again that shall be told.")
    if restored.held_accounts:
        lines.append(
            f"Nothing is sent to {', '.join(restored.held_accounts)} until `./winnow reconcile` has compared it with "
            "its platform."
        )
    return [*lines, *([restored.keys] if restored.keys else []), "Start with `./winnow up`."]
