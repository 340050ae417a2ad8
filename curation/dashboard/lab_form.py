"""The lab's form: which settings can be turned, in what words, and how they are read from an address."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crowd.errors import CrowdError
from curation.services.consensus.settings import ConsensusSettings, known_methods, read

RULE, MODEL = "hard-soft-drop", "reliability"
METHODS = {
    RULE: ("Hard, soft, drop", "Six questions, then repairs, then out. Says in words why."),
    MODEL: ("Reliability", "Learns how good each annotator is and weighs the answers."),
    "median": ("Median", "Boxes of more than half, the median of their edges. Refuses nothing."),
    "mean": ("Mean", "As median, with the mean of the edges."),
    "wbf": ("Weighted boxes fusion", "Label by label, for comparison."),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One setting: a number with a slider, or a choice. `methods` are those that it changes; none = all."""

    name: str
    label: str
    help: str
    least: float = 0
    most: float = 1
    step: float = 0.01
    choices: tuple[tuple[str, str], ...] = ()
    methods: tuple[str, ...] = ()


FIELDS = (
    Field(
        "iou",
        "Least IoU in a group",
        "How closely the boxes of one object must lie together.",
        0.3,
        1,
        0.01,
        methods=(RULE, MODEL),
    ),
    Field("accept", "Accept from confidence", "Less sure images are not agreed.", 0, 1, 0.01, methods=(MODEL,)),
    Field(
        "iou_rule",
        "The IoU is",
        "Every pair is strict: one loose box fails the image.",
        choices=(("every_pair", "of the worst pair"), ("mean_pair", "the mean of the pairs")),
        methods=(RULE, MODEL),
    ),
    Field(
        "quorum",
        "Outliers: quorum",
        "Share of people that makes a box or a label real; the rest is an outlier.",
        0.55,
        1,
        0.05,
        methods=(RULE,),
    ),
    Field(
        "dot_px",
        "Dots: side in pixels",
        "A box with a shorter side is a slip of the finger.",
        0,
        40,
        1,
        methods=(RULE, MODEL),
    ),
    Field(
        "max_drop",
        "Answers that may be left out",
        "Whole answers set aside to save an image, at most.",
        0,
        5,
        1,
        methods=(RULE,),
    ),
    Field("min_answers", "Fewest answers", "With fewer there is no consensus.", 1, 7, 1),
    Field("max_answers", "Most answers", "After so many nothing more is bought.", 1, 9, 1),
    Field(
        "buy_when",
        "One more answer",
        "When the next person is asked, below the most answers.",
        choices=(
            ("drop", "when nothing is agreed"),
            ("not_hard", "when not everybody agrees"),
            ("worth", "where it pays"),
        ),
    ),
    Field(
        "value_usd",
        "A right image is worth, $",
        "Used only where one more answer is bought where it pays.",
        0,
        10,
        0.01,
    ),
)
NAMES = ("method", *(field.name for field in FIELDS))


@dataclass(frozen=True, slots=True)
class Row:
    """A field with its value, and what it is now when that differs."""

    field: Field
    value: str
    now: str = ""


@dataclass(frozen=True, slots=True)
class LabForm:
    """What stands in the form. `settings` is missing when something in it is wrong."""

    rows: tuple[Row, ...]
    method: str
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def methods(self) -> list[tuple[str, str, str]]:
        return [(name, *METHODS.get(name, (name, ""))) for name in known_methods()]


def typed_in(query: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed of the settings the lab knows, without NUL and cut to a length."""
    return {name: query[name].replace("\x00", "").strip()[:40] for name in NAMES if query.get(name, "").strip()}


def settings_from(now: ConsensusSettings, typed: Mapping[str, str]) -> ConsensusSettings:
    """Return the settings that stand with what was typed instead. CrowdError says what is wrong with it."""
    for one in FIELDS:
        if one.name in typed and not one.choices:
            _check_number(one, typed[one.name])
    try:
        return read({**now.model_dump(), **typed})
    except CrowdError as error:
        text = str(error).removeprefix("the document: ")
        raise CrowdError(text[:1].upper() + text[1:]) from None


def _check_number(one: Field, text: str) -> None:
    value = _number(text)
    if isinstance(value, str) or not math.isfinite(value):
        raise CrowdError(f"{one.label} is {text!r}: expected a number.")
    if one.step == 1 and not value.is_integer():
        raise CrowdError(f"{one.label} is {text}: expected a whole number.")


def form_of(now: ConsensusSettings, typed: Mapping[str, str]) -> LabForm:
    standing = now.model_dump()
    rows = tuple(_row(one, standing, typed) for one in FIELDS)
    return LabForm(rows, typed.get("method", now.method), typed)


def _row(one: Field, standing: Mapping[str, Any], typed: Mapping[str, str]) -> Row:
    present = as_text(standing[one.name])
    value = typed.get(one.name, present)
    return Row(one, value, present if _number(value) != _number(present) else "")


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def as_text(value: object) -> str:
    """Return 0.7, 3 or a word as a person would type it."""
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def differences(now: ConsensusSettings, then: ConsensusSettings) -> list[tuple[str, str, str]]:
    """Return each setting that differs, as name, value before, value after."""
    before, after = now.model_dump(), then.model_dump()
    return [(name, as_text(before[name]), as_text(after[name])) for name in before if before[name] != after[name]]


def query_of(settings: ConsensusSettings, now: ConsensusSettings) -> dict[str, str]:
    """Return what an address must say to get from the settings that stand to these."""
    return {name: after for name, _, after in differences(now, settings) if name in NAMES}
