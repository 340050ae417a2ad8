"""How many pages so many items take, control tasks included. Exact, no floats."""

import math
from fractions import Fraction


def pages_needed(
    *, items: int, answers: Fraction, a_page: int = 1, control: Fraction = Fraction(0), partial_page: bool = True
) -> int:
    """Return the pages for `items` with so many answers each: N o / (k (1 - g)), k tasks a page, a share g known.

    Without `partial_page` the last page is not issued when it would not be full. Raises ValueError for a page
    without room for a real task.
    """
    if a_page < 1 or not 0 <= control < 1:
        raise ValueError("A page has at least one task, and not all of them are control tasks.")
    pages = items * answers / (a_page * (1 - control))
    return math.ceil(pages) if partial_page else math.floor(pages)
