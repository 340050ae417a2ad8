"""Whose money it is, and the one way in which it moves."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Greatest

from crowd.errors import BudgetExceeded, CrowdError
from crowd.models import Batch, Budget, LedgerEntry, Reservation

Scope = Budget.Scope


@dataclass(frozen=True, slots=True)
class Purse:
    """Whose money: the budgets of the project, of the stage and of the pool, where there are any."""

    project_id: int
    stage_id: int | None = None
    pool_id: int | None = None
    currency: str = "USD"

    @classmethod
    def of(cls, batch: Batch) -> "Purse":
        return cls(batch.project_id, batch.stage_id, batch.pool_id, batch.account.currency)

    @classmethod
    def holding(cls, hold: Reservation) -> "Purse":
        return cls(hold.project_id, hold.stage_id, hold.pool_id, hold.currency)

    @property
    def of_project(self) -> "Purse":
        return replace(self, stage_id=None, pool_id=None)

    @property
    def whole(self) -> QuerySet[Budget]:
        """Return the project's own budget, which every movement touches first."""
        return self.budgets.filter(scope=Scope.PROJECT)

    @property
    def budgets(self) -> QuerySet[Budget]:
        return Budget.objects.filter(project_id=self.project_id, currency=self.currency)

    def is_part_of(self, scope: str, scope_id: int) -> bool:
        """Whether the budget of a stage or pool pays for this."""
        return scope_id == (self.stage_id if scope == Scope.STAGE else self.pool_id)


def lock(*, purse: Purse) -> None:
    """Take the row lock of the project's budget, in the caller's transaction, before anything else is locked.

    It orders everything that happens to the project's money: holds are locked after it, and the budgets of stages
    and pools come and go only under it.
    """
    list(purse.whole.select_for_update().values_list("pk", flat=True))


def lock_all(purses: Iterable[Purse]) -> None:
    """Take the locks of the budgets of several projects and currencies, always in the same order."""
    for purse in sorted({one.of_project for one in purses}, key=lambda one: (one.project_id, one.currency)):
        lock(purse=purse)


def lock_of_page(*, assignment_id: int) -> None:
    """Take the lock of the budget that pays a page, before the page itself is locked."""
    batch = Batch.objects.select_related("account").filter(assignments=assignment_id).first()
    if batch is not None:
        lock(purse=Purse.of(batch))


def lock_project(*, project_id: int) -> None:
    """Take the locks of the project's budgets in all currencies, always in the same order."""
    whole = Budget.objects.filter(project_id=project_id, scope=Scope.PROJECT).order_by("currency", "pk")
    list(whole.select_for_update().values_list("pk", flat=True))


@transaction.atomic
def settled(*, project_id: int) -> int | None:
    """Return the project's newest entry, after which none with a smaller id will come; None = one is just being made.

    Entries are written under the lock of their budget: while nobody holds one, every entry so far can be seen.
    """
    budgets = Budget.objects.filter(project_id=project_id, scope=Scope.PROJECT)
    free = budgets.select_for_update(skip_locked=True).order_by("currency", "pk").values_list("pk", flat=True)
    if len(free) < budgets.count():
        return None
    return LedgerEntry.objects.filter(project_id=project_id).order_by("-id").values_list("pk", flat=True).first()


def move(purse: Purse, *, reserved: int = 0, spent: int = 0, forced: bool = False) -> None:
    """Change every budget of the purse by one conditional UPDATE each, all or none. Raises BudgetExceeded.

    `forced` = the money is gone whatever the budgets say: what is missing becomes overdrawn.
    """
    move_all({purse: Change(reserved, spent)}, forced=forced)


@dataclass(frozen=True, slots=True)
class Change:
    """By how much what is held and what is spent change."""

    reserved: int = 0
    spent: int = 0


def move_all(changes: Mapping[Purse, Change], *, forced: bool = False) -> None:
    """Change the budgets of several purses as `move` does, each budget once."""
    for whole in {purse.of_project: None for purse in changes}:
        mine = {purse: one for purse, one in changes.items() if purse.of_project == whole}
        _move_in_project(whole, mine, forced=forced)


def _move_in_project(project: Purse, changes: Mapping[Purse, Change], *, forced: bool) -> None:
    _change(project.whole, project, changes.values(), forced=forced)
    # Read only now: until the project's row is ours, somebody may be giving a stage or a pool a budget.
    stages = Q(scope=Scope.STAGE, scope_id__in={purse.stage_id or 0 for purse in changes})
    pools = Q(scope=Scope.POOL, scope_id__in={purse.pool_id or 0 for purse in changes})
    parts = project.budgets.filter(stages | pools).order_by("-scope", "pk")  # most projects have none
    for pk, scope, scope_id in list(parts.values_list("pk", "scope", "scope_id")):
        mine = [one for purse, one in changes.items() if purse.is_part_of(scope, scope_id)]
        _change(parts.filter(pk=pk), project, mine, forced=forced)


def _change(budget: QuerySet[Budget], purse: Purse, changes: Collection[Change], *, forced: bool) -> None:
    reserved, spent = sum(one.reserved for one in changes), sum(one.spent for one in changes)
    used = F("reserved_micro") + F("spent_micro") + Value(reserved + spent)
    fits = budget if forced or reserved + spent <= 0 else budget.filter(limit_micro__gte=used)
    changed = fits.update(
        reserved_micro=F("reserved_micro") + reserved,
        spent_micro=F("spent_micro") + spent,
        overdrawn_micro=Greatest(Value(0), used - F("limit_micro")),
    )
    if not changed:
        _refuse(budget, purse, reserved + spent)


def _refuse(budget: QuerySet[Budget], purse: Purse, needed: int) -> None:
    row = budget.first()
    if row is None:
        raise CrowdError(f"The project has no budget in {purse.currency}. Give it one first.")
    raise BudgetExceeded(needed, row.free_micro, scope=row.scope, currency=row.currency)


@dataclass(frozen=True, slots=True)
class Way:
    """A kind of movement, from which book to which."""

    kind: str
    source: str
    target: str


def entry(purse: Purse, way: Way, ref: str, amount_micro: int) -> LedgerEntry:
    """Make one ledger row; the unique (kind, ref) refuses a second one."""
    return LedgerEntry(
        kind=way.kind,
        ref=ref,
        source=way.source,
        target=way.target,
        amount_micro=amount_micro,
        currency=purse.currency,
        project_id=purse.project_id,
        stage_id=purse.stage_id,
        pool_id=purse.pool_id,
    )
