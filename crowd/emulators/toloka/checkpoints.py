"""Selective majority vote: some tasks of each worker get more answers than the rest."""

from collections.abc import Mapping
from typing import Any

from crowd.emulators.toloka import mixing, stock
from crowd.emulators.toloka.market import Happening, Market
from crowd.emulators.toloka.records import Task

_SETTINGS = {"REAL": "real_settings", "GOLDEN": "golden_settings", "TRAINING": "training_settings"}


def observe(market: Market, happening: Happening) -> None:
    config = (happening.pool.form.get("quality_control") or {}).get("checkpoints_config")
    if not config or happening.kind != "SUBMITTED":
        return
    for kind, name in _SETTINGS.items():
        if config.get(name):
            _choose(market, happening, kind, config[name])


def _choose(market: Market, happening: Happening, kind: str, settings: Mapping[str, Any]) -> None:
    page = happening.assignment
    worker, function = market.workers.get(page.user_id), settings["task_distribution_function"]
    before = mixing.tasks_done(market, happening.pool, worker, function) - len(page.suite.tasks)
    for number, task in enumerate(page.suite.tasks, start=before + 1):
        if task.kind == kind and mixing.is_due(function, number):
            _raise(happening, task, settings["target_overlap"])


def _raise(happening: Happening, task: Task, target: int) -> None:
    thing = happening.assignment.suite if task.in_suite else task
    if thing.overlap is not None and thing.overlap < target:
        stock.set_overlap(happening.pool, thing, target)
