"""Pages that are taken in together are decided, counted and paid as they would be one by one."""

from collections import Counter
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from django.db import DataError, transaction
from PIL import Image

from crowd.errors import NoWork
from crowd.models import Assignment, LedgerEntry, Reservation, SkillEvent, SkillValue, Task, Worker
from crowd.services import handing_in, trust
from curation.engine import flow
from curation.models import Annotation, Asset, Consensus, Decision, Job, Project
from curation.stages.registry import stage_kind
from tests.crowd import market
from tests.crowd.market import NOON
from tests.engine import world

pytestmark = pytest.mark.django_db
CHEAP = {"min_long": 192, "min_short": 128, "corners": False, "templates": False}
Vote = Callable[[int], str]


@pytest.fixture
def project() -> Project:
    """Votes and boxes wait to be taken in, four on a page: first, second and third votes, and some of a cheat's."""
    project = world.campaign(wanted=40, checks=CHEAP, validate={"page_size": 4}, boxes={"page_size": 4})
    photos = world.batch(project, "collect")
    photos.grants_skill = market.skill(photos.account, "Photos")
    photos.save(update_fields=["grants_skill"])
    arrive(project, range(8))
    vote(project, lambda _: "correct")
    vote(project, lambda place: "correct" if place else "incorrect")
    flow.take_in(project_id=project.pk, now=NOON)
    arrive(project, range(8, 14))
    vote(project, lambda place: "correct" if place else "incorrect")
    banned = vote(project, lambda _: "correct", pages=1)
    vote(project, lambda place: "correct" if place else "incorrect")
    for _ in range(3):
        hand_in(project, "boxes", lambda _: {"boxes": [world.HAND]})
    trust.restrict(worker_id=banned.pk, scope="project", scope_id=project.pk, reason="", until=None, by_rule="control")
    return project


def arrive(project: Project, numbers: range) -> None:
    for number in numbers:
        world.send(project, picture(number), world.worker(project))
    world.work(project)


def picture(number: int) -> bytes:
    grains = np.random.default_rng(number).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    data = BytesIO()
    Image.fromarray(grains).resize((192, 128), Image.Resampling.NEAREST).save(data, "PNG")
    return data.getvalue()


def vote(project: Project, said: Vote, pages: int = 9) -> Worker:
    """Let somebody new judge what he is given; what he says depends on its place on the page."""
    return hand_in(project, "validate", lambda place: {"answer": said(place)}, pages)


def hand_in(project: Project, stage: str, said: Callable[[int], dict[str, Any]], pages: int = 9) -> Worker:
    somebody, batch = world.worker(project, "rater"), world.batch(project, stage)
    for _ in range(pages):
        try:
            page = market.claim(batch, somebody)
        except NoWork:
            break
        answers = {pk: said(place) for place, pk in enumerate(market.answers_for(page))}
        handing_in.submit_page(
            assignment_id=page.pk, worker_id=somebody.pk, answers=answers, duration_ms=60_000, now=NOON
        )
    return somebody


def taken_in(project: Project, monkeypatch: pytest.MonkeyPatch, *, together: int) -> dict[str, Any]:
    """Take everything in, so many pages at once, note what came of it, and undo it."""
    monkeypatch.setattr(flow, "PAGES_A_SLICE", together)
    monkeypatch.setattr(flow, "PAGES_TOGETHER", together)
    with transaction.atomic():
        again = flow.run_take_in(Job(project_id=project.pk, cursor={}), NOON)
        while again and again.cursor:
            again = flow.run_take_in(Job(project_id=project.pk, cursor=again.cursor), NOON)
        found = outcome(project)
        transaction.set_rollback(True)
    return found


def outcome(project: Project) -> dict[str, Any]:
    of_project = {"project_id": project.pk}
    return {
        "pages": rows(Assignment, "pk", "state", "reason", "processed_at", **of_project),
        "photos": rows(Asset, "pk", "stage", "state", "reason", **of_project),
        "tasks": rows(Task, "pk", "overlap", "issued", "done", "cancelled", **of_project),
        "answers": rows(Annotation, "answer_id", "asset", "label", "discarded_at", **of_project),
        "verdicts": rows(Decision, "asset", "stage", "verdict", "reason", "evidence", **of_project),
        "consensus": rows(Consensus, "asset", "stage", "status", "label", "confidence", "version", **of_project),
        "skills": rows(SkillValue, "worker", "skill", "value", "ok", "n"),
        "skills before": rows(SkillEvent, "worker", "skill", "value", "reason"),
        "holds": rows(Reservation, "ref", "amount_micro", "changes", "state", **of_project),
        "books": rows(LedgerEntry, "kind", "ref", "source", "target", "amount_micro", **of_project),
    }


def rows(model: Any, *fields: str, **of: Any) -> Counter[str]:
    return Counter(str(row) for row in model.objects.filter(**of).values_list(*fields))


def test_pages_taken_in_together_come_to_what_they_come_to_one_by_one(project, monkeypatch):
    one_by_one = taken_in(project, monkeypatch, together=1)
    assert taken_in(project, monkeypatch, together=40) == one_by_one
    waiting = Assignment.objects.filter(project_id=project.pk, processed_at=None, submitted_at__isnull=False)
    assert waiting.count() > 8
    now = outcome(project)
    assert [name for name, found in one_by_one.items() if found == now[name]] == []
    assert {
        state for state in ("accepted", "rejected") if any(state in row for row in one_by_one["pages"] - now["pages"])
    }
    poison = waiting.filter(batch__interface="choice").earliest("pk")
    fail_at(poison, monkeypatch)
    without_it = taken_in(project, monkeypatch, together=1)
    assert without_it != one_by_one
    assert taken_in(project, monkeypatch, together=40) == without_it


def test_as_many_are_taken_in_together_as_are_asked_for(monkeypatch):
    project = world.campaign(wanted=10)
    for _ in range(5):
        market.sent(world.batch(project, "collect"), world.worker(project))
    slices: list[int] = []
    monkeypatch.setattr(flow, "_take_in_together", lambda _project_id, ids, _now: slices.append(len(ids)))
    monkeypatch.setattr(flow, "PAGES_TOGETHER", 2)
    flow.run_take_in(Job(project_id=project.pk, cursor={}), NOON)
    flow.take_in(project_id=project.pk, now=NOON, together=3)
    assert slices == [2, 2, 1, 3, 2]


def fail_at(poison: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type(stage_kind("validate"))
    real = kind.take_in

    def fails(self, stage, pages, now):
        real(self, stage, pages, now)
        if poison in pages:
            raise DataError("value too long")

    monkeypatch.setattr(kind, "take_in", fails)
