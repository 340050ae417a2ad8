"""Two plain players: one answers anything at random, one does what a script says."""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from crowd.emulators.crowd import Answer, File, HandIn, Hints, Leave, Move, Offer, Page, Skip
from crowd.emulators.toloka.chance import chance

_SKIPPED, _LEFT = 0.03, 0.02
_SECONDS_PER_TASK = 8.0
_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


class RandomPlayer:
    """Takes any offer and gives valid answers by the specification of the output fields.

    Control tasks are answered right with the probability `skill`; chance comes from the seed and the assignment.
    """

    def __init__(self, seed: str, *, skill: float = 0.85, patience: float = 1.0) -> None:
        self._seed, self._skill, self._patience = seed, skill, patience
        self._visits = 0

    def choose(self, worker_id: str, offers: Sequence[Offer]) -> str | None:
        self._visits += 1
        if not offers:
            return None
        return chance(self._seed, worker_id, self._visits).choice(offers).pool_id

    def play(self, page: Page) -> Move:
        rng = chance(self._seed, page.assignment_id)
        luck = rng.random()
        seconds = self._patience * _SECONDS_PER_TASK * len(page.tasks) * rng.lognormvariate(0, 0.4)
        if luck < _LEFT:
            return Leave()
        if luck < _LEFT + _SKIPPED:
            return Skip(seconds / 4)
        return HandIn([self._answer(page, index, rng) for index in range(len(page.tasks))], seconds)

    def correct(self, page: Page, answers: Sequence[Answer], hints: Hints) -> Sequence[Answer] | None:
        return [page.tasks[index].known[0] if index in hints.texts else answer for index, answer in enumerate(answers)]

    def _answer(self, page: Page, index: int, rng: Random) -> Answer:
        known = page.tasks[index].known
        if known and rng.random() < self._skill:
            return known[0]
        return {
            name: _value(field, rng)
            for name, field in page.outputs.items()
            if field.get("required", True) or rng.random() < 0.5
        }


def _value(field: Mapping[str, Any], rng: Random) -> Any:
    kind = str(field["type"])
    if not kind.startswith("array_"):
        return _single(kind, field, rng)
    least = int(field.get("min_size") or 0)
    most = min(int(field.get("max_size") or least + 2), least + 2)
    return [_single(kind.removeprefix("array_"), field, rng) for _ in range(rng.randint(max(1, least), max(1, most)))]


def _single(kind: str, field: Mapping[str, Any], rng: Random) -> Any:
    if field.get("allowed_values"):
        return rng.choice(field["allowed_values"])
    lowest, highest = field.get("min_value", 0), field.get("max_value", 100)
    values: dict[str, Any] = {
        "boolean": rng.random() < 0.5,
        "coordinates": f"{rng.uniform(-60, 60):.4f},{rng.uniform(-180, 180):.4f}",
        "file": File(f"photo-{rng.getrandbits(32):08x}.png", "image/png", _PIXEL),
        "float": round(rng.uniform(lowest, highest), 3),
        "integer": rng.randint(int(lowest), int(highest)),
        "json": [_box(rng)],
        "string": _words(field, rng),
        "url": f"https://example.org/{rng.getrandbits(32):08x}",
    }
    return values[kind]


def _box(rng: Random) -> dict[str, Any]:
    left, top = rng.uniform(0, 0.6), rng.uniform(0, 0.6)
    width, height = rng.uniform(0.05, 0.4), rng.uniform(0.05, 0.4)
    return {"shape": "rectangle", "left": round(left, 4), "top": round(top, 4), "width": round(width, 4),
            "height": round(height, 4), "label": "gesture"}  # fmt: skip


def _words(field: Mapping[str, Any], rng: Random) -> str:
    least = int(field.get("min_length") or 1)
    text = " ".join(rng.choice(("yes", "no", "maybe", "clear", "dark", "hand")) for _ in range(least // 2 + 2))
    return text[: int(field["max_length"])] if field.get("max_length") else text


class ScriptPlayer:
    """Does what a JSON script says, worker by worker, in order.

    The script is a list of steps: `{"worker": "w1", "pool": "train", "do": "answer", "answers": […]}`.
    `pool` is an id or the beginning of a name (default: the first offer); `do` is `answer`, `skip` or `leave`. One
    answer is used for every task of the page. `{"$file": "path"}` is a file beside the script. A worker who has no
    step left does nothing.
    """

    def __init__(self, steps: Sequence[Mapping[str, Any]], folder: Path = Path()) -> None:
        self._left: dict[str, list[Mapping[str, Any]]] = {}
        self._folder = folder
        for step in steps:
            self._left.setdefault(str(step["worker"]), []).append(step)

    def choose(self, worker_id: str, offers: Sequence[Offer]) -> str | None:
        steps = self._left.get(worker_id)
        if not steps:
            return None
        wish = str(steps[0].get("pool", ""))
        return next((one.pool_id for one in offers if wish == one.pool_id or one.title.startswith(wish)), None)

    def play(self, page: Page) -> Move:
        step = self._left[page.worker_id].pop(0)
        seconds = float(step.get("seconds", 0))
        if step.get("do") == "skip":
            return Skip(seconds)
        if step.get("do") == "leave":
            return Leave()
        answers = [self._read(answer) for answer in step["answers"]]
        return HandIn(answers * len(page.tasks) if len(answers) == 1 else answers, seconds)

    def correct(self, page: Page, answers: Sequence[Answer], hints: Hints) -> Sequence[Answer] | None:
        """Take the hints."""
        return [page.tasks[index].known[0] if index in hints.texts else answer for index, answer in enumerate(answers)]

    def worker_ids(self) -> list[str]:
        """Return who has steps, in the order of their first ones."""
        return list(self._left)

    def is_done(self) -> bool:
        return not any(self._left.values())

    def _read(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._value(value) for name, value in answer.items()}

    def _value(self, value: Any) -> Any:
        if not (isinstance(value, dict) and "$file" in value):
            return value
        path = self._folder / value["$file"]
        return File(path.name, value.get("media_type", "image/jpeg"), path.read_bytes())


class Script:
    """A script file: `{"workers": [profile…], "steps": [step…]}`."""

    def __init__(self, text: str, folder: Path = Path()) -> None:
        """Read the text; ValueError says what is wrong."""
        plain = json.loads(text)
        if not isinstance(plain, dict) or not isinstance(plain.get("steps"), list):
            raise ValueError('an object with "workers" and "steps" is expected')  # noqa: TRY004 a file is wrong, no type
        self.workers: list[dict[str, Any]] = plain.get("workers", [])
        for index, profile in enumerate(self.workers):
            if not isinstance(profile, dict) or "id" not in profile:
                raise ValueError(f'worker {index} has no "id"')
        for index, step in enumerate(plain["steps"]):
            _demand_step(index, step)
        self.player = ScriptPlayer(plain["steps"], folder)


def _demand_step(index: int, step: Any) -> None:
    if not isinstance(step, dict) or "worker" not in step:
        raise ValueError(f'step {index} has no "worker"')
    do = step.get("do", "answer")
    if do not in ("answer", "skip", "leave"):
        raise ValueError(f'step {index}: {do!r} is not something to "do"; answer, skip or leave is expected')
    if do == "answer" and not isinstance(step.get("answers"), list):
        raise ValueError(f'step {index} has no list of "answers"')
