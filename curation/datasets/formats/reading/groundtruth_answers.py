"""Raw answers of workers as Ground Truth stores them: annotations/worker-response/iteration-1/….json."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MAX_BYTES = 20_000_000
DEEP = 20


@dataclass(frozen=True, slots=True)
class AnsweredBox:
    """A box as a worker drew it, in pixels."""

    name: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class WorkerAnswer:
    """One worker's answer; `boxes` is None when it holds no boxes at all, `content` is what was sent."""

    worker: str
    submitted_at: datetime
    boxes: tuple[AnsweredBox, ...] | None
    content: Mapping[str, Any]


class BadAnswers(ValueError):
    """A file of answers that cannot be read; the sentence names the answer."""


def read_worker_answers(data: bytes) -> list[WorkerAnswer]:
    """Read one file of raw answers. Raises BadAnswers."""
    if len(data) > MAX_BYTES:
        raise BadAnswers(f"{len(data)} bytes are more than the {MAX_BYTES} allowed in one file of answers")
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadAnswers("the file is not JSON in UTF-8") from error
    answers = value.get("answers") if isinstance(value, dict) else None
    if not isinstance(answers, list):
        raise BadAnswers('the file has no list "answers"')
    return [_answer(number, one) for number, one in enumerate(answers, start=1)]


def _answer(number: int, value: Any) -> WorkerAnswer:
    try:
        worker, content = value["workerId"], value["answerContent"]
        at = datetime.fromisoformat(value["submissionTime"])
        content = json.loads(content) if isinstance(content, str) else content
        boxes = next(_lists_of_boxes(content, DEEP), None)
        found = None if boxes is None else tuple(_box(one) for one in boxes)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadAnswers(f"answer {number} is not one: {type(error).__name__} {error}") from error
    if not isinstance(worker, str) or not worker or not isinstance(content, dict):
        raise BadAnswers(f"answer {number} has no worker or no content")
    return WorkerAnswer(worker, at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC), found, content)


def _lists_of_boxes(value: Any, depth: int) -> Iterator[list[Any]]:
    """Find the boxes under whatever name the task page gave its element."""
    if not isinstance(value, dict) or depth == 0:
        return
    if isinstance(value.get("boundingBoxes"), list):
        yield value["boundingBoxes"]
    for one in value.values():
        yield from _lists_of_boxes(one, depth - 1)


def _box(value: Any) -> AnsweredBox:
    x, y, width, height = (float(value[side]) for side in ("left", "top", "width", "height"))
    if not all(map(math.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
        raise ValueError(f"a box of {x:g}, {y:g}, {width:g}, {height:g}")
    return AnsweredBox(str(value["label"]), x, y, width, height)
