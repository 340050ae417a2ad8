"""The batches of a pool, and what their platforms are told through the outbox."""

from django.db.models import F

from crowd.models import Batch, OutboxCommand, Task
from crowd.services import outbox, publishing
from curation.models import Pool


def batches_of(pool: Pool) -> list[Batch]:
    found = Batch.objects.filter(pool_id=pool.pk).order_by("id")
    return list(found.select_related("account", "price_skill", "needs_skill", "grants_skill"))


def at_work(pool: Pool) -> list[Batch]:
    """Return the batches that an open pool has open: the arms of a price trial while one runs, else all with work."""
    found = batches_of(pool)
    arms = [batch for batch in found if batch.trial_share is not None]
    return arms or [batch for batch in found if batch.trial_id is None or _has_work(batch)]


def _has_work(batch: Batch) -> bool:
    return Task.objects.filter(batch=batch, cancelled=False, done__lt=F("overlap")).exists()


def send_command(batch: Batch, kind: str, key: str) -> None:
    outbox.enqueue(kind=kind, key=key, account=batch.account, batch_id=batch.pk, lane=f"state:{batch.pk}")


def close_batches(pool: Pool) -> None:
    found = batches_of(pool)
    on_trial = any(batch.trial_share is not None for batch in found)
    for batch in found:
        if on_trial and batch.trial_id is None:
            continue  # it rests already
        outbox.withdraw(kind="open_batch", batch_id=batch.pk)
        send_command(batch, "close_batch", f"close-{batch.key}-{pool.revision}")
    # What an own market can do at once: no new page is issued from this moment on.
    Batch.objects.filter(pool_id=pool.pk, state=Batch.State.OPEN).update(
        state=Batch.State.PAUSED, version=F("version") + 1
    )


def tell_of_changes(pool: Pool) -> None:
    """Let the platforms know of a new price or priority. Pages already issued keep theirs."""
    for batch in batches_of(pool):
        if publishing.is_local(batch) or batch.published_at is None:
            continue
        publishing.fit_hold(batch=batch)
        for kind in ("update_batch", "set_priority"):
            number = OutboxCommand.objects.filter(kind=kind, batch_id=batch.pk).count()
            send_command(batch, kind, f"{kind}-{batch.pk}-{number}")


def locked(pool_id: int) -> Pool:
    return (
        Pool.objects.select_for_update(of=("self",))
        .select_related("project", "account", "stage", "label_class")
        .get(pk=pool_id)
    )
