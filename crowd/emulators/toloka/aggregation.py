"""Aggregated solutions: one answer per task from many, and the dynamic overlap that asks until it is sure."""

import json
from collections.abc import Sequence
from typing import Any

from crowd.emulators.toloka import confidence, operations, stock, webhooks
from crowd.emulators.toloka.checks import demand, form, identifier, maybe, needed, several
from crowd.emulators.toloka.confidence import bounded
from crowd.emulators.toloka.errors import conflict, invalid_field, missing
from crowd.emulators.toloka.market import Happening, Market
from crowd.emulators.toloka.pool_forms import options_of
from crowd.emulators.toloka.records import (
    ACCEPTED,
    OPEN,
    REJECTED,
    Form,
    Given,
    Operation,
    Pool,
    Solution,
    Solutions,
    Task,
)
from crowd.emulators.toloka.shelf import Shelf

WEIGHTED, MODEL = "WEIGHTED_DYNAMIC_OVERLAP", "DAWID_SKENE"

_REQUEST = form(
    {
        "type": needed(identifier),
        "pool_id": needed(identifier),
        "task_id": maybe(identifier),
        "answer_weight_skill_id": maybe(identifier),
        "fields": needed(several(form({"name": needed(identifier)}), fewest=1)),
    }
)


def by_pool(market: Market, body: Any) -> Operation:
    sent = _request(market, body)
    pool = market.pools.get(sent["pool_id"])
    if pool.status == OPEN:
        raise conflict("ASSIGNMENTS_AGGREGATION_DENIED", "Close the pool first.")
    market.quotas.spend("aggregate", market.now)

    def work(operation: Operation) -> None:
        found: Shelf[Solution] = Shelf("aggregated solution")
        for solution in _solutions(market, pool, sent):
            found.add(solution)
        market.solutions.add(Solutions(operation.id, found))

    return operations.start(market, "SOLUTION.AGGREGATE", {"pool_id": pool.id}, work)


def by_task(market: Market, body: Any) -> Solution:
    sent = _request(market, body)
    if sent.get("task_id") is None:
        raise invalid_field("task_id", "VALUE_REQUIRED", "A task is required.")
    if sent["type"] != WEIGHTED:
        raise conflict("UNSUPPORTED_ALGORITHM", f"{sent['type']} does not work on a single task.")
    pool, task = market.pools.get(sent["pool_id"]), market.tasks.get(sent["task_id"])
    answers = _accepted(market, task)
    if task.pool_id != pool.id or not answers:
        raise missing("accepted answer to task", task.id)
    return _weigh(market, pool, task, answers, names=_names(sent), skill_id=sent["answer_weight_skill_id"])


def _request(market: Market, body: Any) -> Form:
    sent = demand(_REQUEST, body)
    if sent["type"] not in (WEIGHTED, MODEL):
        raise conflict("UNSUPPORTED_ALGORITHM", f"{sent['type']} is not known.")
    if sent["type"] == MODEL and len(sent["fields"]) > 1:
        raise invalid_field("fields", "ARRAY_SIZE_GREATER_THAN_MAX", "One field only.", 1)
    if sent["type"] == WEIGHTED and market.skills.find(sent.get("answer_weight_skill_id")) is None:
        raise invalid_field("answer_weight_skill_id", "ENTITY_DOES_NOT_EXIST", "There is no such skill.")
    pool = market.pools.get(sent["pool_id"])
    outputs = market.project_of(pool).outputs.spec
    for index, name in enumerate(_names(sent)):
        if name not in outputs:
            raise invalid_field(f"fields.{index}.name", "ENTITY_DOES_NOT_EXIST", "There is no such output field.")
    return sent


def _names(sent: Form) -> list[str]:
    return [field["name"] for field in sent["fields"]]


def _accepted(market: Market, task: Task) -> list[Given]:
    return [given for given in task.answers if market.assignments.get(given.assignment_id).status == ACCEPTED]


def _solutions(market: Market, pool: Pool, sent: Form) -> list[Solution]:
    real = [task for task in pool.tasks if task.kind == "REAL"]
    answered = [(task, answers) for task in real if (answers := _accepted(market, task))]
    if sent["type"] == WEIGHTED:
        skill_id, names = sent["answer_weight_skill_id"], _names(sent)
        return [_weigh(market, pool, task, answers, names=names, skill_id=skill_id) for task, answers in answered]
    name = _names(sent)[0]
    votes = {task.id: [(one.user_id, _key(one.values.get(name))) for one in answers] for task, answers in answered}
    found = confidence.dawid_skene(votes) if votes else {}
    return [Solution(ident, pool.id, sure, {name: json.loads(key)}) for ident, (key, sure) in found.items()]


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _weigh(
    market: Market, pool: Pool, task: Task, answers: Sequence[Given], *, names: Sequence[str], skill_id: str
) -> Solution:
    """Weigh each field by itself; the task is as sure as its least sure field."""
    outputs = market.project_of(pool).outputs.spec
    values, sureness = {}, []
    for name in names:
        votes = [(_key(one.values.get(name)), _weight(market, one.user_id, skill_id)) for one in answers]
        votes += [
            (_key(one["output_values"].get(name)), bounded(float(one.get("confidence_weight", 1))))
            for one in task.form.get("baseline_solutions") or ()
        ]
        key, sure = confidence.weighted(votes, len(options_of(outputs[name])))
        values[name] = json.loads(key)
        sureness.append(sure)
    return Solution(task.id, pool.id, min(sureness), values)


def _weight(market: Market, user_id: str, skill_id: str) -> float:
    """Return a worker's accuracy: from counted control answers, else the skill itself, else one half."""
    known = market.workers.get(user_id).skills.get(skill_id)
    if known is None:
        return confidence.accuracy(0, 0)
    if known.counted is not None:
        return confidence.accuracy(*known.counted)
    return bounded(known.value / 100)


def observe(market: Market, happening: Happening) -> None:
    """Ask for one more answer, or be done, when all answers wanted so far to a task are there."""
    config = happening.pool.form.get("dynamic_overlap_config")
    if config is None or happening.kind != "SUBMITTED":
        return
    for task in happening.assignment.suite.tasks:
        if task.kind == "REAL" and task.overlap is not None and not task.is_settled:
            _look(market, happening.pool, task, config)


def _look(market: Market, pool: Pool, task: Task, config: Form) -> None:
    answers = [one for one in task.answers if market.assignments.get(one.assignment_id).status != REJECTED]
    if len(answers) < (task.overlap or 0):
        return
    names = [field["name"] for field in config["fields"]]
    found = _weigh(market, pool, task, answers, names=names, skill_id=config["answer_weight_skill_id"])
    if found.confidence < config["min_confidence"] and len(answers) < config["max_overlap"]:
        stock.set_overlap(pool, task, len(answers) + 1)
        return
    task.is_settled = True
    webhooks.emit(
        market,
        "DYNAMIC_OVERLAP_COMPLETED",
        pool,
        task_id=task.id,
        confidence=found.confidence,
        assignment_ids=[one.assignment_id for one in answers],
        output_values=found.output_values,
    )
