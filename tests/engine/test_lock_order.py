"""Who waits for a project's money holds none of its pages: two transactions can never wait for each other."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from crowd.clock import database_now
from crowd.honesty import Policy
from crowd.models import Assignment, SkillValue, Task
from crowd.services import accepting, handing_in, judging, ledger, publishing, skills
from curation.engine import flow
from curation.models import Asset, DatasetItem, Job, Project, User
from curation.services import (
    bulk_changes,
    bulk_drops,
    cards,
    erasing,
    honesty,
    jobs,
    predictions,
    publish_filters,
    scenarios,
    trash,
)
from curation.services.bulk_changes import Which
from curation.services.cards import CardText
from curation.services.coverage import plan
from curation.services.datasets import freeze_version, request_version
from curation.services.predictions import ModelName
from curation.services.scenarios import Terms
from curation.stages import checks, sent_videos
from tests.crowd import market, remote
from tests.crowd.market import NOON
from tests.engine import world
from tests.factories import make_asset, make_user

pytestmark = pytest.mark.django_db(transaction=True)
far_away = remote.far_away
LATER = NOON + timedelta(days=1)
Act = Callable[[Assignment], object]


def take_in(page: Assignment) -> None:
    flow.take_in(project_id=page.project_id, now=NOON)


ACTS_ON_SENT: dict[str, Act] = {
    "accepted": lambda page: judging.accept(assignment_id=page.pk, now=NOON),
    "rejected": lambda page: judging.reject(assignment_id=page.pk, reason="blurred", now=NOON),
    "accepted with others": lambda page: accepting.accept_waiting(batch=page.batch, now=NOON),
    "taken in": take_in,
}
ACTS_ON_OPEN: dict[str, Act] = {
    "given back": lambda page: handing_in.skip_page(assignment_id=page.pk, worker_id=page.worker_id, now=NOON),
    "over": lambda page: handing_in.expire(assignment_id=page.pk, now=LATER),
}


def checked(asset: Asset) -> None:
    checks.decide_all(found=[(asset, checks.Finding("low_resolution", {}))], now=NOON)


def cut(asset: Asset) -> None:
    sent_videos._finish(asset, NOON)


def refused(asset: Asset) -> None:
    sent_videos._refuse(asset, "video_not_asked", NOON, sentence="It is too short.")


@pytest.mark.parametrize("act", ACTS_ON_SENT.values(), ids=ACTS_ON_SENT)
def test_a_page_that_was_sent_is_free_while_its_money_is_waited_for(act: Act):
    project = world.campaign()
    page = market.sent(world.batch(project, "collect"), world.worker(project))
    _is_free_while_waiting(page, act)


@pytest.mark.parametrize("act", ACTS_ON_OPEN.values(), ids=ACTS_ON_OPEN)
def test_a_page_in_hand_is_free_while_its_money_is_waited_for(act: Act):
    project = world.campaign()
    page = market.claim(world.batch(project, "collect"), world.worker(project))
    _is_free_while_waiting(page, act)


@pytest.mark.parametrize("act", [checked, cut, refused])
def test_a_picture_is_free_while_the_money_of_its_sender_is_waited_for(act: Callable[[Asset], None]):
    project = world.campaign()
    asset = world.send(project, world.photo("one"))
    page = world.page_of(asset)
    with transaction.atomic():
        ledger.lock_project(project_id=project.pk)
        with _beside(lambda _: act(asset), page):
            _wait_until_somebody_waits()
            Asset.objects.select_for_update(of=("self",), nowait=True).get(pk=asset.pk)


@pytest.mark.usefixtures("far_away")
def test_a_planned_push_waits_for_the_money_before_it_touches_a_task_or_keeps_others_from_the_batch():
    of = market.batch("choice", at=remote.account(), auto_accept=False, remote_id="far")
    (task,) = market.tasks(of, 1)
    Task.objects.filter(pk=task.pk).update(to_push=True)
    with transaction.atomic():
        ledger.lock(purse=ledger.Purse.of(of))
        with _beside(lambda _: publishing.plan_pushes(batch=of), None):
            _wait_until_somebody_waits()
            Task.objects.select_for_update(nowait=True).get(pk=task.pk)
            with connection.cursor() as cursor:  # what a new row of the batch asks for
                cursor.execute("SELECT 1 FROM crowd_batch WHERE id = %s FOR KEY SHARE NOWAIT", [of.pk])


def erase(project: Project, by: User) -> None:
    sender = world.worker(project, "gone")
    make_asset(project, worker=sender)
    erasing.erase(project=project, worker=sender, note="asked", by=by, now=NOON)


def predict(project: Project, by: User) -> None:
    said = {"image": f"{make_asset(project).public_id}.jpg", "boxes": []}
    version = freeze_version(project_id=project.pk, by=by, now=NOON)
    name, data = ModelName("detector", "1"), json.dumps(said).encode()
    predictions.take_in(dataset=version, name=name, data=data, by=by, now=NOON)


def say_a_word(project: Project, by: User) -> None:
    found = publish_filters.report(asset=make_asset(project), name="symbols", by=by, now=NOON)
    publish_filters.decide(finding=found, remove=False, by=by, now=NOON)


STARTS: dict[str, Callable[[Project, User], object]] = {
    "change of many": lambda project, by: bulk_changes.start(
        project=project, action="tag", how={"tag": "new"}, which=Which(newest=_newest(project)), by=by, now=NOON
    ),
    "drop by a rule": lambda project, by: bulk_drops.start(
        project=project, kind="cuts", settings={"stage_id": 1}, by=by, now=NOON
    ),
    "levels": lambda project, by: honesty.save_policy(
        project=project, policy=replace(Policy(), share=0.2), by=by, now=NOON
    ),
    "card": lambda project, by: cards.save_card(project_id=project.pk, text=CardText(title="x"), by=by, now=NOON),
    "plan of conditions": lambda project, by: plan.save_plan(
        project=project, text="light: low, normal", by=by, now=NOON
    ),
    "scenario": lambda project, by: scenarios.save(
        project=project, name="dark", terms=Terms("light:low", 0.9), by=by, now=NOON
    ),
    "predictions": predict,
    "word in the publish filters": say_a_word,
    "erasure": erase,
    "taken out of the archive": lambda project, by: trash.unarchive(project_id=project.pk, by=by, now=NOON),
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_page_is_claimed_and_a_picture_comes_in_while_something_is_asked_for_a_whole_project(
    start: Callable[[Project, User], object],
):
    project, alice = world.campaign(), make_user("Alice")
    world.send(project, world.photo("before"))
    of, who = world.batch(project, "collect"), world.worker(project)
    done: list[str] = []

    def goes_on() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '20s'")
            market.claim(of, who)
            make_asset(project)
            done.append("claimed and came")
        finally:
            connection.close()

    with transaction.atomic():
        start(project, alice)
        thread = threading.Thread(target=goes_on)
        thread.start()
        thread.join(60)
        assert done == ["claimed and came"]


def freeze_at_once(project: Project) -> None:
    freeze_version(project_id=project.pk, by=None, now=NOON)


def freeze_on(project: Project) -> None:
    """Carry on with the version that was asked for before."""
    jobs.run(job_id=Job.objects.get(project_id=project.pk, kind="freeze").pk, now=database_now())


@pytest.mark.parametrize("freeze", [freeze_at_once, freeze_on])
def test_a_version_that_is_frozen_while_a_contributor_is_erased_has_nothing_of_hers(freeze: Callable[[Project], None]):
    project = world.campaign()
    sender, kept = world.worker(project), make_asset(project)
    make_asset(project, worker=sender)
    if freeze is freeze_on:
        request_version(project_id=project.pk, by=None, now=NOON)
    with transaction.atomic():
        erasing.erase(project=project, worker=sender, note="asked", by=make_user("Alice"), now=NOON)
        with _beside(lambda _: freeze(project), None):
            _wait_until_somebody_waits()
    assert list(DatasetItem.objects.values_list("asset", flat=True)) == [kept.pk]


def _newest(project: Project) -> UUID:
    return Asset.objects.filter(project=project).latest("pk").public_id


def _is_free_while_waiting(page: Assignment, act: Act) -> None:
    with transaction.atomic():
        ledger.lock(purse=ledger.Purse.of(page.batch))
        with _beside(act, page):
            _wait_until_somebody_waits()
            Assignment.objects.select_for_update(of=("self",), nowait=True).get(pk=page.pk)


def test_who_waits_for_the_value_of_a_skill_that_another_makes_holds_none():
    skill = market.skill(market.account())
    known, fresh = market.workers(skill.account, 2)
    market.grade(known, skill, 80)
    locked: list[int] = []

    def lock(_: Any) -> None:
        with transaction.atomic():
            locked.extend(skills._locked_values(skill.pk, [fresh.pk, known.pk]))

    with transaction.atomic():
        SkillValue.objects.create(worker=fresh, skill=skill, value=0)
        with _beside(lock, None):
            _wait_until_somebody_waits()
            assert SkillValue.objects.select_for_update(nowait=True).filter(worker=known, skill=skill).get()
    assert locked == [known.pk, fresh.pk]


@contextmanager
def _beside(act: Callable[[Any], object], page: Assignment | None) -> Iterator[None]:
    """Let somebody else act in a connection of his own; he ends after our transaction, or the test fails."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            act(page)
        except BaseException as error:  # noqa: BLE001  told by the test
            failures.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    transaction.on_commit(lambda: thread.join(60))
    transaction.on_commit(lambda: _require_none(failures))


def _require_none(failures: list[BaseException]) -> None:
    assert failures == []


def _wait_until_somebody_waits() -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees the same activity until told
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits for a lock")
