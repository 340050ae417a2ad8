"""Finds of a detector in words: yes or no with the count, and a box for each."""

from typing import Any

from .base import HEURISTIC, Tag


def said(key: str, found: list[tuple[Any, float]], width: int, height: int) -> list[Tag]:
    """Say yes or no with the count, and a box for each find, surest first."""
    ordered = sorted(found, key=lambda one: -one[1])
    surest = min(1.0, ordered[0][1]) if ordered else 1.0
    summary = Tag(key, "yes" if ordered else "no", HEURISTIC, round(surest, 3), number=len(ordered))
    one = {"people": "person", "faces": "face"}[key]
    return [
        summary,
        *[
            Tag(one, "found", HEURISTIC, round(min(1.0, sure), 3), box=_share(box, width, height))
            for box, sure in ordered
        ],
    ]


def _share(box: Any, width: int, height: int) -> tuple[float, float, float, float]:
    """Turn a box in pixels, which may stick out, into shares of the picture."""
    x, y, w, h = (float(side) for side in box)
    left, top, right, bottom = max(0.0, x), max(0.0, y), min(float(width), x + w), min(float(height), y + h)
    return (
        round(left / width, 4),
        round(top / height, 4),
        round((right - left) / width, 4),
        round((bottom - top) / height, 4),
    )
