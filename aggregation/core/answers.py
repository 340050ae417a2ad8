"""What goes in and what comes out, as immutable values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aggregation.core.errors import BadInput
from aggregation.core.geometry import Corners

FARTHEST = 1e9  # pixels; beyond this an area no longer fits a float without loss

Outline = tuple[tuple[float, float], ...]  # corners in pixels, not closed; none = a plain box

STATUSES = ("hard", "soft", "drop")
NEXT_STEPS = ("none", "buy", "review")


@dataclass(frozen=True, slots=True)
class Box:
    """One drawn box in pixels, origin top left; a negative size means it was drawn backwards."""

    x: float
    y: float
    w: float
    h: float
    label: str
    outline: Outline = ()

    def __post_init__(self) -> None:
        near = -FARTHEST <= self.x <= FARTHEST and -FARTHEST <= self.y <= FARTHEST
        if near and -FARTHEST <= self.w <= FARTHEST and -FARTHEST <= self.h <= FARTHEST:
            return
        for name in ("x", "y", "w", "h"):
            value = getattr(self, name)
            if not -FARTHEST <= value <= FARTHEST:
                raise BadInput(f"box {name} is {value}: expected a finite number of pixels within ±{FARTHEST:.0e}")


@dataclass(frozen=True, slots=True)
class BoxAnswer:
    """All that one annotator said about one image; no boxes is a vote for "nothing there"."""

    annotator: str
    boxes: tuple[Box, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageAnswers:
    """All answers to one image; without a size nothing is clipped."""

    image: str
    annotations: tuple[BoxAnswer, ...] = ()
    width: float | None = None
    height: float | None = None

    def __post_init__(self) -> None:
        self._require_size("width", self.width)
        self._require_size("height", self.height)
        self._require_distinct_annotators()

    def _require_size(self, name: str, value: float | None) -> None:
        if value is not None and not 0 < value <= FARTHEST:
            raise BadInput(f"image {self.image!r}: {name} is {value}: expected a number of pixels above 0")

    def _require_distinct_annotators(self) -> None:
        seen: set[str] = set()
        for answer in self.annotations:
            if answer.annotator in seen:
                raise BadInput(
                    f"image {self.image!r}: annotator {answer.annotator!r} answers twice: expected one answer each"
                )
            seen.add(answer.annotator)


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One sentence of the explanation: a stable key, whether the question passed, the words and the values in them."""

    key: str
    ok: bool
    text: str
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConsensusBox:
    """One agreed box, the chance that it is right and the annotators whose own box stands behind it."""

    x: float
    y: float
    w: float
    h: float
    label: str
    confidence: float
    confidence_75: float | None
    support: tuple[str, ...]
    outline: Outline = ()

    @property
    def corners(self) -> Corners:
        return self.x, self.y, self.x + self.w, self.y + self.h

    def to_json(self) -> dict[str, object]:
        return {
            "x": _pixels(self.x),
            "y": _pixels(self.y),
            "w": _pixels(self.w),
            "h": _pixels(self.h),
            "label": self.label,
            "confidence": probability(self.confidence),
            "confidence_75": probability(self.confidence_75),
            "support": list(self.support),
        }


@dataclass(frozen=True, slots=True)
class Consensus:
    """What was agreed about one image, and how."""

    image: str
    status: str
    boxes: tuple[ConsensusBox, ...]
    used: tuple[str, ...]
    dropped: tuple[str, ...]
    trace: tuple[TraceStep, ...]
    next: str
    confidence: float
    lowest_iou: float | None
    flags: tuple[str, ...]
    method: str
    expected_loss: float | None = None  # wrong boxes and missed objects to expect; 1 - confidence where it is not known

    @property
    def loss(self) -> float:
        """Return the expected number of wrong boxes and missed objects, or the chance of any if no more is known."""
        return 1 - self.confidence if self.expected_loss is None else self.expected_loss

    @property
    def failed_question(self) -> str | None:
        """Name the hard question that said no."""
        return next((step.key[5:] for step in self.trace if step.key.startswith("hard.") and not step.ok), None)

    @property
    def reason(self) -> str | None:
        """Name the reason of a drop."""
        return next((step.key[5:] for step in self.trace if step.key.startswith("drop.")), None)

    def to_json(self) -> dict[str, object]:
        """Return the result line: coordinates with 3 decimals, probabilities with 4."""
        return {
            "image": self.image,
            "status": self.status,
            "boxes": [box.to_json() for box in self.boxes],
            "used": list(self.used),
            "dropped": list(self.dropped),
            "trace": [step.text for step in self.trace],
            "next": self.next,
            "confidence": probability(self.confidence),
            "expected_loss": probability(self.loss),
            "lowest_iou": probability(self.lowest_iou),
            "flags": list(self.flags),
            "method": self.method,
        }


def _pixels(value: float) -> float:
    return round(float(value), 3) + 0.0  # + 0.0 turns -0.0 into 0.0


def probability(value: float | None) -> float | None:
    """Round a probability for output."""
    return None if value is None else round(float(value), 4) + 0.0


def reading_order(corners: Corners, label: str) -> tuple[float, float, float, float, str]:
    """Return the key by which result boxes are sorted: what the reader of the rounded output sees in order."""
    x1, y1, x2, y2 = (_pixels(value) for value in corners)
    return x1, y1, x2, y2, label
