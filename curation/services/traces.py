"""The steps of an aggregation in words for people who look at the picture, not at the method."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

NAME: Final = re.compile(r"\b([A-Z]) w_[0-9a-f]{6,32}\b")
PLACE: Final = re.compile(r" at [\d.]+,[\d.]+ [\d.]+x[\d.]+")
WORTH_SAYING: Final = ("answers.", "soft.", "drop.", "reliability.")
SAID_ELSEWHERE: Final = ("soft.iou", "reliability.confidence")
KEYED: Final = re.compile(r"^([a-z_]+\.[a-z_0-9]+): (.*)$", re.DOTALL)


def in_words(steps: Sequence[object]) -> list[str]:
    """Return each step as a sentence; a step of an unknown method keeps its own words without its key."""
    return [sentence(str(step)) for step in steps]


def changes(steps: Sequence[object]) -> list[str]:
    """Return only what was changed in the answers or why nothing was agreed, in words."""
    said = [str(step) for step in steps]
    return [sentence(step) for step in said if step.startswith(WORTH_SAYING) and not step.startswith(SAID_ELSEWHERE)]


def sentence(step: str) -> str:
    found = KEYED.match(step)
    if found is None:
        return _short(step)
    key, words = found[1], found[2]
    say = SAYINGS.get(key)
    return _ended(_short(say(words) if say else words))


def drawn(counts: Sequence[int]) -> str:
    """Return who drew how many: 3 annotators: 2 × 1 box, 1 × 2 boxes."""
    groups = ", ".join(f"{times} × {boxes(n)}" for n, times in Counter(counts).most_common())
    return f"{len(counts)} annotator{'' if len(counts) == 1 else 's'}: {groups}"


def boxes(n: int) -> str:
    return {0: "no box", 1: "1 box"}.get(n, f"{n} boxes")


def _short(words: str) -> str:
    """Call annotators by the letter that the picture shows, and leave out pixels."""
    return PLACE.sub("", NAME.sub(r"\1", words))


def _ended(words: str) -> str:
    first = words[:1].upper() + words[1:]
    return first if first.endswith(".") else f"{first}."


def _parted(words: str) -> tuple[bool, str]:
    """Return whether a question was answered with yes, and the rest."""
    head, _, rest = words.partition(", ")
    return (head == "yes", rest) if head in {"yes", "no"} else (False, words)


def _enough(words: str) -> str:
    ok, rest = _parted(words)
    have, _, needed = rest.partition(", ")
    return f"{have}: enough" if ok else f"only {have}, {needed}"


def _count(words: str) -> str:
    ok, rest = _parted(words)
    counts = [int(one) for one in re.findall(r"\d+", rest.partition(" boxes")[0])]
    return f"{drawn(counts)}{', as many each' if ok and len(counts) > 1 else ''}"


def _groups(words: str) -> str:
    ok, rest = _parted(words)
    return "everybody boxed the same objects" if ok else f"not everybody boxed the same objects: {rest}"


def _labels(words: str) -> str:
    ok, rest = _parted(words)
    return "labels are equal" if ok else rest.replace("=", " says ")


def _iou(words: str) -> str:
    ok, rest = _parted(words)
    numbers = [f"{float(one):.2f}" for one in re.findall(r"\d*\.?\d+", rest)]
    if len(numbers) != 2:
        return rest
    return (
        f"the two least alike boxes overlap by IoU {numbers[0]}, {'over' if ok else 'under'} the {numbers[1]} asked for"
    )


def _clean(words: str) -> str:
    ok, rest = _parted(words)
    return "no dots, no doubled boxes" if ok else rest


def _removed(what: str) -> Callable[[str], str]:
    def say(words: str) -> str:
        head, _, tail = words.partition(": ")
        return f"{head}{what}: {tail}" if head.startswith("removed ") else _parted(words)[1]

    return say


def _relabelled(words: str) -> str:
    return words.replace(" by ", " → ").replace(" for ", " of ") if words.startswith("replaced ") else words


def _rest(words: str) -> str:
    return _parted(words)[1]


SAYINGS: Final[dict[str, Callable[[str], str]]] = {
    "hard.enough": _enough,
    "hard.count": _count,
    "hard.groups": _groups,
    "hard.labels": _labels,
    "hard.iou": _iou,
    "hard.clean": _clean,
    "soft.dots": _removed(" as small as a dot"),
    "soft.duplicates": _removed(" drawn twice by the same person"),
    "soft.outliers": _removed(" that too few others see"),
    "soft.labels": _relabelled,
    "soft.missing": lambda words: words.replace("added", "filled in"),
    "soft.iou": _iou,
    "reliability.confidence": lambda words: f"confidence {words}",
    "drop.few": lambda words: f"not resolved: {_rest(words)}",
}
