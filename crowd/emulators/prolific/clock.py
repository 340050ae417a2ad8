"""One clock for the whole market: it stands still until somebody moves it, and never goes back."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


class Clock:
    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def set(self, moment: datetime) -> None:
        if moment < self._now:
            raise ValueError(f"{moment.isoformat()} is before {self._now.isoformat()}; the clock only goes forward.")
        self._now = moment

    def advance(self, step: timedelta) -> None:
        self.set(self._now + step)
