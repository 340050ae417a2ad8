"""Tables of results that a person brings from a vendor: what is in them, first without taking anything in.

A row is the answer of one worker to one task. The same row again is there already; another answer of the same worker
to the same task is refused with its line. What is new becomes pages, and comes in the way every platform's pages do.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import connection, transaction

from crowd.errors import BadAnswer, CrowdError
from crowd.models import Account, Batch, Task
from crowd.platforms.tagme_files import packages, results
from crowd.platforms.tagme_files.store import Folder
from crowd.services import pulling
from crowd.services.answers import check_payload, inside_the_picture
from crowd.services.vendor_exchange import entered_cost, folder_of
from crowd.vendor_answers import boxes_of, choice_of
from crowd.vendor_tables import BadCell, Row, Table, moment_of, state_of, text_of

MAPPINGS = "mappings"
LONGEST_ID = 200
SECONDS_AT_ONCE = 15.0
USUAL_NAMES = {
    "task": ("file", "task", "input:image", "input:winnow_task", "image", "filename", "item", "task_id"),
    "worker": ("worker", "worker_id", "annotator", "assignment:worker_id", "user", "user_id", "executor"),
    "answer": ("answer", "result", "markup", "output:markup", "output:result", "annotation", "label", "boxes"),
    "start": ("start", "started", "started_at", "begun at", "begun_at", "assignment:started"),
    "end": ("end", "finished", "done at", "done_at", "submitted_at", "assignment:submitted", "completed_at"),
    "status": ("status", "state", "assignment:status"),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what; empty = there is none."""

    task: str = ""
    worker: str = ""
    answer: str = ""
    start: str = ""
    end: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A row that is not taken in, and why."""

    line: int
    sentence: str


@dataclass(slots=True)
class Examined:
    """What an import would do: rows = new + existing + unmapped."""

    rows: int = 0
    existing: int = 0
    new: list[dict[str, Any]] = field(default_factory=list)
    unmapped: list[Unmapped] = field(default_factory=list)

    @property
    def cost_micro(self) -> int:
        return sum(int(row["price_micro"]) for row in self.new)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. `refused` are the sentences of the intake about pages it would not take as they are.

    `under_way`: all rows are stored, and the last of them come in with the next pull.
    """

    new: int
    existing: int
    unmapped: int
    refused: Sequence[str]
    under_way: bool = False


# --- which column is what ---
def columns_for(*, account: Account, interface: str, table: Table) -> Columns:
    """Return the mapping saved for this account where it fits the table, else a guess by the usual names."""
    saved = account.settings.get(MAPPINGS, {}).get(interface)
    if isinstance(saved, dict) and all(name in table.columns for name in saved.values() if name):
        return Columns(**saved)
    by_name = {name.lower(): name for name in table.columns}
    guessed = {
        part: next((by_name[name] for name in names if name in by_name), "") for part, names in USUAL_NAMES.items()
    }
    return Columns(**guessed)


@transaction.atomic
def save_columns(*, account_id: int, interface: str, columns: Columns) -> None:
    row = Account.objects.select_for_update().only("settings").get(pk=account_id)
    row.settings = {**row.settings, MAPPINGS: {**row.settings.get(MAPPINGS, {}), interface: asdict(columns)}}
    row.save(update_fields=["settings"])


# --- what is in a table ---
class _Prices:
    """Prices of rows, one after another: they add up to the cost of the batch, or to the price of its pages."""

    def __init__(self, batch: Batch, folder: Folder) -> None:
        kept = [int(row["price_micro"]) for row in results.stored(folder) if row["state"] == "submitted"]
        cost = entered_cost(batch)
        if cost is None:
            told = folder.batch()
            self._amount, self._shares, self._given = int(told["price_micro"]), int(told["real_per_page"]), len(kept)
            self._ends = False
        else:
            asked = sum(n or 0 for n in packages.packed_tasks(folder).values())
            self._amount, self._shares = max(0, cost - sum(kept)), max(0, asked - len(kept))
            self._given, self._ends = 0, True

    def next(self) -> int:
        number = self._given
        self._given += 1
        if not self._shares or (self._ends and number >= self._shares):
            return 0
        return self._amount * (number + 1) // self._shares - self._amount * number // self._shares


def examine(*, batch: Batch, table: Table, columns: Columns, now: datetime) -> Examined:
    """Say what an import would do; nothing is stored. Raises CrowdError when the mapping cannot be used."""
    _require_columns(table, columns)
    folder = folder_of(batch)
    reader, found = _Reader(batch, folder, columns, now), Examined(rows=len(table.rows))
    for row in table.rows:
        try:
            page = reader.page_of(row)
        except (BadCell, BadAnswer) as error:
            found.unmapped.append(Unmapped(row.line, f"Line {row.line}: {str(error).rstrip('.')}."))
            continue
        if page is None:
            found.existing += 1
        else:
            found.new.append(page)
    return found


