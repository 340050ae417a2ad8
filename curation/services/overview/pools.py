"""One row per pool: progress, status with what to do, price, pace."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, IntegerField, Min, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from crowd.models import Answer, Assignment, Batch, Task
from crowd.money import money_text
from crowd.platforms.registry import platform
from curation.models import Pool, Project
from curation.models.stage import PoolQuerySet
from curation.services.overview.buckets import RATE_WINDOW, hours_left, per_hour

DOING = {"photo": "Collecting", "link": "Collecting", "choice": "Checking", "boxes": "Boxing"}
STANDING = {
    Pool.State.DRAFT: ("Not opened yet", ""),
    Pool.State.OPENING: ("Opening", "info"),
    Pool.State.PAUSED: ("Paused", "warn"),
    Pool.State.DONE: ("Done", "ok"),
}
QUIET = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A pool with its numbers. `target` is what is wanted, or the answers its present tasks ask for."""

    pool: Pool
    interface: str
    page_size: int
    real_per_page: int
    target: int
    accepted: int
    in_check: int
    per_hour: float | None
    status: str
    tone: str

    @property
    def left(self) -> int:
        return max(0, self.target - self.accepted)

    @property
    def hours_left(self) -> float | None:
        return hours_left(self.left, self.per_hour) if self.pool.state == Pool.State.OPEN and self.target else None

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
        low, high = money_text(min(self.prices)), money_text(max(self.prices))
        if max(self.prices) == 0:
            return "unpaid"
        return low if low == high else f"{low}–{high.lstrip('$')}"


def pool_rows(*, project: Project, now: datetime, only: Iterable[int] | None = None) -> list[PoolRow]:
    """Return the project's pools in the order of the recipe: two queries whatever their number."""
    pools = with_tasks(Pool.objects.filter(project=project)).select_related("stage", "account", "label_class")
    if only is not None:
        pools = pools.filter(pk__in=list(only))
    done = _answers(project, now)
    return [_row(pool, done.get(pool.pk, {}), now) for pool in pools]


def with_tasks(pools: PoolQuerySet) -> PoolQuerySet:
    """Annotate what the pool's batch is like and how many answers its tasks ask for."""
    batch = Batch.objects.filter(pool_id=OuterRef("pk")).order_by("id")
    asked = (
        Task.objects.filter(batch__pool_id=OuterRef("pk"), overlap__isnull=False, cancelled=False)
        .order_by()
        .values("batch__pool_id")
        .annotate(n=Sum("overlap"))
        .values("n")
    )
    return pools.annotate(
        interface=Subquery(batch.values("interface")[:1]),
        page_size=Subquery(batch.values("page_size")[:1]),
        control_per_page=Subquery(batch.values("control_per_page")[:1]),
        asked=Coalesce(Subquery(asked, output_field=IntegerField()), 0),
    )


def _answers(project: Project, now: datetime) -> dict[int, dict[str, Any]]:
    """Count the answers that are no control tasks, by pool."""
    accepted = Q(assignment__state=Assignment.State.ACCEPTED)
    rows = (
        Answer.objects.filter(assignment__project_id=project.pk, task__overlap__isnull=False)
        .order_by()
        .values("assignment__batch__pool_id")
        .annotate(
            accepted=Count("id", filter=accepted),
            in_check=Count("id", filter=Q(assignment__state=Assignment.State.SUBMITTED)),
            recent=Count("id", filter=accepted & Q(assignment__judged_at__gte=now - RATE_WINDOW)),
            first=Min("assignment__judged_at", filter=accepted),
        )
    )
    return {row["assignment__batch__pool_id"]: dict(row) for row in rows}


def _row(pool: Any, done: dict[str, Any], now: datetime) -> PoolRow:
    accepted, in_check = done.get("accepted", 0), done.get("in_check", 0)
    rate = per_hour(done.get("recent", 0), done.get("first"), now)
    target = pool.wanted or pool.asked
    status, tone = _status(pool, target - accepted, in_check, rate, now)
    page_size = pool.page_size or 1
    return PoolRow(
        pool=pool,
        interface=pool.interface or "",
        page_size=page_size,
        real_per_page=max(1, page_size - (pool.control_per_page or 0)),
        target=target,
        accepted=accepted,
        in_check=in_check,
        per_hour=rate,
        status=status,
        tone=tone,
    )


def _status(pool: Any, left: int, in_check: int, rate: float | None, now: datetime) -> tuple[str, str]:
    """Say what a pool does, or what to do about it."""
    if pool.state == Pool.State.PAUSED and pool.note:
        return f"Paused: {pool.note}", "warn"
    if pool.state in STANDING:
        return STANDING[pool.state]
    if pool.kind != Pool.Kind.MAIN:
        return "Open to newcomers", "info"
    if left <= 0:
        return ("Waiting for assets", "") if pool.wanted == 0 else ("Closing", "ok")
    if rate is None and not in_check and pool.started_at and now - pool.started_at > QUIET:
        return "Slow: raise the price", "warn"
    return DOING.get(pool.interface or "", "Working"), "info"
