"""What the lab's page draws: bars, the curve, questions in words, examples with everybody's boxes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from aggregation import BoxSettings
from crowd.quality.wording import whole_percent
from curation.models import Asset
from curation.services.consensus.answers import Sheet
from curation.services.consensus.lab_trial import STATUSES, Change, Outcome, Point, Summary
from curation.services.consensus.storing import PSEUDONYM

WIDE, TALL = 440, 250
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 30
ROOM, LEAST_VIEW, SHAPE = 1.25, 0.3, 4 / 3
KIND_WORDS = {
    "comes_back": "comes back",
    "leaves": "is left out",
    "boxes": "another number of boxes",
    "labels": "another label",
    "status": "same boxes, another status",
    "moved": "boxes lie elsewhere",
}
QUESTIONS = {
    "enough": "Enough answers?",
    "count": "Same number of boxes?",
    "groups": "Everybody in every group?",
    "labels": "Labels equal?",
    "iou": "IoU high enough?",
    "clean": "Free of slips?",
}
DROPS = {
    "few": "too few answers",
    "existence": "some see it, not enough",
    "disputed": "each sees something else",
    "label": "no label wins",
    "iou": "boxes too far apart",
    "split": "two ways out that differ",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One status in both bars, in thousandths of the width, with its counts."""

    status: str
    words: str
    before: int
    after: int
    before_n: int
    after_n: int
    before_at: int
    after_at: int
    before_share: float
    after_share: float
    interval: tuple[float, float] | None

    @property
    def change(self) -> int:
        return self.after_n - self.before_n


STATUS_WORDS = {"hard": "Hard: everybody agreed", "soft": "Soft: agreed after repair", "drop": "Drop: nothing agreed"}


def bars(before: Summary, after: Summary, *, is_sample: bool) -> list[Bar]:
    rows, before_at, after_at = [], 0, 0
    for status in STATUSES:
        was, would = before.share(status), after.share(status, is_sample=is_sample)
        sizes = round(1000 * was.share), round(1000 * would.share)
        ends = before_at + sizes[0], after_at + sizes[1]
        shares = was.share, would.share
        places = was.n, would.n, before_at, after_at
        rows.append(Bar(status, STATUS_WORDS[status], *sizes, *places, *shares, would.interval))
        before_at, after_at = ends
    return rows


@dataclass(frozen=True, slots=True)
class Tally:
    """How many images a question fails, or a reason drops: as it stands, and as it would be."""

    words: str
    before: int
    after: int


def questions(before: Summary, after: Summary) -> list[Tally]:
    return [Tally(words, before.questions.get(key, 0), after.questions.get(key, 0)) for key, words in QUESTIONS.items()]


def drops(before: Summary, after: Summary) -> list[Tally]:
    known = [Tally(words, before.reasons.get(key, 0), after.reasons.get(key, 0)) for key, words in DROPS.items()]
    return [tally for tally in known if tally.before or tally.after]


# --- the curve --------------------------------------------------------------------------------------------------------
def curve_drawing(points: Sequence[Point], at: float) -> dict[str, Any]:
    """Return the stacked areas of hard, soft and drop, grid lines, labels, and where the present IoU stands."""
    across = [_x(point.iou) for point in points]
    hard = [point.hard for point in points]
    kept = [point.hard + point.soft for point in points]
    return {
        "width": WIDE,
        "height": TALL,
        "areas": [
            ("hard", _area(across, [0.0] * len(points), hard)),
            ("soft", _area(across, hard, kept)),
            ("drop", _area(across, kept, [1.0] * len(points))),
        ],
        "levels": [(_y(share), whole_percent(share)) for share in (0.0, 0.25, 0.5, 0.75, 1.0)],
        "ious": [(_x(point.iou), f"{point.iou:.1f}") for point in points if round(point.iou * 10, 6) % 1 == 0],
        "here": _x(min(max(at, points[0].iou), points[-1].iou)),
        "left": LEFT,
        "right": WIDE - RIGHT,
        "bottom": TALL - BOTTOM,
        "top": TOP,
    }


def _area(across: Sequence[float], low: Sequence[float], high: Sequence[float]) -> str:
    there = [f"{x:g},{_y(y):g}" for x, y in zip(across, high, strict=True)]
    back = [f"{x:g},{_y(y):g}" for x, y in zip(across, low, strict=True)]
    return " ".join([*there, *reversed(back)])


def _x(iou: float) -> float:
    return round(LEFT + (WIDE - LEFT - RIGHT) * (iou - 0.5) / 0.4, 1)


def _y(share: float) -> float:
    return round(TOP + (TALL - TOP - BOTTOM) * (1 - share), 1)


# --- examples ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Rect:
    """A box in pixels; `look` is its class: la … le for an annotator, cons for what is agreed."""

    x: float
    y: float
    w: float
    h: float
    look: str


@dataclass(frozen=True, slots=True)
class Person:
    letter: str
    look: str
    name: str
    boxes: int


