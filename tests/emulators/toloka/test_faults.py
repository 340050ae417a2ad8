"""What goes wrong on purpose, and what the kit's client makes of it."""

import io
import json
import time
import uuid
from decimal import Decimal
from typing import Any

import httpx
import pytest
import urllib3.exceptions
from toloka.client import Project, Skill, Task
from toloka.client.exceptions import InternalApiError, TooManyRequestsApiError
from toloka.client.task import CreateTasksParameters

from crowd.emulators.crowd import File
from crowd.emulators.toloka import Served, TolokaEmulator
from crowd.emulators.toloka.faults import NAMES, Faults
from tests.embedded.observe import eventually
from tests.emulators.toloka import bodies
from tests.emulators.toloka.conftest import client_of
from tests.emulators.toloka.people import People
from tests.emulators.toloka.test_pages import pool_with, real
from tests.emulators.toloka.test_pool_life import post, project_id

__all__ = ["project_id"]


def switch(door: httpx.Client, name: str, **spec: Any) -> None:
    assert door.put("/faults", json={name: {"rate": 1, **spec}}).is_success


def asked(door: httpx.Client, method: str) -> list[str]:
    """The outcomes of the requests with a method, oldest first."""
    return [one["outcome"] for one in door.get("/requests").json() if one["method"] == method]


def new_project() -> Any:
    return Project.structure(bodies.project())


class TestWhatTheKitMakesOfIt:
    def test_a_dropped_reply_did_the_work(self, kit: Any, door: httpx.Client) -> None:
        switch(door, "drop_reply", method="POST", times=1)
        with pytest.raises(urllib3.exceptions.ProtocolError):
            kit.create_project(new_project())
        assert asked(door, "POST") == ["201 drop_reply"]
        [found] = list(kit.get_projects())
        assert found.metadata == {"winnow_key": ["prj-7f3a"]}

    def test_an_error_500_comes_before_the_work_or_after_it(self, kit: Any, door: httpx.Client) -> None:
        switch(door, "error_500", method="POST", times=1)
        with pytest.raises(InternalApiError):
            kit.create_project(new_project())
        assert list(kit.get_projects()) == []
        switch(door, "error_500", method="POST", times=1, after=True)
        with pytest.raises(InternalApiError):
            kit.create_project(new_project())
        assert len(list(kit.get_projects())) == 1
        assert asked(door, "POST") == ["error_500", "201 error_500"]

    @pytest.mark.parametrize("name", ["error_502", "error_503"])
    def test_a_page_of_a_proxy_is_no_json(self, kit: Any, door: httpx.Client, name: str) -> None:
        switch(door, name, method="POST")
        with pytest.raises(json.JSONDecodeError):
            kit.create_skill(Skill(name="a"))
        assert asked(door, "POST") == [name]

    def test_a_get_is_repeated_and_a_post_is_not(self, kit: Any, door: httpx.Client) -> None:
        switch(door, "error_500", times=2)
        assert kit.get_requester().balance == Decimal(1000)
        assert len(asked(door, "GET")) == 3

    @pytest.mark.parametrize("interval", ["MIN", "HOUR", "DAY"])
    def test_a_quota_surfaces_at_once_with_its_interval(self, kit: Any, door: httpx.Client, interval: str) -> None:
        switch(door, "throttle", interval=interval)
        with pytest.raises(TooManyRequestsApiError) as refused:
            kit.create_project(new_project())
        assert refused.value.payload == {"interval": interval}
        assert len(asked(door, "POST")) == 1

    def test_a_quota_may_have_no_payload(self, kit: Any, door: httpx.Client) -> None:
        switch(door, "throttle", interval="")
        with pytest.raises(TooManyRequestsApiError) as refused:
            kit.create_project(new_project())
        assert refused.value.payload is None

    def test_the_default_client_breaks_on_a_quota(self, served: Served, door: httpx.Client) -> None:
        switch(door, "throttle", interval="MIN")
        client = client_of(served, retryer_factory=None, retry_quotas="MIN")
        with pytest.raises(TypeError):
            client.create_project(new_project())

    def test_the_default_client_creates_twice(
        self, served: Served, door: httpx.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "sleep", lambda _seconds: None)
        switch(door, "error_500", method="POST", times=1, after=True)
        client_of(served, retryer_factory=None, retry_quotas="MIN").create_project(new_project())
        assert len(served.market.projects) == 2

    def test_a_read_timeout_of_a_post_did_the_work(self, served: Served, door: httpx.Client) -> None:
        switch(door, "hang", seconds=3, times=1)
        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            client_of(served, timeout=1).create_project(new_project())
        assert eventually(lambda: len(served.market.projects) == 1)

    def test_an_archived_log(self, kit: Any, api: httpx.Client, door: httpx.Client, project_id: str) -> None:
        pool = post(api, "/pools", bodies.pool(project_id))["id"]
        parameters = CreateTasksParameters(operation_id=uuid.uuid4())
        operation = kit.create_tasks_async([Task.structure(bodies.task(pool))], parameters)
        switch(door, "log_archived", times=1)
        answer = api.get(f"/operations/{operation.id}/log")
        assert (answer.status_code, answer.json()["code"]) == (409, "OPERATION_LOGS_ARCHIVED")
        assert len(kit.get_operation_log(operation.id)) == 1

    def test_half_pages_are_walked_by_the_kit(self, kit: Any, api: httpx.Client, door: httpx.Client,
                                              project_id: str) -> None:  # fmt: skip
        pool = pool_with(api, project_id, real(20))
        switch(door, "half_pages")
        assert len(list(kit.get_tasks(pool_id=pool, batch_size=6))) == 20


