"""Notifications on their way: the market puts letters in, the courier takes them out and sends them."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Letter:
    url: str
    secret: str | None
    event: dict[str, Any]


class Mailbox:
    """`history` has every event with what became of it: sent, its status, lost, or the error."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: deque[Letter] = deque()
        self._held: deque[Letter] = deque()
        self._in_hand = 0
        self.history: list[dict[str, Any]] = []

    def put(self, letter: Letter) -> None:
        """Put a letter in, and behind it those that were held back."""
        with self._changed:
            self._letters.append(letter)
            self._letters.extend(self._held)
            self._held.clear()
            self._changed.notify_all()

    def hold(self, letter: Letter) -> None:
        """Keep a letter until another one went before it."""
        with self._changed:
            self._held.append(letter)

    def take(self, timeout: float) -> Letter | None:
        with self._changed:
            if not self._letters:
                self._changed.wait(timeout)
            if not self._letters:
                return None
            self._in_hand += 1
            return self._letters.popleft()

    def delivered(self, letter: Letter, outcome: str) -> None:
        with self._changed:
            self._in_hand -= 1
            self.history.append({"url": letter.url, "outcome": outcome, "event": letter.event})
            self._changed.notify_all()

    def lost(self, letter: Letter) -> None:
        with self._changed:
            self.history.append({"url": letter.url, "outcome": "lost", "event": letter.event})

    def wake(self) -> None:
        """Let whoever waits for a letter look up."""
        with self._changed:
            self._changed.notify_all()

    def release_held(self) -> None:
        with self._changed:
            self._letters.extend(self._held)
            self._held.clear()
            self._changed.notify_all()

    def wait_until_empty(self, timeout: float) -> bool:
        """Wait for the courier; False when letters are left."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._letters and not self._in_hand, timeout)
