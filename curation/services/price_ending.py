"""The end of a price trial: why it comes by itself, what was learnt, and how the pool goes on."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from crowd.errors import BudgetExceeded
from crowd.models import Batch
from crowd.money import exact_text
from crowd.quality.wording import counted
from crowd.services import price_arms, publishing
from curation.models import Pool, PriceArm, PriceTrial, User
from curation.services import events, pools, versions
from curation.services.pools.batches import send_command, tell_of_changes
from curation.services.price_dealing import Seen, is_used_up

NOTE_LETTERS = 200


def why_over(trial: PriceTrial, pool: Pool, base: Batch, seen: Sequence[Seen], now: datetime) -> str:
    """Say why a trial ends by itself; empty while it does not."""
    if pool.state == Pool.State.DONE:
        return "The pool was closed."
    if now >= trial.deadline:
        return f"Its deadline is over. {_best(seen, pool)}"
    if pool.state == Pool.State.OPEN and is_used_up(trial, pool, base, seen):
        return f"Its money is used up. {_best(seen, pool)}"
    return ""


def _best(seen: Sequence[Seen], pool: Pool) -> str:
    """Say which price was the cheapest by what the trial chose by, or why nothing can be said."""
    waiting = sum(one.pages - one.judged for one in seen)
    tried = [one for one in seen if one.accepted]
    if not tried:
        return _nothing_accepted(sum(one.judged for one in seen), waiting)
    best = min(tried, key=lambda one: one.arm.price_micro * one.judged / one.accepted)
    price, accepted = money(best.arm.price_micro, pool), f"{best.accepted:,} of {counted(best.judged, 'judged page')}"
    said = f"{price} was the cheapest by price ÷ accepted share: {accepted} accepted."
    return f"{said} {_wait(waiting)}" if waiting else said


def _nothing_accepted(judged: int, waiting: int) -> str:
    if judged:
        return f"Nothing was accepted of {counted(judged, 'judged page')}. {_wait(waiting) if waiting else ''}".strip()
    return f"Nothing is judged yet: {_wait(waiting)}" if waiting else "No page came in."


def _wait(pages: int) -> str:
    return "1 page waits for its verdict." if pages == 1 else f"{pages:,} pages wait for their verdict."


def end_by_itself(trial: PriceTrial, pool: Pool, *, now: datetime, why: str) -> PriceTrial:
    """End a trial at the former price. A pool whose rest the budget cannot hold is paused, and its note says why.

    What has begun in the arms keeps their prices then: nothing more is held for it.
    """
    try:
        with transaction.atomic():
            return end(trial, pool, taken=None, by=None, now=now, why=why)
    except BudgetExceeded as refusal:
        said = str(refusal)
    trial.refresh_from_db()
    if pool.state in {Pool.State.OPEN, Pool.State.OPENING}:
        pool = pools.pause_pool(pool_id=pool.pk, by=None, now=now, note=said[:NOTE_LETTERS])
    _take_back(trial, pool, now)
    return _note_end(trial, pool, taken=None, by=None, now=now, why=why)


def end(
    trial: PriceTrial, pool: Pool, *, taken: PriceArm | None, by: User | None, now: datetime, why: str
) -> PriceTrial:
    """End a trial: the pool goes on at the price that is taken, or at its own. Raises BudgetExceeded."""
    base = _take_back(trial, pool, now)
    _note_end(trial, pool, taken=taken, by=by, now=now, why=why)
    if pool.state in {Pool.State.OPEN, Pool.State.OPENING}:  # an opening pool waits for it, or for its refusal
        publishing.publish(batch=base)
        send_command(base, "open_batch", f"open-{base.key[:80]}-after-{trial.pk}-{pool.revision}")
    if taken is not None:
        PriceArm.objects.filter(pk=taken.pk).update(is_taken=True)
        pools.change_pool(pool_id=pool.pk, by=by, now=now, price_micro=taken.price_micro)
    if taken is None or taken.price_micro == pool.price_micro:  # what has begun is finished at the pool's own price
        Batch.objects.filter(trial_id=trial.pk).update(
            price_micro=pool.price_micro, price_table=pool.price_table, price_skill=base.price_skill_id
        )
        tell_of_changes(pool)
    return trial


def _take_back(trial: PriceTrial, pool: Pool, now: datetime) -> Batch:
    """Return the pool's own batch, with all that nobody has met in the arms."""
    base = Batch.objects.filter(pool_id=pool.pk).order_by("id")[0]
    price_arms.release(trial_id=trial.pk, now=now)
    for arm in trial.arms.select_related("batch"):
        price_arms.move(source=arm.batch, to=base, most=2**31 - 1)
    return base


def _note_end(
    trial: PriceTrial, pool: Pool, *, taken: PriceArm | None, by: User | None, now: datetime, why: str
) -> PriceTrial:
    trial.move_to(PriceTrial.State.ENDED)
    trial.ended_at, trial.note = now, why
    trial.save(update_fields=["state", "ended_at", "note"])
    said = f"{money(taken.price_micro, pool)} is kept" if taken else "the former price holds"
    text = f"{pool.title}: the trial of prices ended, {said}. {why}".strip()
    events.record(kind="pool.price_trial", text=text, project=pool.project, subject=pool, by=by, now=now)
    versions.bump(project_id=pool.project_id)
    return trial


def money(amount: int, pool: Pool) -> str:
    return exact_text(amount, currency=pool.account.currency)
