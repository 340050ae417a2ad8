"""Films with known answers, drawn by us: exam and control tasks of a new project that collects videos."""

import hashlib
import random
import uuid
from collections.abc import Sequence
from typing import Any, Final

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crowd.rehearsal import films
from crowd.rehearsal.answers import right_judgement
from crowd.rehearsal.models import HiddenTruth
from crowd.rehearsal.pictures import Truth
from curation.models import Asset, LabelClass, Project, Stage
from curation.services.pool_drafts import KnownTask

WRONG: Final = (None, "wrong_sign", None, "no_hand", None, "blurred", "cut_off")
HINT: Final = "Compare with the instruction: what was asked for must be seen, whole and sharp."


def known_tasks(*, stage: Stage, classes: Sequence[LabelClass], count: int, seed: str) -> list[KnownTask]:
    """Draw so many tasks: whole films as sheets where films are judged, single frames behind their storyboard."""
    whole = stage.project.stages.filter(kind="storyboard", position__gt=stage.position).exists()
    return [
        _task(classes[number % len(classes)], f"{stage.name}-{seed}-{number}", whole=whole) for number in range(count)
    ]


def _task(label: LabelClass, name: str, *, whole: bool) -> KnownTask:
    rng = random.Random(f"known-{name}")  # noqa: S311  pictures, not cryptography
    film = films.plan(f"known-{name}", label.name, rng.choice(WRONG))
    data = films.sheet(film) if whole else films.as_jpeg(films.still(film, 0))
    truth = film.truth if whole else films.truth_of_frame(film.truth, 0)
    digest = hashlib.sha256(data)
    HiddenTruth.objects.get_or_create(sha256=digest.digest(), defaults={"truth": truth.to_json()})
    payload: dict[str, Any] = {
        "class": label.name,
        "prompt": label.prompt,
        "template_key": label.example_key,
        "image_key": default_storage.save(f"screen/{uuid.uuid4().hex}.jpg", ContentFile(data)),
        "width": truth.width,
        "height": truth.height,
        "sha256": digest.hexdigest(),
    }
    answer = right_judgement(label.name, truth)
    return KnownTask(payload, {"answer": answer}, "" if answer == "correct" else HINT)


def know_frames(project: Project) -> None:
    """Note what frames of drawn films show, so that simulated people see it."""
    frames = Asset.objects.filter(project=project, parent__isnull=False, state=Asset.State.WAITING)
    for frame in frames.select_related("parent").order_by("id"):
        film = HiddenTruth.objects.filter(sha256=frame.parent.sha256).first() if frame.parent else None
        if film is None:
            continue
        truth = films.truth_of_frame(Truth.from_json(film.truth), frame.frame_index or 0)
        HiddenTruth.objects.get_or_create(sha256=frame.sha256, defaults={"truth": truth.to_json()})
