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


class RunningClock(Clock):
    """Runs with the clock on the wall, so far ahead of it as it has been moved."""

    def __init__(self) -> None:
        super().__init__(datetime.now(UTC))
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def set(self, moment: datetime) -> None:
        ahead = moment - datetime.now(UTC)
        if ahead < self._ahead:
            raise ValueError(f"{moment.isoformat()} is before {self.now().isoformat()}; the clock only goes forward.")
        self._ahead = ahead

    def advance(self, step: timedelta) -> None:
        if step < timedelta():
            raise ValueError(f"The clock cannot go back by {-step}; it only goes forward.")
        self._ahead += step
