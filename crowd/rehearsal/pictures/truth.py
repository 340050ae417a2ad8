"""What a picture really shows: known because the picture was drawn."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from PIL import Image

GESTURE: Final = "gesture"
NO_GESTURE: Final = "no gesture"

ROTATED: Final = "rotated"
CUT_OFF: Final = "cut_off"
NO_HAND: Final = "no_hand"
THIRD_PARTY: Final = "third_party"
TEMPLATE: Final = "template"
BLURRED: Final = "blurred"
LOW_RESOLUTION: Final = "low_resolution"
MIRRORED: Final = "mirrored"
FLAGS: Final = (ROTATED, CUT_OFF, NO_HAND, THIRD_PARTY, TEMPLATE, BLURRED, LOW_RESOLUTION, MIRRORED)


@dataclass(frozen=True, slots=True)
class TruthBox:
    """The tight box of one hand, in pixels from the top left."""

    label: str
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Truth:
    """What is in a picture; `boxes` holds only hands that are whole, as the box task asks for them.

    `drawing` names what was drawn; whatever is made of a picture keeps the name.
    """

    sign: str | None
    boxes: tuple[TruthBox, ...]
    width: int
    height: int
    subject: str
    flags: tuple[str, ...] = ()
    drawing: str = ""

    @property
    def hands_visible(self) -> int:
        """The number of hands that are whole in the picture."""
        return len(self.boxes)

    def has(self, flag: str) -> bool:
        return flag in self.flags

    def flagged(self, *flags: str) -> "Truth":
        """The same truth with more flags, in a fixed order and each once."""
        wanted = {*self.flags, *flags}
        return replace(self, flags=tuple(flag for flag in FLAGS if flag in wanted))

    def to_json(self) -> dict[str, Any]:
        """Give plain values that survive a JSON column."""
        boxes = [{"label": box.label, "x": box.x, "y": box.y, "w": box.w, "h": box.h} for box in self.boxes]
        return {
            "sign": self.sign,
            "boxes": boxes,
            "width": self.width,
            "height": self.height,
            "subject": self.subject,
            "flags": list(self.flags),
            "drawing": self.drawing,
            "hands_visible": self.hands_visible,
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Truth":
        """Read what `to_json` gave."""
        return cls(
            sign=plain["sign"],
            boxes=tuple(TruthBox(**box) for box in plain["boxes"]),
            width=plain["width"],
            height=plain["height"],
            subject=plain["subject"],
            flags=tuple(plain["flags"]),
            drawing=plain.get("drawing", ""),
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels and the truth about them."""

    image: Image.Image
    truth: Truth


def resized(truth: Truth, width: int, height: int) -> Truth:
    """The truth after the whole picture was scaled to another size."""
    kx, ky = width / truth.width, height / truth.height
    return _mapped(truth, width, height, lambda b: TruthBox(b.label, b.x * kx, b.y * ky, b.w * kx, b.h * ky))


def mirrored(truth: Truth) -> Truth:
    """The truth after left and right were exchanged."""
    width, height = truth.width, truth.height
    return _mapped(truth, width, height, lambda b: TruthBox(b.label, width - b.x - b.w, b.y, b.w, b.h)).flagged(
        MIRRORED
    )


def quarter_turned(truth: Truth) -> Truth:
    """The truth after a quarter turn against the clock."""
    width, height = truth.height, truth.width
    turned = _mapped(truth, width, height, lambda b: TruthBox(b.label, b.y, truth.width - b.x - b.w, b.h, b.w))
    return turned.flagged(ROTATED)


def framed(truth: Truth, border: int) -> Truth:
    """The truth after a border was put around the picture."""
    size = truth.width + 2 * border, truth.height + 2 * border
    return _mapped(truth, *size, lambda b: TruthBox(b.label, b.x + border, b.y + border, b.w, b.h))


def cropped(truth: Truth, left: int, top: int, width: int, height: int) -> Truth:
    """The truth after a crop: a hand that lost a part is no longer a box, and the picture says "cut off"."""
    moved = [TruthBox(b.label, b.x - left, b.y - top, b.w, b.h) for b in truth.boxes]
    whole = tuple(b for b in moved if b.x >= 0 and b.y >= 0 and b.x + b.w <= width and b.y + b.h <= height)
    kept = replace(truth, boxes=whole, width=width, height=height)
    return kept if len(whole) == len(moved) else kept.flagged(CUT_OFF)


def _mapped(truth: Truth, width: int, height: int, move: Callable[[TruthBox], TruthBox]) -> Truth:
    return replace(truth, boxes=tuple(_rounded(move(box) for box in truth.boxes)), width=width, height=height)


def _rounded(boxes: Iterable[TruthBox]) -> Iterable[TruthBox]:
    return (TruthBox(b.label, round(b.x, 2), round(b.y, 2), round(b.w, 2), round(b.h, 2)) for b in boxes)
