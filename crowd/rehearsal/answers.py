"""How a simulated person answers: pure functions of the person, chance, the task and the truth.

Chance is a `random.Random` of the caller: one per person and task makes answers independent of the order of work.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, Literal, TypedDict

from .people import DUPLICATE, PROCESSED_TEMPLATE, SYNTHETIC, TEMPLATE, Person
from .pictures import GESTURE, NO_GESTURE, SIGNS, Setting, Truth, TruthBox, draw, expected_truth
from .pictures import tricks as cheats
from .pictures import truth as facts
from .pictures.jpeg import decode, encode, stamp
from .pictures.staging import Shown

Earlier = Callable[[int], tuple[bytes, Truth] | None]
"""The person's own k-th photo before this one (0 is the latest) with its truth, or None."""

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
WRONG_SIGN: Final = "wrong_sign"
TEMPLATE_COPY: Final = "template"
TEMPLATE_WAYS: Final = tuple(f"template_{way}" for way in cheats.WAYS)

_ROOMS = ("home", "home", "home", "home", "kitchen", "office")
_MEDIAN_SECONDS: Final[dict[Work, float]] = {"photo": 62.0, "judgement": 9.0, "boxes": 21.0}
_SPREAD_SECONDS = 0.5
_NOT_LOADED_RATE = 0.003
_SMALL_HAND = 0.004  # share of the picture below which hands are missed easily


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

    data: bytes
    truth: Truth
    trick: str | None


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
    template: bytes | None,
    taken: datetime,
) -> Photo:
    """Take a photo for a task, or send what this person sends instead.

    Args:
        person: who answers.
        rng: chance, of this answer alone.
        sign: the sign the task asks for.
        earlier: gives the person's own earlier photos, for those who send one again.
        template: the example picture of the task as its workers get it; our own drawing when missing.
        taken: the time the camera writes.
    """
    planned = plan(person, rng, sign)
    if planned.trick in (TEMPLATE_COPY, *TEMPLATE_WAYS):
        return Photo(*_template_copy(planned.trick, sign, template), planned.trick)
    if planned.trick in (RESENT, RESAVED):
        sent = _again(planned, earlier)
        if sent is not None:
            return Photo(*sent, planned.trick)
    trick = None if planned.trick in (RESENT, RESAVED) else planned.trick  # the first photo cannot be a copy
    return Photo(*_camera(person, planned.setting, trick, taken), trick)


def plan(person: Person, rng: random.Random, sign: str) -> Plan:
    """Decide what to send."""
    trick, seed = trick_of(person, rng), f"{person.identity}-{rng.getrandbits(64):016x}"
    room = f"{person.identity}-{rng.choice(_ROOMS)}"
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
    for slip, share in asdict(person.slips).items():
        at -= share
        if at < 0:
            return slip
    return None


def _deceit(level: int, rng: random.Random) -> str:
    if level == DUPLICATE:
        return rng.choice((RESENT, RESAVED))
    if level == TEMPLATE:
        return TEMPLATE_COPY
    if level == PROCESSED_TEMPLATE:
        return rng.choice(TEMPLATE_WAYS)
    if level == SYNTHETIC:
        return facts.THIRD_PARTY
    raise ValueError(f"no dishonesty of level {level}; known are 0, 5, 20, 80")


def _another(rng: random.Random, sign: str) -> str:
    return rng.choice([other for other in SIGNS if other != sign])


def _template_copy(trick: str, sign: str, template: bytes | None) -> cheats.Sent:
    data, truth = cheats.template_file(sign)
    if template is not None and template != data:  # somebody's own example: its hands are not known here
        with_size = decode(template).size
        data, truth = template, Truth(sign, (), *with_size, "template", (facts.TEMPLATE,))
    if trick == TEMPLATE_COPY:
        return cheats.template_as_is(data, truth)
    return cheats.template_processed(data, truth, trick.removeprefix("template_"))


def _again(planned: Plan, earlier: Earlier) -> cheats.Sent | None:
    found = earlier(planned.back) or earlier(0)
    if found is None or planned.trick == RESENT:
        return found
    return cheats.resaved(*found, random.Random(f"resaved-{planned.salt}"))


def _camera(person: Person, setting: Setting, trick: str | None, taken: datetime) -> cheats.Sent:
    picture, by = draw(setting), stamp(person.identity, taken)
    if trick in _AFTER:
        return _AFTER[trick](picture, by)
    return encode(picture.image, by), picture.truth


_AFTER: Final = {
    facts.ROTATED: cheats.rotated,
    facts.BLURRED: cheats.blurred,
    facts.THIRD_PARTY: cheats.third_party,
    facts.LOW_RESOLUTION: cheats.low_resolution,
}


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
    right = right_judgement(sign_asked, truth)
    if right not in options:
        right = INCORRECT if INCORRECT in options else options[-1]
    if NOT_LOADED in options and rng.random() < _NOT_LOADED_RATE:
        return NOT_LOADED
    return right if rng.random() < person.skill else _mistaken(person, rng, right, options)


def _mistaken(person: Person, rng: random.Random, right: str, options: Sequence[str]) -> str:
    """Choose a wrong answer: people confuse neighbours, clickers take anything."""
    wrong = [option for option in options if option != right] or [right]
    if person.kind == "cheat":
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
    drawn = [_outlined(person, rng, box, width, height) for box in seen.boxes if not _missed(person, rng, box, seen)]
    if rng.random() < person.extra:
        drawn.append(_spurious(rng, width, height, _labels(truth)))
    if rng.random() < person.sloppy:
        drawn = _sloppy(rng, drawn, width, height)
    return drawn, [] if drawn else [NO_HANDS]


def _to_be_marked(truth: Truth) -> bool:
    refused = (facts.ROTATED, facts.THIRD_PARTY, facts.TEMPLATE)
    return bool(truth.boxes) and not any(truth.has(flag) for flag in refused)


def _missed(person: Person, rng: random.Random, box: TruthBox, truth: Truth) -> bool:
    small = box.w * box.h < _SMALL_HAND * truth.width * truth.height
    return rng.random() < person.miss * (2.5 if small else 1.0)


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
