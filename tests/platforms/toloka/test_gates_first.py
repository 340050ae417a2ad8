"""A pool is tied to the training that lets people in when it is made: what lets in comes first, whatever fails."""

from datetime import timedelta
from typing import Any

import pytest

from crowd.clock import database_now
from crowd.models import Account, Batch, OutboxCommand
from crowd.services import dispatch, publishing, skills
from tests.crowd import bench_toloka as bench
from tests.crowd import market

TRAINING = "Hands: training"


@pytest.fixture
def training(account: Account) -> Batch:
    skill = skills.ensure_skill(account=account, name=TRAINING)
    return draft(account, kind=Batch.Kind.TRAINING, grants_skill=skill)


@pytest.fixture
def exam(account: Account, training: Batch) -> Batch:
    return draft(
        account,
        kind=Batch.Kind.EXAM,
        project_id=training.project_id,
        needs_skill=training.grants_skill,
        needs_value=70,
        grants_skill=skills.ensure_skill(account=account, name="Hands: exam"),
    )


def draft(account: Account, **fields: Any) -> Batch:
    return market.batch("choice", at=account, state=Batch.State.DRAFT, auto_accept=False, **fields)


def publication_of(batch: Batch) -> OutboxCommand:
    return OutboxCommand.objects.get(kind="publish_batch", batch_id=batch.pk)


def test_an_exam_waits_for_a_training_whose_publication_failed_at_first(account, training, exam):
    bench.control(account, "PUT", "/faults", {"error_500": {"rate": 1, "times": 1, "method": "POST"}})
    publishing.publish(batch=training)
    publishing.publish(batch=exam)
    now = database_now()
    dispatch.dispatch(command_id=publication_of(training).pk, now=now)
    dispatch.dispatch(command_id=publication_of(exam).pk, now=now)
    waiting = publication_of(exam)
    assert waiting.state == OutboxCommand.State.PLANNED
    assert "on its way" in waiting.last_error
    for minute in range(1, 5):
        dispatch.sweep(now=now + timedelta(minutes=minute))
        dispatch.drain(now=now + timedelta(minutes=minute))
    training.refresh_from_db()
    exam.refresh_from_db()
    far = bench.emulator(account).market
    requirement = far.pools.get(exam.remote_id).form["quality_control"]["training_requirement"]
    assert training.remote_id == f"training-{requirement['training_pool_id']}"


def test_a_pool_alone_is_refused_with_the_name_of_what_must_be_opened_first(account, exam):
    publishing.publish(batch=exam)
    dispatch.drain(now=database_now())
    refused = publication_of(exam)
    assert refused.state == OutboxCommand.State.REFUSED
    assert refused.last_error.endswith("lets people in and is not on the platform: open it first.")
