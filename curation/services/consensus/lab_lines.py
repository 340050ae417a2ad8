"""Stored answers as JSON lines, the form that `python -m aggregation` reads. No name of a person is in them."""

import json
from collections.abc import Iterator
from typing import Any

from aggregation import BoxAnswer, ImageAnswers
from curation.models import Stage
from curation.services.consensus import answers
from curation.services.consensus.settings import source_of

DECIMALS = 3


def lines(stage: Stage) -> Iterator[str]:
    """Yield one image a line, slice by slice, so that a large stage needs little memory."""
    source = source_of(stage)
    for ids in answers.sliced(answers.answered(source)):
        for sheet in answers.sheets(source, ids):
            yield json.dumps(_image(sheet.image), separators=(",", ":"))


def _image(image: ImageAnswers) -> dict[str, Any]:
    said = [_answer(answer) for answer in image.annotations]
    return {"image": image.image, "width": image.width, "height": image.height, "annotations": said}


def _answer(answer: BoxAnswer) -> dict[str, Any]:
    boxes = [
        {**{side: round(getattr(box, side), DECIMALS) for side in ("x", "y", "w", "h")}, "label": box.label}
        for box in answer.boxes
    ]
    return {"annotator": answer.annotator, "boxes": boxes, "flags": list(answer.flags)}
