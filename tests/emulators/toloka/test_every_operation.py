"""Every operation of the platform at least once, by the kit where it has a method, else by plain HTTP."""

import io
import re
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from toloka.client import Pool, Project, Skill, Task, TaskSuite, Training, UserBonus
from toloka.client.aggregation import PoolAggregatedSolutionRequest
from toloka.client.analytics_request import SpentBudgetPoolAnalytics, UniqueSubmittersCountPoolAnalytics
from toloka.client.filter import Country
from toloka.client.message_thread import Folder, MessageThreadReply
from toloka.client.pool import MixerConfig
from toloka.client.task import CreateTaskParameters, CreateTasksParameters
from toloka.client.task_suite import TaskSuiteCreateRequestParameters, TaskSuitesCreateRequestParameters
from toloka.client.user_bonus import UserBonusCreateRequestParameters, UserBonusesCreateRequestParameters
from toloka.client.user_restriction import PoolUserRestriction, ProjectUserRestriction

from crowd.emulators.crowd import File
from crowd.emulators.toloka import Served, TolokaEmulator
from crowd.emulators.toloka.routes import ROUTES
from tests.emulators.toloka import bodies
from tests.emulators.toloka.conftest import client_of
from tests.emulators.toloka.people import People


class Tour:
    """One market for the whole module; each test is a room of it."""

    def __init__(self, served: Served, emulator: TolokaEmulator) -> None:
        self.served = served
        self.kit: Any = client_of(served)
        self.people = People(emulator)
        self.project: Any = self.kit.create_project(Project.structure(bodies.project()))

    def pool(self, **changes: Any) -> Any:
        return self.kit.create_pool(Pool.structure(bodies.pool(self.project.id, **changes)))

    def open_pool(self, count: int = 2, **changes: Any) -> Any:
        pool = self.pool(**changes)
        tasks = [Task.structure(bodies.task(pool.id, number)) for number in range(count)]
        self.kit.create_tasks(tasks, CreateTasksParameters(open_pool=True))
        return pool


@pytest.fixture(scope="module")
def tour() -> Iterator[Tour]:
    emulator = TolokaEmulator(seed="tour", quotas=False)
    with emulator.serve() as served:
        yield Tour(served, emulator)


@pytest.fixture(scope="module")
def wire(tour: Tour) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"OAuth {tour.served.token}"}
    with httpx.Client(base_url=f"{tour.served.url}/api", headers=headers, trust_env=False) as client:
        yield client


def test_projects(tour: Tour) -> None:
    kit = tour.kit
    project = kit.create_project(Project.structure(bodies.project(public_name="Another")))
    assert kit.get_project(project.id) == project
    assert project.id in [one.id for one in kit.get_projects(status="ACTIVE")]
    assert kit.find_projects(id_gte=project.id, id_lte=project.id).items == [project]
    project.public_name = "Renamed"
    assert kit.update_project(project.id, project).public_name == "Renamed"
    check = kit.check_update_project_for_major_version_change
    assert check(project.id, project).value == "EQUAL"
    project.public_name = "Renamed again"
    assert check(project.id, project).value == "NON_BREAKING_CHANGE"
    project.task_spec.output_spec["verdict"].allowed_values = ["yes"]
    assert check(project.id, project).value == "BREAKING_CHANGE"
    assert kit.archive_project(project.id).status.value == "ARCHIVED"


def test_a_project_is_cloned_with_its_pools_and_trainings(tour: Tour) -> None:
    kit = tour.kit
    project = kit.create_project(Project.structure(bodies.project()))
    training = kit.create_training(Training.structure(bodies.training(project.id)))
    requirement = {"training_pool_id": training.id, "training_passing_skill_value": 70}
    rule = bodies.rule("ANSWER_COUNT", [("assignments_accepted_count", "GT", 0)], "SET_SKILL", {
        "skill_id": kit.create_skill(name="answered").id, "skill_value": 1})  # fmt: skip
    quality = bodies.quality(rule, training_requirement=requirement)
    kit.create_pool(Pool.structure(bodies.pool(project.id, quality_control=quality)))
    clone = kit.clone_project(project.id, reuse_controllers=False)
    assert clone.project.public_name == project.public_name
    copied = clone.pools[0].quality_control.training_requirement.training_pool_id
    assert copied == clone.trainings[0].id != training.id


