"""The lists of the platform: what each can be filtered, ranged and sorted by, and how long a page may be."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from crowd.emulators.toloka import views
from crowd.emulators.toloka.listing import Listing, Query
from crowd.emulators.toloka.market import REQUESTER_ID, Market
from crowd.emulators.toloka.records import (
    ACCEPTED,
    EXPIRED,
    REJECTED,
    SKIPPED,
    SUBMITTED,
    Assignment,
    Form,
    Solution,
    Suite,
    Task,
    Thread,
)
from crowd.emulators.toloka.shelf import HasId, Shelf, after

Test = Callable[[Any, str], bool]
T = TypeVar("T", bound=HasId)


def _is(name: str) -> Test:
    """Compare a field of the record; a comma list means one of them."""
    return lambda thing, text: str(getattr(thing, name)) in text.split(",")


def _says(name: str) -> Test:
    """Compare a field of the form."""
    return lambda thing, text: thing.form.get(name) == text


def _one_says(name: str) -> Test:
    return lambda thing, text: thing.form.get(name) in text.split(",")


def _ours(_thing: Any, text: str) -> bool:
    return text == REQUESTER_ID


def _yes(read: Callable[[Any], bool]) -> Test:
    return lambda thing, text: read(thing) is (text.lower() == "true")


def _times(*names: str) -> dict[str, Callable[[Any], Any]]:
    return {"id": lambda thing: thing.id, **{name: _column(name) for name in names}}


def _column(name: str) -> Callable[[Any], Any]:
    return lambda thing: getattr(thing, name)


def _status_time(status: str) -> Callable[[Assignment], datetime | None]:
    return lambda page: page.times.get(status)


def _all(
    of: Callable[[Market], Shelf[T]],
    view: Callable[[T], Form],
    filters: Mapping[str, Test],
    most: int,
    *,
    usual: int = 50,
    times: tuple[str, ...] = ("created",),
    more: tuple[str, ...] = (),
) -> Listing[T]:
    """List a whole shelf: ranged and sorted by id and times, and sorted by `more`."""
    return Listing(
        lambda market, _query, ident: of(market).after(ident),
        view,
        filters,
        _times(*times),
        ("id", *times, *more),
        usual,
        most,
    )


_base = ("id", "created")

PROJECTS = _all(
    lambda market: market.projects,
    views.project,
    {"status": _is("status"), "owner": _ours},
    300,
    usual=20,
    more=("public_name", "private_comment"),
)

_run_filters = {"status": _is("status"), "project_id": _is("project_id"), "owner": _ours}
_run_times = ("created", "last_started")

POOLS = _all(lambda market: market.pools, views.pool, _run_filters, 300, usual=20, times=_run_times)

TRAININGS = _all(lambda market: market.trainings, views.training, _run_filters, 300, times=_run_times)


def _tasks(market: Market, query: Query, ident: str) -> Iterable[Task]:
    pool = market.any_pool(query.get("pool_id"))
    return () if pool is None else after(pool.tasks, ident)


TASKS: Listing[Task] = Listing(
    _tasks,
    views.task,
    {"pool_id": _is("pool_id"), "overlap": _is("overlap")},
    _times("created", "overlap"),
    _base,
    50,
    100_000,
    needs=("pool_id",),
)


def _suites(market: Market, query: Query, ident: str) -> Iterable[Suite]:
    task = market.tasks.find(query.get("task_id"))
    pool = market.any_pool(query.get("pool_id") or (task and task.pool_id))
    return () if pool is None else after(pool.suites, ident)


def _holds_task(suite: Suite, text: str) -> bool:
    return any(task.id == text for task in suite.tasks)


SUITES: Listing[Suite] = Listing(
    _suites,
    views.suite,
    {"pool_id": _is("pool_id"), "task_id": _holds_task, "overlap": _is("overlap")},
    _times("created", "overlap"),
    _base,
    50,
    100_000,
    needs=("pool_id", "task_id"),
)


def _assignments(market: Market, query: Query, ident: str) -> Iterable[Assignment]:
    suite = market.suites.find(query.get("task_suite_id"))
    if suite is not None:
        return after(suite.assignments, ident)
    task = market.tasks.find(query.get("task_id"))
    pool = market.any_pool(query.get("pool_id") or (task and task.pool_id))
    return () if pool is None else after(pool.assignments, ident)


_statuses = (SUBMITTED, ACCEPTED, REJECTED, SKIPPED, EXPIRED)

ASSIGNMENTS: Listing[Assignment] = Listing(
    _assignments,
    views.assignment,
    {
        "pool_id": _is("pool_id"),
        "task_suite_id": lambda page, text: page.suite.id == text,
        "task_id": lambda page, text: _holds_task(page.suite, text),
        "status": _is("status"),
        "user_id": _is("user_id"),
    },
    {**_times("created"), **{status.lower(): _status_time(status) for status in _statuses}},
    (*_base, *(status.lower() for status in _statuses)),
    50,
    100_000,
    needs=("pool_id", "task_suite_id", "task_id"),
)

ATTACHMENTS = _all(
    lambda market: market.attachments,
    views.attachment,
    {
        "pool_id": _is("pool_id"),
        "assignment_id": _is("assignment_id"),
        "user_id": _is("user_id"),
        "name": lambda attachment, text: attachment.name == text,
        "type": lambda _attachment, text: text == "ASSIGNMENT_ATTACHMENT",
        "owner_id": _ours,
        "owner_company_id": lambda _attachment, text: text == views.OWNER["company_id"],
    },
    100,
)

SKILLS = _all(
    lambda market: market.skills,
    views.skill,
    {"name": _says("name"), "global": _yes(lambda skill: skill.is_global)},
    100,
)

USER_SKILLS = _all(
    lambda market: market.user_skills,
    views.user_skill,
    {"user_id": _is("user_id"), "skill_id": _is("skill_id")},
    1_000,
    times=("created", "modified"),
)

RESTRICTIONS = _all(
    lambda market: market.restrictions,
    views.restriction,
    {name: _one_says(name) for name in ("scope", "user_id", "pool_id", "project_id")},
    500,
)

BONUSES = _all(
    lambda market: market.bonuses,
    views.bonus,
    {
        "user_id": _one_says("user_id"),
        "assignment_id": _one_says("assignment_id"),
        "private_comment": _says("private_comment"),
    },
    300,
)

OPERATIONS = _all(
    lambda market: market.operations,
    views.operation,
    {"type": _is("type"), "status": _is("status")},
    500,
    times=("submitted", "finished"),
)

SUBSCRIPTIONS = _all(
    lambda market: market.subscriptions,
    views.subscription,
    {"event_type": _one_says("event_type"), "pool_id": _one_says("pool_id")},
    300,
)


def _in_folders(thread: Thread, text: str) -> bool:
    return any(folder in thread.folders for folder in text.split(","))


THREADS = _all(
    lambda market: market.threads,
    views.thread,
    {"folder": _in_folders, "folder_ne": lambda thread, text: not _in_folders(thread, text)},
    300,
)


def solutions_of(operation_id: str) -> Listing[Solution]:
    return Listing(
        lambda market, _query, ident: market.solutions.get(operation_id).items.after(ident),
        views.solution,
        {},
        {"task_id": lambda solution: solution.id},
        ("task_id",),
        50,
        100_000,
        key="task_id",
    )
