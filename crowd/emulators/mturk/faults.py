"""Faults on demand: each has a rate and its own stream of chance, so that a run can be repeated."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from crowd.emulators.mturk.chance import stream
from crowd.emulators.mturk.errors import FAMILY, Refusal

FAULTS: Final = {
    "drop_reply": "do the work, then close the connection without an answer",
    "service_fault": "answer 500 ServiceFault and do nothing",
    "throttle": "answer 400 ThrottlingException and do nothing",
    "hang": "wait some seconds before the work",
    "half_page": "give fewer results than asked for, with a NextToken",
    "double_notice": "deliver a notification twice",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """How often a fault strikes; `operation` narrows it, `times` says how often it may strike in all."""

    name: str
    rate: float
    operation: str = ""
    times: int | None = None
    seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise ValueError(f"there is no fault {self.name!r}; known are {', '.join(FAULTS)}.")
        if not 0 <= self.rate <= 1:
            raise ValueError(f"the rate of {self.name} is {self.rate}; expected 0 to 1.")

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Fault":
        """Read a fault from the control door; ValueError says what is wrong."""
        try:
            return cls(**{**plain, "rate": float(plain.get("rate", 1))})
        except TypeError:
            raise ValueError(f"A fault has name, rate, operation, times and seconds; got {sorted(plain)}.") from None

    @classmethod
    def from_words(cls, words: str) -> "Fault":
        """Read NAME=RATE, as it is written on the command line; dashes are taken for underscores."""
        name, _, rate = words.partition("=")
        try:
            return cls(name.strip().replace("-", "_"), float(rate))
        except ValueError as error:
            reason = str(error) if "=" in words and "could not convert" not in str(error) else "expected NAME=RATE"
            raise ValueError(f"The fault {words!r} cannot be set: {reason}") from None


class Faults:
    """The faults that are switched on."""

    def __init__(self, seed: int) -> None:
        self._chance = {name: stream(seed, f"fault-{name}") for name in FAULTS}
        self._set: dict[str, Fault] = {}

    def switch(self, fault: Fault) -> None:
        """Switch a fault on, or off with rate 0."""
        self._set.pop(fault.name, None)
        if fault.rate:
            self._set[fault.name] = fault

    def clear(self) -> None:
        self._set.clear()

    def strikes(self, name: str, operation: str = "") -> Fault | None:
        """Return the fault if it strikes now."""
        fault = self._set.get(name)
        if fault is None or fault.operation not in ("", operation) or self._chance[name].random() >= fault.rate:
            return None
        if fault.times is not None:
            self.switch(replace(fault, times=fault.times - 1, rate=fault.rate if fault.times > 1 else 0))
        return fault

    def as_json(self) -> dict[str, Any]:
        return {
            "known": FAULTS,
            "set": [
                {"name": fault.name, "rate": fault.rate, "operation": fault.operation, "times": fault.times}
                for fault in self._set.values()
            ],
        }


def service_fault() -> Refusal:
    return Refusal(
        "ServiceFault",
        "Amazon Mechanical Turk is temporarily unable to process your request. Try your call again.",
        code=f"{FAMILY}ServiceFault",
        status=500,
    )


def throttled() -> Refusal:
    return Refusal("ThrottlingException", "Rate exceeded")


class Limit:
    """At most so many requests a (virtual) second after a burst; without a rate there is no limit."""

    def __init__(self, per_second: float | None, *, burst: int) -> None:
        self._per_second, self._burst = per_second, burst
        self._left, self._at = float(burst), None

    _at: datetime | None

    def take(self, now: datetime) -> None:
        """Count a request; raise ThrottlingException when there were too many."""
        if self._per_second is None:
            return
        gone = (now - self._at).total_seconds() if self._at else 0.0
        self._left, self._at = min(float(self._burst), self._left + gone * self._per_second), now
        if self._left < 1:
            raise throttled()
        self._left -= 1
