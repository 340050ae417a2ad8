"""Pools open: written to the outbox, carried out on the platform, then taken note of."""

from datetime import datetime

from django.db import transaction

from crowd.errors import BudgetExceeded, CrowdError, Differences
from crowd.models import Batch, OutboxCommand
from crowd.platforms.registry import fee_is_unknown, platform
from crowd.services import outbox, publishing
from curation.models import Pool, Stage, User
from curation.services import events, jobs, versions
from curation.services.pools.batches import at_work, batches_of, locked, send_command
from curation.services.pools.looking import budget_of, differences, most_expensive

State = Pool.State
NO_COMMISSION = (
    "What the platform takes on top of each page is not known, so the budget could be passed. "
    "Enter the commission of “{label}” under Platform accounts, then open the pool; 0 is a commission too."
)


def agree_to_differences(pool: Pool, *, accepted: bool) -> None:
    """Refuse a plan that would not be carried out as it stands, until somebody has said that this is fine."""
    sentences = differences(pool=pool)
    known = [text for batch in batches_of(pool) for text in batch.remote.get("differences", [])]
    if not set(sentences) - set(known):
        return
    if not accepted:
        raise Differences(pool.account.label, sentences)
    for batch in batches_of(pool):
        batch.remote = {**batch.remote, "differences": sentences}
        batch.save(update_fields=["remote"])


@transaction.atomic
def open_pool(*, pool_id: int, by: User | None, now: datetime, accept_differences: bool = False) -> Pool:
    """Open a draft or paused pool: the budget must be able to carry it; the platform follows through the outbox.

    Raises Differences when the platform cannot do all of it and nobody has agreed to that.
    """
    pool = locked(pool_id)
    if pool.state in {State.OPEN, State.OPENING}:
        return pool
    pool.require(State.DRAFT, State.PAUSED, State.DONE)
    if pool.stage.state == Stage.State.PAUSED:
        raise CrowdError(f"The stage {pool.stage.title} is paused. Resume the stage first.")
    if not pool.account.is_active:
        raise CrowdError(f"The account {pool.account.label} is switched off. Switch it on under Accounts first.")
    if fee_is_unknown(pool.account):
        raise CrowdError(NO_COMMISSION.format(label=pool.account.label))
    agree_to_differences(pool, accepted=accept_differences)
    needed = most_expensive(pool=pool)
    holds_itself = platform(pool.account.platform).capabilities.pages == "remote"  # publishing holds all it may cost
    if needed and not holds_itself:
        free = budget_of(project_id=pool.project_id, currency=pool.account.currency).free_micro
        if needed > free:
            raise BudgetExceeded(needed, free, currency=pool.account.currency)
    pool.move_to(State.OPENING)
    pool.revision += 1
    pool.note = ""
    pool.started_at = pool.started_at or now
    pool.save(update_fields=["state", "revision", "note", "started_at"])
    for batch in at_work(pool):
        publishing.publish(batch=batch)
        outbox.withdraw(kind="close_batch", batch_id=batch.pk)
        send_command(batch, "open_batch", f"open-{batch.key}-{pool.revision}")
    events.record(
        kind="pool.opened", text=f"{pool.title} was opened.", project=pool.project, subject=pool, by=by, now=now
    )
    _wake_crowd(pool)
    versions.bump(project_id=pool.project_id)
    return pool


def _wake_crowd(pool: Pool) -> None:
    if pool.account.platform == "rehearsal":
        jobs.wake(
            kind="rehearse",
            key=str(pool.account_id),
            project_id=pool.project_id,
            payload={"account_id": pool.account_id},
        )


def settle_openings(*, project_id: int | None = None) -> int:
    """Take note of what the platforms have done: opening pools become open, refused ones go back with the reason."""
    pools = Pool.objects.filter(state=State.OPENING)
    if project_id is not None:
        pools = pools.filter(project_id=project_id)
    return sum(_settle_opening(pool_id) for pool_id in pools.order_by("id").values_list("id", flat=True))


@transaction.atomic
def _settle_opening(pool_id: int) -> int:
    pool = locked(pool_id)
    if pool.state != State.OPENING:
        return 0
    batches = Batch.objects.filter(pk__in=[batch.pk for batch in at_work(pool)])
    if not batches.exclude(state=Batch.State.OPEN).exists():
        pool.move_to(State.OPEN)
        pool.save(update_fields=["state"])
        versions.bump(project_id=pool.project_id)
        return 1
    lost = [OutboxCommand.State.REFUSED, OutboxCommand.State.DEAD]
    refused = OutboxCommand.objects.filter(
        batch_id__in=batches.values("id"), kind="open_batch", state__in=lost, key__endswith=f"-{pool.revision}"
    ).first()
    if refused is None:
        return 0
    pool.move_to(State.PAUSED)
    pool.note = refused.last_error[:200]
    pool.save(update_fields=["state", "note"])
    versions.bump(project_id=pool.project_id)
    return 1