def test_pools(tour: Tour) -> None:
    kit, pool = tour.kit, tour.pool()
    assert kit.get_pool(pool.id) == pool
    assert pool.is_closed()
    pool.private_name, pool.reward_per_assignment = "Dearer", 0.02
    assert kit.update_pool(pool.id, pool).reward_per_assignment == 0.02
    assert kit.patch_pool(pool.id, priority=50).priority == 50
    assert kit.find_pools(project_id=tour.project.id, sort=["-id"]).items[0].id == pool.id
    kit.create_task(Task.structure(bodies.task(pool.id)))
    assert kit.open_pool(pool.id).is_open()
    assert kit.open_pool_async(pool.id) is None
    assert kit.close_pool_for_update(pool.id).last_close_reason.value == "FOR_UPDATE"
    assert kit.close_pool_for_update_async(pool.id) is None
    kit.open_pool(pool.id)
    assert kit.close_pool(pool.id).last_close_reason.value == "MANUAL"
    assert kit.close_pool_async(pool.id) is None
    clone = kit.clone_pool(pool.id)
    assert clone.id != pool.id
    assert clone.private_name == "Dearer"
    assert kit.archive_pool(pool.id).is_archived()
    assert kit.archive_pool_async(pool.id) is None


def test_trainings(tour: Tour) -> None:
    kit = tour.kit
    training = kit.create_training(Training.structure(bodies.training(tour.project.id)))
    assert kit.get_training(training.id) == training
    assert training.id in [one.id for one in kit.get_trainings(project_id=tour.project.id)]
    training.private_name = "Practice more"
    assert kit.update_training(training.id, training).private_name == "Practice more"
    kit.create_tasks([Task.structure(bodies.practice(training.id, number)) for number in range(10)])
    assert kit.open_training(training.id).is_open()
    assert kit.open_training_async(training.id) is None
    assert kit.close_training(training.id).is_closed()
    assert kit.close_training_async(training.id) is None
    assert kit.clone_training(training.id).private_name == "Practice more"
    assert kit.archive_training(training.id).is_archived()
    assert kit.archive_training_async(training.id) is None


def test_a_training_is_closed_for_an_update(tour: Tour, wire: httpx.Client) -> None:
    training = tour.kit.create_training(Training.structure(bodies.training(tour.project.id)))
    tour.kit.create_tasks([Task.structure(bodies.practice(training.id))])
    tour.kit.open_training(training.id)
    assert wire.post(f"/v1/trainings/{training.id}/close-for-update").json()["type"] == "TRAINING.CLOSE"
    assert wire.post(f"/v1/trainings/{training.id}/close-for-update").status_code == 204


@pytest.mark.parametrize("async_mode", [True, False])
def test_tasks(tour: Tour, *, async_mode: bool) -> None:
    kit, pool = tour.kit, tour.pool()
    one = kit.create_task(Task.structure(bodies.task(pool.id)), CreateTaskParameters(async_mode=async_mode))
    assert kit.get_task(one.id) == one
    many = [Task.structure(bodies.task(pool.id, number)) for number in (1, 2)]
    broken = Task.structure(bodies.task(pool.id, 3, input_values={"winnow_task": "t"}))
    made = kit.create_tasks([*many, broken], CreateTasksParameters(skip_invalid_items=True, async_mode=async_mode))
    assert made.validation_errors["2"]["input_values.image"].code == "VALUE_REQUIRED"
    assert made.items["1"].input_values["winnow_task"] == "tsk-2"
    assert [task.id for task in kit.get_tasks(pool_id=pool.id)] == [one.id, made.items["0"].id, made.items["1"].id]
    assert kit.find_tasks(pool_id=pool.id, overlap_gt=1).items == []
    assert kit.patch_task(one.id, overlap=10).remaining_overlap == 10
    assert kit.patch_task(one.id, infinite_overlap=True).infinite_overlap
    assert kit.patch_task_overlap_or_min(one.id, overlap=0).overlap == 0


