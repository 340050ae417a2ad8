"""Results as a table: one row per task of each page, tab-separated."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from crowd.emulators.toloka import moments
from crowd.emulators.toloka.batches import truth
from crowd.emulators.toloka.errors import invalid_field
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import ACCEPTED, REJECTED, Assignment, Form, Pool, Task
from crowd.emulators.toloka.views import amount

_STATUSES = ("ACTIVE", "SUBMITTED", "APPROVED", "REJECTED", "SKIPPED", "EXPIRED")


def _time(name: str) -> Callable[[Assignment, Task], Any]:
    def value(page: Assignment, _task: Task) -> str:
        at = page.times.get(name)
        return "" if at is None else moments.written(at)

    return value


_COLUMNS: dict[str, Callable[[Assignment, Task], Any]] = {
    "ASSIGNMENT:link": lambda page, _task: f"/task/{page.pool_id}/{page.id}",
    "ASSIGNMENT:assignment_id": lambda page, _task: page.id,
    "ASSIGNMENT:task_id": lambda _page, task: task.id,
    "ASSIGNMENT:task_suite_id": lambda page, _task: page.suite.id,
    "ASSIGNMENT:worker_id": lambda page, _task: page.user_id,
    "ASSIGNMENT:status": lambda page, _task: _status(page),
    "ASSIGNMENT:started": lambda page, _task: moments.written(page.created),
    **{f"ASSIGNMENT:{name.lower()}": _time(name) for name in ("SUBMITTED", ACCEPTED, REJECTED, "SKIPPED", "EXPIRED")},
    "ASSIGNMENT:reward": lambda page, _task: amount(page.reward_micro),
}


def _status(page: Assignment) -> str:
    return "APPROVED" if page.status == ACCEPTED else page.status


def results(market: Market, pool_id: str, query: Mapping[str, str]) -> str:
    pool = market.pool(pool_id)
    columns = _chosen(query)
    spec = market.project_of(pool)
    header = [
        *(f"INPUT:{name}" for name in spec.inputs.spec),
        *(f"OUTPUT:{name}" for name in spec.outputs.spec),
        *(f"GOLDEN:{name}" for name in spec.outputs.spec),
        "HINT:text",
        *columns,
        "ACCEPT:verdict",
        "ACCEPT:comment",
    ]
    text = io.StringIO()
    table = csv.DictWriter(text, header, delimiter="\t", lineterminator="\n", restval="", extrasaction="ignore")
    table.writeheader()
    for page in _pages(market, pool, query):
        table.writerows(_rows(page, columns))
        if truth(query, "addRowDelimiter"):
            table.writerow({})
    return text.getvalue()


def _chosen(query: Mapping[str, str]) -> list[str]:
    names = [name for name in query.get("field", ",".join(_COLUMNS)).split(",") if name]
    for name in names:
        if name not in _COLUMNS:
            raise invalid_field("field", "UNKNOWN_ENUM_VALUE", f"{name} is no column.", *_COLUMNS)
    return names


def _pages(market: Market, pool: Pool, query: Mapping[str, str]) -> Iterator[Assignment]:
    statuses = query.get("status", "APPROVED").split(",")
    for status in statuses:
        if status not in _STATUSES:
            raise invalid_field("status", "UNKNOWN_ENUM_VALUE", f"{status} is no status.", *_STATUSES)
    first, last = query.get("startTimeFrom"), query.get("startTimeTo")
    for page in pool.assignments:
        late_enough = first is None or page.created >= moments.read(first)
        early_enough = last is None or page.created <= moments.read(last)
        banned = truth(query, "excludeBanned") and bool(market.workers.get(page.user_id).restrictions)
        if _status(page) in statuses and late_enough and early_enough and not banned:
            yield page


def _rows(page: Assignment, columns: Iterable[str]) -> Iterator[Form]:
    for index, task in enumerate(page.suite.tasks):
        answer = page.solutions[index] if page.solutions else {}
        known = (task.form.get("known_solutions") or [{}])[0].get("output_values") or {}
        yield {
            **{f"INPUT:{name}": _cell(value) for name, value in task.form["input_values"].items()},
            **{f"OUTPUT:{name}": _cell(value) for name, value in answer.items()},
            **{f"GOLDEN:{name}": _cell(value) for name, value in known.items()},
            "HINT:text": task.form.get("message_on_unknown_solution", ""),
            **{name: _COLUMNS[name](page, task) for name in columns},
            "ACCEPT:verdict": {ACCEPTED: "+", REJECTED: "-"}.get(page.status, ""),
            "ACCEPT:comment": page.public_comment or "",
        }


def _cell(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return "" if value is None else json.dumps(value, ensure_ascii=False)
    return value
