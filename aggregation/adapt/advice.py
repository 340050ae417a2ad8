"""What to do next about one image or task, in a word, in money and in a sentence."""

from dataclasses import dataclass

from aggregation.adapt.settings import FEWEST, AdaptSettings
from aggregation.core.answers import probability
from aggregation.core.geometry import TOLERANCE

STOP, BUY, REVIEW = "stop", "buy", "review"
MONEY_PLACES = 6


@dataclass(frozen=True, slots=True)
class Advice:
    """`gain` is what one more answer is expected to be worth, `price` what it costs."""

    next: str
    gain: float
    price: float
    words: str

    def to_json(self) -> dict[str, object]:
        return {"next": self.next, "gain": money(self.gain), "price": money(self.price), "words": self.words}


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of one image or task: answers paid for, the chance that it is right and how many errors fewer are
    expected of one more."""

    answers: int
    chance: float
    fewer: float
    wanting: str | None  # why a rule wants one more answer, in words; None when it does not


def money(value: float) -> float:
    """Round money for output."""
    return round(float(value), MONEY_PLACES) + 0.0


def decide(case: Case, settings: AdaptSettings) -> Advice:
    """Return the advice: never stop below two answers, never buy above the most."""
    gain = case.fewer * settings.value
    worth = f"one more answer is worth {money(gain):g}, costs {money(settings.price):g}"
    right = f"right with chance {probability(case.chance):g}"
    if case.answers < FEWEST:
        return Advice(BUY, gain, settings.price, f"buy: {case.answers} of at least {FEWEST} answers")
    if case.wanting is None:
        return Advice(STOP, gain, settings.price, f"stop: {right}; {worth}")
    if case.answers >= settings.max_answers:
        return Advice(REVIEW, gain, settings.price, f"review: {case.wanting} after {case.answers} answers, the most")
    return Advice(BUY, gain, settings.price, f"buy: {case.wanting}; {right}; {worth}")


def worth_buying(fewer: float, settings: AdaptSettings, *, closed: bool) -> str | None:
    """Tell why the rule `gain` wants one more answer; what was closed must promise clearly more than the price."""
    needed = settings.price + (settings.hysteresis * settings.value if closed else 0.0)
    gain = fewer * settings.value
    if gain <= needed + TOLERANCE * settings.value:
        return None
    return f"{probability(fewer):g} errors fewer expected"