@pytest.mark.parametrize("async_mode", [True, False])
def test_suites(tour: Tour, *, async_mode: bool) -> None:
    kit, pool = tour.kit, tour.pool(mixer_config=None)
    inside = [{"input_values": bodies.task(pool.id, number)["input_values"]} for number in (1, 2)]
    suite = TaskSuite.structure({"pool_id": pool.id, "tasks": inside, "overlap": 2})
    one = kit.create_task_suite(suite, TaskSuiteCreateRequestParameters(async_mode=async_mode))
    assert kit.get_task_suite(one.id) == one
    assert len(one.tasks) == 2
    parameters = TaskSuitesCreateRequestParameters(async_mode=async_mode, allow_defaults=True)
    two = kit.create_task_suites(
        [TaskSuite.structure({"pool_id": pool.id, "tasks": inside}) for _ in range(2)], parameters
    )
    assert two.items["1"].overlap == 3
    assert next(kit.get_task_suites(pool_id=pool.id)).id == one.id
    assert kit.find_task_suites(task_id=one.tasks[0].id).items == [one]
    assert kit.patch_task_suite(one.id, overlap=5, issuing_order_override=10.3).remaining_overlap == 5
    assert kit.patch_task_suite_overlap_or_min(one.id, overlap=0).overlap == 0
    kit.patch_task_suite(two.items["0"].id, overlap=1, open_pool=True)
    assert kit.get_pool(pool.id).is_open()


def test_assignments(tour: Tour) -> None:
    kit, pool = tour.kit, tour.open_pool(auto_accept_solutions=False, auto_accept_period_day=7)
    page = tour.people.work(tour.people.come(), pool.id)
    assert kit.get_assignment(page.id).status.value == "SUBMITTED"
    assert kit.reject_assignment(page.id, "The hand is cut off").public_comment == "The hand is cut off"
    assert kit.find_assignments(pool_id=pool.id, status=["REJECTED", "ACCEPTED"]).items[0].id == page.id
    assert kit.patch_assignment(page.id, status="ACCEPTED", public_comment="Sorry").accepted
    assert [one.id for one in kit.get_assignments(task_id=page.suite.tasks[0].id)] == [page.id]
    assert [one.id for one in kit.get_assignments(task_suite_id=page.suite.id)] == [page.id]


def test_attachments(tour: Tour) -> None:
    kit = tour.kit
    project = kit.create_project(Project.structure(bodies.project(task_spec=bodies.PHOTO)))
    pool = kit.create_pool(Pool.structure(bodies.pool(project.id, mixer_config=bodies.mixer(1))))
    values = {"gesture": "fist", "winnow_task": "tsk-1"}
    kit.create_task(Task(pool_id=pool.id, input_values=values, overlap=1), open_pool=True)
    page = tour.people.take(tour.people.come(), pool.id)
    tour.people.hand_in(page, [{"photo": File("fist.jpg", "image/jpeg", b"\xff\xd8 pixels")}])
    [found] = list(kit.get_attachments(assignment_id=page.id))
    assert (found.name, found.media_type) == ("fist.jpg", "image/jpeg")
    assert kit.get_assignment(page.id).solutions[0].output_values == {"photo": found.id}
    assert kit.get_attachment(found.id).details.assignment_id == page.id
    assert kit.find_attachments(pool_id=pool.id, name="other.jpg").items == []
    file = io.BytesIO()
    kit.download_attachment(found.id, file)
    assert file.getvalue() == b"\xff\xd8 pixels"


