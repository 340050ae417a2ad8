"""Setting what may be spent, by the project, one of its stages or one of its pools; and the sums."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Q, Sum

from crowd.errors import CrowdError
from crowd.models import Budget, LedgerEntry, Reservation
from crowd.money import exact_text
from crowd.services.ledger.purse import Purse, lock

Scope = Budget.Scope
COLUMNS: Mapping[str, str] = {Scope.PROJECT: "project_id", Scope.STAGE: "stage_id", Scope.POOL: "pool_id"}


@dataclass(frozen=True, slots=True)
class Totals:
    """Micro-units of one project and currency. `paid` is summed from ledger rows and must equal `spent`."""

    limit_micro: int
    reserved_micro: int
    spent_micro: int
    paid_micro: int
    overdrawn_micro: int = 0

    @property
    def free_micro(self) -> int:
        return self.limit_micro + self.overdrawn_micro - self.reserved_micro - self.spent_micro


@transaction.atomic
def create_budget(
    *,
    project_id: int,
    limit_micro: int,
    currency: str = "USD",
    scope: str = Scope.PROJECT,
    scope_id: int | None = None,
) -> Budget:
    """Give a project, stage or pool a budget. What is held and spent there already counts."""
    if limit_micro < 0:
        raise CrowdError("A budget cannot be negative.")
    purse, scope_id = Purse(project_id, currency=currency), project_id if scope_id is None else scope_id
    lock(purse=purse)
    if scope != Scope.PROJECT and not purse.whole.exists():
        raise CrowdError(f"The project has no budget in {currency}. Give it one first.")
    there = {"project_id": project_id, "currency": currency, COLUMNS[scope]: scope_id}
    held, spent = _held(there), _spent(there)
    if held + spent > limit_micro:
        raise _too_low(held + spent, currency)
    return Budget.objects.create(
        project_id=project_id,
        scope=scope,
        scope_id=scope_id,
        currency=currency,
        limit_micro=limit_micro,
        reserved_micro=held,
        spent_micro=spent,
    )


def _held(there: Mapping[str, Any]) -> int:
    held = Reservation.objects.filter(state=Reservation.State.HELD, **there)
    return held.aggregate(n=Sum("amount_micro"))["n"] or 0


def _spent(there: Mapping[str, Any]) -> int:
    return LedgerEntry.objects.spent().filter(**there).aggregate(n=Sum("spent_micro"))["n"] or 0


def _too_low(used: int, currency: str) -> CrowdError:
    return CrowdError(f"The limit cannot be under the {exact_text(used, currency)} that are spent or held already.")


@transaction.atomic
def raise_budget(
    *,
    project_id: int,
    limit_micro: int,
    currency: str = "USD",
    scope: str = Scope.PROJECT,
    scope_id: int | None = None,
) -> Budget:
    """Set a new limit; never under what is already spent or held. It will be warned of anew."""
    where = {"scope": scope, "scope_id": project_id if scope_id is None else scope_id, "currency": currency}
    rows = Budget.objects.filter(project_id=project_id, **where)
    changed = rows.filter(reserved_micro__lte=limit_micro - F("spent_micro")).update(
        limit_micro=limit_micro, overdrawn_micro=0, warned_at=None
    )
    budget = rows.get()
    if not changed:
        raise _too_low(budget.reserved_micro + budget.spent_micro, currency)
    return budget


@transaction.atomic
def remove_budget(*, project_id: int, scope: str, scope_id: int, currency: str = "USD") -> bool:
    """Take away the budget of a stage or pool: only the wider ones hold it then. False = there was none."""
    if scope == Scope.PROJECT:
        raise CrowdError("A project's budget cannot be removed; lower its limit instead.")
    lock(purse=Purse(project_id, currency=currency))
    rows = Budget.objects.filter(project_id=project_id, scope=scope, scope_id=scope_id, currency=currency)
    return bool(rows.delete()[0])


def totals(*, project_id: int, currency: str = "USD") -> Totals:
    budget = Budget.objects.get(Q(scope=Scope.PROJECT), scope_id=project_id, currency=currency)
    paid = _spent({"project_id": project_id, "currency": currency})
    return Totals(budget.limit_micro, budget.reserved_micro, budget.spent_micro, paid, budget.overdrawn_micro)
