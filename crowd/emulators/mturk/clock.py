"""The emulator's one clock: it stands still, follows real time or runs ahead of it."""

import threading
import time
from datetime import UTC, datetime, timedelta


class VirtualClock:
    """Start at a time and run `speed` virtual seconds a second; 0 stands still until it is moved."""

    def __init__(self, start: datetime | None = None, *, speed: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._speed = speed
        self._mark = time.monotonic()
        self._at = (start or datetime.now(UTC)).astimezone(UTC)

    def now(self) -> datetime:
        with self._lock:
            return self._read()

    def move_to(self, when: datetime) -> datetime:
        """Set the clock; ValueError for a time that has passed, because what is done cannot be undone."""
        with self._lock:
            return self._move_to(when)

    def advance(self, by: timedelta) -> datetime:
        with self._lock:
            return self._move_to(self._read() + by)

    def run(self, speed: float) -> None:
        """Change the speed from now on."""
        if speed < 0:
            raise ValueError(f"speed is {speed}; expected 0 (stand still) or more")
        with self._lock:
            self._at, self._mark = self._read(), time.monotonic()
            self._speed = speed

    def _move_to(self, when: datetime) -> datetime:
        now = self._read()
        if when < now:
            raise ValueError(f"The clock stands at {now.isoformat()} and does not run back to {when.isoformat()}.")
        self._at, self._mark = when.astimezone(UTC), time.monotonic()
        return self._at

    def _read(self) -> datetime:
        return self._at + timedelta(seconds=(time.monotonic() - self._mark) * self._speed)
