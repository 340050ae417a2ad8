"""Rules that count a worker's pages: skipped, accepted, rejected."""

from collections.abc import Sequence
from itertools import takewhile

from crowd.quality.wording import Verdict, counted


def skipped_in_row(skipped: Sequence[bool], *, limit: int) -> Verdict:
    """Say whether a worker's latest pages were all skipped, `limit` or more; oldest first, True = skipped."""
    run = sum(1 for _ in takewhile(bool, reversed(skipped)))
    return Verdict(run >= limit, f"{counted(run, 'page')} skipped in a row, the limit is {limit}")


def acceptance_rate(
    accepted: Sequence[bool], *, least_percent: int, least_pages: int, last: int | None = None
) -> Verdict:
    """Say whether too few of a worker's judged pages were accepted; oldest first, True = accepted.

    Only the `last` pages count where given, and nothing is said of a worker with fewer than `least_pages` of them.
    """
    judged = accepted if last is None else accepted[-last:]
    taken = sum(judged)
    low = 100 * taken < least_percent * len(judged)
    return Verdict(
        len(judged) >= least_pages and low,
        f"{taken} of {counted(len(judged), 'page')} accepted, at least {least_percent} % are asked for",
    )
