"""One row per pool: progress, status with what to do, price, pace, when it will be done."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import QuerySet, Subquery, prefetch_related_objects

from crowd.models import Batch, LedgerEntry
from crowd.models.tally import Of
from crowd.money import money_text
from crowd.platforms.registry import platform
from crowd.services.tallies import Chart, Key
from curation.economics.time_left import is_never
from curation.models import Pool, Project
from curation.services.overview.buckets import Pace
from curation.services.overview.counted import ACCEPTED, SPENT, Counted
from curation.services.overview.counts import AssetCounts, counts_of
from curation.services.overview.eligible import Crowd, crowds_of
from curation.services.overview.eta import Eta, eta_of, with_said

CENT = 10_000
DOING = {"photo": "Collecting", "link": "Collecting", "choice": "Checking", "boxes": "Boxing", "outlines": "Outlining"}
STANDING = {
    Pool.State.DRAFT: ("Not opened yet", ""),
    Pool.State.OPENING: ("Opening", "info"),
    Pool.State.PAUSED: ("Paused", "warn"),
    Pool.State.DONE: ("Done", "ok"),
}
QUIET = timedelta(hours=1)
SLOW, NOBODY = "Slow: raise the price", "Nobody left: let more people in"
OPEN, RESUME, RAISE, LET_IN = "open", "resume", "raise", "let-in"


@dataclass(frozen=True)
class PoolRow:
    """A pool with its numbers. `target` is what is wanted, or the answers its present tasks ask for."""

    pool: Pool
    batches: Sequence[Batch]
    counts: Mapping[str, int]
    pace: Pace
    crowd: Crowd
    spent_micro: int
    now: datetime
    said: Eta | None = None

    @property
    def batch(self) -> Batch | None:
        return self.batches[0] if self.batches else None

    @property
    def interface(self) -> str:
        return self.batch.interface if self.batch else ""

    @property
    def page_size(self) -> int:
        return self.batch.page_size if self.batch else 1

    @property
    def real_per_page(self) -> int:
        return max(1, self.page_size - self.batch.control_per_page) if self.batch else 1

    @property
    def target(self) -> int:
        return self.pool.wanted or self.counts.get("tasks.asked", 0)

    @property
    def accepted(self) -> int:
        return self.counts.get("answers.accepted", 0)

    @property
    def is_practice(self) -> bool:
        """Whether it is training or an exam: whole pages are judged there, and no answer is a result."""
        return self.pool.kind != Pool.Kind.MAIN

    @property
    def done(self) -> int:
        """Return accepted results, or accepted pages of training and exams."""
        return self.counts.get("pages.accepted", 0) if self.is_practice else self.accepted

    @property
    def in_check(self) -> int:
        return self.counts.get("answers.submitted", 0)

    @property
    def left(self) -> int:
        return max(0, self.target - self.accepted)

    @property
    def per_hour(self) -> float | None:
        return self.pace.per_hour

    @property
    def is_working(self) -> bool:
        return self.pool.state == Pool.State.OPEN and self.target > 0

    @property
    def eta(self) -> Eta | None:
        return self.said if self.is_working and self.left else None

    @property
    def hours_left(self) -> float | None:
        return self.eta.p50 if self.eta else None

    @property
    def is_never(self) -> bool:
        """Whether the people who may work can never do what is still missing."""
        if not self.is_working or not self.left:
            return False
        return self.is_too_few or (not self.in_check and self.crowd.is_used_up)

    @property
    def is_too_few(self) -> bool:
        """Whether more is wanted than all who may work may do together."""
        return is_never(capacity=self.crowd.may_do, left=self.target)

    @property
    def acceptance(self) -> float | None:
        return self._share("pages.accepted", "pages.accepted", "pages.rejected")

    @property
    def expiry(self) -> float | None:
        """Return the share of the pages that ran out of time."""
        return self._share("pages.expired", "pages.sent", "pages.expired", "pages.skipped")

    @property
    def judged(self) -> int:
        return self.counts.get("pages.accepted", 0) + self.counts.get("pages.rejected", 0)

    @property
    def seconds_per_task(self) -> float | None:
        sent = self.counts.get("pages.sent", 0)
        return self.counts.get("pages.ms", 0) / 1000 / sent / self.page_size if sent else None

    @property
    def overlap(self) -> float | None:
        """Return how many answers a task has that has any."""
        begun = self.counts.get("tasks.begun", 0)
        return self.counts.get("tasks.done", 0) / begun if begun else None

    @property
    def planned_micro(self) -> int:
        """Return what all that is wanted costs at the usual price, with what the platform takes."""
        pages, pool = -(-self.target // max(1, self.real_per_page)), self.pool
        adapter = platform(pool.account.platform)
        return adapter.quote(pool.account, pages=pages, price_micro=pool.price_micro, overlap=pool.overlap)

    @property
    def prices(self) -> list[int]:
        """Return the prices of a page: one, or one for each step of a skill."""
        return [int(step[2]) for step in self.pool.price_table] or [self.pool.price_micro]

    @property
    def price(self) -> str:
        """Return '$0.03' or, when the price depends on a skill, '$0.03–0.04'."""
        cheap, dear, currency = min(self.prices), max(self.prices), self.pool.account.currency
        if dear == 0:
            return "unpaid"
        low, high = money_text(cheap, 2, currency), money_text(dear, 2, currency)
        return high if low == high else f"{low.removesuffix(f' {currency}')}–{high.lstrip('$')}"

    @property
    def better_price_micro(self) -> int:
        """Return a price of a page to try when the present one draws too few: a quarter more, at least a cent."""
        now = max(self.prices)
        return max(now + CENT, -(-now * 5 // 4 // CENT) * CENT)

    @cached_property
    def standing(self) -> tuple[str, str, str]:
        """Return what the pool does or what to do about it, its tone, and the kind of action that mends it."""
        pool = self.pool
        if pool.state == Pool.State.PAUSED:
            return (f"Paused: {pool.note}" if pool.note else "Paused"), "warn", RESUME
        if pool.state in STANDING:
            return *STANDING[Pool.State(pool.state)], OPEN if pool.state == Pool.State.DRAFT else ""
        if self.is_practice:
            return "Open to newcomers", "info", ""
        return self._at_work()

    def _at_work(self) -> tuple[str, str, str]:
        pool = self.pool
        if not self.left:
            return self._at_rest()
        if self.is_never:
            return NOBODY, "warn", LET_IN
        is_quiet = self.per_hour is None and not self.in_check
        if is_quiet and pool.started_at and self.now - pool.started_at > QUIET:
            return SLOW, "warn", RAISE if max(self.prices) else ""
        return DOING.get(self.interface, "Working"), "info", ""

    def _at_rest(self) -> tuple[str, str, str]:
        if self.pool.wanted:
            return "Closing", "ok", ""
        return ("Done so far", "ok", "") if self.target else ("Waiting for assets", "", "")

    @property
    def status(self) -> str:
        return self.standing[0]

    @property
    def tone(self) -> str:
        return self.standing[1]

    @property
    def action(self) -> str:
        return self.standing[2]

    def _share(self, part: str, *whole: str) -> float | None:
        n = sum(self.counts.get(word, 0) for word in whole)
        return self.counts.get(part, 0) / n if n else None


def pool_rows(*, project: Project, now: datetime) -> tuple[list[PoolRow], AssetCounts]:
    """Return the project's pools in the order of the recipe: five queries at most, whatever their number.

    Where its assets stand, which every page shows as well, is read along with them.
    """
    asked = Asked.of(pools_of(project))
    counted = asked.count(now=now, stages=[stage.pk for stage in project.stages.all()])
    return asked.rows(counted), counts_of(counted.totals)


def pools_of(project: Project, only: Iterable[int] | None = None) -> list[Pool]:
    """Return the project's pools in the order of the recipe, with what was said of them last.

    Those of a rehearsal bring along when money moved last, which is the time on its own clock.
    """
    pools = with_said(Pool.objects.filter(project=project).select_related("account", "label_class"))
    if project.is_rehearsal:
        moved = LedgerEntry.objects.filter(project_id=project.pk).order_by("-id").values("created_at")
        pools = pools.annotate(clock=Subquery(moved[:1]))
    return sharing(pools if only is None else pools.filter(pk__in=list(only)), [project])


def sharing(pools: QuerySet[Pool], projects: Iterable[Project]) -> list[Pool]:
    """Read pools of these projects. Projects and stages are one object for all: copies would take longest."""
    found, by_id = list(pools), {one.pk: one for one in projects}
    prefetch_related_objects(list(by_id.values()), "stages")
    stages = {stage.pk: stage for one in by_id.values() for stage in one.stages.all()}
    for pool in found:
        pool.project, pool.stage = by_id[pool.project_id], stages[pool.stage_id]
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """Pools whose rows are wanted, of whatever projects, with their batches.

    Batches come without what people are shown and who may work, unless they are `whole`.
    """

    pools: Sequence[Pool]
    batches: Mapping[int, Sequence[Batch]]

    @classmethod
    def of(cls, pools: Sequence[Pool], *, whole: bool = False) -> "Asked":
        found: dict[int, list[Batch]] = {}
        rows = Batch.objects.filter(pool_id__in=[pool.pk for pool in pools]).order_by("id")
        brief = rows.defer("spec", "audience", "remote")
        for batch in rows.select_related("account", "needs_skill", "grants_skill") if whole else brief:
            found.setdefault(batch.pool_id, []).append(batch)
        return cls(pools, found)

    @property
    def all_batches(self) -> list[Batch]:
        return [batch for mine in self.batches.values() for batch in mine]

    def count(
        self,
        *,
        now: datetime,
        project: Key | None = None,
        stages: Iterable[int] = (),
        charts: Sequence[Chart] = (),
    ) -> Counted:
        """Read the counts of the pools, and of what else the screen shows."""
        pools, batches = [one.pk for one in self.pools], [batch.pk for batch in self.all_batches]
        return Counted.read(now=now, project=project, stages=stages, pools=pools, batches=batches, charts=charts)

    def rows(self, counted: Counted) -> list[PoolRow]:
        batches = self.all_batches
        crowds = crowds_of(batches, {batch.pk: counted.of(Of.BATCH, batch.pk) for batch in batches})
        return [self._row(pool, counted, crowds) for pool in self.pools]

    def _row(self, pool: Pool, counted: Counted, crowds: Mapping[int, Crowd]) -> PoolRow:
        batches = self.batches.get(pool.pk, [])
        counts: Counter[str] = Counter()
        for batch in batches:
            counts.update(counted.of(Of.BATCH, batch.pk))
        return PoolRow(
            pool=pool,
            batches=batches,
            counts=counts,
            pace=counted.pace(*(Key(Of.BATCH, batch.pk, ACCEPTED) for batch in batches), since=pool.started_at),
            crowd=crowds[batches[0].pk] if batches else Crowd(),
            spent_micro=counted.of(Of.POOL, pool.pk).get(f"{SPENT}{pool.account.currency}", 0),
            now=counted.now,
            said=eta_of(pool, now=counted.now),
        )
