"""What became of the addresses of a search, step by step, with the time each step took: cheap steps should be first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Count, Max, Min, Q

from curation.models import Asset, Crawl, CrawlLink, Decision, Stage

NOT_FETCHED = ("bad_address", "bad_answer", "not_fetched", "dead_host")
ENOUGH = 20  # fewer things say nothing about what a step costs and drops


@dataclass(frozen=True, slots=True)
class Step:
    """`hours` from the first to the last thing that the step decided; `stage` is the name of a stage of the project."""

    title: str
    came: int
    passed: int
    dropped: int
    hours: float | None = None
    stage: str = ""

    @property
    def waiting(self) -> int:
        return self.came - self.passed - self.dropped

    @property
    def hours_each(self) -> float:
        return self.hours / self.came if self.hours and self.came else 0.0

    @property
    def share_dropped(self) -> float:
        return self.dropped / self.came if self.came else 0.0


def funnel(crawl: Crawl, hours: dict[str, float]) -> list[Step]:
    """Return the steps from the addresses found to what is published; `hours` as the report of the crawl has them."""
    links = CrawlLink.objects.filter(crawl=crawl)
    refused = Q(state=CrawlLink.State.REFUSED)
    n = links.aggregate(
        found=Count("pk"),
        lost=Count("pk", filter=refused & Q(code__in=NOT_FETCHED)),
        no_picture=Count("pk", filter=refused & ~Q(code__in=NOT_FETCHED)),
        taken=Count("pk", filter=Q(state=CrawlLink.State.TAKEN)),
    )
    fetched = n["taken"] + n["no_picture"]
    steps = [
        Step("Addresses fetched", n["found"], fetched, n["lost"], hours["fetch"]),
        Step("Files that are pictures", fetched, n["taken"], n["no_picture"]),
    ]
    return steps + _stages(crawl)


def _stages(crawl: Crawl) -> list[Step]:
    mine = Asset.objects.filter(pk__in=CrawlLink.objects.filter(crawl=crawl, asset__isnull=False).values("asset"))
    standing: dict[tuple[int, str], int] = {
        (position, state): count
        for position, state, count in mine.order_by().values_list("stage__position", "state").annotate(n=Count("pk"))
    }
    spans = _spans(crawl, mine)
    enters = crawl.stage.position if crawl.stage else 0
    return [
        _step(stage, standing, spans.get(stage.pk))
        for stage in Stage.objects.filter(project_id=crawl.project_id).order_by("position")
        if stage.position >= enters and stage.kind != "collect"
    ]


def _spans(crawl: Crawl, mine: Any) -> dict[int, float]:
    decided = Decision.objects.filter(project_id=crawl.project_id, asset__in=mine.values("pk"))
    rows = decided.order_by().values_list("stage_id").annotate(first=Min("created_at"), last=Max("created_at"))
    return {stage: (last - first) / timedelta(hours=1) for stage, first, last in rows}


def _step(stage: Stage, standing: dict[tuple[int, str], int], hours: float | None) -> Step:
    here = {state: n for (position, state), n in standing.items() if position == stage.position}
    beyond = sum(n for (position, _), n in standing.items() if position > stage.position)
    passed = beyond + here.get(Asset.State.PUBLISHED, 0)
    dropped = here.get(Asset.State.DROPPED, 0)
    return Step(stage.title, beyond + sum(here.values()), passed, dropped, hours, stage.name)


def out_of_order(steps: Sequence[Step]) -> tuple[Step, Step] | None:
    """Return two neighbours of which the second is cheaper and drops more: it should stand first."""
    timed = [step for step in steps if step.stage and step.hours_each and step.came >= ENOUGH]
    for first, second in pairwise(timed):
        if second.hours_each < first.hours_each and second.share_dropped > first.share_dropped:
            return first, second
    return None
