"""The time of one run of a job: the moment it began, moved on by the clock on the wall."""

import time
from datetime import datetime, timedelta


class Running:
    def __init__(self, began: datetime, seconds: float) -> None:
        self._began, self._monotonic, self._seconds = began, time.monotonic(), seconds

    @property
    def now(self) -> datetime:
        return self._began + timedelta(seconds=self._past())

    @property
    def left(self) -> float:
        """Return how many seconds of the run are left; 0 = it is over."""
        return max(0.0, self._seconds - self._past())

    def _past(self) -> float:
        return time.monotonic() - self._monotonic
