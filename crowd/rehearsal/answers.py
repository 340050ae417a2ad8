"""How a simulated person answers: pure functions of the person, chance, the task and the truth.

Chance is a `random.Random` of the caller: one per person and task makes answers independent of the order of work.
"""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal, TypedDict

from .darkrooms import DRAWN, TEMPLATE_COPY, TEMPLATE_WAYS, Darkroom
from .people import DUPLICATE, PROCESSED_TEMPLATE, RING, SYNTHETIC, TEMPLATE, Person, Slips
from .pictures import GESTURE, NO_GESTURE, SIGNS, Setting, Truth, TruthBox, expected_truth
from .pictures import truth as facts
from .pictures.staging import Shown
from .pictures.tricks import Sent
from .population import Kind

Earlier = Callable[[int], tuple[bytes, Truth] | None]
"""The k-th photo before this one (0 is the latest), the person's own or of his ring, with its truth; or None."""

Example = Callable[[], bytes | None]

Work = Literal["photo", "judgement", "boxes"]

CORRECT: Final = "correct"
INCORRECT: Final = "incorrect"
ROTATED: Final = "rotated"
THIRD_PARTY: Final = "third_party"
NOT_LOADED: Final = "not_loaded"
OPTIONS: Final = (CORRECT, INCORRECT, ROTATED, THIRD_PARTY, NOT_LOADED)
NO_HANDS: Final = "no_hands"

RESENT: Final = "resent"
RESAVED: Final = "resaved"
SHARED: Final = "shared"
COPIES: Final = (RESENT, RESAVED, SHARED)
WRONG_SIGN: Final = "wrong_sign"
SLIPS: Final = tuple(slip.name for slip in fields(Slips))

_ROOMS = ("home", "home", "home", "home", "kitchen", "office")
_PLACES = 4  # in a room, where people take photos
_MEDIAN_SECONDS: Final[dict[Work, float]] = {"photo": 62.0, "judgement": 9.0, "boxes": 21.0}
_SPREAD_SECONDS = 0.35  # from task to task; people differ besides
_NOT_LOADED_RATE = 0.003
_SMALL_HAND = 0.004  # share of the picture below which hands are missed easily
_SHARE_HARD, _MISSED_THERE = 0.02, 0.3  # hands that many do not see, and how often each of them


class BoxAnswer(TypedDict):
    """One drawn box, in pixels from the top left."""

    x: float
    y: float
    w: float
    h: float
    label: str