def test_skills_and_their_values(tour: Tour) -> None:
    kit, worker = tour.kit, tour.people.come()
    skill = kit.create_skill(Skill(name="gestures", public_requester_description={"EN": "Shows gestures"}))
    assert kit.get_skill(skill.id) == skill
    skill.name = "better gestures"
    assert kit.update_skill(skill.id, skill).name == "better gestures"
    assert [one.id for one in kit.get_skills(name="better gestures")] == [skill.id]
    given = kit.set_user_skill(skill_id=skill.id, user_id=worker.id, value=Decimal("85.5"))
    assert (given.value, given.exact_value) == (86, Decimal("85.5"))
    assert kit.get_user_skill(given.id) == given
    assert kit.set_user_skill(skill_id=skill.id, user_id=worker.id, value=Decimal(10)).id == given.id
    assert [one.value for one in kit.get_user_skills(user_id=worker.id)] == [10]
    kit.delete_user_skill(given.id)
    assert kit.find_user_skills(user_id=worker.id).items == []


def test_restrictions(tour: Tour) -> None:
    kit, worker, pool = tour.kit, tour.people.come(), tour.pool()
    made = kit.set_user_restriction(
        ProjectUserRestriction(user_id=worker.id, project_id=tour.project.id, private_comment="template copies")
    )
    again = kit.set_user_restriction(ProjectUserRestriction(user_id=worker.id, project_id=tour.project.id))
    assert again.id == made.id
    other = kit.set_user_restriction(PoolUserRestriction(user_id=worker.id, pool_id=pool.id))
    assert kit.get_user_restriction(other.id) == other
    assert len(list(kit.get_user_restrictions(user_id=worker.id))) == 2
    assert kit.find_user_restrictions(scope="POOL", user_id=worker.id).items == [other]
    kit.delete_user_restriction(other.id)
    assert len(list(kit.get_user_restrictions(user_id=worker.id))) == 1


@pytest.mark.parametrize("async_mode", [True, False])
def test_bonuses(tour: Tour, *, async_mode: bool) -> None:
    kit, worker = tour.kit, tour.people.come()
    words: dict[str, Any] = {"public_title": {"EN": "Thank you"}, "public_message": {"EN": "Excellent photos"}}
    bonus = UserBonus(user_id=worker.id, amount=Decimal("0.5"), private_comment="winnow:bon-1", **words)
    one = kit.create_user_bonus(bonus, UserBonusCreateRequestParameters(async_mode=async_mode))
    assert kit.get_user_bonus(one.id) == one
    assert one.amount == Decimal("0.5")
    silent = UserBonus(user_id=worker.id, amount=Decimal("1.2"), without_message=True)
    stranger = UserBonus(user_id="nobody", amount=Decimal(1), without_message=True)
    parameters = UserBonusesCreateRequestParameters(skip_invalid_items=True, async_mode=async_mode)
    made = kit.create_user_bonuses([silent, stranger], parameters)
    assert list(made.items) == ["0"]
    assert list(made.validation_errors) == ["1"]
    assert [found.id for found in kit.get_user_bonuses(user_id=worker.id)] == [one.id, made.items["0"].id]
    assert kit.find_user_bonuses(private_comment="winnow:bon-1").items[-1].id == one.id


def test_operations(tour: Tour) -> None:
    kit, pool, ident = tour.kit, tour.pool(), uuid.uuid4()
    parameters = CreateTasksParameters(operation_id=ident)
    operation = kit.create_tasks_async([Task.structure(bodies.task(pool.id))], parameters)
    assert kit.get_operation(operation.id).status.value == "SUCCESS"
    assert kit.create_tasks_async([Task.structure(bodies.task(pool.id))], parameters).id == str(ident)
    assert len(list(kit.get_tasks(pool_id=pool.id))) == 1
    assert str(ident) in [one.id for one in kit.get_operations(type="TASK.BATCH_CREATE", status="SUCCESS")]
    assert kit.find_operations(sort=["-submitted"], limit=1).items
    [item] = kit.get_operation_log(operation.id)
    assert (item.type, item.success) == ("TASK_CREATE", True)


