"""How far earlier predictions were off, of pools that are done."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import fmean

from django.db.models import DateTimeField, ExpressionWrapper, F, Func, IntegerField, OuterRef, QuerySet, Subquery

from crowd.models import Batch
from crowd.models.tally import Of
from crowd.services import tallies
from crowd.services.tallies import Key
from curation.economics.week import AN_HOUR
from curation.models import Outlook, Pool, Project
from curation.services.overview.counted import ACCEPTED, SPENT

LAST = 10
A_QUARTER = 0.25


@dataclass(frozen=True, slots=True)
class Settled:
    """What was said of a pool, and what came: hours from then until it was done, and money in the end."""

    outlook: Outlook
    hours: float
    spent_micro: int

    @property
    def error_hours(self) -> float:
        return abs((self.outlook.hours_p50 or 0.0) - self.hours)

    @property
    def error_micro(self) -> int | None:
        middle = self.outlook.micro_p50
        return None if middle is None else abs(middle - self.spent_micro)

    @property
    def held(self) -> bool:
        low, high = self.outlook.hours_p5, self.outlook.hours_p95
        return low is not None and low <= self.hours and (high is None or self.hours <= high)

    @property
    def held_micro(self) -> bool:
        low, high = self.outlook.micro_p5, self.outlook.micro_p95
        return low is not None and high is not None and low <= self.spent_micro <= high


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Mean absolute errors of the last predictions that can be compared, and how many ranges held.

    `share`: how far the hours were off, as a share of those it took.
    """

    n: int
    hours: float
    share: float
    held: int
    micro: int | None
    held_micro: int


def settled(*, project: Project, most: int = LAST) -> list[Settled]:
    """Return one prediction of each of the last pools that reached what was wanted: the first after a quarter."""
    ended = Pool.objects.filter(project=project, state=Pool.State.DONE, finished_at__isnull=False)
    foretold = _after_a_quarter(ended.exclude(started_at=None).order_by("-finished_at")[: 4 * most])
    spent = _spent_by_pools_that_reached([pool for pool, _ in foretold])
    return [
        Settled(said, (pool.finished_at - said.made_at) / AN_HOUR, spent[pool.pk].get(said.currency, 0))
        for pool, said in foretold
        if pool.finished_at and pool.pk in spent
    ][:most]


def _after_a_quarter(ended: QuerySet[Pool]) -> list[tuple[Pool, Outlook]]:
    """Return what was said first of each pool when a quarter of its time was over, the last to end first."""
    first = Outlook.objects.filter(
        project=OuterRef("project"),
        pool=OuterRef("pk"),
        slot__gte=Func(OuterRef("quarter"), function="winnow_minute", output_field=IntegerField()) / 60,
        made_at__gte=OuterRef("quarter"),
        made_at__lt=OuterRef("finished_at"),
        goal=OuterRef("wanted"),
        hours_p50__isnull=False,
    ).order_by("slot")
    quarter = F("started_at") + (F("finished_at") - F("started_at")) * A_QUARTER
    pools = ended.annotate(quarter=ExpressionWrapper(quarter, DateTimeField()))
    said = pools.annotate(said=Subquery(first.values("pk")[:1])).values("said")
    found = [(row.pool, row) for row in Outlook.objects.filter(pk__in=said).select_related("pool") if row.pool]
    return sorted(found, key=lambda pair: pair[0].finished_at or pair[1].made_at, reverse=True)


def _spent_by_pools_that_reached(pools: Collection[Pool]) -> dict[int, dict[str, int]]:
    """Return what each pool has cost by currency; one that a person closed before its time tells nothing."""
    if not pools:
        return {}
    batches = dict(Batch.objects.filter(pool_id__in=[pool.pk for pool in pools]).values_list("id", "pool_id"))
    keys = [Key(Of.POOL, pool.pk, SPENT) for pool in pools]
    totals = tallies.totals([*keys, *(Key(Of.BATCH, pk, ACCEPTED) for pk in batches)])
    accepted: Counter[int] = Counter()
    for pk, pool_id in batches.items():
        accepted[pool_id] += totals.get((Of.BATCH, pk), {}).get(ACCEPTED, 0)
    return {
        pool.pk: {word.removeprefix(SPENT): n for word, n in totals.get((Of.POOL, pool.pk), {}).items()}
        for pool in pools
        if accepted[pool.pk] >= pool.wanted
    }


def accuracy_of(found: Sequence[Settled]) -> Accuracy | None:
    """Return how good these predictions were; None without any."""
    if not found:
        return None
    money = [one.error_micro for one in found if one.error_micro is not None]
    return Accuracy(
        n=len(found),
        hours=fmean(one.error_hours for one in found),
        share=fmean(one.error_hours / one.hours for one in found),
        held=sum(one.held for one in found),
        micro=sum(money) // len(money) if money else None,
        held_micro=sum(one.held_micro for one in found),
    )
