"""What a project, its stages and its pools may spend: setting it, warning of it, and stopping where it ends."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from crowd.errors import CrowdError
from crowd.models import Budget
from crowd.money import exact_text
from crowd.platforms.registry import platform
from crowd.services import ledger
from crowd.services.ledger import Purse
from curation.models import Pool, Project, Stage, User
from curation.services import events, versions

Scope = Budget.Scope
ORDER: Sequence[str] = (Scope.PROJECT, Scope.STAGE, Scope.POOL)


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """A budget with the name of what it is for."""

    budget: Budget
    name: str

    @property
    def used_micro(self) -> int:
        return self.budget.reserved_micro + self.budget.spent_micro

    @property
    def percent(self) -> int:
        """Return how much of the limit is spent or held, rounded down; more than 100 when it is overdrawn."""
        if self.budget.limit_micro == 0:
            return 100 if self.used_micro else 0
        return 100 * self.used_micro // self.budget.limit_micro

    @property
    def tone(self) -> str:
        if self.budget.overdrawn_micro or (self.used_micro and self.budget.free_micro == 0):
            return "bad"
        return "warn" if self.is_low else ""

    @property
    def is_low(self) -> bool:
        """Whether so much is used that a warning is due."""
        warns = self.budget.warn_percent > 0 and self.used_micro > 0
        return warns and 100 * self.used_micro >= self.budget.warn_percent * self.budget.limit_micro

    @property
    def sentence(self) -> str:
        budget = self.budget
        limit = exact_text(budget.limit_micro, budget.currency)
        if budget.overdrawn_micro:
            over = exact_text(budget.overdrawn_micro, budget.currency)
            return f"{self.name}: a platform took {over} more than the budget of {limit}."
        if budget.free_micro == 0 and self.used_micro:
            return f"{self.name}: the budget of {limit} is used up. Nothing new is started until it is raised."
        return f"{self.name}: {self.percent} % of the budget of {limit} is spent or held."


def budget_rows(*, project: Project) -> list[BudgetRow]:
    """Return all budgets of the project, the wide ones first: three queries at most, whatever their number."""
    found = list(Budget.objects.filter(project_id=project.pk))
    scopes = {one.scope for one in found}
    names: dict[str, dict[int, str]] = {Scope.PROJECT: {project.pk: "Whole project"}}
    for scope, model in ((Scope.STAGE, Stage), (Scope.POOL, Pool)):
        if scope in scopes:
            names[scope] = dict(model.objects.filter(project=project).values_list("pk", "title"))
    rows = [BudgetRow(one, _name(one, names[one.scope].get(one.scope_id, "?"))) for one in found]
    return sorted(rows, key=lambda row: (row.budget.currency != "USD", ORDER.index(row.budget.scope), row.budget.pk))


def _name(budget: Budget, title: str) -> str:
    return title if budget.scope == Scope.PROJECT else f"{budget.get_scope_display()} {title}"


@transaction.atomic
def set_budget(
    *,
    project: Project,
    scope: str,
    scope_id: int,
    limit_micro: int,
    by: User | None,
    now: datetime,
    currency: str = "USD",
    warn_percent: int = 80,
) -> Budget:
    """Give a project, stage or pool a budget in a currency, or change the one it has; never under what is used."""
    name = _named(project, scope, scope_id)
    if not 0 <= warn_percent <= 100:
        raise CrowdError(f"The warning must be at 0 to 100 percent, not {warn_percent}.")
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        raise CrowdError(f"{currency!r} is no currency: it has three capital letters, such as USD.")
    if limit_micro < 0:
        raise CrowdError("A budget cannot be negative.")
    ledger.lock(purse=Purse(project.pk, currency=currency))
    there = Budget.objects.filter(project_id=project.pk, scope=scope, scope_id=scope_id, currency=currency).exists()
    put = ledger.raise_budget if there else ledger.create_budget
    budget = put(project_id=project.pk, scope=scope, scope_id=scope_id, currency=currency, limit_micro=limit_micro)
    budget.warn_percent = warn_percent
    budget.save(update_fields=["warn_percent"])
    text = f"The budget of {name} is now {exact_text(limit_micro, currency)}."
    events.record(kind="budget.changed", text=text, project=project, by=by, now=now)
    versions.bump(project_id=project.pk)
    return budget


@transaction.atomic
def remove_budget(
    *, project: Project, scope: str, scope_id: int, by: User | None, now: datetime, currency: str = "USD"
) -> None:
    """Take the budget of a stage or pool away; the wider ones still hold."""
    name = _named(project, scope, scope_id)
    if not ledger.remove_budget(project_id=project.pk, scope=scope, scope_id=scope_id, currency=currency):
        return
    text = f"{name[0].upper()}{name[1:]} has no budget of its own any more."
    events.record(kind="budget.changed", text=text, project=project, by=by, now=now)
    versions.bump(project_id=project.pk)


def _named(project: Project, scope: str, scope_id: int) -> str:
    """Return what the budget is for, in words; CrowdError when the project has no such thing."""
    if scope == Scope.PROJECT and scope_id == project.pk:
        return "the project"
    title = None
    if scope == Scope.STAGE:
        title = Stage.objects.filter(project=project, pk=scope_id).values_list("title", flat=True).first()
    elif scope == Scope.POOL:
        title = Pool.objects.filter(project=project, pk=scope_id).values_list("title", flat=True).first()
    if title is None:
        raise CrowdError(f"This project has no {scope} {scope_id}: choose the project, a stage or a pool of it.")
    return f"{scope} {title}"


def warn_due(*, now: datetime) -> int:
    """Say once, as an event, of each budget that it comes to its end. A changed limit is warned of anew."""
    used = F("reserved_micro") + F("spent_micro")
    low = Budget.objects.alias(used=used, percent_used=used * 100).filter(
        warned_at__isnull=True, warn_percent__gt=0, used__gt=0, percent_used__gte=F("limit_micro") * F("warn_percent")
    )
    live = Project.objects.filter(is_rehearsal=False, archived_at__isnull=True)
    projects = live.in_bulk(set(low.values_list("project_id", flat=True)))
    return sum(_warn(project, now) for _, project in sorted(projects.items()))


@transaction.atomic
def _warn(project: Project, now: datetime) -> int:
    warned = 0
    for row in budget_rows(project=project):
        fresh = Budget.objects.filter(pk=row.budget.pk, warned_at__isnull=True)
        if row.is_low and fresh.update(warned_at=now):
            data = {"scope": row.budget.scope, "scope_id": row.budget.scope_id, "percent": row.percent}
            events.record(kind="budget.warning", text=row.sentence, project=project, data=data, now=now)
            warned += 1
    if warned:
        versions.bump(project_id=project.pk)
    return warned


def stops(*, pools: Iterable[Pool]) -> list[tuple[Pool, str]]:
    """Return the pools whose next page cannot be paid, each with the sentence that says which budget is used up.

    A budget that still holds money for work in hand may get some back, so its pools go on waiting.
    """
    asked = [pool for pool in pools if pool.price_micro > 0]
    found = Budget.objects.filter(project_id__in={pool.project_id for pool in asked})
    budgets = {(one.scope, one.scope_id, one.currency): one for one in found}
    stopped = []
    for pool in asked:
        places = ((Scope.PROJECT, pool.project_id), (Scope.STAGE, pool.stage_id), (Scope.POOL, pool.pk))
        mine = [budgets.get((scope, scope_id, pool.account.currency)) for scope, scope_id in places]
        empty = next((one for one in mine if one and one.free_micro < _cost(pool) and not one.reserved_micro), None)
        if empty is not None:
            stopped.append((pool, f"The {empty.scope}'s budget is used up. Raise it to go on."))
    return stopped


def _cost(pool: Pool) -> int:
    """Return what a page costs with the platform's fee, micro-units."""
    fee = platform(pool.account.platform).fee(pool.account, price_micro=pool.price_micro, overlap=pool.overlap)
    return pool.price_micro + fee
