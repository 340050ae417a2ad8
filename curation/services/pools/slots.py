"""The open places of a collecting pool follow its target: a few thousand at once, the rest by a job."""

from datetime import datetime
from typing import Final

from django.db import transaction

from crowd.models import Batch, Task
from crowd.platforms.registry import elsewhere
from crowd.services import tasks
from crowd.services.answers import COLLECTS
from curation.models import Job, Pool
from curation.services import jobs
from curation.services.jobs import Again
from curation.services.pools.batches import locked

KIND: Final = "fit_slots"
A_PORTION = 5_000
ALL: Final = 10**9


def fit_slots(*, pool: Pool) -> None:
    """Bring the number of open places to the target.

    All of them now where somebody moves the project by hand, and where the money for all is held when they are there.
    """
    if jobs.is_moved_by_hand() or pool.project.is_rehearsal or pool.account.platform in elsewhere():
        _fit(pool, ALL)
    elif _fit(pool, A_PORTION) == A_PORTION:
        jobs.wake(kind=KIND, key=str(pool.pk), project_id=pool.project_id)


def run_fit(job: Job, _now: datetime) -> Again | None:
    """Job: one portion of a pool's places."""
    with transaction.atomic():
        changed = _fit(locked(int(job.key)), A_PORTION)
    return Again() if changed == A_PORTION else None


def _fit(pool: Pool, most: int) -> int:
    """Add places that are missing, or withdraw those nobody has taken; return how many."""
    return add_slots(pool=pool, most=most) or _withdraw(pool, most)


@transaction.atomic
def add_slots(*, pool: Pool, most: int = ALL) -> int:
    """A collecting pool has one task for every photo wanted; a raised target adds some. Returns how many."""
    batch = Batch.objects.filter(pool_id=pool.pk, interface__in=COLLECTS).first()
    if batch is None or pool.label_class is None:
        return 0
    slots = Task.objects.filter(batch=batch)
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
