"""Backups of everything that must not be lost: the database, the files, and on demand the keys."""

from curation.services.backups.archive import BadArchive, Contents, MediaMode
from curation.services.backups.automatic import before_migrating
from curation.services.backups.restoring import Restored, check, restore
from curation.services.backups.taking import Show, Taken, last_taken, take

__all__ = [
    "BadArchive",
    "Contents",
    "MediaMode",
    "Restored",
    "Show",
    "Taken",
    "before_migrating",
    "check",
    "last_taken",
    "restore",
    "take",
]