def test_webhook_subscriptions(tour: Tour, wire: httpx.Client) -> None:
    kit, pool = tour.kit, tour.pool()
    wanted = {"webhook_url": "http://127.0.0.1:9/hook", "event_type": "POOL_CLOSED", "pool_id": pool.id}
    made = kit.upsert_webhook_subscriptions([wanted, {**wanted, "event_type": "ASSIGNMENT_CREATED"}])
    first = made.items["0"]
    assert first.secret_key is None
    assert kit.upsert_webhook_subscriptions([wanted]).items["0"].id == first.id
    assert wire.put("/v1/webhook-subscriptions", json=wanted).json()["items"]["0"]["id"] == first.id
    assert kit.get_webhook_subscription(first.id) == first
    assert kit.find_webhook_subscriptions(event_type="POOL_CLOSED", pool_id=pool.id).items == [first]
    assert len(list(kit.get_webhook_subscriptions(pool_id=pool.id))) == 2
    test = wire.post(f"/v1/webhook-subscriptions/{first.id}/test")
    assert (test.status_code, test.json()["errorType"]) == (201, "CONNECTION_ERROR")
    kit.delete_webhook_subscription(first.id)
    assert wire.delete(f"/v1/webhook-subscriptions/{first.id}").status_code == 404


def test_messages(tour: Tour) -> None:
    kit, worker = tour.kit, tour.people.come()
    thread = kit.compose_message_thread(
        recipients_select_type="DIRECT",
        recipients_ids=[worker.id],
        topic={"EN": "Photos"},
        text={"EN": "Please show the whole hand"},
        answerable=True,
    )
    assert {person.id for person in thread.interlocutors} >= {worker.id}
    answer = httpx.post(
        f"{tour.served.control}/message-threads/{thread.id}/answer",
        json={"worker_id": worker.id, "text": {"EN": "I will"}},
    )
    assert answer.is_success
    assert kit.reply_message_thread(thread.id, MessageThreadReply(text={"EN": "Thanks"})).messages[1].text == {
        "EN": "I will"
    }
    assert Folder.IMPORTANT in kit.add_message_thread_to_folders(thread.id, ["IMPORTANT"]).folders
    assert [one.id for one in kit.get_message_threads(folder=["IMPORTANT"])] == [thread.id]
    assert Folder.UNREAD not in kit.remove_message_thread_from_folders(thread.id, ["UNREAD", "IMPORTANT"]).folders
    assert kit.find_message_threads(folder_ne=["INBOX"], folder="IMPORTANT").items == []


@pytest.mark.parametrize("select", ["FILTER", "ALL"])
def test_messages_to_whoever_has_worked(tour: Tour, select: str) -> None:
    kit, pool = tour.kit, tour.open_pool()
    kenyan, other = tour.people.come(country="KE"), tour.people.come(country="BR")
    tour.people.come(country="KE")
    for worker in (kenyan, other):
        page = tour.people.take(worker, pool.id)
        tour.people.skip(page)
    wanted = {"recipients_filter": Country == "KE"} if select == "FILTER" else {}
    thread = kit.compose_message_thread(
        recipients_select_type=select, topic={"EN": "a"}, text={"EN": "b"}, answerable=False, **wanted
    )
    people = {person.id for person in thread.interlocutors}
    assert kenyan.id in people
    assert (other.id in people) is (select == "ALL")


