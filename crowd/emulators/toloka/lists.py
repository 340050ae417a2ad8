"""The lists of the platform: what each can be filtered, ranged and sorted by, and how long a page may be."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

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
    Attachment,
    Bonus,
    Operation,
    Pool,
    Project,
    Restriction,
    Skill,
    Solution,
    Subscription,
    Suite,
    Task,
    Thread,
    UserSkill,
)
from crowd.emulators.toloka.shelf import after

Test = Callable[[Any, str], bool]


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


_base = ("id", "created")

PROJECTS: Listing[Project] = Listing(
    lambda market, _query, ident: market.projects.after(ident),
    views.project,
    {"status": _is("status"), "owner": _ours},
    _times("created"),
    (*_base, "public_name", "private_comment"),
    20,
    300,
)

_run_filters = {"status": _is("status"), "project_id": _is("project_id"), "owner": _ours}
_run_sort = (*_base, "last_started")

POOLS: Listing[Pool] = Listing(
    lambda market, _query, ident: market.pools.after(ident),
    views.pool,
    _run_filters,
    _times("created", "last_started"),
    _run_sort,
    20,
    300,
)

TRAININGS: Listing[Pool] = Listing(
    lambda market, _query, ident: market.trainings.after(ident),
    views.training,
    _run_filters,
    _times("created", "last_started"),
    _run_sort,
    50,
    300,
)


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

ATTACHMENTS: Listing[Attachment] = Listing(
    lambda market, _query, ident: market.attachments.after(ident),
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
    _times("created"),
    _base,
    50,
    100,
)

SKILLS: Listing[Skill] = Listing(
    lambda market, _query, ident: market.skills.after(ident),
    views.skill,
    {"name": _says("name"), "global": _yes(lambda skill: skill.is_global)},
    _times("created"),
    _base,
    50,
    100,
)

USER_SKILLS: Listing[UserSkill] = Listing(
    lambda market, _query, ident: market.user_skills.after(ident),
    views.user_skill,
    {"user_id": _is("user_id"), "skill_id": _is("skill_id")},
    _times("created", "modified"),
    (*_base, "modified"),
    50,
    1_000,
)

RESTRICTIONS: Listing[Restriction] = Listing(
    lambda market, _query, ident: market.restrictions.after(ident),
    views.restriction,
    {name: _one_says(name) for name in ("scope", "user_id", "pool_id", "project_id")},
    _times("created"),
    _base,
    50,
    500,
)

BONUSES: Listing[Bonus] = Listing(
    lambda market, _query, ident: market.bonuses.after(ident),
    views.bonus,
    {
        "user_id": _one_says("user_id"),
        "assignment_id": _one_says("assignment_id"),
        "private_comment": _says("private_comment"),
    },
    _times("created"),
    _base,
    50,
    300,
)

OPERATIONS: Listing[Operation] = Listing(
    lambda market, _query, ident: market.operations.after(ident),
    views.operation,
    {"type": _is("type"), "status": _is("status")},
    _times("submitted", "finished"),
    ("id", "submitted", "finished"),
    50,
    500,
)

SUBSCRIPTIONS: Listing[Subscription] = Listing(
    lambda market, _query, ident: market.subscriptions.after(ident),
    views.subscription,
    {"event_type": _one_says("event_type"), "pool_id": _one_says("pool_id")},
    _times("created"),
    _base,
    50,
    300,
)


def _in_folders(thread: Thread, text: str) -> bool:
    return any(folder in thread.folders for folder in text.split(","))


THREADS: Listing[Thread] = Listing(
    lambda market, _query, ident: market.threads.after(ident),
    views.thread,
    {"folder": _in_folders, "folder_ne": lambda thread, text: not _in_folders(thread, text)},
    _times("created"),
    _base,
    50,
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