def _require_columns(table: Table, columns: Columns) -> None:
    chosen = asdict(columns)
    for part in ("task", "worker", "answer"):
        if not chosen[part]:
            raise CrowdError(f"Choose the column that holds the {part}.")
    for part, name in chosen.items():
        if name and name not in table.columns:
            raise CrowdError(f"The table has no column {name[:60]!r} for the {part}; choose another.")
    twice = [name for name, n in Counter(filter(None, chosen.values())).items() if n > 1]
    if twice:
        raise CrowdError(f"The column {twice[0][:60]!r} is chosen twice.")


class _Reader:
    """Reads rows one after another, and knows what came before."""

    def __init__(self, batch: Batch, folder: Folder, columns: Columns, now: datetime) -> None:
        self._batch, self._folder, self._columns, self._now = batch, folder, columns, now
        tasks = list(Task.objects.filter(batch=batch).only("key", "payload"))
        self._tasks = {task.key: task for task in tasks} | {packages.item_name(task.key): task for task in tasks}
        self._pages = {(row["task"], row["worker"]): row["page"] for row in results.stored(folder)}
        self._prices = _Prices(batch, folder)

    def page_of(self, row: Row) -> dict[str, Any] | None:
        """Return the page of a row; None when it was brought in before. Raises BadCell or BadAnswer."""
        told = {part: row.cells.get(name, "") if name else "" for part, name in asdict(self._columns).items()}
        task, worker, state = self._task(told["task"]), _worker(told["worker"]), state_of(told["status"])
        start, end = moment_of(told["start"]), moment_of(told["end"])
        page = self._page_id(task.key, worker, told["answer"] if state == "submitted" else "")
        known = self._pages.get((task.key, worker))
        if known == page:
            return None
        if known is not None:
            raise BadCell(f"worker {worker[:40]} has answered {task.key[:60]} before, and differently; that one stays")
        answer = self._answer(task, told["answer"]) if state == "submitted" else {}
        self._pages[task.key, worker] = page
        return {
            "page": page,
            "worker": worker,
            "task": task.key,
            "answer": answer,
            "state": state,
            "price_micro": self._prices.next() if state == "submitted" else 0,
            "issued_at": (start or end or self._now).isoformat(),
            "submitted_at": (end or start or self._now).isoformat() if state == "submitted" else None,
        }

    def _task(self, cell: Any) -> Task:
        """Find a task by its key or by the name of its file, whatever folder and ending it has got."""
        text = text_of(cell)
        name = text.replace("\\", "/").rpartition("/")[2]
        found = self._tasks.get(text) or self._tasks.get(name) or self._tasks.get(name.rpartition(".")[0])
        if found is None:
            raise BadCell(f"{text[:60]!r} is no task of this pool" if text else "the task is empty")
        return found

    def _page_id(self, task_key: str, worker: str, answer: Any) -> str:
        told = "\n".join([task_key, worker, text_of(answer)])
        return f"{self._folder.remote_id}:{sha256(told.encode()).hexdigest()[:32]}"

    def _answer(self, task: Task, cell: Any) -> dict[str, Any]:
        spec = self._batch.spec
        if self._batch.interface == "choice":
            payload = choice_of(cell)
        else:
            flags = [str(flag["value"]) for flag in spec.get("flags", [])]
            payload = inside_the_picture(boxes_of(cell, size=_size(task.payload), flags=flags))
        check_payload(interface=self._batch.interface, spec=spec, payload=payload)
        return payload


def _worker(cell: Any) -> str:
    worker = text_of(cell)
    if not worker or len(worker) > LONGEST_ID:
        raise BadCell(f"the worker needs 1 to {LONGEST_ID} characters")
    return worker


def _size(payload: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = payload.get("width"), payload.get("height")
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return width, height
    return None


# --- taking it in ---
def bring_in(*, batch: Batch, table: Table, columns: Columns, now: datetime) -> Imported:
    """Take in what is new in a table, and remember its columns for the next one of this account."""
    with _only_import(batch):
        found = examine(batch=batch, table=table, columns=columns, now=now)
        if found.new:
            results.append(folder_of(batch), found.new)
    save_columns(account_id=batch.account_id, interface=batch.interface, columns=columns)
    refused, under_way = _pull(batch, now)
    return Imported(len(found.new), found.existing, len(found.unmapped), refused, under_way)


def _pull(batch: Batch, now: datetime) -> tuple[list[str], bool]:
    """Let the pages in as those of any platform, for as long as somebody waits for an answer."""
    refused, more, until = list[str](), True, time.monotonic() + SECONDS_AT_ONCE
    while more and time.monotonic() < until:
        pulled = pulling.pull_batch(batch_id=batch.pk, now=now)
        refused += [*pulled.taken.refused, *filter(None, [pulled.note])]
        more = pulled.more and not pulled.note
    return refused, more


@contextmanager
def _only_import(batch: Batch) -> Iterator[None]:
    """Let one import of a batch run at a time, also while it writes into a storage far away."""
    number = [batch.pk % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('vendor import'), %s)", number)
        if not cursor.fetchone()[0]:
            raise CrowdError("Another import into this pool is under way. Wait until it is done.")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('vendor import'), %s)", number)
