"""Rehearsals of templates: drawn pictures are brought in as a folder is, and the crowd answers the question."""

import hashlib
import random
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crowd.errors import CrowdError
from crowd.rehearsal.darkrooms import DRAWN
from crowd.rehearsal.models import HiddenTruth
from crowd.rehearsal.pictures import SIGNS, Setting, Truth
from curation.engine.rehearsal import rehearse
from curation.engine.wish import Wish
from curation.models import LabelClass, Project
from curation.services import ingest

TAKEN = datetime(2026, 1, 5, 9, tzinfo=UTC)


def rehearse_pictures(*, wish: Wish, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Bring in `size` drawn pictures, the classes in turn, and run the recipe. Repeated, it adds nothing."""
    if wish.platform != "rehearsal" or not wish.pictures:
        raise CrowdError(f"{wish.recipe} is rehearsed in our own market and with pictures.")
    return rehearse(wish=wish, progress=progress, feed=lambda project: _bring(project, wish))


def _bring(project: Project, wish: Wish) -> None:
    labels = list(LabelClass.objects.filter(project=project).order_by("index"))
    for number in range(wish.size):
        label = labels[number % len(labels)]
        data, truth = _drawn(f"{wish.recipe} {wish.seed} {number}", label.name)
        known = {"truth": truth.to_json()}
        HiddenTruth.objects.get_or_create(sha256=hashlib.sha256(data).digest(), defaults=known)
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
            path = Path(folder) / f"{number:05}.jpg"
            path.write_bytes(data)
            ingest.ingest(project=project, sources=[str(path)], label_class=label, now=TAKEN)


def _drawn(name: str, label: str) -> tuple[bytes, Truth]:
    """Draw somebody who shows a sign; of any other class a hand stands in for the thing."""
    rng = random.Random(name)  # noqa: S311  pictures, not cryptography
    sign = label if label in SIGNS else rng.choice(SIGNS)
    data, truth = DRAWN.photo(
        name, Setting(name, sign, person=name, room=name, scale=rng.uniform(0.6, 1.0)), None, TAKEN
    )
    return data, replace(truth, sign=label, boxes=tuple(replace(box, label=label) for box in truth.boxes))
