"""The fields of the language: what each is called, which values it takes, and how it is explained."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from curation.models import Asset
from curation.preprocessing.taggers.light import BLURRED, BRIGHT, DARK, SOFT
from curation.preprocessing.taggers.shape import CLASSES
from curation.services.asset_query.grammar import QueryError, Typed

LONGEST_VALUE: Final = 200
NONE: Final = "none"
UNITS: Final = {"": 1, "b": 1, "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)(B|KB|MB|GB|)", re.IGNORECASE | re.ASCII)
Bound = tuple[float | None, float | None]
LIGHT: Final[Mapping[str, Bound]] = {"low": (None, DARK), "normal": (DARK, BRIGHT), "bright": (BRIGHT, None)}
BLUR: Final[Mapping[str, Bound]] = {"blurred": (None, BLURRED), "soft": (BLURRED, SOFT), "sharp": (SOFT, None)}
"""From the first number on, below the second; the same limits as the taggers' words."""
RESOLUTIONS: Final[Mapping[str, tuple[int, int]]] = {
    **{name.lower().replace(" ", "-"): (long, short) for long, short, name in CLASSES},
    "sd": (0, 0),
}
"""At least so many pixels on the long and the short side, the finest first."""


class Kind(StrEnum):
    WORD = "words"
    CHOICE = "one of a few words"
    NUMBER = "a number"
    SIZE = "a size"
    DAY = "a day"
    ID = "an id"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind says which operators it knows."""

    about: str
    kind: Kind
    values: tuple[str, ...] = ()
    example: str = ""

    @property
    def compares(self) -> bool:
        return self.kind in {Kind.NUMBER, Kind.SIZE, Kind.DAY}


FIELDS: Final[Mapping[str, Field]] = {
    "class": Field("class of the asset; none = without one", Kind.WORD, example="class:peace,palm"),
    "box": Field("class that one of its boxes counts for; none = no boxes", Kind.WORD, example="box:peace"),
    "state": Field("where it is in the pipeline", Kind.CHOICE, tuple(map(str, Asset.State.values)), "state:dropped"),
    "stage": Field("name of the stage it stands at", Kind.WORD, example="stage:validate"),
    "reason": Field("why it was dropped or held", Kind.WORD, example="reason:blurred"),
    "tag": Field("a tag's value, or its key and value", Kind.WORD, example='tag:"motion: yes"'),
    "light": Field("light of the picture, measured", Kind.CHOICE, (*LIGHT, NONE), "light:low"),
    "blur": Field("sharpness in words, measured", Kind.CHOICE, (*BLUR, NONE), "blur:blurred"),
    "resolution": Field("pixels in words", Kind.CHOICE, (*RESOLUTIONS, NONE), "resolution:hd"),
    "iou": Field("lowest agreement of the boxes that stand", Kind.NUMBER, example="iou<0.8"),
    "worker": Field("who sent it", Kind.WORD, example="worker:w_7f3a"),
    "consent": Field(
        "whether its contributor agreed to the consent text the project shows now, or to another one",
        Kind.CHOICE,
        ("present", "earlier", NONE),
        "consent:earlier",
    ),
    "platform": Field("platform account it was sent through; none = by nobody", Kind.WORD, example="platform:toloka"),
    "source": Field("where it came from; crowd = sent by workers", Kind.WORD, example="source:crowd"),
    "split": Field("part of the newest version of the data set; none = not in it", Kind.WORD, example="split:train"),
    "created": Field("day it arrived, in UTC", Kind.DAY, example="created:2026-10-01..2026-10-18"),
    "media": Field("kind of file", Kind.CHOICE, tuple(map(str, Asset.Media.values)), "media:frame"),
    "video": Field("frames of this video, by its id", Kind.ID, example="video:0198…"),
    "id": Field("one asset, by its id", Kind.ID, example="id:0198…"),
    "name": Field("part of the file's name; words without a field mean this", Kind.WORD, example='name:"IMG 20"'),
    "size": Field("size of the file", Kind.SIZE, example="size>2MB"),
    "width": Field("pixels across", Kind.NUMBER, example="width>=1920"),
    "height": Field("pixels down", Kind.NUMBER, example="height>=1080"),
    "brightness": Field("mean grey level, 0 to 255", Kind.NUMBER, example="brightness<60"),
    "sharpness": Field("largest variance of edges", Kind.NUMBER, example="sharpness<40"),
}
KNOWN: Final = ", ".join(FIELDS)


def field_of(name: str) -> Field:
    found = FIELDS.get(name)
    if found is None:
        raise QueryError(f"{name!r} is no field; known are {KNOWN}.")
    return found


def typed(name: str, text: str) -> Typed:
    """Return what a value means in this field. Raises QueryError that says what is expected."""
    if not text:
        raise QueryError(f"After “{name}” a value is missing, as in {FIELDS[name].example}.")
    if len(text) > LONGEST_VALUE or "\0" in text:
        raise QueryError(f"A value of {name} has at most {LONGEST_VALUE} ordinary characters.")
    return _READERS[FIELDS[name].kind](name, text)


def _word(_name: str, text: str) -> str:
    return text


def _choice(name: str, text: str) -> str:
    values = FIELDS[name].values
    if text.lower() not in values:
        raise QueryError(f"{name}:{text} is unknown; {name} is {', '.join(values)}.")
    return text.lower()


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise QueryError(
            f"{name} is compared with a number, as in {FIELDS[name].example}, not with {text!r}."
        ) from None
    if not abs(number) < 1e12:
        raise QueryError(f"{text} is out of the range of {name}.")
    return number


def _size(name: str, text: str) -> float:
    found = _SIZE.fullmatch(text)
    if found is None:
        raise QueryError(f"A size is a number with B, KB, MB or GB, as in {FIELDS[name].example}, not {text!r}.")
    return _number(name, found[1]) * UNITS[found[2].lower()]


def _day(name: str, text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  a day has no zone
    except ValueError:
        raise QueryError(f"{name} is a day written 2026-10-18, or a range of them, not {text!r}.") from None


def _id(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise QueryError(f"{name} is an id as the address of an asset shows it, not {text!r}.") from None


_READERS: Final[Mapping[Kind, Callable[[str, str], Typed]]] = {
    Kind.WORD: _word,
    Kind.CHOICE: _choice,
    Kind.NUMBER: _number,
    Kind.SIZE: _size,
    Kind.DAY: _day,
    Kind.ID: _id,
}
