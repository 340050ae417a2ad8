"""Switches for what goes wrong on a real network, each with a rate and a chance of its own."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from random import Random
from typing import Any

from crowd.emulators.toloka.chance import chance

NAMES: dict[str, str] = {
    "drop_reply": "do the work and drop the connection without an answer",
    "error_500": "answer 500 with the platform's error body",
    "error_502": "answer 502 with a text that is no JSON",
    "error_503": "answer 503 with an HTML page",
    "throttle": "answer 429 with payload.interval (interval=MIN, HOUR, DAY, or empty for no payload)",
    "hang": "do the work and answer only after so many seconds",
    "log_archived": "answer 409 OPERATION_LOGS_ARCHIVED for a log",
    "webhook_late": "send a notification so many virtual seconds later",
    "webhook_double": "send a notification twice",
    "webhook_reorder": "send a notification after the next one",
    "webhook_lost": "do not send a notification",
    "truncated_download": "break a download off in the middle",
    "late_upload": "answer 404 for a file until so many virtual seconds after its page was handed in",
    "half_pages": "give half of a list page and say that there is more",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """`rate` is a probability; `times` ends it after so many hits; `method` and `path` (a part of it) narrow it down.

    `after` lets an error come after the work was done; else nothing has happened.
    """

    rate: float
    seconds: float = 30.0
    interval: str = "MIN"
    times: int | None = None
    method: str = ""
    path: str = ""
    after: bool = False

    def fits(self, method: str, path: str) -> bool:
        return (not self.method or self.method == method) and self.path in path


class Faults:
    def __init__(self, seed: str) -> None:
        self._on: dict[str, Fault] = {}
        self._hits: dict[str, int] = {}
        self._chance: dict[str, Random] = {}
        self._seed = seed

    def set(self, name: str, spec: float | str | Mapping[str, Any]) -> Fault:
        """Switch a fault on: a rate, or an object with the fields of Fault. ValueError names what is wrong."""
        if name not in NAMES:
            raise ValueError(f"{name!r} is not a fault; there are: {', '.join(NAMES)}.")
        fault = _read(name, spec if isinstance(spec, Mapping) else {"rate": spec})
        self._on[name] = fault
        self._hits[name] = 0
        self._chance[name] = chance(self._seed, "fault", name)
        return fault

    def reseed(self, seed: str) -> None:
        self._seed = seed
        self._chance = {name: chance(seed, "fault", name) for name in self._on}

    def clear(self) -> None:
        self._on.clear()

    def hit(self, name: str, method: str = "", path: str = "") -> Fault | None:
        """Return the fault when it strikes this time."""
        fault = self._on.get(name)
        if fault is None or not fault.fits(method, path):
            return None
        if fault.times is not None and self._hits[name] >= fault.times:
            return None
        if self._chance[name].random() >= fault.rate:
            return None
        self._hits[name] += 1
        return fault

    def to_json(self) -> dict[str, Any]:
        return {name: {**asdict(fault), "hits": self._hits[name]} for name, fault in self._on.items()}


def _read(name: str, plain: Mapping[str, Any]) -> Fault:
    known = {part.name for part in fields(Fault)}
    unknown = set(plain) - known
    if unknown:
        raise ValueError(f"{name}: {min(unknown)!r} is not a part of a fault; there are: {', '.join(sorted(known))}.")
    try:
        rate = float(plain["rate"])
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{name}: {plain.get('rate')!r} is not a rate; give a number from 0 to 1.") from None
    if not 0 <= rate <= 1:
        raise ValueError(f"{name}: {rate:g} is not a rate; give a number from 0 to 1.")
    interval = plain.get("interval", "MIN")
    if interval not in ("MIN", "HOUR", "DAY", ""):
        raise ValueError(f"{name}: {interval!r} is not an interval; give MIN, HOUR, DAY or nothing.")
    return Fault(**{**plain, "rate": rate})