@dataclass(frozen=True, slots=True)
class Side:
    """One result over one image. `telling` are the lines of the trace that the other side does not have."""

    outcome: Outcome
    rects: Sequence[Rect]
    trace: Sequence[str]
    telling: Sequence[str]
    left_out: str

    @property
    def words(self) -> str:
        count = len(self.outcome.boxes)
        drawn = "nothing there" if not count else "1 box" if count == 1 else f"{count} boxes"
        return "nothing agreed" if self.outcome.status == "drop" else drawn


@dataclass(frozen=True, slots=True)
class Example:
    """A changed image as it stands and as it would be, cut to where somebody drew something."""

    asset: str
    has_picture: bool
    kind: str
    view: str
    width: float
    height: float
    people: Sequence[Person]
    before: Side
    after: Side


def examples(chosen: Sequence[Change], sheets: Mapping[str, Sheet]) -> list[Example]:
    pictures = Asset.objects.filter(public_id__in=[change.image for change in chosen], preview__isnull=False)
    seen = {str(public_id) for public_id in pictures.values_list("public_id", flat=True)}
    return [_example(change, sheets[change.image], change.image in seen) for change in chosen]


def _example(change: Change, sheet: Sheet, has_picture: bool) -> Example:  # noqa: FBT001
    drawn = _drawn(sheet)
    agreed = [*_agreed(change.before), *_agreed(change.after)]
    width, height = sheet.image.width or 1.0, sheet.image.height or 1.0
    return Example(
        asset=change.image,
        has_picture=has_picture,
        kind=KIND_WORDS[change.kind],
        view=examples_view([(one.x, one.y, one.w, one.h) for one in (*drawn, *agreed)], width, height),
        width=width,
        height=height,
        people=_people(sheet),
        before=_side(change.before, change.after, drawn, sheet),
        after=_side(change.after, change.before, drawn, sheet),
    )


def _people(sheet: Sheet) -> list[Person]:
    said = [(sheet.named[answer.annotator], len(answer.boxes)) for answer in sheet.image.annotations]
    return [Person(name[0], look_of(name), name[2:], boxes) for name, boxes in said]


def look_of(name: str) -> str:
    """Return the class of an annotator's line: five looks, which repeat from the sixth person on."""
    return f"l{'abcde'[(ord(name[0]) - ord('A')) % 5]}"


def _drawn(sheet: Sheet) -> list[Rect]:
    return [
        Rect(min(box.x, box.x + box.w), min(box.y, box.y + box.h), abs(box.w), abs(box.h), look)
        for answer in sheet.image.annotations
        for look in [f"an {look_of(sheet.named[answer.annotator])}"]
        for box in answer.boxes
    ]


def _agreed(outcome: Outcome) -> list[Rect]:
    return [Rect(box.x, box.y, box.w, box.h, "cons") for box in outcome.boxes]


def _side(outcome: Outcome, other: Outcome, drawn: Sequence[Rect], sheet: Sheet) -> Side:
    names = [sheet.named.get(name, name) for name in outcome.dropped]
    trace, others = ([_named(step, sheet.named) for step in one.trace] for one in (outcome, other))
    return Side(
        outcome=outcome,
        rects=[*drawn, *_agreed(outcome)],
        trace=trace,
        telling=[step for step in trace if step not in others],
        left_out="" if outcome.status == "drop" else ", ".join(sorted(name[:1] for name in names)),
    )


def _named(text: str, named: Mapping[str, str]) -> str:
    """Say the letter of an annotator once: a stored trace has it before the pseudonym already."""
    letters = {name: shown[0] for name, shown in named.items()}
    short = PSEUDONYM.sub(lambda found: letters.get(found[0], found[0]), text)
    for letter in set(letters.values()):
        short = short.replace(f"{letter} {letter}", letter)
    return short


def examples_view(boxes: Sequence[tuple[float, float, float, float]], width: float, height: float) -> str:
    """Return the part of a picture around all boxes (x, y, w, h in pixels), near the frame's shape, as a viewBox."""
    if not boxes:
        return f"0 0 {width:g} {height:g}"
    left, top = (min(max(0.0, box[side]) for box in boxes) for side in (0, 1))
    right = max(min(width, box[0] + box[2]) for box in boxes)
    down = max(min(height, box[1] + box[3]) for box in boxes)
    tall = max((down - top) * ROOM, (right - left) * ROOM / SHAPE, height * LEAST_VIEW)
    tall = min(tall, height)
    wide = min(max(tall * SHAPE, (right - left) * ROOM), width)
    x = min(max(0.0, (left + right - wide) / 2), width - wide)
    y = min(max(0.0, (top + down - tall) / 2), height - tall)
    return f"{x:.2f} {y:.2f} {wide:.2f} {tall:.2f}"


def command(options: BoxSettings, method: str) -> str:
    """Return the line that does the same in a shell, over a file of the answers."""
    usual = BoxSettings()
    given = {one.name: getattr(options, one.name) for one in fields(BoxSettings)}
    changed = [(name, value) for name, value in given.items() if value != getattr(usual, name) and name != "iou"]
    pairs = [f"--set {name}={_plain(value)}" for name, value in changed]
    return " ".join(
        ["python -m aggregation boxes answers.jsonl", f"--method {method}", f"--iou {options.iou:g}", *pairs]
    )


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
