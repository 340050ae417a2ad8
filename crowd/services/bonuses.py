"""Bonuses: money for a worker on top of the price. Held when planned, paid through the outbox, booked when paid."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from crowd.errors import CrowdError, NotSupported
from crowd.models import Assignment, Bonus
from crowd.money import exact_text
from crowd.platforms.registry import platform
from crowd.services import ledger, outbox
from crowd.services.ledger import Purse

MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """A bonus for the worker of this page. `key` says what it is for: the same key is the same bonus."""

    page: Assignment
    amount_micro: int
    key: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    bonuses: tuple[Bonus, ...]
    new: int


@transaction.atomic
def plan(*, wish: Wish, by_id: int | None) -> tuple[Bonus, bool]:
    """Hold the amount with the platform's fee and leave the payment to the outbox. Returns the bonus and whether new.

    Raises BudgetExceeded; a key that was used for another amount is refused.
    """
    page, key = wish.page, wish.key.strip()
    _check(wish, key)
    fee = platform(page.account.platform).fee(page.account, price_micro=wish.amount_micro, overlap=1)
    bonus, made = Bonus.objects.get_or_create(
        account=page.account,
        worker=page.worker,
        key=key,
        defaults={
            "project_id": page.project_id,
            "stage_id": page.batch.stage_id,
            "pool_id": page.batch.pool_id,
            "assignment_id": page.pk,
            "amount_micro": wish.amount_micro,
            "fee_micro": fee,
            "message": wish.message.strip()[:500],
            "created_by_id": by_id,
        },
    )
    if made:
        _hold(bonus, Purse.of(page.batch))
        _send(bonus)
    elif bonus.amount_micro != wish.amount_micro or bonus.project_id != page.project_id:
        there = exact_text(bonus.amount_micro, page.account.currency)
        raise CrowdError(f"{page.worker.short_id} has a bonus “{key}” of {there} already. Say another reason.")
    return bonus, made


def _check(wish: Wish, key: str) -> None:
    account = wish.page.account
    if wish.amount_micro <= 0:
        raise CrowdError(f"A bonus must be above zero, not {exact_text(wish.amount_micro, account.currency)}.")
    if not key or len(key) > 80:
        raise CrowdError("A bonus needs a reason of at most 80 characters: it keeps it from being paid twice.")
    if not platform(account.platform).capabilities.bonuses:
        raise NotSupported(f"{account.label} pays no bonuses.")


@transaction.atomic
def plan_many(*, wishes: Iterable[Wish], by_id: int | None) -> Planned:
    """Plan all of them or none."""
    asked = list(wishes)
    if len(asked) > MOST_AT_ONCE:
        raise CrowdError(f"At most {MOST_AT_ONCE:,} bonuses at once, not {len(asked):,}.")
    made = [plan(wish=wish, by_id=by_id) for wish in asked]
    return Planned(tuple(bonus for bonus, _ in made), sum(new for _, new in made))


@transaction.atomic
def plan_again(*, bonus_id: int) -> Bonus:
    """Try a refused bonus once more, after what the platform complained about is mended."""
    bonus = Bonus.objects.select_for_update(of=("self",)).select_related("account").get(pk=bonus_id)
    if bonus.state == Bonus.State.PLANNED:
        return bonus
    bonus.move_to(Bonus.State.PLANNED)
    bonus.note = ""
    bonus.save(update_fields=["state", "note"])
    _hold(bonus, Purse(bonus.project_id, bonus.stage_id, bonus.pool_id, bonus.account.currency))
    _send(bonus)
    outbox.plan_again(lane=_lane(bonus))
    return bonus


def _hold(bonus: Bonus, purse: Purse) -> None:
    ledger.resize(purse=purse, ref=f"bonus:{bonus.pk}", amount_micro=bonus.amount_micro + bonus.fee_micro)


def _send(bonus: Bonus) -> None:
    outbox.enqueue(
        kind="pay_bonus",
        key=f"bonus-{bonus.pk}",
        account=bonus.account,
        lane=_lane(bonus),
        payload={"bonus_id": bonus.pk},
    )


def _lane(bonus: Bonus) -> str:
    return f"bonus:{bonus.pk}"


def last_page(*, project_id: int, worker_id: int, pool_id: int | None = None) -> Assignment | None:
    """Return the page a bonus is paid for: the last one handed in, an accepted one rather than another."""
    pages = Assignment.objects.filter(project_id=project_id, worker_id=worker_id, submitted_at__isnull=False)
    if pool_id is not None:
        pages = pages.filter(batch__pool_id=pool_id)
    related = pages.select_related("batch__account", "account", "worker").order_by("-id")
    return related.filter(state=Assignment.State.ACCEPTED).first() or related.first()
