"""Bring a backup back into an empty installation: all of it, or nothing."""

import signal
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from crowd.clock import database_now
from crowd.models import Account
from curation.embedded.errors import ServiceError
from curation.embedded.schema import apply_pending_migrations
from curation.models import Job, SecondFactor, Webhook
from curation.services import events
from curation.services.backups import archive, database, erased, files, settling
from curation.services.backups.archive import MEDIA, SECRET_NAMES, SECRETS, BadArchive, Contents, Header
from curation.services.backups.taking import Show, key_marks

OUR_APPS: Final = ("crowd", "curation")


@dataclass(slots=True)
class Restored:
    """What was brought back, and what a person should know of it."""

    contents: Contents
    rows: int = 0
    held_accounts: list[str] = field(default_factory=list)
    tokens: int = 0
    webhooks_off: int = 0
    erased_again: int = 0
    not_there: list[str] = field(default_factory=list)
    keys: str = ""


def check(*, path: Path, show: Show) -> Contents:
    """Read all of a backup and have pg_restore read its dump; nothing is written anywhere."""
    with closing(database.Reading()) as reading:
        contents = archive.look_through(path, dump=reading.feed, show=lambda done, n: show("checking", done, n))
        _require_known(path, contents.header)
        reading.finish()
    return contents


def restore(*, path: Path, contents: Contents, show: Show) -> Restored:
    """Put a checked backup into a database and a storage that are both empty."""
    if not database.is_empty():
        raise ServiceError(
            "The database is not empty: a backup is restored into an empty one. "
            "Set another DATA_DIR, or DATABASE_URL to a new database.",
            status=2,
        )
    notes = erased.notes_beside(path.parent)
    if contents.header.media == "copied":
        files.require_empty()
    written: list[str] = []
    try:
        secrets = _put_files_back(path, contents, written, show)
        written.extend(erased.add_to_storage(notes))
        _load(path, contents.header, show)
    except BaseException:
        files.take_away(written)
        raise
    restored = Restored(contents, rows=sum(contents.header.rows.values()))
    in_place = _put_keys_back(secrets)
    if contents.header.media == "noted":
        restored.not_there = _not_there(path)
    _settle(restored)
    restored.keys = _about_keys(contents.header, in_place=in_place)
    return restored


def _require_known(path: Path, header: Header) -> None:
    """Refuse what a newer release wrote: its tables would be strange to us."""
    known = {f"{app}.{name}" for app, name in (MigrationLoader(None).disk_migrations or {})}
    strange = [name for name in header.migrations if name.split(".")[0] in OUR_APPS and name not in known]
    if strange:
        raise BadArchive(
            path, f"was made by a newer release ({header.release}): {strange[0]} is unknown here. Install that release."
        )


def _put_files_back(path: Path, contents: Contents, written: list[str], show: Show) -> dict[str, bytes]:
    secrets: dict[str, bytes] = {}
    with archive.opened(path) as parts:
        for part in parts:
            if part.name.startswith(SECRETS):
                secrets[part.name.removeprefix(SECRETS)] = part.stream.read()
            elif part.name.startswith(MEDIA):
                name = part.name.removeprefix(MEDIA)
                files.put_back(name, part.stream, written)
                show("files", len(written), contents.files)
    return secrets


def _load(path: Path, header: Header, show: Show) -> None:
    """Load the dump, compare rows and sums with those of the backup, and settle what time has overtaken, at once."""
    show("database", 0, 1)
    with closing(database.Loading()) as loading, archive.opened(path) as parts:
        for part in parts:
            if part.name == archive.DUMP:
                archive.Counted(part.stream).drain(loading.feed)
                break
        after = [database.same_rows(header.rows, header.ledger), *settling.statements(header)]
        with _uninterrupted():
            loading.commit(after=after)
    show("database", 1, 1)


class _uninterrupted:  # noqa: N801  reads as what it does
    """Do not hear requests to stop in the block, in which it is decided whether the restore has happened."""

    def __enter__(self) -> None:
        self.before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)


def _not_there(path: Path) -> list[str]:
    """Name files that the backup only notes and that the storage does not have, or has in another size."""
    there = dict(files.listed())
    with archive.opened(path) as parts:
        listed = next(part for part in parts if part.name == archive.LIST)
        noted = archive.noted_files(listed.stream)
        return [name for name, size in noted if there.get(name) != size][: files.MISSING_NAMED]


def _put_keys_back(secrets: Mapping[str, bytes]) -> bool:
    """Put keys that are in the backup where they are kept in files; keys of the environment are the operator's."""
    if not secrets or not settings.PATHS.secrets.is_dir():
        return False
    for name in SECRET_NAMES:
        _write_secret(settings.PATHS.secrets / name, secrets[name])
    return True


def _about_keys(header: Header, *, in_place: bool) -> str:
    """Say what to do where the secrets of accounts and webhooks cannot be read with the keys that are here."""
    if in_place:
        return "The keys of the backup are in place."
    locked = (Account.objects.exclude(secrets=""), Webhook.objects.exclude(secrets=""), SecondFactor.objects.all())
    if not any(rows.exists() for rows in locked) or set(header.key_marks) & set(key_marks()):
        return ""
    return (
        "The secrets of platform accounts, webhooks and second factors are locked with other keys: put the old "
        f"field_keys into {settings.PATHS.secrets} (or set FIELD_KEYS). Without them enter the secrets again; for "
        "two-factor sign-in recovery codes open, and ./winnow sign_in_link EMAIL --reset-two-factor takes it away."
    )


def _write_secret(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    fresh.replace(path)


def _settle(restored: Restored) -> None:
    """Bring the tables up to date, erase again whom a later erasure named, and write down what happened.

    What breaks off here is made up for by the first start: it migrates, and finds the job that erases again.
    """
    apply_pending_migrations(keeping=False)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("ANALYZE")
    now = database_now()
    restored.erased_again = erased.erase_again(notes=erased.notes_in_storage(), now=now)
    Job.objects.filter(kind=erased.AGAIN, state=Job.State.DUE).update(state=Job.State.DONE, finished_at=now)
    restored.held_accounts, restored.tokens = settling.held_accounts(), settling.living_tokens(now=now)
    restored.webhooks_off = settling.webhooks_off()
    made = restored.contents.header.made_at
    text = f"The server was restored from the backup of {made[:16].replace('T', ' ')} UTC."
    events.record(kind="backup.restored", text=text, data={"backup": restored.contents.header.id}, now=now)
