"""Images and boxes of every class, with those that are over or under."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count

from curation.models import LabelClass, Project
from curation.services.asset_query.boxes import with_class
from curation.services.coverage.counting import assets_among, boxes_among, kept
from curation.services.coverage.plan import Factor

OVER, UNDER = 1.5, 0.5
"""Without a plan every class should have as much; half as much again is over, half of it is under."""
NOTHING: Final = "nothing yet"


Images = dict[int | None, int]
Boxes = dict[int | None, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class ClassBalance:
    """`images` were made for the class; `frames` hold at least one of its boxes."""

    label: LabelClass
    images: int
    frames: int
    boxes: int
    share: float
    wanted: float
    flag: str

    @property
    def of_boxes(self) -> tuple[tuple[str, int], ...]:
        """Return the two figures that the images with its boxes stand behind."""
        return ("Frames", self.frames), ("Boxes", self.boxes)

    @property
    def boxes_a_frame(self) -> float | None:
        return self.boxes / self.frames if self.frames else None


def class_balance(*, project: Project, among: str, factor: Factor | None = None) -> list[ClassBalance]:
    """Count frames and boxes of each class. Shares are of boxes, or of images where there are none.

    `factor` is the planned condition `class`, if there is one.
    """
    classes = list(project.classes.filter(retired_at=None))
    names = hashlib.sha256(repr([(one.pk, one.name) for one in classes]).encode()).hexdigest()[:32]
    images, boxes = kept(
        f"coverage-classes:{project.pk}:{among}:{names}",
        lambda: _counted(project, among, classes),
        lambda found: sum(found[0].values()),
    )
    return balance_of(classes, images, boxes, factor)


def _counted(project: Project, among: str, classes: Sequence[LabelClass]) -> tuple[Images, Boxes]:
    """Count in two statements."""
    images = dict(assets_among(project, among).values_list("label_class_id").annotate(n=Count("pk")))
    rows = with_class(boxes_among(project, among), classes).values_list("of")
    rows = rows.annotate(n=Count("pk"), frames=Count("consensus__asset", distinct=True))
    return images, {of: (n, frames) for of, n, frames in rows}


def balance_of(
    classes: Sequence[LabelClass],
    images: Mapping[int | None, int],
    boxes: Mapping[int | None, tuple[int, int]],
    factor: Factor | None,
) -> list[ClassBalance]:
    """Put the counts beside what is wanted: the plan, or every class as often as the others."""
    signs = [one for one in classes if not one.is_negative]
    counts = {one.pk: boxes.get(one.pk, (0, 0))[0] if boxes else images.get(one.pk, 0) for one in classes}
    whole = sum(counts[one.pk] for one in signs)
    found = []
    for one in classes:
        share = counts[one.pk] / whole if whole else 0.0
        wanted, low, high = _limits(one, len(signs), factor)
        flag = ("over" if share > high else "under" if share < low else "") if whole else NOTHING
        n, frames = boxes.get(one.pk, (0, 0))
        found.append(ClassBalance(one, images.get(one.pk, 0), frames, n, share, wanted, flag))
    return found


def _limits(label: LabelClass, signs: int, factor: Factor | None) -> tuple[float, float, float]:
    """Return the share wanted of a class, and from which shares on it is under and over."""
    if factor is not None:
        wish = next((one for one in factor.wishes if one.value == label.name), None)
        if wish is None:
            return 0.0, 0.0, 1.0
        return wish.share / 100, (wish.share - wish.tolerance) / 100, (wish.share + wish.tolerance) / 100
    if label.is_negative or signs < 2:
        return 0.0, 0.0, math.inf
    return 1 / signs, UNDER / signs, OVER / signs
