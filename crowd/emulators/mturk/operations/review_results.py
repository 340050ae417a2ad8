"""ListReviewPolicyResultsForHIT."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crowd.emulators.mturk.market import Answer, Market, Request
from crowd.emulators.mturk.nouns.hits import Hit
from crowd.emulators.mturk.reviews.reports import page_items


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of a report with its place in the answer."""

    number: int
    level: str
    member: str
    item: dict[str, Any]

    def as_answer(self) -> Answer:
        return self.item


def list_review_policy_results_for_hit(market: Market, request: Request, now: datetime) -> Answer:
    """Return results and actions of both levels in the order in which they came, a page at a time."""
    del now
    hit = market.hit(request["HITId"])
    levels = sorted(set(request.get("PolicyLevels", ("Assignment", "HIT"))))
    entries = _entries(hit, request, levels)
    cut, token = market.page(entries, request, f"ListReviewPolicyResultsForHIT:{hit.id}:{','.join(levels)}")
    policies = {"AssignmentReviewPolicy": hit.assignment_policy, "HITReviewPolicy": hit.hit_policy}
    reports = {f"{level}ReviewReport": _report([entry for entry in cut if entry.level == level]) for level in levels}
    return {"HITId": hit.id, **{name: found for name, found in policies.items() if found}, **reports, **token}


def _entries(hit: Hit, request: Request, levels: list[str]) -> Iterator[_Entry]:
    reports = {"Assignment": hit.assignment_report, "HIT": hit.hit_report}
    results, actions = request.get("RetrieveResults", True), request.get("RetrieveActions", True)
    lines = (
        (level, member, item)
        for level in levels
        for member, item in page_items(reports[level], results=results, actions=actions)
    )
    return (_Entry(number, *line) for number, line in enumerate(lines, start=1))


def _report(entries: list[_Entry]) -> dict[str, list[dict[str, Any]]]:
    return {
        member: [entry.item for entry in entries if entry.member == member]
        for member in ("ReviewResults", "ReviewActions")
    }
