"""Files of answers that lie outside, streamed into our storage. A page is taken in when its last file is here."""

import hashlib
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction

from crowd.errors import AuthFailed, CrowdError, PlatformError, StillRunning, StorageRefused, Throttled
from crowd.fetching import AddressRefused, FetchError, Limits, fetch_public
from crowd.models import AnswerRaw, Assignment, RemoteFile
from crowd.platforms.registry import platform
from crowd.services import judging
from crowd.services.accepting import accept_waiting

State = RemoteFile.State
NOBODY: frozenset[str] = frozenset()
MEGABYTE = 1024 * 1024
MOST_MEGABYTES = 50  # as much as a photo sent to ourselves may have; a batch may say otherwise
IN_MEMORY = 4 * 1024 * 1024
SECONDS_AT_ONCE = 5.0
MOST_SECONDS = 120.0
LEASE = timedelta(seconds=45)  # longer than the wait for a first piece; renewed while pieces come
RENEWED_EVERY = 10.0
AFTER_TROUBLE = timedelta(minutes=5)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=2), timedelta(hours=1)
MOST_FAILURES = 16  # about six hours: a platform may show an answer before its file
TROUBLED = 8  # failures at most that a platform's own trouble counts for


@dataclass(frozen=True, slots=True)
class Fetched:
    """How many files came in, failed for good, and have to be tried again; whose pages are complete now."""

    done: int = 0
    failed: int = 0
    again: int = 0
    project_ids: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        """Say whether anything is otherwise than before."""
        return bool(self.done or self.failed)

    def __add__(self, other: "Fetched") -> "Fetched":
        return Fetched(
            self.done + other.done,
            self.failed + other.failed,
            self.again + other.again,
            self.project_ids | other.project_ids,
        )


class TooLarge(CrowdError):
    """Nothing changes that: it is not tried again."""

    def __init__(self, most: int) -> None:
        super().__init__(f"It has more than {most // MEGABYTE} MB.")


class WebPage(CrowdError):
    """Somebody has sent the address of a page about a file: it is not tried again."""

    def __init__(self) -> None:
        super().__init__("The link leads to a web page, not to a file: send the address of the file itself.")


class TooLong(CrowdError):
    """The file was not here in time."""

    def __init__(self) -> None:
        super().__init__(f"It did not arrive within {MOST_SECONDS:.0f} seconds.")


def fetch_due(*, now: datetime, account_id: int | None = None, allow: frozenset[str] = NOBODY) -> Fetched:
    """Fetch what is due, one file after the other, for some seconds. Several may do this at once.

    `allow`: private hosts as host:port that links of workers may lead to; nobody but a test has any.
    """
    end, sum_ = time.monotonic() + SECONDS_AT_ONCE, Fetched()
    while time.monotonic() < end and (row := _claim(now, account_id)) is not None:
        sum_ += _fetch(row, now, allow)
    return sum_


@transaction.atomic
def _claim(now: datetime, account_id: int | None) -> RemoteFile | None:
    """Take the next file for ourselves: until its lease is over nobody else finds it due."""
    live = [Assignment.State.SUBMITTED, Assignment.State.ACCEPTED]
    due = RemoteFile.objects.filter(state=State.WAITING, next_at__lte=now, assignment__state__in=live)
    if account_id is not None:
        due = due.filter(assignment__account_id=account_id)
    found = due.select_for_update(of=("self",), skip_locked=True).select_related("assignment__batch__account")
    row = found.order_by("next_at", "pk").first()
    if row is not None:
        row.next_at = now + LEASE
        row.save(update_fields=["next_at"])
    return row


def _fetch(row: RemoteFile, now: datetime, allow: frozenset[str]) -> Fetched:
    try:
        with _opened(row, allow) as pieces, SpooledTemporaryFile(max_size=IN_MEMORY) as copy:
            size, digest = _receive(pieces, copy, row, now)
            if _is_link(row):
                _require_a_file(copy)
            file = {"key": _save(copy), "sha256": digest, "bytes": size, "name": _name(row)}
    except StorageRefused as error:  # the file is well, our storage is not
        return _later(row, str(error), now + AFTER_TROUBLE)
    except (Throttled, StillRunning) as error:
        return _later(row, str(error), max(error.retry_at, now + FIRST_WAIT))
    except (AddressRefused, TooLarge, WebPage) as error:
        return _give_up(row, str(error), now)
    except (PlatformError, FetchError, TooLong) as error:
        return _after_error(row, error, now)
    return _finish(row, file, now)


@contextmanager
def _opened(row: RemoteFile, allow: frozenset[str]) -> Iterator[Iterable[bytes]]:
    if row.ref.startswith(("https://", "http://")):
        limits = Limits(most_bytes=_most_bytes(row), total_seconds=MOST_SECONDS)
        with fetch_public(row.ref, limits=limits, allow=allow) as fetched:
            yield fetched
        return
    account = row.assignment.batch.account
    yield platform(account.platform).fetch_file(account, row.ref)