class TestFiles:
    @pytest.fixture
    def photo(self, api: httpx.Client, people: People) -> str:
        """A photo that was handed in; return its id."""
        project = post(api, "/projects", bodies.project(task_spec=bodies.PHOTO))["id"]
        values = {"gesture": "fist", "winnow_task": "tsk-1"}
        pool = pool_with(api, project, [{"input_values": values, "overlap": 1}], mixer_config=bodies.mixer(1))
        page = people.take(people.come(), pool)
        people.hand_in(page, [{"photo": File("fist.jpg", "image/jpeg", b"pixels" * 10_000)}])
        return str(page.solutions[0]["photo"])

    def test_a_download_that_breaks_off(self, kit: Any, api: httpx.Client, door: httpx.Client, photo: str) -> None:
        switch(door, "truncated_download", times=1)
        with pytest.raises(httpx.RemoteProtocolError):
            api.get(f"/attachments/{photo}/download")
        file = io.BytesIO()
        kit.download_attachment(photo, file)
        assert len(file.getvalue()) == 60_000

    def test_a_file_that_comes_hours_after_its_page(
        self, emulator: TolokaEmulator, api: httpx.Client, people: People, request: pytest.FixtureRequest
    ) -> None:
        emulator.market.faults.set("late_upload", {"rate": 1, "seconds": 7200})
        photo = request.getfixturevalue("photo")
        assert api.get(f"/attachments/{photo}/download").status_code == 404
        people.pass_time(hours=2)
        assert api.get(f"/attachments/{photo}/download").is_success


def test_a_fault_strikes_at_its_rate_and_the_same_way_for_a_seed() -> None:
    def strikes(seed: str) -> list[bool]:
        faults = Faults(seed)
        faults.set("hang", 0.3)
        return [faults.hit("hang") is not None for _ in range(1000)]

    assert strikes("a") == strikes("a") != strikes("b")
    assert 250 < sum(strikes("a")) < 350


@pytest.mark.parametrize(
    ("name", "spec", "sentence"),
    [
        ("rain", 1, "'rain' is not a fault"),
        ("hang", 2, "2 is not a rate"),
        ("hang", "often", "'often' is not a rate"),
        ("hang", {"rate": 1, "colour": "red"}, "'colour' is not a part of a fault"),
        ("throttle", {"rate": 1, "interval": "WEEK"}, "'WEEK' is not an interval"),
    ],
)
def test_a_fault_that_cannot_be_switched_on(door: httpx.Client, name: str, spec: Any, sentence: str) -> None:
    answer = door.put("/faults", json={name: spec})
    assert answer.status_code == 400
    assert sentence in answer.json()["message"]


def test_faults_are_listed_with_their_hits_and_cleared(door: httpx.Client, api: httpx.Client) -> None:
    switch(door, "error_500")
    api.get("/requester")
    assert door.get("/faults").json()["error_500"]["hits"] == 1
    assert door.delete("/faults").json() == {}
    assert api.get("/requester").is_success


def test_faults_come_with_the_constructor() -> None:
    emulator = TolokaEmulator(faults=dict.fromkeys(NAMES, 0.1))
    assert set(emulator.market.faults.to_json()) == set(NAMES)
