"""Pools and trainings: made, changed, copied. Their life from open to archived is in `lifecycle`."""

import copy
from typing import Any

from crowd.emulators.toloka import lifecycle, operations
from crowd.emulators.toloka.checks import demand
from crowd.emulators.toloka.errors import conflict, invalid_field, wrong_status
from crowd.emulators.toloka.forms import POOL, PRIORITY, TRAINING
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.pool_forms import demand_fitting, with_collectors
from crowd.emulators.toloka.records import ACTIVE, CLOSED, OPEN, Form, Operation, Pool, Skill
from crowd.money import micro

_VIEW = ("id", "owner", "type", "status", "last_close_reason", "created", "last_started", "last_stopped")
_POOL_DEFAULTS: Form = {
    "auto_accept_solutions": True,
    "auto_close_after_complete_delay_seconds": 0,
    "may_contain_adult_content": False,
    "priority": 0,
}
_TRAINING_DEFAULTS: Form = {"mix_tasks_in_creation_order": True, "shuffle_tasks_in_task_suite": True}


def create(market: Market, body: Any) -> Pool:
    form = _form(demand(POOL, body), _POOL_DEFAULTS)
    demand_fitting(market, form)
    _demand_active_project(market, form)
    market.quotas.spend("create pool", market.now)
    return _new_pool(market, form)


def create_training(market: Market, body: Any) -> Pool:
    form = _form(demand(TRAINING, body), _TRAINING_DEFAULTS)
    demand_fitting(market, form)
    _demand_active_project(market, form)
    market.quotas.spend("create training", market.now)
    return _new_training(market, form)


def update(market: Market, pool_id: str, body: Any) -> Pool:
    """Replace all settings of a pool that is not open."""
    pool, form = _of_pools(market, pool_id), _form(demand(POOL, body), _POOL_DEFAULTS)
    _demand_changeable(pool, form)
    demand_fitting(market, form)
    if form["defaults"] != pool.form["defaults"]:
        market.quotas.spend("change overlap", market.now)
    pool.form = with_collectors(market, form)
    pool.reward_micro = micro(str(form["reward_per_assignment"]))
    pool.last_moved = market.now
    return pool


def update_training(market: Market, training_id: str, body: Any) -> Pool:
    training, form = market.trainings.get(training_id), _form(demand(TRAINING, body), _TRAINING_DEFAULTS)
    _demand_changeable(training, form)
    training.form = form
    return training


def set_priority(market: Market, pool_id: str, body: Any) -> Pool:
    pool, form = _of_pools(market, pool_id), demand(PRIORITY, body)
    if pool.status not in (OPEN, CLOSED):
        raise wrong_status("The pool", pool.status, [OPEN, CLOSED])
    pool.form["priority"] = form["priority"]
    return pool


def clone(market: Market, pool_id: str) -> Operation:
    """Copy the settings of a pool into a new, empty one; both share their collectors."""
    pool = _of_pools(market, pool_id)
    market.quotas.spend("clone pool", market.now)

    def work(operation: Operation) -> None:
        operation.details = {"pool_id": _new_pool(market, copy.deepcopy(pool.form)).id}

    return operations.start(market, "POOL.CLONE", {"pool_id": pool.id}, work)


def clone_training(market: Market, training_id: str) -> Operation:
    training = market.trainings.get(training_id)
    market.quotas.spend("clone training", market.now)

    def work(operation: Operation) -> None:
        operation.details = {"training_id": _new_training(market, copy.deepcopy(training.form)).id}

    return operations.start(market, "TRAINING.CLONE", {"training_id": training.id}, work)


def of_kind(market: Market, pool_id: str, *, training: bool) -> Pool:
    return market.trainings.get(pool_id) if training else _of_pools(market, pool_id)


def _of_pools(market: Market, pool_id: str) -> Pool:
    if market.trainings.find(pool_id):
        raise conflict("POOL_IS_TRAINING", f"{pool_id} is a training; use /trainings.")
    return market.pools.get(pool_id)


def _new_pool(market: Market, form: Form) -> Pool:
    settings = with_collectors(market, form)
    price = micro(str(form["reward_per_assignment"]))
    pool = Pool(
        market.ids.number("pool"), form["project_id"], settings, market.now, is_training=False, reward_micro=price
    )
    market.pools.add(pool)
    lifecycle.watch_idleness(market, pool)
    return pool


def _new_training(market: Market, form: Form) -> Pool:
    training = Pool(market.ids.number("pool"), form["project_id"], form, market.now, is_training=True)
    skill = Skill(market.ids.number("skill"), {"name": form["private_name"], "hidden": True}, market.now)
    skill.is_training = True
    training.skill_id = market.skills.add(skill).id
    market.trainings.add(training)
    return training


def _form(sent: Form, defaults: Form) -> Form:
    return {**defaults, **{name: value for name, value in sent.items() if name not in _VIEW}}


def _demand_active_project(market: Market, form: Form) -> None:
    status = market.projects.get(form["project_id"]).status
    if status != ACTIVE:
        raise wrong_status("The project", status, [ACTIVE], "PROJECT_INAPPROPRIATE_STATUS")


def _demand_changeable(pool: Pool, form: Form) -> None:
    if pool.status != CLOSED:
        raise wrong_status(f"The {pool.noun}", pool.status, [CLOSED])
    if form["project_id"] != pool.project_id:
        raise invalid_field("project_id", "VALUE_NOT_ALLOWED", f"A {pool.noun} stays in its project.")
