"""Target, price, priority and the most of one person change at any time."""

from datetime import datetime

from django.db import transaction

from crowd.errors import CrowdError
from crowd.models import Batch
from crowd.money import money_text
from curation.models import Pool, User
from curation.services import events, versions
from curation.services.pools.batches import locked, tell_of_changes
from curation.services.pools.looking import accepted_count, require_no_trial
from curation.services.pools.slots import fit_slots

MOST_WANTED = 1_000_000  # results of one class


@transaction.atomic
def change_pool(
    *,
    pool_id: int,
    by: User | None,
    now: datetime,
    wanted: int | None = None,
    price_micro: int | None = None,
    priority: int | None = None,
    per_worker: int | None = None,
) -> Pool:
    """Change target, price, priority or the most of one person at any time; pages already issued keep their price."""
    pool = locked(pool_id)
    changes = []
    if wanted is not None and wanted != pool.wanted:
        _check_wanted(pool, wanted)
        pool.wanted = wanted
        fit_slots(pool=pool)
        changes.append(f"target {wanted:,}")
    if price_micro is not None and price_micro != pool.price_micro:
        said = money_text(price_micro, currency=pool.account.currency)
        require_no_trial(pool)
        if price_micro < 0:
            raise CrowdError(f"A price cannot be negative: {said}.")
        pool.price_micro, pool.price_table = price_micro, []
        Batch.objects.filter(pool_id=pool.pk).update(price_micro=price_micro, price_table=[])
        changes.append(f"price {said} a page")
    if priority is not None and priority != pool.priority:
        if not 0 <= priority <= 100:
            raise CrowdError(f"Priority {priority} is outside of 0 to 100.")
        pool.priority = priority
        Batch.objects.filter(pool_id=pool.pk).update(priority=priority)
        changes.append(f"priority {priority}")
    if per_worker is not None:
        changes += _set_cap(pool, per_worker)
    if changes:
        pool.save(update_fields=["wanted", "price_micro", "price_table", "priority"])
        tell_of_changes(pool)
        text = f"{pool.title}: {', '.join(changes)}."
        events.record(kind="pool.changed", text=text, project=pool.project, subject=pool, by=by, now=now)
        versions.bump(project_id=pool.project_id)
    return pool


def _set_cap(pool: Pool, per_worker: int) -> list[str]:
    """Let one person do so many tasks at most; 0 = as many as there are."""
    if not 0 <= per_worker <= MOST_WANTED:
        raise CrowdError(f"One person may do from 1 to {MOST_WANTED:,} tasks, or 0 for no limit, not {per_worker:,}.")
    changed = Batch.objects.filter(pool_id=pool.pk).exclude(per_worker=per_worker).update(per_worker=per_worker)
    return [f"at most {per_worker:,} of one person" if per_worker else "no limit for one person"] if changed else []


def _check_wanted(pool: Pool, wanted: int) -> None:
    if wanted < 1:
        raise CrowdError(f"The target must be at least 1, not {wanted}.")
    if wanted > MOST_WANTED:
        raise CrowdError(f"The target can be {MOST_WANTED:,} at most, not {wanted:,}.")
    accepted = accepted_count(pool_id=pool.pk)
    if wanted < accepted:
        raise CrowdError(f"{accepted:,} are accepted already; the target cannot be {wanted:,}.")
