"""Plans and tasks that name only what matters."""

from typing import Any

from crowd.platforms.base import BatchSpec, TaskSpec
from tests.crowd import market


def spec(interface: str = "choice", **changed: Any) -> BatchSpec:
    usual: dict[str, Any] = {
        "key": "batch-1",
        "kind": "main",
        "interface": interface,
        "title": "Is this the sign?",
        "spec": market.SPECS.get(interface, {}),
        "page_size": 1,
        "whole_pages": True,
        "overlap": 1,
        "price_micro": 30_000,
        "auto_accept": False,
        "project_id": 7,
        "pool_id": 1,
        "stage_id": 1,
    }
    return BatchSpec(**{**usual, **changed})


def task(number: int = 0, **changed: Any) -> TaskSpec:
    return TaskSpec(**{"key": f"task-{number}", "payload": {"class": "peace"}, **changed})


def tasks(n: int, **changed: Any) -> list[TaskSpec]:
    return [task(number, **changed) for number in range(n)]


def known(n: int, answer: str = "correct", first: int = 100, **changed: Any) -> list[TaskSpec]:
    """Control tasks."""
    return [task(first + number, known_answer={"answer": answer}, overlap=None, **changed) for number in range(n)]
