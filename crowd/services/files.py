"""Stub until the real one is written: see the contract."""

from datetime import datetime


def fetch_due(*, now: datetime, account_id: int | None = None, limit_seconds: float = 5) -> int:
    raise NotImplementedError
