"""Quality control, the acting half: after each page and decision collectors are fed and their rules applied."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from crowd.emulators.toloka import access, judging, lifecycle, mixing, overlap, submissions
from crowd.emulators.toloka.market import Happening, Market
from crowd.emulators.toloka.moments import written
from crowd.emulators.toloka.pool_forms import rules_for
from crowd.emulators.toloka.quality import Collector, Entry, Figures, holds
from crowd.emulators.toloka.records import (
    ACCEPTED,
    REJECTED,
    SUBMITTED,
    Assignment,
    Form,
    Pool,
    Task,
    Worker,
)

_UNITS = {"MINUTES": timedelta(minutes=1), "HOURS": timedelta(hours=1), "DAYS": timedelta(days=1)}
_LATEST = timedelta(days=36_500)


def observe(market: Market, happening: Happening) -> None:
    """Feed the collectors of a pool, then apply the rules of those that learned something."""
    for config in rules_for(market, happening.pool):
        collector = market.collectors[config["collector_config"]["uuid"]]
        feed = _FEEDS.get((collector.type, happening.kind))
        touched = feed(market, collector, happening) if feed else []
        for user_id in touched:
            apply(market, happening.pool, config, collector, market.workers.get(user_id))
        if collector.type == "ASSIGNMENTS_ASSESSMENT" and happening.kind in _ASSESSMENTS:
            _assess(market, config, happening)


def apply(market: Market, pool: Pool, config: Form, collector: Collector, worker: Worker) -> None:
    for rule in config["rules"]:
        figures = collector.figures(worker.id, market.now)
        if holds(rule["conditions"], figures):
            action = rule["action"]
            _ACTIONS[action["type"]](market, pool, collector, worker, action.get("parameters") or {})


# What each collector learns. A feed returns the workers whose figures changed.

Feed = Callable[[Market, Collector, Happening], list[str]]


def _feed_golden(market: Market, collector: Collector, happening: Happening) -> list[str]:
    page, found = happening.assignment, False
    for task, answer in first_answers(page):
        if task.kind != "REAL":
            entry = Entry(market.now, submissions.score(task, answer), task.kind)
            collector.remember(page.user_id, f"{page.id} {task.id}", entry)
            found = True
    return [page.user_id] if found else []


def first_answers(page: Assignment) -> Iterator[tuple[Task, Form]]:
    """Give each task of a page with the answer that counts: the first one of a training."""
    return zip(page.suite.tasks, page.first or page.solutions, strict=True)


def _feed_training(market: Market, collector: Collector, happening: Happening) -> list[str]:
    page = happening.assignment
    answers = [(task, answer) for task, answer in first_answers(page) if task.kind == "TRAINING"]
    for task, answer in answers:
        collector.remember(page.user_id, f"{page.id} {task.id}", Entry(market.now, submissions.score(task, answer)))
    worker = market.workers.get(page.user_id)
    more = bool(mixing.next_tasks(market, happening.pool, worker))
    collector.remember(page.user_id, page.id, Entry(market.now, more, "PAGE"))
    return [page.user_id]


def _feed_majority(market: Market, collector: Collector, happening: Happening) -> list[str]:
    touched: dict[str, None] = {}
    for task in happening.assignment.suite.tasks:
        if task.kind == "REAL":
            for user_id in _judge_by_majority(market, collector, task):
                touched[user_id] = None
    return list(touched)


def _judge_by_majority(market: Market, collector: Collector, task: Task) -> list[str]:
    """Judge the answers to a task once enough agree; later answers are judged as they come."""
    if task.majority is not None:
        newest = task.answers[-1]
        _judge(market, collector, task, [newest.user_id])
        return [newest.user_id]
    counts: dict[str, int] = {}
    for given in task.answers:
        key = as_key(given.values)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] >= collector.parameters["answer_threshold"]:
            task.majority = key
            everyone = [one.user_id for one in task.answers]
            _judge(market, collector, task, everyone)
            return everyone
    return []


def as_key(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)


def _judge(market: Market, collector: Collector, task: Task, user_ids: list[str]) -> None:
    for given in task.answers:
        if given.user_id in user_ids:
            is_right = as_key(given.values) == task.majority
            collector.remember(given.user_id, task.id, Entry(market.now, float(is_right)))


def _feed_acceptance(market: Market, collector: Collector, happening: Happening) -> list[str]:
    page = happening.assignment
    collector.remember(page.user_id, page.id, Entry(market.now, float(page.status == ACCEPTED)))
    return [page.user_id]


def _feed_time(market: Market, collector: Collector, happening: Happening) -> list[str]:
    page = happening.assignment
    seconds = (page.times[SUBMITTED] - page.created).total_seconds()
    collector.remember(page.user_id, page.id, Entry(market.now, seconds))
    return [page.user_id]


def _feed_accepted(market: Market, collector: Collector, happening: Happening) -> list[str]:
    page = happening.assignment
    collector.remember(page.user_id, page.id, Entry(market.now, 1))
    return [page.user_id]


def _feed_income(market: Market, collector: Collector, happening: Happening) -> list[str]:
    page = happening.assignment
    collector.remember(page.user_id, page.id, Entry(market.now, page.reward_micro))
    return [page.user_id]


def _feed_skip(market: Market, collector: Collector, happening: Happening) -> list[str]:
    page = happening.assignment
    collector.remember(page.user_id, page.id, Entry(market.now, 1))
    return [page.user_id]


def _end_skips(_market: Market, collector: Collector, happening: Happening) -> list[str]:
    collector.forget(happening.assignment.user_id)
    return []


_FEEDS: dict[tuple[str, str], Feed] = {
    ("GOLDEN_SET", "SUBMITTED"): _feed_golden,
    ("TRAINING", "SUBMITTED"): _feed_training,
    ("MAJORITY_VOTE", "SUBMITTED"): _feed_majority,
    ("ACCEPTANCE_RATE", "ACCEPT"): _feed_acceptance,
    ("ACCEPTANCE_RATE", "ACCEPT_AFTER_REJECT"): _feed_acceptance,
    ("ACCEPTANCE_RATE", "REJECT"): _feed_acceptance,
    ("ASSIGNMENT_SUBMIT_TIME", "SUBMITTED"): _feed_time,
    ("ANSWER_COUNT", "ACCEPT"): _feed_accepted,
    ("ANSWER_COUNT", "ACCEPT_AFTER_REJECT"): _feed_accepted,
    ("INCOME", "ACCEPT"): _feed_income,
    ("INCOME", "ACCEPT_AFTER_REJECT"): _feed_income,
    ("SKIPPED_IN_ROW_ASSIGNMENTS", "SKIPPED"): _feed_skip,
    ("SKIPPED_IN_ROW_ASSIGNMENTS", "SUBMITTED"): _end_skips,
}
_ASSESSMENTS = ("SUBMITTED", "ACCEPT", "ACCEPT_AFTER_REJECT", "REJECT")


def _assess(market: Market, config: Form, happening: Happening) -> None:
    """Look at all pages of a suite after a decision about one of them."""
    pages = happening.assignment.suite.assignments
    figures: Figures = {
        f"{name}_assignments_count": sum(1 for page in pages if page.status == status)
        for name, status in (("pending", SUBMITTED), ("accepted", ACCEPTED), ("rejected", REJECTED))
    }
    if happening.kind != "SUBMITTED":
        figures["assessment_event"] = happening.kind
    for rule in config["rules"]:
        if holds(rule["conditions"], figures):
            overlap.change(market, happening.pool, happening.assignment.suite, rule["action"]["parameters"])


# What each action does.

Parameters = Mapping[str, Any]


def _restrict(market: Market, pool: Pool, _collector: Collector, worker: Worker, given: Parameters) -> None:
    scope = given["scope"]
    place = {"PROJECT": {"project_id": pool.project_id}, "POOL": {"pool_id": pool.id}}.get(scope, {})
    sent: Form = {"scope": scope, "user_id": worker.id, **place}
    if given.get("private_comment"):
        sent["private_comment"] = given["private_comment"]
    length = _duration(given)
    if length is not None:
        sent["will_expire"] = written(market.now + min(length, _LATEST))
    access.restrict(market, worker, sent)


def _duration(given: Parameters) -> timedelta | None:
    """Return how long a ban lasts; None is for ever."""
    unit = given.get("duration_unit", "DAYS")
    count = given.get("duration", given.get("duration_days"))
    return None if unit == "PERMANENT" or count is None else _UNITS[unit] * int(count)


def _set_skill(market: Market, _pool: Pool, _collector: Collector, worker: Worker, given: Parameters) -> None:
    access.set_skill(market, worker, market.skills.get(given["skill_id"]), float(given["skill_value"]))


def _set_skill_from_field(market: Market, _pool: Pool, collector: Collector, worker: Worker, given: Parameters) -> None:
    figures = collector.figures(worker.id, market.now)
    value = figures.get(str(given["from_field"]).replace("wrong_answers", "incorrect_answers"))
    if value is None:
        return
    entries = [entry for entry in collector.entries(worker.id) if entry.kind != "PAGE"]
    counted = (sum(entry.value for entry in entries), len(entries))
    access.set_skill(market, worker, market.skills.get(given["skill_id"]), float(value), counted=counted)


def _approve_all(market: Market, pool: Pool, _collector: Collector, worker: Worker, _given: Parameters) -> None:
    for page in worker.work.get(pool.id, ()):
        if page.status == SUBMITTED and page.is_reserved:
            market.soon(partial(_if_submitted, page, partial(judging.accept, market, page)))


def _reject_all(market: Market, pool: Pool, _collector: Collector, worker: Worker, given: Parameters) -> None:
    comment = given.get("public_comment")
    for page in worker.work.get(pool.id, ()):
        if page.status == SUBMITTED and page.is_reserved:
            market.soon(partial(_if_submitted, page, partial(judging.reject, market, page, comment)))


def _if_submitted(page: Assignment, judge: Callable[[], None]) -> None:
    if page.status == SUBMITTED:
        judge()


def _complete(market: Market, pool: Pool, _collector: Collector, _worker: Worker, _given: Parameters) -> None:
    lifecycle.set_closed(market, pool, "COMPLETED")


def _clean_collector(_market: Market, _pool: Pool, collector: Collector, worker: Worker, _given: Parameters) -> None:
    collector.forget(worker.id)


def _clean_history(market: Market, pool: Pool, _collector: Collector, worker: Worker, _given: Parameters) -> None:
    for config in rules_for(market, pool):
        market.collectors[config["collector_config"]["uuid"]].forget(worker.id)


_ACTIONS: dict[str, Callable[[Market, Pool, Collector, Worker, Parameters], None]] = {
    "RESTRICTION": _restrict,
    "RESTRICTION_V2": _restrict,
    "SET_SKILL": _set_skill,
    "SET_SKILL_FROM_OUTPUT_FIELD": _set_skill_from_field,
    "APPROVE_ALL_ASSIGNMENTS": _approve_all,
    "REJECT_ALL_ASSIGNMENTS": _reject_all,
    "SET_POOL_COMPLETE": _complete,
    "CLEAN_COLLECTOR": _clean_collector,
    "CLEAN_ASSIGNMENTS_HISTORY": _clean_history,
}
