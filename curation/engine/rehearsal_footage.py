"""Rehearsals of recipes that begin with camera footage: drawn clips come in as a camera would send them, nobody works.

The report has the keys of every rehearsal; its quality is that of the motion tag, beside what was drawn.
"""

import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.rehearsal import footage
from curation.engine import asking, campaigns, flow
from curation.engine.report import cost_of, funnel_of, ledger_of
from curation.engine.wish import Wish
from curation.models import Asset, AssetTag, Project
from curation.recipes.loading import load
from curation.services import clips, ingest, jobs, people, tag_counts, tagging
from curation.services.asset_query import Query

DETECTORS = ("people", "faces")
A_MOMENT = timedelta(minutes=1)
SHOWN = ("motion", "camera", "location", "hour", "lighting")
Progress = Callable[[int, int], None]


def rehearse_footage(*, wish: Wish, progress: Progress | None = None) -> dict[str, Any]:
    """Take in `size` drawn clips of four cameras and do all machine work."""
    if wish.platform != "rehearsal":
        raise CrowdError(f"{wish.recipe} asks no crowd, so it is not rehearsed through {wish.platform}.")
    started, now = time.monotonic(), database_now()
    with jobs.moved_by_hand():
        project = _project(wish, now)
        for number in range(wish.size):
            _bring(project, footage.clip(wish.seed, number), wish.seed, now)
            _work(project, database_now())  # later than the clip, however long it took: all its frames are here
            if progress:
                progress(number + 1, wish.size)
        Project.objects.filter(pk=project.pk).update(archived_at=database_now())
    took = {"virtual_hours": 0.0, "wall_seconds": round(time.monotonic() - started, 1)}
    return {**_report(project, wish), "time": took}


def _project(wish: Wish, now: datetime) -> Project:
    asked = asking.campaign(
        recipe=wish.recipe, platform="inhouse", name=f"Rehearsal {uuid.uuid4().hex[:8]}", settings=_settings(wish)
    )
    project = campaigns.ensure_project(asked=asked, by=None, now=now).project
    name = f"Rehearsal of {wish.recipe}, seed {wish.seed}, {wish.size} clips"
    Project.objects.filter(pk=project.pk).update(name=name[:120], description=name, is_rehearsal=True)
    people.seat_operators(project=project)
    return project


def _settings(wish: Wish) -> dict[str, dict[str, Any]]:
    """Leave out the layers that look for people, unless they are asked for: to a detector a drawn one is none."""
    tagging_stages = [one for one in load(wish.recipe).stages if one.kind == "tag"]
    plain = {
        one.name: {"layers": [layer for layer in one.settings.get("layers", []) if layer["tagger"] not in DETECTORS]}
        for one in tagging_stages
    }
    return {name: {**plain.get(name, {}), **wish.settings.get(name, {})} for name in {*plain, *wish.settings}}


def _bring(project: Project, clip: footage.Clip, seed: int, now: datetime) -> None:
    with tempfile.TemporaryDirectory(prefix="winnow-footage-") as folder:
        path = Path(folder) / clip.name
        path.write_bytes(footage.encoded(clip, seed))
        said = clips.Clip(clip.camera, clip.location, clip.started_at)
        ingest.ingest(project=project, sources=[str(path)], clip=said, now=now)


def _work(project: Project, now: datetime) -> None:
    """Do all that waits, now that every frame of a clip is here."""
    for stage in project.stages.select_related("project").order_by("position"):
        while flow.work_stage(stage=stage, now=now + A_MOMENT):
            pass


def _report(project: Project, wish: Wish) -> dict[str, Any]:
    funnel = funnel_of(project)
    delivered = Asset.objects.filter(project=project, state=Asset.State.PUBLISHED).count()
    layers = [
        {"tagger": one.tagger, "in": one.reached, "passed": one.passed, "calls": one.calls}
        for stage in project.stages.filter(kind="tag")
        for one in tagging.funnel(stage)
    ]
    shares = {
        f"{one.key}: {one.value}": round(one.share, 4)
        for one in tag_counts.counted(project, Query())
        if one.key in SHOWN
    }
    return {
        "recipe": wish.recipe,
        "seed": wish.seed,
        "size": wish.size,
        "funnel": funnel,
        "layers": layers,
        "tags": shares,
        "cost": cost_of(project, funnel, delivered),
        "quality": {**_quality(project, wish), "delivered": delivered},
        "workers": {"honest": 0, "dishonest": 0, "caught": 0, "missed": 0, "wrongly_accused": 0, "by_level": {}},
        "ledger": ledger_of(project),
    }


def _quality(project: Project, wish: Wish) -> dict[str, float | None]:
    """Compare the frames that are said to move with those that were drawn so."""
    drawn = {one.name: one for one in (footage.clip(wish.seed, number) for number in range(wish.size))}
    said = AssetTag.objects.filter(project_id=project.pk, key="motion", run__is_current=True)
    rows = said.exclude(value="unknown").values_list("asset__parent__name", "asset__frame_index", "value")
    found = [(value == "yes", drawn[name].moves_at(index or 0)) for name, index, value in rows]
    hits = sum(says and moves for says, moves in found)
    return {
        "precision": _share(hits, sum(says for says, _ in found)),
        "recall": _share(hits, sum(moves for _, moves in found)),
        "mean_iou": None,
        "label_accuracy": _share(sum(says == moves for says, moves in found), len(found)),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
