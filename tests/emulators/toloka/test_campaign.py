"""A campaign from project to payment, through the kit as any outsider uses it."""

import uuid
from decimal import Decimal
from typing import Any

from toloka.client import Pool, Project, Task
from toloka.client.task import CreateTasksParameters

from tests.emulators.toloka import bodies
from tests.emulators.toloka.people import People


def made_project(kit: Any, **changes: Any) -> Any:
    return kit.create_project(Project.structure(bodies.project(**changes)))


def made_pool(kit: Any, body: dict[str, Any]) -> Any:
    return kit.create_pool(Pool.structure(body))


def test_tasks_are_created_opened_answered_and_accepted(kit: Any, people: People) -> None:
    project = made_project(kit)
    pool = made_pool(kit, bodies.by_hand(project.id))
    operation_id = uuid.uuid4()
    parameters = CreateTasksParameters(operation_id=operation_id, skip_invalid_items=True, allow_defaults=True)
    operation = kit.create_tasks_async(
        [Task.structure(bodies.task(pool.id, number)) for number in range(4)], parameters
    )
    assert operation.id == str(operation_id)
    assert kit.get_operation(operation.id).details["success_count"] == 4
    assert len({item.output["task_id"] for item in kit.get_operation_log(operation.id)}) == 4

    assert kit.open_pool(pool.id).is_open()
    page = people.work(people.come(), pool.id)
    [pulled] = list(kit.get_assignments(pool_id=pool.id, status="SUBMITTED"))
    assert (pulled.id, pulled.reward) == (page.id, Decimal("0.01"))
    assert [solution.output_values for solution in pulled.solutions] == [{"verdict": "ok"}] * 2
    assert [task.input_values["winnow_task"] for task in pulled.tasks] == ["tsk-0", "tsk-1"]

    assert kit.accept_assignment(pulled.id, "Thank you").status.value == "ACCEPTED"
    assert kit.get_requester().balance == Decimal("999.987")
    assert people.market.books.adds_up()
