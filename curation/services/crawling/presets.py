"""The searches that a recipe proposes, as they are asked of an instance."""

from collections.abc import Mapping, Sequence

from curation.intake.queries import PLACE
from curation.recipes.search import Search
from curation.services.crawling.plans import Spec


def spec_of(search: Search, *, name: str, searx_url: str, seconds_between: float | None = None) -> Spec:
    """Return the search for pictures."""
    return Spec(
        name=name,
        searx_url=searx_url,
        pattern=search.pattern,
        engines=search.engines,
        lists=search.lists,
        class_from=search.class_from,
        pages=search.pages,
        per_query=search.per_query,
        seconds_between=search.seconds_between if seconds_between is None else seconds_between,
    )


def counting_of(
    search: Search,
    *,
    name: str,
    searx_url: str,
    lists: Mapping[str, Sequence[str]],
    seconds_between: float | None = None,
) -> Spec | None:
    """Return the search that only counts results, about the values of `lists`; None where the recipe counts nothing."""
    counting = search.counting
    if counting is None:
        return None
    known = {**lists, **counting.lists}
    return Spec(
        name=name,
        searx_url=searx_url,
        pattern=counting.pattern,
        engines=counting.engines,
        lists={one: known[one] for one in PLACE.findall(counting.pattern) if one in known},
        class_from=counting.class_from,
        seconds_between=search.seconds_between if seconds_between is None else seconds_between,
        counts=True,
    )
