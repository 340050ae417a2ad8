"""Stub until the real one is written: see the contract."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Pulled:
    taken: int
    more: bool


def pull_batch(*, batch_id: int, now: datetime, limit_seconds: float = 5) -> Pulled:
    raise NotImplementedError
