"""Boxes from a file of somebody else's as a version of the consensus: in fractions, with where they come from."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from curation.datasets.formats.reading.base import Boxes, NamedBox
from curation.models import Asset, Consensus, ConsensusBox, Stage
from curation.services import assets, versions
from curation.services.consensus.storing import Row, add_versions

METHOD = "import"
NO_CONFIDENCE = 1.0  # whoever publishes a box without a number stands for it


class OutsideThePicture(ValueError):
    """Nothing of a box lies in the picture."""


def fractions(box: NamedBox, on: Boxes, label: str) -> dict[str, Any]:
    """Return a box as fractions of the picture, cut at its border. Raises OutsideThePicture."""
    left, top = max(0.0, box.x), max(0.0, box.y)
    right, bottom = min(float(on.width), box.x + box.width), min(float(on.height), box.y + box.height)
    if right <= left or bottom <= top:
        raise OutsideThePicture(f"the box {box.x:g}, {box.y:g}, {box.width:g}, {box.height:g} lies outside the picture")
    confidence = NO_CONFIDENCE if box.confidence is None else box.confidence
    sides = {
        "x": left / on.width,
        "y": top / on.height,
        "w": (right - left) / on.width,
        "h": (bottom - top) / on.height,
    }
    return {"label": label, **sides, "confidence": confidence}


@transaction.atomic
def store(asset: Asset, stage: Stage, boxes: Sequence[Mapping[str, Any]], origin: dict[str, Any], now: datetime) -> str:
    """Add the boxes as a version; returns whether they are new, changed, existing, or gave way to ours (kept)."""
    assets.locked(asset.pk)
    digest = hashlib.sha256(json.dumps(boxes, sort_keys=True).encode()).hexdigest()
    rows = Consensus.objects.filter(asset=asset)
    ours = rows.current().of_boxes().first()
    if ours is not None and ours.method != METHOD:
        return "kept"
    if ours is not None and ours.settings.get("digest") == digest:
        return "existing"
    at = ours.stage if ours is not None else stage
    row = Consensus(
        project_id=asset.project_id,
        asset=asset,
        stage=at,
        method=METHOD,
        settings={**origin, "digest": digest},
        status=Consensus.Status.HARD,
        confidence=min((box["confidence"] for box in boxes), default=NO_CONFIDENCE),
        n_answers=1,
        trace=[f"{len(boxes)} boxes from line {origin['line']} of {origin['file']}, “{origin['label']}”."],
        created_at=now,
    )
    drawn = [ConsensusBox(seq=seq, support=[], **box) for seq, box in enumerate(boxes)]
    add_versions(stage=at, rows=[Row(row, drawn)])
    versions.bump(project_id=asset.project_id)
    return "changed" if ours is not None else "new"
