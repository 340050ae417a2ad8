"""The whole API against its own description: invented requests, right and wrong ones, to every operation.

`API_EXAMPLES=200 pytest tests/api/test_contract.py` invents more of them, and others in every run.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

from curation.models import User
from tests.api.conftest import token_of

load_all_checks()
USUAL = 6
EXAMPLES = int(os.environ.get("API_EXAMPLES", USUAL))
# Queries, cursors and names of fields have a grammar that a schema cannot say: such texts may be refused.
# A line that is wrong does not refuse a batch of lines: it is answered as refused, beside the others.
CHECKED = [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name != "positive_data_acceptance"]
LINES = {"POST /api/v1/assets:batch": "negative_data_rejection"}
REAL = {f"{name}_id": name for name in (
    "annotation", "asset", "batch", "consensus", "dataset", "delivery", "entry", "event", "evidence", "export",
    "import", "job", "pool", "project", "review", "trial", "upload", "webhook", "worker",
)}  # fmt: skip


@schemathesis.serializer("application/jsonl", "application/x-ndjson", "application/offset+octet-stream")
def as_it_is(_context: Any, value: Any) -> bytes:
    """Send bodies of these kinds as they were invented."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


@pytest.fixture
def schema(db: None) -> Iterator[Any]:
    """Return what the running application says of itself; its requests stay in the transaction of the test."""
    ends = (request_started, request_finished)
    for one in ends:
        one.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/schema/", get_wsgi_application())
    for one in ends:
        one.connect(close_old_connections)


@pytest.fixture
def nobody_is_slowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curation.api.doors.ApiThrottle.rate", "1000000/min")


def operations(schema: Any) -> Iterator[Any]:
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.startswith("/api/v1/"):
            yield operation


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_invented_request_brings_an_error_or_an_answer_that_is_not_described(
    mode: GenerationMode, schema: Any, world: dict[str, str], people: dict[str, User], nobody_is_slowed: None
):
    bearer = {"Authorization": f"Bearer {token_of(people['Alice'])}"}
    faults = {}
    for operation in operations(schema):
        try:
            tried(operation, mode, world, bearer)
        except (Exception, BaseExceptionGroup) as fault:  # noqa: BLE001  every operation is tried before all is told
            faults[operation.label] = told(fault)
    assert not faults, "\n\n".join(f"{label}\n{text}" for label, text in faults.items())


def told(fault: BaseException) -> str:
    parts = fault.exceptions if isinstance(fault, BaseExceptionGroup) else [fault]
    return "\n".join(str(one)[:1_500] for one in parts)


def tried(operation: Any, mode: GenerationMode, world: dict[str, str], bearer: dict[str, str]) -> None:
    names = [one.name for one in operation.path_parameters]
    place = {name: world[REAL[name]] for name in names if name in REAL}

    checks = [one for one in CHECKED if one.__name__ != LINES.get(operation.label)]

    @settings(
        max_examples=EXAMPLES,
        derandomize=EXAMPLES == USUAL,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def call(case: Any) -> None:
        at_home(case, place, world)
        with transaction.atomic():
            case.call_and_validate(headers=bearer, checks=checks)
            transaction.set_rollback(True)

    call()


def at_home(case: Any, place: dict[str, str], world: dict[str, str]) -> None:
    """Name what really is there, wherever a right id was invented, so that requests come through to the work."""
    if is_right(case, ParameterLocation.PATH) and case.path_parameters:
        case.path_parameters.update({name: value for name, value in place.items() if name in case.path_parameters})
    if is_right(case, ParameterLocation.QUERY) and case.query and "project" in case.query:
        case.query["project"] = world["project"]
    if is_right(case, ParameterLocation.QUERY) and case.query and "since" in case.query:
        case.query["since"] = world["dataset"]
    if is_right(case, ParameterLocation.BODY) and isinstance(case.body, dict):
        case.body.update({name: world[name] for name in ("project", "dataset") if name in case.body})
        if case.path.startswith("/api/v1/pools/") and "wanted" in case.body:
            case.body["wanted"] = min(case.body["wanted"], 50)  # a million places take their time


def is_right(case: Any, location: ParameterLocation) -> bool:
    found = case.meta.components.get(location)
    return found is not None and found.mode == GenerationMode.POSITIVE
