"""Rows with only what matters for a test."""

from __future__ import annotations

import hashlib
import itertools
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from crowd.models import Account, Answer, Assignment, Batch, Budget, Evidence, Task, Worker
from crowd.models.worker import digest_of
from curation.models import (
    Annotation,
    Asset,
    Box,
    Consensus,
    ConsensusBox,
    LabelClass,
    Membership,
    Pool,
    Project,
    Stage,
    User,
)

numbers = itertools.count(1)
STAGES = ("collect", "checks", "validate", "publish")


def make_user(name: str) -> User:
    return User.objects.create_user(f"{name.lower()}@example.org", name, password=f"{name}-likes-winnow")


def make_project(name: str = "Hand gestures", *, budget_usd: int = 500, **roles: User) -> Project:
    """Make a project with four stages, one class and a budget; `make_project(lead=alice)` names its team."""
    project = Project.objects.create(name=name, slug=f"project-{next(numbers)}", recipe="gestures")
    for position, kind in enumerate(STAGES):
        Stage.objects.create(project=project, position=position, kind=kind, name=kind, title=kind.capitalize())
    LabelClass.objects.create(project=project, index=0, name="peace")
    Budget.objects.create(project_id=project.pk, scope_id=project.pk, limit_micro=budget_usd * 1_000_000)
    for role, user in roles.items():
        Membership.objects.create(project=project, user=user, role=role)
    project.refresh_from_db()
    return project


def make_account(slug: str = "inhouse") -> Account:
    return Account.objects.get_or_create(slug=slug, defaults={"platform": slug, "label": slug.capitalize()})[0]


def make_pool(project: Project, title: str = "PEACE", *, wanted: int = 10, price_micro: int = 30_000) -> Pool:
    """Make an open collecting pool with its batch."""
    stage = project.stages.get(kind="collect")
    pool = Pool.objects.create(
        project=project,
        stage=stage,
        account=make_account(),
        kind=Pool.Kind.MAIN,
        label_class=LabelClass.objects.get_or_create(
            project=project, name=title.lower(), defaults={"index": next(numbers)}
        )[0],
        title=title,
        state=Pool.State.OPEN,
        wanted=wanted,
        price_micro=price_micro,
        started_at=timezone.now(),
    )
    Batch.objects.create(
        account=pool.account,
        key=f"batch-{pool.pk}",
        project_id=project.pk,
        pool_id=pool.pk,
        stage_id=stage.pk,
        kind=Batch.Kind.MAIN,
        interface="photo",
        spec={"instructions": ["The whole hand is in the picture"]},
        price_micro=price_micro,
        state=Batch.State.OPEN,
        auto_accept=False,
    )
    return pool


def make_worker(name: str = "Wanda") -> Worker:
    ext_id = f"{name}-{next(numbers)}"
    return Worker.objects.create(account=make_account(), ext_id=ext_id, ext_digest=digest_of(ext_id), name=name)


def make_answer(pool: Pool, worker: Worker, state: str = Assignment.State.ACCEPTED) -> Answer:
    """Make one answered page of a pool."""
    batch, now = Batch.objects.get(pool_id=pool.pk), timezone.now()
    number = next(numbers)
    task = Task.objects.create(batch=batch, key=f"slot-{number}", project_id=pool.project_id, overlap=1, issued=1)
    page = Assignment.objects.create(
        account=pool.account,
        ext_id=f"page-{number}",
        ext_digest=digest_of(f"page-{number}"),
        batch=batch,
        project_id=pool.project_id,
        worker=worker,
        state=state,
        price_micro=pool.price_micro,
        issued_at=now,
        lease_until=now + timedelta(minutes=15),
        submitted_at=now,
        judged_at=now if state != Assignment.State.SUBMITTED else None,
        duration_ms=9_000,
    )
    return Answer.objects.create(assignment=page, task=task, worker=worker)


def make_asset(
    project: Project,
    state: str = Asset.State.PUBLISHED,
    *,
    stage: str = "publish",
    reason: str = "",
    worker: Worker | None = None,
    answer: Answer | None = None,
    **fields: Any,
) -> Asset:
    number = next(numbers)
    asset = Asset.objects.create(
        project=project,
        stage=project.stages.get(kind=stage),
        state=state,
        reason=reason,
        worker_id=worker.pk if worker else None,
        answer=answer,
        sha256=hashlib.sha256(str(number).encode()).digest(),
        storage_key=fields.pop("storage_key", f"asset-{number}.jpg"),
        bytes=1_000,
        **{"label_class": project.classes.first(), "width": 1920, "height": 1080, **fields},
    )
    asset.refresh_from_db()
    return asset


def make_evidence(asset: Asset, level: int = 0, *, kind: str = "same_photo", at: datetime | None = None) -> Evidence:
    assert asset.worker_id is not None
    return Evidence.objects.create(
        worker_id=asset.worker_id,
        project_id=asset.project_id,
        level=level,
        kind=kind,
        item_id=asset.pk,
        details={"distance": 12, "orientation": "mirror", "inliers": 40},
        created_at=at or timezone.now(),
    )


def make_consensus(asset: Asset, *, lowest_iou: float = 0.74) -> Consensus:
    """Make one worker's boxes about an asset and the consensus over them."""
    assert asset.answer_id is not None
    stage = asset.project.stages.get(kind="validate")
    note = Annotation.objects.create(
        project_id=asset.project_id,
        asset=asset,
        stage=stage,
        answer_id=asset.answer_id,
        worker_id=asset.worker_id or 0,
        kind=Annotation.Kind.BOXES,
    )
    rectangle: dict[str, Any] = {"label": "gesture", "x": 0.2, "y": 0.3, "w": 0.1, "h": 0.2}
    Box.objects.create(annotation=note, seq=0, **rectangle)
    agreed = Consensus.objects.create(
        project_id=asset.project_id,
        asset=asset,
        stage=stage,
        method="hard-soft-drop",
        status=Consensus.Status.HARD,
        confidence=0.9,
        lowest_iou=lowest_iou,
        n_answers=3,
        trace=["hard: 3 answers, lowest pair 0.74"],
    )
    ConsensusBox.objects.create(consensus=agreed, seq=0, confidence=0.9, **rectangle)
    return agreed
