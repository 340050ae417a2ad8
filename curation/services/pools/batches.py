"""The batches of a pool, and what their platforms are told through the outbox."""

from django.db.models import F

from crowd.models import Batch, OutboxCommand
from crowd.services import outbox, publishing
from curation.models import Pool


def batches_of(pool: Pool) -> list[Batch]:
    found = Batch.objects.filter(pool_id=pool.pk).order_by("id")
    return list(found.select_related("account", "price_skill", "needs_skill", "grants_skill"))


def send_command(batch: Batch, kind: str, key: str) -> None:
    outbox.enqueue(kind=kind, key=key, account=batch.account, batch_id=batch.pk, lane=f"state:{batch.pk}")


def close_batches(pool: Pool) -> None:
    for batch in batches_of(pool):
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