def test_aggregation(tour: Tour) -> None:
    kit = tour.kit
    skill = kit.create_skill(name="weight")
    pool = tour.pool(mixer_config=bodies.mixer(1))
    kit.create_tasks([Task.structure(bodies.task(pool.id, 1, overlap=2))], open_pool=True)
    for verdict in ("ok", "ok"):
        tour.people.work(tour.people.come(skills={skill.id: 90}), pool.id, verdict)
    fields = [PoolAggregatedSolutionRequest.Field(name="verdict")]
    started = kit.aggregate_solutions_by_pool(
        type="WEIGHTED_DYNAMIC_OVERLAP", pool_id=pool.id, answer_weight_skill_id=skill.id, fields=fields
    )
    operation = kit.wait_operation(started)
    [solution] = list(kit.get_aggregated_solutions(operation.id))
    assert solution.output_values == {"verdict": "ok"}
    assert kit.find_aggregated_solutions(operation.id, task_id_gt=solution.task_id).items == []
    by_task = kit.aggregate_solutions_by_task(
        pool_id=pool.id, task_id=solution.task_id, answer_weight_skill_id=skill.id, fields=[{"name": "verdict"}]
    )
    assert by_task.confidence == solution.confidence


def test_users_requester_and_analytics(tour: Tour) -> None:
    kit = tour.kit
    worker = tour.people.come(country="KE", languages=["EN"], adult_allowed=False)
    user = kit.get_user(worker.id)
    assert (user.country, user.languages, user.adult_allowed) == ("KE", ["EN"], False)
    assert kit.get_requester().balance > 0
    pool = tour.open_pool()
    tour.people.work(worker, pool.id)
    wishes = [SpentBudgetPoolAnalytics(subject_id=pool.id), UniqueSubmittersCountPoolAnalytics(subject_id=pool.id)]
    operation = kit.wait_operation(kit.get_analytics(wishes))
    assert [one["result"]["value"] for one in operation.details["value"]] == [Decimal("0.01"), 1]


def test_the_table_of_results(tour: Tour, wire: httpx.Client) -> None:
    pool = tour.open_pool()
    page = tour.people.work(tour.people.come(), pool.id, "bad")
    fields = "ASSIGNMENT:assignment_id,ASSIGNMENT:status"
    table = wire.get(f"/new/requester/pools/{pool.id}/assignments.tsv", params={"field": fields}).text
    header, first, second = table.splitlines()
    columns = dict(zip(header.split("\t"), first.split("\t"), strict=True))
    assert columns["INPUT:winnow_task"] == "tsk-0"
    assert columns["OUTPUT:verdict"] == "bad"
    assert columns["ASSIGNMENT:assignment_id"] == page.id
    assert (columns["ASSIGNMENT:status"], columns["ACCEPT:verdict"]) == ("APPROVED", "+")
    assert "tsk-1" in second


def test_what_the_fork_asks_before_opening(tour: Tour, wire: httpx.Client) -> None:
    pool = tour.pool()
    assert wire.get(f"/new/requester/pools/{pool.id}/validate").status_code == 409
    tour.kit.create_task(Task.structure(bodies.task(pool.id)))
    assert wire.get(f"/new/requester/pools/{pool.id}/validate").json() == {"valid": True}
    assert wire.put(f"/new/requester/poolModeration/{pool.id}").is_success


def test_the_kits_mixer_defaults_open(tour: Tour) -> None:
    pool = Pool.structure(bodies.pool(tour.project.id))
    pool.mixer_config = MixerConfig(real_tasks_count=1)
    made = tour.kit.create_pool(pool)
    tour.kit.create_task(Task.structure(bodies.task(made.id)), open_pool=True)
    assert tour.kit.get_pool(made.id).is_open()


def test_every_operation_was_called_with_success(tour: Tour) -> None:
    asked = httpx.get(f"{tour.served.control}/requests").json()
    done = {(one["method"], one["path"]) for one in asked if one["outcome"].startswith("2")}
    patterns = {(method, path): re.compile("/api" + re.sub(r"\{id\}", "[^/]+", path)) for method, path, _ in ROUTES}
    patterns["POST", "/v1/webhook-subscriptions/{id}/test"] = re.compile(r"/api/v1/webhook-subscriptions/[^/]+/test")
    missed = [
        route for route, pattern in patterns.items()
        if not any(method == route[0] and pattern.fullmatch(path) for method, path in done)
    ]  # fmt: skip
    assert missed == []
