"""One clock for the whole market: it stands still until it is moved, or runs with the wall clock at a speed."""

import threading
import time
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


class VirtualClock:
    """`speed` is virtual seconds for a second on the wall; 0 stands still."""

    def __init__(self, start: datetime = START, *, speed: float = 0.0) -> None:
        self._lock = threading.Lock()
        self._speed = speed
        self._at, self._wall = start, time.monotonic()

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> datetime:
        with self._lock:
            return self._reading()

    def advance(self, step: timedelta) -> datetime:
        if step < timedelta(0):
            raise ValueError(f"The clock cannot go back by {-step}; it only goes forward.")
        with self._lock:
            self._at, self._wall = self._reading() + step, time.monotonic()
            return self._at

    def set(self, moment: datetime) -> datetime:
        with self._lock:
            now = self._reading()
            if moment < now:
                raise ValueError(f"{moment.isoformat()} is before {now.isoformat()}; the clock only goes forward.")
            self._at, self._wall = moment, time.monotonic()
            return moment

    def _reading(self) -> datetime:
        return self._at + timedelta(seconds=(time.monotonic() - self._wall) * self._speed)
