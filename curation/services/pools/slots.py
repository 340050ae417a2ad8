"""The open places of a collecting pool follow its target: a few thousand at once, the rest by a job."""

from datetime import datetime
from typing import Final

from django.db import transaction

from crowd.errors import BudgetExceeded
from crowd.models import Batch, Task
from crowd.services import publishing, tasks
from crowd.services.answers import COLLECTS
from curation.models import Job, Pool
from curation.services import jobs
from curation.services.jobs import Again
from curation.services.pools.batches import locked

KIND: Final = "fit_slots"
A_PORTION = 5_000
ALL: Final = 10**9
SECONDS_TO_MONEY: Final = 300.0


def fit_slots(*, pool: Pool) -> None:
    """Bring the number of open places to the target, all of them now where somebody moves the project by hand.

    Where a platform has money held for its places, that for all of them must be free now. Raises BudgetExceeded.
    """
    if jobs.is_moved_by_hand() or pool.project.is_rehearsal:
        _fit(pool, ALL)
    elif _fit(pool, A_PORTION) == A_PORTION:
        for batch in _published(pool):
            publishing.require_hold(batch=batch, more_answers=max(0, pool.wanted - _places(pool)))
        jobs.wake(kind=KIND, key=str(pool.pk), project_id=pool.project_id)


def run_fit(job: Job, _now: datetime) -> Again | None:
    """Job: one portion of a pool's places, and what is held for them; without the money it waits and says so."""
    pool_id, said = int(job.key), job.cursor.get("said", "")
    try:
        with transaction.atomic():
            pool = locked(pool_id)
            changed = _fit(pool, A_PORTION)
            for batch in _published(pool):
                publishing.fit_hold(batch=batch)
    except BudgetExceeded as refusal:
        said = f"Not all places are there: {refusal}"[:200]
        Pool.objects.filter(pk=pool_id, note="").update(note=said)
        return Again(after=SECONDS_TO_MONEY, cursor={"said": said})
    if said:
        Pool.objects.filter(pk=pool_id, note=said).update(note="")
    return Again() if changed == A_PORTION else None


def _published(pool: Pool) -> list[Batch]:
    there = Batch.objects.filter(pool_id=pool.pk, interface__in=COLLECTS, published_at__isnull=False)
    return list(there.select_related("account"))


def _places(pool: Pool) -> int:
    return Task.objects.filter(batch__pool_id=pool.pk, overlap__isnull=False, cancelled=False).count()


def _fit(pool: Pool, most: int) -> int:
    """Add places that are missing, or withdraw those nobody has taken; return how many."""
    return add_slots(pool=pool, most=most) or _withdraw(pool, most)


@transaction.atomic
def add_slots(*, pool: Pool, most: int = ALL) -> int:
    """A collecting pool has one task for every photo wanted; a raised target adds some. Returns how many."""
    batch = Batch.objects.filter(pool_id=pool.pk, interface__in=COLLECTS).first()
    if batch is None or pool.label_class is None:
        return 0
    slots = Task.objects.filter(batch__pool_id=pool.pk, overlap__isnull=False)  # arms of a price trial have some
    missing = min(most, max(0, pool.wanted - slots.filter(cancelled=False).count()))
    withdrawn = list(slots.filter(cancelled=True).order_by("id").values_list("id", flat=True)[:missing])
    slots.filter(pk__in=withdrawn).update(cancelled=False)
    tasks.mark_changed(withdrawn)
    label, made = pool.label_class, slots.count()
    payload = {"class": label.name, "prompt": label.prompt, "template_key": label.example_key}
    new = range(made, made + missing - len(withdrawn))
    rows = [Task(batch=batch, key=f"slot-{n}", project_id=pool.project_id, payload=payload, overlap=1) for n in new]
    tasks.add(batch=batch, tasks=rows)
    return missing


def _withdraw(pool: Pool, most: int) -> int:
    slots = Task.objects.filter(batch__pool_id=pool.pk, overlap__isnull=False, cancelled=False, item_id=None)
    surplus = min(most, max(0, slots.count() - pool.wanted))
    free = list(slots.filter(issued=0).order_by("-id").values_list("id", flat=True)[:surplus])
    Task.objects.filter(pk__in=free).update(cancelled=True)
    tasks.mark_changed(free)
    return len(free)
