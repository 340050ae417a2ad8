"""Arms of a price trial: sibling batches with the same work at different prices. Nobody is shown two of them.

In our own market a worker gets his arm when he first looks, by the shares of that moment. Where a platform gives out
the pages he has the arm of his first page there, and is kept out of the others as soon as we hear of it.
"""

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from crowd.models import ArmSeat, Assignment, Batch, Restriction, Task, Worker
from crowd.services import publishing, teams, trust

BY_RULE: Final = "price_trial"
REASON: Final = "Works at another price of the same trial"
COPIED: Final = (
    "account", "project_id", "pool_id", "stage_id", "kind", "interface", "spec", "priority", "page_size",
    "control_per_page", "per_worker", "overlap", "needs_skill", "needs_value", "grants_skill", "auto_accept", "rules",
    "assignment_seconds", "audience", "review_days", "expires_at", "pays_whole_pages", "team",
)  # fmt: skip


def is_anothers(*, batch: Batch, worker: Worker) -> bool:
    """Whether the batch is an arm that this worker is not to see."""
    if batch.trial_id is None or batch.trial_share is None:
        return False
    if publishing.is_local(batch) and teams.rate_of(worker=worker, batch=batch):
        return True  # who is paid by the hour has no price to try
    return seat_of(batch=batch, worker=worker) != batch.pk


def is_left_over(batch: Batch) -> bool:
    """Whether the batch was an arm of a trial that is over: what has begun there is finished, and nothing follows."""
    return batch.trial_id is not None and batch.trial_share is None


def seat_of(*, batch: Batch, worker: Worker) -> int:
    """Return the arm of a worker, given now where he has none; accounts of one person have the same."""
    trial_id = batch.trial_id or 0
    same = Q(worker=worker)
    if worker.person_id is not None:
        same |= Q(worker__person_id=worker.person_id)
    seats = ArmSeat.objects.filter(same, trial_id=trial_id).order_by("id")
    known = seats.values_list("batch_id", flat=True).first()
    if known is not None:
        return known
    is_ours = publishing.is_local(batch)
    chosen = _drawn(batch, worker) if is_ours else batch.pk
    seat, _ = ArmSeat.objects.get_or_create(trial_id=trial_id, worker=worker, defaults={"batch_id": chosen})
    return seat.batch_id


def _drawn(batch: Batch, worker: Worker) -> int:
    arms = list(running_arms(batch.trial_id or 0).values_list("pk", "trial_share"))
    luck = random.Random(f"arm:{batch.trial_id}:{worker.ext_id}")  # noqa: S311  chance, not secrecy
    return luck.choices([pk for pk, _ in arms], [share or 0.0 for _, share in arms])[0]


def running_arms(trial_id: int) -> QuerySet[Batch]:
    return Batch.objects.filter(trial_id=trial_id, trial_share__isnull=False).order_by("id")


def make_arm(*, base: Batch, trial_id: int, number: int, price_micro: int, share: float) -> Batch:
    """Make a sibling of a batch at another price, with its control tasks and nothing to do yet."""
    arm = Batch.objects.create(
        key=f"{base.key[:96]}:trial-{trial_id}-{number}",
        price_micro=price_micro,
        trial_id=trial_id,
        trial_share=share,
        **{name: getattr(base, name) for name in COPIED},
    )
    if publishing.is_local(arm):
        arm.remote_id = str(arm.pk)
        arm.save(update_fields=["remote_id"])
    known = Task.objects.filter(batch=base, known_answer__isnull=False, cancelled=False).order_by("id")
    Task.objects.bulk_create(_copy(task, arm) for task in known)
    return arm


def _copy(task: Task, arm: Batch) -> Task:
    return Task(
        batch=arm,
        key=task.key,
        project_id=task.project_id,
        item_id=task.item_id,
        payload=task.payload,
        author_id=task.author_id,
        known_answer=task.known_answer,
        hint=task.hint,
        to_push=not publishing.is_local(arm),
    )


def movable(batch: Batch) -> QuerySet[Task]:
    """Return the tasks of a batch that nobody has met and no platform knows."""
    mine = Task.objects.filter(batch=batch, known_answer__isnull=True, cancelled=False, issued=0, done=0, kept=0)
    return mine.filter(remote_id="", push_id__isnull=True)


@transaction.atomic
def move(*, source: Batch, to: Batch, most: int) -> int:
    """Give so many untouched tasks of one batch to another; returns how many there were."""
    ids = list(
        movable(source)
        .select_for_update(skip_locked=True)
        .order_by("-priority", "id")
        .values_list("pk", flat=True)[:most]
    )
    Task.objects.filter(pk__in=ids).update(batch=to, to_push=not publishing.is_local(to))
    return len(ids)


def open_tasks(batch: Batch) -> int:
    """Return how many tasks of an arm can be taken."""
    return Task.objects.filter(batch=batch, cancelled=False, issued__lt=F("overlap")).count()


def seat_newcomers(*, arms: Sequence[Batch]) -> int:
    """Note in which arm each worker of another platform has begun, and keep him out of the others."""
    trial_id = arms[0].trial_id or 0
    pages = Assignment.objects.filter(batch__in=arms).exclude(worker__arm_seats__trial_id=trial_id)
    first = dict(pages.order_by("-issued_at", "-id").values_list("worker_id", "batch_id"))  # the last one stays
    for worker_id, batch_id in sorted(first.items()):
        ArmSeat.objects.get_or_create(trial_id=trial_id, worker_id=worker_id, defaults={"batch_id": batch_id})
        for other in arms:
            if other.pk != batch_id:
                trust.restrict(
                    worker_id=worker_id,
                    scope=Restriction.Scope.BATCH,
                    scope_id=other.pk,
                    reason=REASON,
                    until=None,
                    by_rule=BY_RULE,
                )
    return len(first)


@transaction.atomic
def release(*, trial_id: int, now: datetime) -> None:
    """End the trial of a market: its arms are ordinary batches from now on, and nobody is kept out of one for it."""
    ids = list(Batch.objects.filter(trial_id=trial_id).values_list("pk", flat=True))
    Batch.objects.filter(pk__in=ids).update(trial_share=None)
    held = Restriction.objects.filter(
        scope=Restriction.Scope.BATCH, scope_id__in=ids, by_rule=BY_RULE, lifted_at__isnull=True
    )
    for pk in list(held.order_by("pk").values_list("pk", flat=True)):
        trust.lift(restriction_id=pk, now=now)