def _receive(pieces: Iterable[bytes], copy: IO[bytes], row: RemoteFile, now: datetime) -> tuple[int, str]:
    """Write the pieces down, and return their length and digest. The lease is kept while pieces come."""
    size, digest, began, most = 0, hashlib.sha256(), time.monotonic(), _most_bytes(row)
    end, renew_at = began + MOST_SECONDS, began + RENEWED_EVERY
    for piece in pieces:
        if time.monotonic() > renew_at:
            renew_at = time.monotonic() + RENEWED_EVERY
            _keep(row, now + timedelta(seconds=time.monotonic() - began))
        size += len(piece)
        if size > most:
            raise TooLarge(most)
        if time.monotonic() > end:
            raise TooLong
        digest.update(piece)
        copy.write(piece)
    copy.seek(0)
    return size, digest.hexdigest()


def _most_bytes(row: RemoteFile) -> int:
    return int(row.assignment.batch.spec.get("most_megabytes", MOST_MEGABYTES)) * MEGABYTE


def _is_link(row: RemoteFile) -> bool:
    """Say whether a worker has sent this address, who could look himself whether something is there."""
    return row.assignment.batch.interface == "link"


def _require_a_file(copy: IO[bytes]) -> None:
    """Tell a page of a file host from a file by how it begins; what else is wrong, the checks will say."""
    head = copy.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    copy.seek(0)
    if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<script")):
        raise WebPage


def _keep(row: RemoteFile, now: datetime) -> None:
    RemoteFile.objects.filter(pk=row.pk, state=State.WAITING).update(next_at=now + LEASE)


def _save(copy: IO[bytes]) -> str:
    try:
        return default_storage.save(f"uploads/{secrets.token_hex(16)}", File(copy))
    except OSError as error:
        raise StorageRefused(error.strerror or str(error)) from None


def _name(row: RemoteFile) -> str:
    """Return the name the worker's file had; text from outside, never a path."""
    return str(row.payload.get("name", ""))[-255:]


@transaction.atomic
def _finish(row: RemoteFile, file: dict[str, Any], now: datetime) -> Fetched:
    page = judging.locked(row.assignment_id)
    if not RemoteFile.objects.filter(pk=row.pk, state=State.WAITING).update(state=State.DONE, last_error=""):
        default_storage.delete(file["key"])  # our lease was over, and somebody else was faster
        return Fetched()
    AnswerRaw.objects.create(answer_id=row.pk, payload={**row.payload, "file": file})
    if RemoteFile.objects.filter(assignment=page).exclude(state=State.DONE).exists() or _awaits_its_platform(page):
        return Fetched(done=1)
    Assignment.objects.filter(pk=page.pk).update(awaits_files=False)
    if page.batch.auto_accept:
        accept_waiting(batch=page.batch, now=now)
    return Fetched(done=1, project_ids=frozenset({page.project_id}))


def _awaits_its_platform(page: Assignment) -> bool:
    """Say whether a page of our own is not confirmed by the platform that sent its worker, or never will be."""
    return page.platform_state == Assignment.State.ACTIVE or page.processed_at is not None


def _after_error(row: RemoteFile, error: CrowdError, now: datetime) -> Fetched:
    """Try again for hours what may come yet. What is wrong with an account or a platform is not the file's fault."""
    if isinstance(error, AuthFailed):
        return _later(row, str(error), now + AFTER_TROUBLE)
    if isinstance(error, PlatformError) and not error.permanent:
        wait = min(AFTER_TROUBLE, FIRST_WAIT * 2**row.failures)
        return _later(row, str(error), now + wait, failures=max(row.failures, min(row.failures + 1, TROUBLED)))
    is_final = _is_link(row) and isinstance(error, FetchError) and error.permanent
    if is_final or row.failures + 1 >= MOST_FAILURES:
        return _give_up(row, str(error), now)
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2**row.failures)
    return _later(row, str(error), now + wait, failures=row.failures + 1)


def _later(row: RemoteFile, sentence: str, at: datetime, *, failures: int | None = None) -> Fetched:
    failures = row.failures if failures is None else failures
    mine = RemoteFile.objects.filter(pk=row.pk, state=State.WAITING)
    mine.update(next_at=at, failures=failures, last_error=sentence[:300])
    return Fetched(again=1)


@transaction.atomic
def _give_up(row: RemoteFile, sentence: str, now: datetime) -> Fetched:
    """Nobody is paid for a file that cannot be had, and the product does not wait for it."""
    page = judging.locked(row.assignment_id)
    mine = RemoteFile.objects.filter(pk=row.pk, state=State.WAITING)
    if not mine.update(state=State.FAILED, failures=row.failures + 1, last_error=sentence[:300]):
        return Fetched()
    Assignment.objects.filter(pk=page.pk).update(awaits_files=False, processed_at=now)
    if page.state == Assignment.State.SUBMITTED:
        reason = f"The file of this page could not be fetched. {sentence}"
        judging.reject(assignment_id=page.pk, reason=reason, now=now)
    return Fetched(failed=1)
