"""From single frames to intervals: short gaps are bridged, what is too short is a false trigger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def smoothed(
    flagged: Iterable[tuple[Item, bool]], *, min_length: int = 1, max_gap: int = 0
) -> Iterator[tuple[Item, bool]]:
    """Yield every item in order with whether it belongs to an interval.

    Gaps of at most `max_gap` items between two that are flagged are bridged first; an interval, gaps included, of
    fewer than `min_length` items is none. At most `min_length + max_gap` items are held back at a time.
    """
    run: list[Item] = []
    gap: list[Item] = []
    is_long = False  # the current interval is long enough, and what it had so far has been given
    for item, flag in flagged:
        if flag:
            run, gap = [*run, *gap, item], []
            is_long = is_long or len(run) >= min_length
            if is_long:
                yield from ((one, True) for one in run)
                run = []
        elif run or is_long:
            gap.append(item)
            if len(gap) > max_gap:
                yield from ((one, False) for one in (*run, *gap))
                run, gap, is_long = [], [], False
        else:
            yield item, False
    yield from ((one, False) for one in (*run, *gap))
