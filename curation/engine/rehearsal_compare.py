"""Rehearsals of several settings on equal seeds, side by side: what each costs, how long it takes, how good it is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean
from typing import Any, Final

from crowd.errors import CrowdError
from curation.economics.front import Outcome, on_front

MOST_CELLS: Final = 12
MOST_SEEDS: Final = 20
MEASURES: Final = ("precision", "recall", "mean_iou", "label_accuracy")
Settings = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of a comparison: what is varied, by `stage.name`, and all settings with it."""

    varied: Mapping[str, Any]
    settings: Settings


def cells_of(settings: Settings, axes: Sequence[str]) -> list[Cell]:
    """Return every combination of axes such as `boxes.overlap=3,5` over the settings that all share.

    Raises CrowdError with one sentence: an axis that cannot be read, or more than twelve combinations.
    """
    read = dict(_axis(text) for text in axes)
    if len(read) != len(axes):
        raise CrowdError("A setting is compared twice: put all its values behind one of them.")
    number = 1
    for values in read.values():
        number *= len(values)
    if number > MOST_CELLS:
        raise CrowdError(f"These are {number} combinations; at most {MOST_CELLS} are compared at once.")
    return [_cell(settings, dict(zip(read, chosen, strict=True))) for chosen in product(*read.values())]


def _axis(text: str) -> tuple[str, list[Any]]:
    place, separator, values = (part.strip() for part in text.partition("="))
    stage, dot, name = place.partition(".")
    chosen = [_value(one.strip()) for one in values.split(",") if one.strip()]
    if not separator or not dot or not stage or not name or not chosen:
        raise CrowdError(f"{text!r} must look like stage.name=value,value.")
    if len({json.dumps(one) for one in chosen}) != len(chosen):
        raise CrowdError(f"{place} has the same value twice.")
    return place, chosen


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _cell(settings: Settings, varied: Mapping[str, Any]) -> Cell:
    whole = {stage: dict(values) for stage, values in settings.items()}
    for place, value in varied.items():
        stage, _, name = place.partition(".")
        whole.setdefault(stage, {})[name] = value
    return Cell(varied, whole)


def in_words(varied: Mapping[str, Any]) -> str:
    return ", ".join(f"{place}={_text(value)}" for place, value in varied.items()) or "as it is"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def compared(runs: Sequence[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]) -> list[dict[str, Any]]:
    """Return a row for each cell: means over its seeds, and whether it is on the front of cost, hours and quality."""
    rows = [_row(varied, documents) for varied, documents in runs]
    front = on_front([_outcome(row) for row in rows])
    return [{**row, "on_front": is_on} for row, is_on in zip(rows, front, strict=True)]


def _row(varied: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    each = [one["quality"] for one in documents]
    return {
        "settings": dict(varied),
        "seeds": [one["seed"] for one in documents],
        "cost_usd": _mean([float(one["cost"]["total_usd"]) for one in documents], 4),
        "per_delivered_usd": _mean([_number(one["cost"]["per_delivered_usd"]) for one in documents], 6),
        "virtual_hours": _mean([one["time"]["virtual_hours"] for one in documents], 2),
        "quality": {
            **{name: _mean([one.get(name) for one in each], 4) for name in MEASURES},
            "right_boxes": _mean([right_boxes(one) for one in each], 4),
        },
        "cheaters_through": _mean([one["workers"]["missed"] for one in documents], 2),
        "delivered": _mean([one["quality"]["delivered"] for one in documents], 1),
    }


def right_boxes(quality: Mapping[str, Any]) -> float | None:
    """Return one number for how good boxes are: F1 of those in the right place that also bear the right label."""
    precision, recall, labels = (quality.get(name) for name in ("precision", "recall", "label_accuracy"))
    if not precision or not recall or labels is None:
        return quality.get("sign_accuracy")
    return float(2 * precision * recall / (precision + recall) * labels)


def _outcome(row: Mapping[str, Any]) -> Outcome | None:
    cost, quality = row["per_delivered_usd"], row["quality"]["right_boxes"]
    return None if cost is None or quality is None else Outcome(cost, row["virtual_hours"], quality)


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _mean(values: Sequence[float | None], digits: int) -> float | None:
    """Return the mean of what there is; a seed that delivered nothing has no price."""
    known = [value for value in values if value is not None]
    return round(fmean(known), digits) if known else None
