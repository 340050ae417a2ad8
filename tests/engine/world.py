"""A campaign in miniature, moved by hand: real drawn photos go through the real stages, one person at a time."""

import hashlib
import random
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crowd.clock import database_now
from crowd.models import Assignment, Batch, Task, Worker
from crowd.rehearsal.pictures import scene, tricks
from crowd.rehearsal.pictures.jpeg import encode, stamp
from crowd.services import dispatch, ledger
from curation.engine import campaigns, flow
from curation.engine.asking import Campaign
from curation.models import Asset, Decision, LabelClass, Pool, Project, User
from curation.recipes.loading import load
from curation.services import pools
from tests.crowd import market
from tests.crowd.market import NOON

SIGN = "peace"
HAND = {"label": "gesture", "x": 0.4, "y": 0.4, "w": 0.2, "h": 0.3}
PLAIN: dict[str, dict[str, Any]] = {
    "collect": {"per_worker": 0},
    "validate": {"training_tasks": 0, "exam_tasks": 0, "control_per_page": 0, "page_size": 1},
    "boxes": {"needs_skill": "", "page_size": 1},
    "review": {"sample": 0.0},
}


def asked(wanted: int = 2, dollars: int = 500, **settings: Mapping[str, Any]) -> Campaign:
    """A gestures campaign for one sign without training, exam and control tasks; stages are changed by name."""
    names = {*PLAIN, *settings}
    return Campaign(
        recipe=load("gestures").model_copy(update={"known_answers": "none"}),
        name=f"Gestures {uuid.uuid4().hex[:8]}",
        classes=(SIGN,),
        wanted=wanted,
        platform="inhouse",
        budget_micro=dollars * 1_000_000,
        settings={name: {**PLAIN.get(name, {}), **settings.get(name, {})} for name in names},
    )


def drafted(wanted: int = 2, dollars: int = 500, **settings: Mapping[str, Any]) -> Project:
    """The project of such a campaign, its pools still drafts."""
    project = campaigns.ensure_project(asked=asked(wanted, dollars, **settings), by=None, now=NOON).project
    key = default_storage.save("examples/peace.jpg", ContentFile(example()))
    LabelClass.objects.filter(project=project, name=SIGN).update(example_key=key)
    return project


def campaign(wanted: int = 2, dollars: int = 500, **settings: Mapping[str, Any]) -> Project:
    """The same with all pools open."""
    project = drafted(wanted, dollars, **settings)
    campaigns.open_all(project=project, by=None, now=NOON)
    settle()
    return project


def settle() -> None:
    """Let the outbox do what is planned, and take note of it."""
    dispatch.drain(now=database_now())
    pools.settle_openings()


def person(name: str) -> User:
    return User.objects.create_user(f"{name.lower()}-{uuid.uuid4().hex[:6]}@example.org", name)


def collecting(project: Project) -> Pool:
    return Pool.objects.get(project=project, label_class__name=SIGN)


def batch(project: Project, stage: str) -> Batch:
    return Batch.objects.get(project_id=project.pk, kind=Batch.Kind.MAIN, stage_id=project.stages.get(name=stage).pk)


def worker(project: Project, name: str = "wanda") -> Worker:
    return market.worker(batch(project, "collect").account, name)


# Photos


@lru_cache(maxsize=64)
def photo(seed: str) -> bytes:
    return encode(scene(seed, SIGN, person=seed, room=seed).image, stamp(seed, NOON))


@lru_cache(maxsize=4)
def small_photo(seed: str) -> bytes:
    return tricks.low_resolution(scene(seed, SIGN, person=seed, room=seed), stamp(seed, NOON))[0]


@lru_cache(maxsize=4)
def resaved(seed: str) -> bytes:
    picture = scene(seed, SIGN, person=seed, room=seed)
    return tricks.resaved(photo(seed), picture.truth, random.Random(seed))[0]


def example() -> bytes:
    return tricks.template_file(SIGN)[0]


@lru_cache(maxsize=4)
def edited_example(way: str) -> bytes:
    return tricks.template_processed(*tricks.template_file(SIGN), way)[0]


# What people do


def send(project: Project, data: bytes, who: Worker | None = None) -> Asset:
    """A worker sends a photo; it waits at the stage after collecting."""
    photos = batch(project, "collect")
    page = market.claim(photos, who or worker(project))
    digest = hashlib.sha256(data).hexdigest()
    key = default_storage.save(f"uploads/{uuid.uuid4().hex}.jpg", ContentFile(data))
    market.submit(page, file={"key": key, "sha256": digest, "bytes": len(data), "name": "photo.jpg"})
    flow.take_in(project_id=project.pk, now=NOON)
    return Asset.objects.get(answer__assignment=page)


def work(project: Project, *names: str) -> None:
    """Let the machines do everything that waits, at these stages or at all."""
    for stage in project.stages.select_related("project").order_by("position"):
        if not names or stage.name in names:
            while flow.work_stage(stage=stage, now=NOON):
                pass


def checked(project: Project, data: bytes, who: Worker | None = None) -> Asset:
    """A photo after the automatic checks."""
    asset = send(project, data, who)
    work(project, "checks")
    return fresh(asset)


def answer(project: Project, stage: str, **payload: Any) -> Assignment:
    """Somebody new answers the next page of a crowd stage, and what he says is taken in."""
    work(project, stage)
    page = market.sent(batch(project, stage), worker(project, "rater"), **payload)
    flow.take_in(project_id=project.pk, now=NOON)
    return page


def validate(project: Project, *answers: str) -> None:
    """Somebody new for each answer judges the next photo, as long as an answer is asked for."""
    work(project, "validate")
    for one in answers:
        if on_offer(project, "validate"):
            answer(project, "validate", answer=one)


def box(project: Project, *lefts: float) -> None:
    """Somebody new for each number boxes one hand, so far from the left."""
    for x in lefts:
        answer(project, "boxes", boxes=[{**HAND, "x": x}])


def boxed(project: Project, seed: str = "one") -> Asset:
    """A photo that three people found right and three boxed alike."""
    asset = checked(project, photo(seed))
    validate(project, "correct", "correct", "correct")
    box(project, 0.4, 0.402, 0.404)
    return fresh(asset)


# What came of it


def fresh(asset: Asset) -> Asset:
    return Asset.objects.select_related("stage", "project").get(pk=asset.pk)


def stands(asset: Asset) -> tuple[str, str, str]:
    """Stage, state and reason."""
    row = fresh(asset)
    return row.stage.name, row.state, row.reason


def page_of(asset: Asset) -> Assignment:
    return Assignment.objects.get(answers=asset.answer_id)


def verdicts(asset: Asset) -> list[tuple[str, str]]:
    rows = Decision.objects.filter(asset=asset).select_related("stage").order_by("id")
    return [(row.stage.name, row.verdict) for row in rows]


def totals(project: Project) -> ledger.Totals:
    return ledger.totals(project_id=project.pk)


def on_offer(project: Project, stage: str) -> int:
    """How many answers the real tasks of a crowd stage still want."""
    places = Task.objects.filter(batch=batch(project, stage), overlap__isnull=False, cancelled=False)
    return sum(task.overlap - task.issued for task in places)
