"""Learning a pool and resolving it in one go: its boxes are grouped once for both."""

from collections.abc import Sequence

from aggregation.boxes.reliability.fit import fit_table, in_order
from aggregation.boxes.reliability.resolve import resolve_candidates
from aggregation.boxes.reliability.tabulate import tabulate
from aggregation.boxes.settings import BoxSettings
from aggregation.core.answers import Consensus, ImageAnswers
from aggregation.core.cycles import no_search_for_cycles


def fit_and_resolve(images: Sequence[ImageAnswers], settings: BoxSettings) -> list[Consensus]:
    """Return, in the order given, what `resolve_reliability` says by what `fit_reliability` learns of the same images.

    Raises ValueError when an image comes twice.
    """
    ordered = in_order(images)
    with no_search_for_cycles():
        candidates = tabulate(ordered, settings)
        state = fit_table(candidates.table, settings)
        results = resolve_candidates(ordered, candidates, state, settings)
    found = {result.image: result for result in results}
    return [found[image.image] for image in images]