@dataclass(frozen=True, slots=True)
class Photo:
    """A submitted file, the truth about it, and what was wrong on purpose or by slip (None: nothing)."""

    file: bytes | Future[bytes]
    truth: Truth
    trick: str | None

    @property
    def data(self) -> bytes:
        """The file, waited for if it is still being drawn."""
        return self.file if isinstance(self.file, bytes) else self.file.result()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a person is going to send, before any pixel is drawn; `back` counts own photos back for a re-sent one."""

    setting: Setting
    trick: str | None
    back: int = 0
    salt: str = ""


def photo(
    person: Person,
    rng: random.Random,
    sign: str,
    *,
    earlier: Earlier,
    template: Example | None,
    taken: datetime,
    darkroom: Darkroom = DRAWN,
    shared: Earlier | None = None,
) -> Photo:
    """Take a photo for a task, or send what this person sends instead.

    Args:
        person: who answers.
        rng: chance, of this answer alone.
        sign: the sign the task asks for.
        earlier: gives the person's own earlier photos, for those who send one again.
        template: gives the example picture of the task as its workers get it; our own drawing where there is none.
        taken: the time the camera writes.
        darkroom: what makes the file.
        shared: gives the photos of the others in the person's ring.
    """
    planned = plan(person, rng, sign)
    if planned.trick in (TEMPLATE_COPY, *TEMPLATE_WAYS):
        example = template() if template else None
        return Photo(*darkroom.template_copy(planned.trick, sign, example), planned.trick)
    if planned.trick in COPIES:
        sent = _again(planned, shared if planned.trick == SHARED else earlier, darkroom)
        if sent is not None:
            return Photo(*sent, planned.trick)
    trick = None if planned.trick in COPIES else planned.trick  # the first photo cannot be a copy
    return Photo(*darkroom.photo(person.identity, planned.setting, trick, taken), trick)


def plan(person: Person, rng: random.Random, sign: str) -> Plan:
    """Decide what to send."""
    trick, seed = trick_of(person, rng), f"{person.identity}-{rng.getrandbits(64):016x}"
    room = f"{person.identity}-{rng.choice(_ROOMS)}-{int(seed[-1], 16) % _PLACES}"
    shown: dict[str | None, Shown] = {facts.CUT_OFF: "cut", facts.NO_HAND: "none"}
    setting = Setting(
        seed,
        _another(rng, sign) if trick == WRONG_SIGN else sign,
        person=f"stranger-{seed}" if trick == facts.THIRD_PARTY else person.identity,
        room=f"stranger-{seed}" if trick == facts.THIRD_PARTY else room,
        scale=rng.triangular(0.36, 1.04, 0.82),
        second_hand=rng.random() < 0.16,
        shown=shown.get(trick, "whole"),
    )
    return Plan(setting, trick, back=rng.randrange(3), salt=f"{rng.getrandbits(32):08x}")


def expected(planned: Plan) -> Truth:
    """Tell the truth about a plan without drawing, for simulations of many thousand photos.

    For copies of templates and earlier photos it is that of a whole hand: their pixels are not looked at here.
    """
    truth, trick = expected_truth(planned.setting), planned.trick
    if trick in (TEMPLATE_COPY, *TEMPLATE_WAYS):
        return truth.flagged(facts.TEMPLATE)
    if trick == facts.ROTATED:
        return facts.quarter_turned(truth)
    return truth.flagged(trick) if trick in facts.FLAGS else truth


def trick_of(person: Person, rng: random.Random) -> str | None:
    """Decide what goes wrong with what this person sends, on purpose or by slip."""
    if person.cheat_level is not None and rng.random() < person.cheating:
        return _deceit(person.cheat_level, rng)
    at = rng.random()
    for slip in SLIPS:
        at -= getattr(person.slips, slip)
        if at < 0:
            return slip
    return None


def _deceit(level: int, rng: random.Random) -> str:
    if level == DUPLICATE:
        return rng.choice((RESENT, RESAVED))
    if level == RING:
        return SHARED
    if level == TEMPLATE:
        return TEMPLATE_COPY
    if level == PROCESSED_TEMPLATE:
        return rng.choice(TEMPLATE_WAYS)
    if level == SYNTHETIC:
        return facts.THIRD_PARTY
    raise ValueError(f"no dishonesty of level {level}; known are 0, 1, 5, 20, 80")


def _another(rng: random.Random, sign: str) -> str:
    return rng.choice([other for other in SIGNS if other != sign])


def _again(planned: Plan, earlier: Earlier | None, darkroom: Darkroom) -> Sent | None:
    found = (earlier(planned.back) or earlier(0)) if earlier else None
    if found is None or planned.trick != RESAVED:
        return found
    return darkroom.resaved(*found, planned.salt)


def right_judgement(sign_asked: str, truth: Truth) -> str:
    """The answer of somebody who makes no mistake."""
    if truth.has(facts.THIRD_PARTY) or truth.has(facts.TEMPLATE):
        return THIRD_PARTY
    if truth.has(facts.ROTATED):
        return ROTATED
    unusable = truth.has(facts.CUT_OFF) or truth.has(facts.NO_HAND) or truth.has(facts.BLURRED)
    return INCORRECT if unusable or truth.sign != sign_asked else CORRECT


def judgement(
    person: Person, rng: random.Random, sign_asked: str, truth: Truth, options: Sequence[str] = OPTIONS
) -> str:
    """Judge a photo against the sign that was asked for.

    Raises:
        ValueError: there are no options to choose from.
    """
    if not options:
        raise ValueError("a judgement needs at least one option")
    right = truth.sign if truth.sign and truth.sign in options else right_judgement(sign_asked, truth)
    if right not in options:
        right = INCORRECT if INCORRECT in options else options[-1]
    if NOT_LOADED in options and rng.random() < _NOT_LOADED_RATE:
        return NOT_LOADED
    return right if rng.random() < skill_in(person, sign_asked) else _mistaken(person, rng, right, options)


def skill_in(person: Person, sign: str) -> float:
    """Return how often somebody is right about a sign: each finds some a little harder than others."""
    if not person.class_spread:
        return person.skill
    return min(0.999, max(0.0, person.skill + person.class_spread * _liking(person.identity, sign)))


@lru_cache(maxsize=100_000)
def _liking(identity: str, sign: str) -> float:
    return random.Random(f"class-{identity}-{sign}").gauss(0, 1)


def _mistaken(person: Person, rng: random.Random, right: str, options: Sequence[str]) -> str:
    """Choose a wrong answer: people confuse neighbours, clickers take anything."""
    wrong = [option for option in options if option != right] or [right]
    if person.kind == Kind.CLICKER:
        return rng.choice(wrong)
    likely = {CORRECT: 6.0, INCORRECT: 7.0, ROTATED: 1.0, THIRD_PARTY: 1.0, NOT_LOADED: 0.1}
    return rng.choices(wrong, [likely.get(option, 1.0) for option in wrong])[0]


def boxes(
    person: Person, rng: random.Random, truth: Truth, width: int, height: int
) -> tuple[list[BoxAnswer], list[str]]:
    """Outline the hands in a picture shown at a width and height; the flags say "no_hands" when there is nothing to do.

    As the task asks, hands that are cut off get no box, and neither does a photo on its side or from somebody else.
    """
    if not _to_be_marked(truth) and rng.random() < person.skill:
        return [], [NO_HANDS]
    seen = facts.resized(truth, width, height)
    found = [
        box
        for place, box in enumerate(seen.boxes)
        if not _missed(person, rng, box, seen, is_hard=_is_hard(truth, place))
    ]
    drawn = [_outlined(person, rng, box, width, height) for box in found]
    if rng.random() < person.extra:
        drawn.append(_spurious(rng, width, height, _labels(truth)))
    if rng.random() < person.sloppy:
        drawn = _sloppy(rng, drawn, width, height)
    return drawn, [] if drawn else [NO_HANDS]


def _to_be_marked(truth: Truth) -> bool:
    refused = (facts.ROTATED, facts.THIRD_PARTY, facts.TEMPLATE)
    return bool(truth.boxes) and not any(truth.has(flag) for flag in refused)


def _missed(person: Person, rng: random.Random, box: TruthBox, truth: Truth, *, is_hard: bool) -> bool:
    small = box.w * box.h < _SMALL_HAND * truth.width * truth.height
    chance = person.miss * (2.5 if small else 1.0)
    return rng.random() < (max(chance, _MISSED_THERE) if is_hard else chance)


def _is_hard(truth: Truth, place: int) -> bool:
    """Whether a hand is one that many miss, whoever they are: it is the same one for everybody."""
    return random.Random(f"hard-{truth.drawing or truth.subject}-{place}").random() < _SHARE_HARD


def _outlined(person: Person, rng: random.Random, box: TruthBox, width: int, height: int) -> BoxAnswer:
    nx, ny = box.w * person.box_noise, box.h * person.box_noise
    left, top = box.x + rng.gauss(0, nx), box.y + rng.gauss(0, ny)
    right, bottom = box.x + box.w + rng.gauss(0, nx), box.y + box.h + rng.gauss(0, ny)
    wrong = rng.random() < person.label_error
    label = _other_label(box.label) if wrong else box.label
    return _within((left, top, right, bottom), label, width, height)


def _within(edges: tuple[float, float, float, float], label: str, width: int, height: int) -> BoxAnswer:
    left, top, right, bottom = edges
    x, y = min(max(0.0, left), width - 1.0), min(max(0.0, top), height - 1.0)
    w, h = max(1.0, min(right, width) - x), max(1.0, min(bottom, height) - y)
    return BoxAnswer(x=round(x, 1), y=round(y, 1), w=round(w, 1), h=round(h, 1), label=label)


def _labels(truth: Truth) -> tuple[str, ...]:
    """Return what there is to choose from; of things other than hands nothing but their own names is known here."""
    own = {box.label for box in truth.boxes} - {GESTURE, NO_GESTURE}
    return tuple(sorted(own)) or (GESTURE, NO_GESTURE)


def _other_label(label: str) -> str:
    return {GESTURE: NO_GESTURE, NO_GESTURE: GESTURE}.get(label, label)


def _spurious(rng: random.Random, width: int, height: int, labels: Sequence[str]) -> BoxAnswer:
    w, h = rng.uniform(0.04, 0.12) * width, rng.uniform(0.06, 0.2) * height
    x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
    return _within((x, y, x + w, y + h), rng.choice(labels), width, height)


def _sloppy(rng: random.Random, drawn: list[BoxAnswer], width: int, height: int) -> list[BoxAnswer]:
    """Dots instead of boxes, the same box twice, or one box around everything."""
    if not drawn:
        return drawn
    first = drawn[0]
    way = rng.choice(("dot", "double", "all"))
    if way == "dot":
        return [BoxAnswer(x=first["x"], y=first["y"], w=2.0, h=2.0, label=first["label"]), *drawn[1:]]
    if way == "double":
        return [*drawn, first.copy()]
    return [BoxAnswer(x=0.0, y=0.0, w=float(width), h=float(height), label=first["label"])]


def seconds(person: Person, rng: random.Random, kind: Work) -> float:
    """How long one task takes: lognormal about the median of its kind times the person's pace."""
    return round(_MEDIAN_SECONDS[kind] * person.pace * rng.lognormvariate(0, _SPREAD_SECONDS), 2)


def after_hint(person: Person, rng: random.Random, given: str, right: str) -> str:
    """Answer a training task again after its hint: most take the hint, some insist."""
    return right if given == right or rng.random() < person.hint else given
