"""Pictures with known answers, drawn by us: examples, training, exam and control tasks of a new project."""

import hashlib
import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crowd.rehearsal.answers import right_judgement
from crowd.rehearsal.darkrooms import DRAWN, PLANTED
from crowd.rehearsal.models import HiddenTruth
from crowd.rehearsal.pictures import SIGNS, Setting
from crowd.rehearsal.pictures import truth as facts
from crowd.rehearsal.pictures.tricks import template_file
from curation.models import LabelClass
from curation.preprocessing.copies import derivative
from curation.services.pool_drafts import KnownTask

SCREEN = 1600
TAKEN = datetime(2026, 1, 5, 9, tzinfo=UTC)
KINDS = ("correct", "incorrect", "correct", "cut", "rotated")
HINTS = {
    "correct": "This one is right: the same sign as in the example, and the whole hand can be seen.",
    "incorrect": "Compare the fingers with the example: this is another sign, or the hand is cut off.",
    "rotated": "The photo lies on its side.",
}


def example_picture(class_name: str) -> str:
    """Store the drawn example of a sign and return its key; other classes get their example from the lead."""
    if class_name not in SIGNS:
        return ""
    data, _ = template_file(class_name)
    return default_storage.save(f"examples/{uuid.uuid4().hex}.jpg", ContentFile(data))


def known_tasks(*, classes: Sequence[LabelClass], count: int, seed: str, pictures: bool = True) -> list[KnownTask]:
    """Draw so many pictures with known answers, over the classes in turn; right and wrong ones in a mixed order.

    Without pictures they are planted: they show what would have been drawn.
    """
    drawn = [label for label in classes if label.name in SIGNS]
    if not drawn:
        return []
    made = [_task(drawn[number % len(drawn)], number, seed, pictures=pictures) for number in range(count)]
    HiddenTruth.objects.bulk_create((truth for _, truth in made), ignore_conflicts=True)
    return [task for task, _ in made]


def _task(label: LabelClass, number: int, seed: str, *, pictures: bool) -> tuple[KnownTask, HiddenTruth]:
    rng = random.Random(f"known-{seed}-{number}")  # noqa: S311  pictures, not cryptography
    kind = rng.choice(KINDS)
    sign = rng.choice([other for other in SIGNS if other != label.name]) if kind == "incorrect" else label.name
    name = f"known-{seed}-{number}"
    setting = Setting(name, sign, person=name, room=name, scale=rng.uniform(0.6, 1.0), shown=_shown(kind))
    trick = facts.ROTATED if kind == "rotated" else None
    data, truth = (DRAWN if pictures else PLANTED).photo(name, setting, trick, TAKEN)
    digest = hashlib.sha256(data)
    shown = derivative(data, SCREEN, 85, "JPEG") if pictures else data
    key = default_storage.save(f"screen/{uuid.uuid4().hex}.jpg", ContentFile(shown))
    answer = right_judgement(label.name, truth)
    payload: dict[str, Any] = {
        "class": label.name,
        "prompt": label.prompt,
        "template_key": label.example_key,
        "image_key": key,
        "width": truth.width,
        "height": truth.height,
        "sha256": digest.hexdigest(),
    }
    task = KnownTask(payload, {"answer": answer}, HINTS.get(answer, ""))
    return task, HiddenTruth(sha256=digest.digest(), truth=truth.to_json())


def _shown(kind: str) -> Any:
    return "cut" if kind == "cut" else "whole"
