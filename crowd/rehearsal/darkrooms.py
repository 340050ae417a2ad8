"""Where a photo that somebody sends comes from: drawn with all its pixels, or planted as facts that no eye can see.

Both know the same truth about the same photo, so that a campaign takes the same course with either.
"""

import json
import random
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Protocol

from PIL import Image

from .pictures import Setting, Truth, draw, expected_truth
from .pictures import tricks as cheats
from .pictures import truth as facts
from .pictures.jpeg import decode, encode, stamp
from .pictures.scene import template_setting
from .pictures.tricks import Sent

Taken = tuple[bytes | Future[bytes], Truth]

TEMPLATE_COPY: Final = "template"
TEMPLATE_WAYS: Final = tuple(f"template_{way}" for way in cheats.WAYS)
_AFTER: Final = {
    facts.ROTATED: cheats.rotated,
    facts.BLURRED: cheats.blurred,
    facts.THIRD_PARTY: cheats.third_party,
    facts.LOW_RESOLUTION: cheats.low_resolution,
}


class Darkroom(Protocol):
    """What makes the files that people send."""

    def photo(self, identity: str, setting: Setting, trick: str | None, taken: datetime, /) -> Taken:
        """Make what the camera of a person writes, spoilt by the trick if it is one that spoils.

        What is still being drawn is given as the promise of it.
        """
        ...

    def template_copy(self, trick: str, sign: str, template: bytes | None, /) -> Sent:
        """Make a copy of the task's example: as it is, or processed to hide where it comes from."""
        ...

    def resaved(self, data: bytes, truth: Truth, salt: str, /) -> Sent:
        """Make another file of a photo that was sent before."""
        ...


class Lab(Protocol):
    """Draws elsewhere, while whoever asked goes on."""

    def __call__(self, draw: Callable[..., bytes], /, *arguments: Any) -> Future[bytes]: ...


@dataclass(frozen=True, slots=True)
class Drawn:
    """Draws every photo: what the checks say of it, they have seen. `shrink` 2 draws at half the size.

    In `calm` light, which costs more comparisons, photos are pleasant to look at.
    """

    shrink: int = 1
    calm: bool = False

    def photo(self, identity: str, setting: Setting, trick: str | None, taken: datetime) -> Sent:
        picture, by = draw(setting, self.shrink, calm=self.calm), stamp(identity, taken)
        if trick in _AFTER:
            return _AFTER[trick](picture, by)
        return encode(picture.image, by), picture.truth

    def template_copy(self, trick: str, sign: str, template: bytes | None) -> Sent:
        """Copy the example as its workers get it; our own drawing where there is none."""
        data, truth = cheats.template_file(sign)
        if template is not None and template != data:  # somebody's own example: its hands are not known here
            with_size = decode(template).size
            data, truth = template, Truth(sign, (), *with_size, "template", (facts.TEMPLATE,))
        if trick == TEMPLATE_COPY:
            return cheats.template_as_is(data, truth)
        return cheats.template_processed(data, truth, trick.removeprefix("template_"))

    def resaved(self, data: bytes, truth: Truth, salt: str) -> Sent:
        return cheats.resaved(data, truth, random.Random(f"resaved-{salt}"))


@dataclass(frozen=True, slots=True)
class DrawnElsewhere:
    """Has photos drawn in a lab: what they show is known at once, their bytes when they are done."""

    lab: Lab
    shrink: int = 1

    def photo(self, identity: str, setting: Setting, trick: str | None, taken: datetime) -> Taken:
        truth = expected_truth(setting)
        promised = self.lab(_developed, self.shrink, identity, setting, trick, taken)
        return promised, cheats.SPOILT[trick](truth) if trick in _AFTER else truth

    def template_copy(self, trick: str, sign: str, template: bytes | None) -> Sent:
        return DRAWN.template_copy(trick, sign, template)

    def resaved(self, data: bytes, truth: Truth, salt: str) -> Sent:
        return DRAWN.resaved(data, truth, salt)


def _developed(shrink: int, identity: str, setting: Setting, trick: str | None, taken: datetime) -> bytes:
    return Drawn(shrink).photo(identity, setting, trick, taken)[0]


class Planted:
    """Draws nothing: a photo is a grey point with the truth about it in its comment."""

    def photo(self, _identity: str, setting: Setting, trick: str | None, _taken: datetime) -> Sent:
        truth = expected_truth(setting)
        return planted(cheats.SPOILT[trick](truth) if trick in _AFTER else truth)

    def template_copy(self, trick: str, sign: str, _template: bytes | None) -> Sent:
        truth = expected_truth(template_setting(sign)).flagged(facts.TEMPLATE)
        if trick == TEMPLATE_COPY:
            return planted(truth)
        way = trick.removeprefix("template_")
        return planted(cheats.WAYS_IN_TRUTH[way](truth), way)

    def resaved(self, _data: bytes, truth: Truth, salt: str) -> Sent:
        return planted(cheats.resaved_truth(truth, random.Random(f"resaved-{salt}")), salt)


DRAWN: Final = Drawn()
CALM: Final = Drawn(calm=True)
PLANTED: Final = Planted()


def planted(truth: Truth, made: str = "") -> Sent:
    """Write the truth into the comment of a JPEG of one grey point; `made` tells files of one photo apart."""
    comment = json.dumps({"made": made, "truth": truth.to_json()}, sort_keys=True).encode()
    segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    point = _grey_point()
    return point[:2] + segment + point[2:], truth


@lru_cache(maxsize=1)
def _grey_point() -> bytes:
    return encode(Image.new("RGB", (1, 1), (196, 196, 196)))
