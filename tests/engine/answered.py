"""Images with stored answers, made without pictures or pages: what aggregation starts from."""

import hashlib
from collections.abc import Sequence
from itertools import count
from typing import Any

from curation.engine import flow
from curation.models import Annotation, Asset, Box, Consensus, ConsensusRun, Project, Stage
from curation.services import jobs
from curation.services.consensus import applying, runs
from tests import scenes
from tests.crowd.market import NOON

SIDE = {"y": 0.4, "w": 0.2, "h": 0.3, "label": "gesture"}
ALIKE = (0.4, 0.402, 0.404)
LOOSE = (0.4, 0.41, 0.45)  # the first and the last meet at an IoU of 0.6
APART = (0.05, 0.35, 0.65)
_numbers = count(1)


def project(**settings: Any) -> Project:
    """A project whose review sees no sample; `settings` are those of its aggregate stage."""
    row = scenes.project()
    Stage.objects.filter(project=row, kind="review").update(settings={"sample": 0.0, "least_confidence": 0.5})
    Stage.objects.filter(project=row, kind="aggregate").update(settings=settings)
    return row


def stage(of: Project, kind: str = "aggregate") -> Stage:
    return Stage.objects.select_related("project").get(project=of, kind=kind)


def image(
    of: Project, lefts: Sequence[float | None] = ALIKE, *, at: str = "aggregate", state: str = "waiting"
) -> Asset:
    """An image that waits, with one answer for each number: a box so far from the left; None draws nothing."""
    number = next(_numbers)
    asset = Asset.objects.create(
        project=of,
        stage=of.stages.get(kind=at),
        state=state,
        sha256=hashlib.sha256(b"answered %d" % number).digest(),
        storage_key=f"answered-{number}.jpg",
        label_class=of.classes.first(),
        width=1000,
        height=1000,
    )
    for place, left in enumerate(lefts):
        answer(asset, left, by=f"w{place}")
    return asset


def answer(asset: Asset, left: float | None, *, by: str, **fields: Any) -> Annotation:
    row = Annotation.objects.create(
        project_id=asset.project_id,
        asset=asset,
        stage=asset.project.stages.get(kind="boxes"),
        answer_id=next(_numbers),
        worker_id=scenes.worker(by).pk,
        kind=Annotation.Kind.BOXES,
        is_empty=left is None,
        **fields,
    )
    if left is not None:
        Box.objects.create(annotation=row, seq=0, x=left, **SIDE)
    return row


def work(of: Project, *kinds: str) -> None:
    for kind in kinds or ("aggregate", "review", "publish"):
        while flow.work_stage(stage=stage(of, kind), now=NOON):
            pass


def aggregated(of: Project, *many: Sequence[float | None]) -> list[Asset]:
    """Images whose answers are added up, at the stage where that has brought them."""
    found = [image(of, lefts) for lefts in many]
    work(of)
    return [fresh(asset) for asset in found]


def fresh(asset: Asset) -> Asset:
    return Asset.objects.select_related("stage", "project").get(pk=asset.pk)


def stands(asset: Asset) -> tuple[str, str, str]:
    row = fresh(asset)
    return row.stage.name, row.state, row.reason


def current(asset: Asset) -> Consensus:
    return Consensus.objects.get(asset=asset, is_current=True)


def apply(of: Project, **settings: Any) -> ConsensusRun:
    """Apply settings to all images and let the job come to its end."""
    run = runs.apply(stage=stage(of), settings=settings, by=scenes.person("Alice"), now=NOON)
    return finished(run)


def finished(run: ConsensusRun) -> ConsensusRun:
    job = jobs.enqueue(kind=runs.KIND, key=str(run.pk))
    while (again := applying.run_reaggregate(job, NOON)) is not None:
        job.cursor = dict(again.cursor)
    run.refresh_from_db()
    return run
