"""What a check of the installation says: one line, and how to mend it."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    level: Level
    text: str
    mend: str = ""

    def line(self) -> str:
        mend = f" — {self.mend}" if self.mend and self.level != "ok" else ""
        return f"{self.level:<5}{self.name}: {self.text}{mend}"


def judged(name: str, *, good: bool, text: str, mend: str, otherwise: Level = "fail") -> Finding:
    """Return ok, or the other level with the way to mend it."""
    return Finding(name, "ok", text) if good else Finding(name, otherwise, text, mend)
