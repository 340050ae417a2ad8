"""Addresses of the pages of many rows: each pattern is looked up once, not for every row."""

from collections.abc import Callable
from uuid import UUID

from django.urls import reverse


def pages_of(name: str, public_id: UUID) -> Callable[[int], str]:
    """Return what tells the address of a row of a project; its number is the last part of the pattern."""
    before, _, after = reverse(name, args=[public_id, 0]).rpartition("0")
    return lambda number: f"{before}{number}{after}"
