"""A backup of the database before its tables are changed. Files stay where they are: migrations do not touch them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection

from curation.embedded.checkup_upgrade import SPARE
from curation.embedded.locks import make_private
from curation.embedded.processes import say
from curation.services.backups import database, taking

NAMES: Final = "before-migrating-*.tar"


def before_migrating(missing: Sequence[str]) -> Path | None:
    """Take a backup when there is something to lose, and keep the newest KEEP_BACKUPS of them."""
    if not settings.KEEP_BACKUPS or not _has_projects():
        return None
    folder = settings.DATA_DIR / "backups"
    make_private(folder)
    needed, free = database.size() + SPARE, database.folder_free(folder)
    if free < needed:
        say(
            f"the disk of {folder} has {free >> 20:,} MB left and a backup may need {needed >> 20:,} MB: "
            "none is taken before migrating."
        )
        return None
    path = folder / f"before-migrating-{datetime.now(UTC):%Y%m%dT%H%M%S}.tar"
    taken = taking.take(path=path, media="noted", show=lambda *_: None)
    say(f"{len(missing)} migrations are waiting: {taken.rows:,} rows are kept in {path}.")
    for old in sorted(folder.glob(NAMES))[: -settings.KEEP_BACKUPS]:
        old.unlink(missing_ok=True)
    return path


def _has_projects() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('public.curation_project') IS NOT NULL")
        if cursor.fetchone() != (True,):
            return False
        cursor.execute("SELECT EXISTS (SELECT FROM curation_project)")
        return bool(cursor.fetchone() == (True,))
