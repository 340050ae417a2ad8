"""What a worker got wrong, as pictures: the own boxes, the agreed ones, and a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from curation.models import Asset, Stage
from curation.services.consensus.settings import source_of
from curation.services.quality_facts.comparing import Compared, Labelled, compare, in_words
from curation.services.quality_facts.truth import agreed, agreed_boxes, answers_by

LATEST = 1_000
AROUND = 0.35
Wrong = tuple[Compared, int, int, Sequence[Labelled]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A rectangle in pixels."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Example:
    """One wrong answer; `view` is the part of the picture worth showing: x, y, width and height in pixels."""

    asset: UUID
    label_class: str
    words: str
    width: int
    height: int
    own: tuple[Drawn, ...]
    agreed: tuple[Drawn, ...]
    view: Drawn


def examples_of(stage: Stage, worker_ids: Sequence[int], most: int) -> dict[int, list[Example]]:
    """Return each worker's worst answers among the latest thousand: the most faults first, then the newest."""
    answers = answers_by(source_of(stage), worker_ids, LATEST)
    right = agreed_boxes(agreed(stage).filter(asset_id__in=[asset_id for _, asset_id, _, _ in answers]))
    wrong: dict[int, list[Wrong]] = {worker_id: [] for worker_id in worker_ids}
    for pk, asset_id, worker_id, own in answers:
        if asset_id in right and not (found := compare(own, right[asset_id])).is_right:
            wrong[worker_id].append((found, pk, asset_id, own))
    worst = {who: sorted(rows, key=lambda row: (-row[0].faults, -row[1]))[:most] for who, rows in wrong.items()}
    shown = {asset_id for rows in worst.values() for _, _, asset_id, _ in rows}
    assets = Asset.objects.select_related("label_class").in_bulk(shown)
    return {
        who: [_example(assets[at], own, right[at], in_words(found)) for found, _, at, own in rows]
        for who, rows in worst.items()
    }


def _example(asset: Asset, own: Sequence[Labelled], agreed: Sequence[Labelled], words: str) -> Example:
    width, height = asset.width or 1600, asset.height or 1200
    mine, theirs = ([_pixels(box, width, height) for box in boxes] for boxes in (own, agreed))
    return Example(
        asset=asset.public_id,
        label_class=asset.label_class.name if asset.label_class else "",
        words=words,
        width=width,
        height=height,
        own=tuple(mine),
        agreed=tuple(theirs),
        view=around([*mine, *theirs], width, height),
    )


def _pixels(box: Labelled, width: int, height: int) -> Drawn:
    x1, y1, x2, y2 = box[0]
    return Drawn(round(x1 * width, 1), round(y1 * height, 1), round((x2 - x1) * width, 1), round((y2 - y1) * height, 1))


def around(boxes: Sequence[Drawn], width: int, height: int) -> Drawn:
    """Return the picture's part, 4 to 3, that shows all the boxes with room around them; all of it without any."""
    if not boxes:
        return Drawn(0, 0, width, height)
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, low = max(box.x + box.w for box in boxes), max(box.y + box.h for box in boxes)
    wide = max((right - left) * (1 + 2 * AROUND), (low - top) * (1 + 2 * AROUND) * 4 / 3)
    wide = min(wide, width, height * 4 / 3)
    high = wide * 3 / 4
    x = min(max(0.0, (left + right - wide) / 2), width - wide)
    y = min(max(0.0, (top + low - high) / 2), height - high)
    return Drawn(round(x, 1), round(y, 1), round(wide, 1), round(high, 1))
