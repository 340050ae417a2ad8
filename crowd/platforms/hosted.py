"""What no hosted platform does, whose people come and are paid for our own page, in sentences for `lacks`."""

from crowd.platforms.base import BatchSpec


def lacks(batch: BatchSpec, *, name: str, sees_skips: bool) -> list[str]:
    """Return what of a plan is otherwise than in our own market. `name` is that of the platform."""
    said = []
    if batch.page_size > 1 and not batch.whole_pages:
        said.append(f"{name} pays the same for every page: one with fewer tasks costs as much as a full one.")
    if not sees_skips and any(rule.get("kind") == "skipped_in_row" for rule in batch.rules):
        said.append(f"{name} does not tell who gave a page back: the rule on pages skipped in a row never strikes.")
    return said


def most_pages(batch: BatchSpec) -> int | None:
    """Return how many pages the rules let one person hand in; None = no rule says."""
    return min((int(rule["most"]) for rule in batch.rules if rule.get("kind") == "answer_count"), default=None)
