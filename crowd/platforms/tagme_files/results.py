"""Results that a person has brought in: files of rows that never change, and our verdicts about them.

A row is a page of one task. The vendor does not hear of a verdict; it counts for us alone.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crowd.errors import Invalid, NotFound, StateConflict
from crowd.models import Account, Assignment
from crowd.platforms.base import Pull, RemoteAssignment, RemoteBooks
from crowd.platforms.tagme_files import packages
from crowd.platforms.tagme_files.store import RESULTS, VERDICTS, Folder, page_ids, put, result_rows

State = Assignment.State
PULL_SIZE = 500


def append(folder: Folder, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store rows as the next file. Only one import of a batch runs at a time; see crowd.services.vendor_files."""
    number = len(folder.names(RESULTS)) + 1
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    put(folder.key(RESULTS, f"{number:06d}.jsonl"), ContentFile(lines.encode()))


def stored(folder: Folder) -> Iterator[Mapping[str, Any]]:
    for name in folder.names(RESULTS):
        yield from result_rows(folder.key(RESULTS, name))


def pull(folder: Folder, watermark: str) -> Pull:
    """Go on behind the row that the mark names: files and rows are only ever added at the end."""
    number, line = _mark(watermark)
    names = folder.names(RESULTS)
    if number > len(names):
        return Pull([], watermark, more=False)
    rows = result_rows(folder.key(RESULTS, names[number - 1]))
    verdicts = _verdicts(folder)
    found = [_page(row, verdicts) for row in rows[line : line + PULL_SIZE]]
    line += len(found)
    more = line < len(rows) or number < len(names)
    mark = f"{number} {line}" if line < len(rows) else f"{number + 1} 0"
    return Pull(found, mark, more=more)


def _mark(watermark: str) -> tuple[int, int]:
    if not watermark:
        return 1, 0
    number, _, line = watermark.partition(" ")
    if not (number.isascii() and line.isascii() and number.isdecimal() and line.isdecimal()) or not int(number):
        raise Invalid({"watermark": f"{watermark!r} was not given out here"})
    return int(number), int(line)


def _page(row: Mapping[str, Any], verdicts: Mapping[str, str]) -> RemoteAssignment:
    return RemoteAssignment(
        ext_id=row["page"],
        worker_ext_id=row["worker"],
        state=verdicts.get(_digest(row["page"]), row["state"]),
        price_micro=int(row["price_micro"]),
        submitted_at=_moment(row["submitted_at"]),
        answers={row["task"]: row["answer"]},
        issued_at=_moment(row["issued_at"]),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _digest(page: str) -> str:
    return page.partition(":")[2]


def _verdicts(folder: Folder) -> dict[str, str]:
    """Return our verdicts by page: the name of the file is all there is to one."""
    return dict(name.split(".", 1) for name in folder.names(VERDICTS))


def judge(account: Account, ext_id: str, verdict: str) -> None:
    """Write a verdict down; a rejection may be taken back, a payment may not."""
    folder = _folder_of(account, ext_id)
    accepted, rejected = (folder.key(VERDICTS, f"{_digest(ext_id)}.{one}") for one in (State.ACCEPTED, State.REJECTED))
    if verdict == State.REJECTED and default_storage.exists(accepted):
        raise StateConflict(f"Page {ext_id} was accepted before and stays so.")
    put(accepted if verdict == State.ACCEPTED else rejected, ContentFile(b""))
    if verdict == State.ACCEPTED:
        default_storage.delete(rejected)


def _folder_of(account: Account, ext_id: str) -> Folder:
    """Return the folder that holds this page; NotFound when none does."""
    folder = Folder.existing(account, ext_id.partition(":")[0])
    if not any(ext_id in page_ids(folder.key(RESULTS, name)) for name in folder.names(RESULTS)):
        raise NotFound(f"Account {account.slug} has no page {ext_id[:60]!r}.")
    return folder


def books(folder: Folder) -> RemoteBooks:
    verdicts = _verdicts(folder)
    pages = [_page(row, verdicts) for row in stored(folder)]
    states = {page.ext_id: page.state for page in pages}
    spent = sum(page.price_micro for page in pages if page.state == State.ACCEPTED)
    return RemoteBooks(dict(Counter(states.values())), len(packages.packed_tasks(folder)), spent, states)
