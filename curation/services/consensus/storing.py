"""Writing results: each is a new version of its image's consensus, the versions before stay."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Max

from aggregation import Consensus as Agreement
from crowd.bulk import insert_all
from curation.models import Consensus, ConsensusBox, ConsensusRun, Stage
from curation.services.consensus.agreeing import Way
from curation.services.consensus.answers import Sheet

PSEUDONYM = re.compile(r"\bw_[0-9a-f]{6,32}\b")


@dataclass(slots=True)
class Row:
    """A consensus about to be stored, with its boxes."""

    consensus: Consensus
    boxes: list[ConsensusBox] = field(default_factory=list)


def add_versions(*, stage: Stage, rows: Sequence[Row]) -> None:
    """Store the rows, numbered after the versions that are there; a current one replaces the current one.

    The caller holds the locks of the assets.
    """
    ids = [row.consensus.asset_id for row in rows]
    there = Consensus.objects.filter(stage=stage, asset_id__in=ids)
    last = dict(there.order_by().values_list("asset_id").annotate(n=Max("version")))
    replaced = [row.consensus.asset_id for row in rows if row.consensus.is_current]
    there.filter(is_current=True, asset_id__in=replaced).update(is_current=False)
    for row in rows:
        row.consensus.version = last.get(row.consensus.asset_id, 0) + 1
    insert_all([row.consensus for row in rows], numbered=True)
    for row in rows:
        for box in row.boxes:
            box.consensus = row.consensus
    insert_all([box for row in rows for box in row.boxes])


def row_of(*, way: Way, sheet: Sheet, agreement: Agreement, current: bool = True, now: datetime) -> Row:
    """Return what one image's answers add up to; one that is not `current` is kept beside what a person decided."""
    return Row(
        Consensus(
            project_id=way.stage.project_id,
            asset_id=sheet.asset_id,
            stage=way.stage,
            run=way.run,
            fit=way.fit,
            inputs=list(sheet.inputs),
            method=way.run.method,
            settings=way.run.settings,
            status=agreement.status,
            confidence=agreement.confidence,
            expected_loss=agreement.loss,
            reason=(agreement.reason or agreement.failed_question or "")[:20],
            lowest_iou=agreement.lowest_iou,
            next_step=agreement.next,
            n_answers=len(sheet.inputs),
            used=_shown(agreement.used, sheet.named),
            dropped=_shown(agreement.dropped, sheet.named),
            trace=[_in_words(step.text, sheet.named) for step in agreement.trace],
            is_current=current,
            created_at=now,
        ),
        list(_boxes(sheet, agreement)),
    )


def _boxes(sheet: Sheet, agreement: Agreement) -> Iterable[ConsensusBox]:
    width, height = sheet.image.width or 1.0, sheet.image.height or 1.0
    for seq, box in enumerate(agreement.boxes):
        yield ConsensusBox(
            seq=seq,
            label=box.label,
            x=box.x / width,
            y=box.y / height,
            w=box.w / width,
            h=box.h / height,
            confidence=box.confidence,
            confidence_75=box.confidence_75,
            support=_shown(box.support, sheet.named),
            points=[[x / width, y / height] for x, y in box.outline],
        )


def _shown(names: Sequence[str], named: Mapping[str, str]) -> list[str]:
    return sorted(named[name] for name in names)


def _in_words(text: str, named: Mapping[str, str]) -> str:
    return PSEUDONYM.sub(lambda found: named.get(found[0], found[0]), text)


def copied(earlier: Consensus, *, run: ConsensusRun, current: bool, now: datetime) -> Row:
    """Return an earlier result as a result of another run, for the same answers."""
    kept: dict[str, Any] = {
        name: getattr(earlier, name)
        for name in (
            "project_id", "asset_id", "stage_id", "fit_id", "inputs", "method", "settings", "status", "label",
            "confidence", "expected_loss", "reason", "lowest_iou", "next_step", "n_answers", "used", "dropped", "trace",
        )
    }  # fmt: skip
    boxes = [
        ConsensusBox(
            seq=box.seq,
            label=box.label,
            x=box.x,
            y=box.y,
            w=box.w,
            h=box.h,
            confidence=box.confidence,
            confidence_75=box.confidence_75,
            support=box.support,
            points=box.points,
        )
        for box in earlier.boxes.all()
    ]
    return Row(Consensus(**kept, run=run, is_current=current, created_at=now), boxes)
