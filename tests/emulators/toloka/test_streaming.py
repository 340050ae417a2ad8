"""The kit's own streaming and metrics, unmodified."""

import asyncio
import datetime
from decimal import Decimal
from typing import Any

import toloka.metrics
from toloka.client import Pool, Project, Task
from toloka.client.task import CreateTasksParameters
from toloka.streaming import AssignmentsObserver, Pipeline, PoolStatusObserver
from toloka.util.async_utils import AsyncMultithreadWrapper

from tests.emulators.toloka import bodies
from tests.emulators.toloka.people import People


def finished_pool(kit: Any, people: People, pages: int) -> str:
    """Make a pool to be judged by hand, and let one worker do all of it."""
    project = kit.create_project(Project.structure(bodies.project()))
    pool = kit.create_pool(Pool.structure(bodies.by_hand(project.id, mixer_config=bodies.mixer(1))))
    tasks = [Task.structure(bodies.task(pool.id, number)) for number in range(pages)]
    kit.create_tasks(tasks, CreateTasksParameters(open_pool=True))
    worker = people.come()
    for _ in range(pages):
        people.work(worker, pool.id)
        people.pass_time(seconds=30)
    return str(pool.id)


def test_a_pipeline_sees_every_page_once_and_judges_it(kit: Any, people: People) -> None:
    pool_id = finished_pool(kit, people, 5)
    seen: list[str] = []
    accepted: list[str] = []

    def judge(events: list[Any]) -> None:
        for event in events:
            seen.append(event.assignment.id)
            kit.accept_assignment(event.assignment.id, "Thank you")

    client: Any = AsyncMultithreadWrapper(kit)
    observer = AssignmentsObserver(client, pool_id)
    observer.on_submitted(judge)
    observer.on_accepted(lambda events: accepted.extend(event.assignment.id for event in events))
    pipeline = Pipeline(period=datetime.timedelta(milliseconds=50))
    pipeline.register(observer)
    pipeline.register(PoolStatusObserver(client, pool_id))
    asyncio.run(asyncio.wait_for(pipeline.run(), 300))
    assert len(seen) == len(set(seen)) == 5
    assert sorted(accepted) == sorted(seen)


def test_metrics_are_collected(kit: Any, people: People) -> None:
    pool_id = finished_pool(kit, people, 2)

    async def collected() -> dict[str, Any]:
        metrics = [toloka.metrics.Balance(), toloka.metrics.PoolCompletedPercentage(pool_id)]
        toloka.metrics.bind_client(metrics, kit)
        lines: dict[str, Any] = {}
        for metric in metrics:
            lines.update(await metric.get_lines())
        return {name: points[0][1] for name, points in lines.items()}

    assert asyncio.run(collected()) == {
        "toloka_requester_balance": Decimal("999.974"), "completion_percentage": 100,
    }  # fmt: skip
