"""Fixed boxes: checked, and stored as a new version of the consensus."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crowd.models import Batch
from crowd.services.answers import outlined
from curation.models import Asset, Box, Consensus, ConsensusBox, Project, User
from curation.services.consensus.storing import Row, add_versions
from curation.services.reviews.values import Refused

DRAWS = ("boxes", "outlines")
SIDES = ("x", "y", "w", "h")
MOST_FIXED = 1_000  # five people's answers, with all the boxes a person may draw
UNMOVED = 3e-6  # screens tell sides to six digits, and a side at the border is cut once more


@dataclass(frozen=True, slots=True)
class BoxTask:
    """What the crowd's latest box task asks for: the labels a box may have, what may be said of a whole image."""

    labels: list[dict[str, str]]
    flags: list[dict[str, str]]
    outlines: bool


def box_task(project: Project) -> BoxTask:
    """Return what is asked; without a task the labels are the project's classes."""
    batch = _latest(project)
    flags = batch.spec.get("flags", []) if batch else []
    return BoxTask(
        labels=_labels(project, batch),
        flags=[{"value": str(one["value"]), "label": str(one.get("label", one["value"]))} for one in flags],
        outlines=batch is not None and batch.interface == "outlines",
    )


def known_labels(project: Project) -> list[dict[str, str]]:
    return _labels(project, _latest(project))


def _labels(project: Project, batch: Batch | None) -> list[dict[str, str]]:
    labels = batch.spec.get("labels", []) if batch else []
    if labels:
        return [{"name": str(one["name"]), "colour": str(one.get("colour", ""))} for one in labels]
    names = project.classes.filter(retired_at=None).values_list("name", flat=True)
    return [{"name": name, "colour": ""} for name in names]


def _latest(project: Project) -> Batch | None:
    return Batch.objects.filter(project_id=project.pk, interface__in=DRAWS).order_by("-id").first()


def check_boxes(boxes: Sequence[Mapping[str, Any]] | None, labels: set[str]) -> list[dict[str, Any]]:
    """Return boxes in fractions of the image, cut at its edge; CrowdError names the first one that is wrong.

    Where corners are given, the box is the one around them.
    """
    if not isinstance(boxes, list | tuple):
        raise Refused("A fix needs its boxes; send an empty list when there is nothing to box.")
    if len(boxes) > MOST_FIXED:
        raise Refused(f"{len(boxes):,} boxes are more than the {MOST_FIXED:,} a fix may have.")
    return [_checked(number, box, labels) for number, box in enumerate(boxes, start=1)]


def _checked(number: int, box: Mapping[str, Any], labels: set[str]) -> dict[str, Any]:
    if not isinstance(box, Mapping) or not box.get("points"):
        return _box(number, box, labels)
    around = _box(number, outlined(number, box, labels), labels)
    return around | {"points": [[min(max(0.0, float(side)), 1.0) for side in corner] for corner in box["points"]]}


def _box(number: int, box: Mapping[str, Any], labels: set[str]) -> dict[str, Any]:
    if not isinstance(box, Mapping) or str(box.get("label")) not in labels:
        raise Refused(f"Box {number} needs one of the labels {', '.join(sorted(labels))}.")
    sides = [box.get(side) for side in SIDES]
    if not all(isinstance(side, int | float) and math.isfinite(side) for side in sides):
        raise Refused(f"Box {number} needs the numbers x, y, w and h.")
    x, y, w, h = (float(side) for side in sides if side is not None)
    slack = 1e-6
    if w <= 0 or h <= 0 or x < -slack or y < -slack or x + w > 1 + slack or y + h > 1 + slack:
        raise Refused(f"Box {number} must lie inside the image and have a size (fractions from 0 to 1).")
    left, top = max(0.0, x), max(0.0, y)
    return {"label": str(box["label"]), "x": left, "y": top, "w": min(w, 1 - left), "h": min(h, 1 - top)}


def new_version(asset: Asset, boxes: Sequence[Mapping[str, Any]], user: User, now: datetime) -> Consensus:
    """Add the person's boxes as the current version; the version before stays and can come back.

    They stand for boxes only: votes for a label about the same image stay as they are.
    """
    before = Consensus.objects.current().of_boxes().filter(asset=asset).first()
    stage = before.stage if before else asset.stage
    row = Consensus(
        project_id=asset.project_id,
        asset=asset,
        stage=stage,
        method="person",
        settings={"instead_of": before.version} if before else {},
        status=before.status if before else Consensus.Status.HARD,
        label=before.label if before else "",
        confidence=1.0,
        n_answers=1,
        used=[],
        trace=[f"{user.name} fixed {_what(boxes)}: {len(boxes)} in the end."],
        created_at=now,
    )
    kept = _outlines_of(asset, before)
    drawn = [
        ConsensusBox(seq=seq, confidence=1.0, support=[], **{"points": _outline_in(box, kept), **box})
        for seq, box in enumerate(boxes)
    ]
    add_versions(stage=stage, rows=[Row(row, drawn)])
    return row


def _outlines_of(asset: Asset, before: Consensus | None) -> list[ConsensusBox | Box]:
    """Return what is outlined of the picture: what was agreed on, then what each annotator drew."""
    said = Box.objects.filter(annotation__asset=asset, annotation__discarded_at=None).order_by("pk")
    return [box for box in (*(before.boxes.all() if before else ()), *said) if box.points]


def _what(drawn: Sequence[Mapping[str, Any]]) -> str:
    return "the outlines" if any(one.get("points") for one in drawn) else "the boxes"


def _outline_in(box: Mapping[str, Any], outlined: Sequence[ConsensusBox | Box]) -> list[Any]:
    """Return the outline of a box that was not moved, rather one of its own label; a box that was moved has none."""
    there = [one for one in outlined if all(abs(getattr(one, side) - box[side]) < UNMOVED for side in SIDES)]
    return next((one.points for one in there if one.label == box["label"]), there[0].points if there else [])
