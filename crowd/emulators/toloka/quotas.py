"""How often the platform lets a requester call; what is over answers 429 with the interval that is used up."""

import time
from datetime import datetime, timedelta

from crowd.emulators.toloka.errors import ApiError, throttled

INTERVALS = {"MIN": timedelta(minutes=1), "HOUR": timedelta(hours=1), "DAY": timedelta(days=1)}

LIMITS: dict[str, dict[str, int]] = {
    "create project": {"MIN": 20, "DAY": 100},
    "create pool": {"MIN": 20, "DAY": 100},
    "create training": {"MIN": 20, "DAY": 100},
    "clone pool": {"MIN": 20, "DAY": 100},
    "clone training": {"MIN": 20, "DAY": 100},
    "create skill": {"MIN": 10, "DAY": 100},
    "create tasks": {"MIN": 200_000, "DAY": 4_000_000},
    "create suites": {"MIN": 100_000, "DAY": 2_000_000},
    "set user skill": {"DAY": 100_000},
    "create bonuses": {"DAY": 10_000},
    "change overlap": {"HOUR": 10},
    "aggregate": {"MIN": 5, "HOUR": 30, "DAY": 200},
    "message to all": {"DAY": 1},
    "message to workers": {"DAY": 100_000},
}


class Quotas:
    """Counts per interval on the virtual clock; an interval begins with the first call in it."""

    def __init__(self, *, enabled: bool = True, requests_per_second: int | None = None) -> None:
        self.enabled = enabled
        self.requests_per_second = requests_per_second
        self._used: dict[tuple[str, str], tuple[datetime, int]] = {}
        self._second, self._requests = 0, 0

    def spend(self, name: str, now: datetime, count: int = 1) -> None:
        """Count the calls, or refuse them all."""
        if not self.enabled:
            return
        windows = {interval: self._window(name, interval, now) for interval in LIMITS[name]}
        for interval, (_, used) in windows.items():
            if used + count > LIMITS[name][interval]:
                raise _refusal(name, interval, count)
        for interval, (began, used) in windows.items():
            self._used[name, interval] = (began, used + count)

    def spend_request(self) -> None:
        """Count a request of any kind; real seconds, since it is the real network that is paced."""
        if self.requests_per_second is None:
            return
        second = int(time.monotonic())
        self._requests = self._requests + 1 if second == self._second else 1
        self._second = second
        if self._requests > self.requests_per_second:
            raise throttled("requests per second", None)

    def _window(self, name: str, interval: str, now: datetime) -> tuple[datetime, int]:
        began, used = self._used.get((name, interval), (now, 0))
        return (now, 0) if now - began >= INTERVALS[interval] else (began, used)


def _refusal(name: str, interval: str, count: int) -> ApiError:
    if name in ("create tasks", "create suites") and count > LIMITS[name]["MIN"]:
        return ApiError(400, "TASKS_CREATION_DOES_NOT_FIT_QUOTA", f"{count} items never fit into the quota.")
    return throttled(name, interval)
