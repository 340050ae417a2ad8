"""Trials of prices: the same work at two to four prices at once, dealt out to the best of them hour by hour.

The pool's own batch rests meanwhile and keeps what is not dealt yet; each price is a batch of its own beside it. What
is dealt is bounded beforehand by what it can cost at most, so the trial never costs more than its cap.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from django.db import transaction
from django.db.models import F

from crowd.errors import CrowdError
from crowd.models import Batch, WorkerTeam
from crowd.quality import prices
from crowd.quality.wording import counted
from crowd.services import price_arms, publishing
from curation.models import Job, Pool, PriceArm, PriceDecision, PriceTrial, User
from curation.services import events, jobs, pools, versions
from curation.services.jobs import Again
from curation.services.pools.batches import send_command
from curation.services.price_dealing import PAGES_A_DECISION, Seen, deal, look, price_of_page, why_nothing
from curation.services.price_ending import end, end_by_itself, money, why_over

KIND: Final = "price_trial"
EVERY_SECONDS: Final = 60.0
AN_HOUR: Final = timedelta(hours=1)
LONGEST: Final = timedelta(days=90)
A_CENT: Final = 10_000
State = PriceTrial.State


def running(pool: Pool) -> PriceTrial | None:
    return PriceTrial.objects.filter(pool=pool, state=State.RUNNING).first()


# --- starting -----------------------------------------------------------------------------------------------------
@transaction.atomic
def start(
    *, pool_id: int, prices_micro: Sequence[int], deadline: datetime, cap_micro: int, by: User | None, now: datetime
) -> PriceTrial:
    """Begin a trial: an arm for each price, and everything untouched of the pool waits to be dealt out to them."""
    pool = pools.locked(pool_id)
    _check(pool, prices_micro, deadline, cap_micro, now)
    base = Batch.objects.select_for_update(of=("self",), no_key=True).filter(pool_id=pool.pk).order_by("id")[0]
    trial = PriceTrial.objects.create(
        pool=pool, deadline=deadline, cap_micro=cap_micro, by=by, started_at=now, decided_at=now
    )
    trial.seed = trial.pk
    trial.save(update_fields=["seed"])
    share = 1 / len(prices_micro)
    for number, price in enumerate(sorted(prices_micro), start=1):
        arm = price_arms.make_arm(base=base, trial_id=trial.pk, number=number, price_micro=price, share=share)
        PriceArm.objects.create(trial=trial, number=number, batch=arm, price_micro=price)
    pays_for = _pages_within(trial, pool)
    deal(trial, pool, base)
    if pool.state == Pool.State.OPEN:
        _rest(base, trial)
        _open_arms(trial, pool)
    said = ", ".join(money(price, pool) for price in sorted(prices_micro))
    text = f"{pool.title}: a trial of the prices {said} began, at most {money(cap_micro, pool)}, {pays_for}."
    events.record(kind="pool.price_trial", text=text, project=pool.project, subject=pool, by=by, now=now)
    versions.bump(project_id=pool.project_id)
    jobs.wake(kind=KIND, key=str(trial.pk), project_id=pool.project_id)
    return trial


def _check(pool: Pool, prices_micro: Sequence[int], deadline: datetime, cap_micro: int, now: datetime) -> None:
    if pool.kind != Pool.Kind.MAIN:
        raise CrowdError("Only paid work has prices to try; this pool is a training or an exam.")
    if pool.state not in {Pool.State.DRAFT, Pool.State.OPEN, Pool.State.PAUSED}:
        raise CrowdError(f"{pool.title} is {pool.get_state_display().lower()}: there is no work to try prices on.")
    if running(pool) is not None:
        raise CrowdError("A trial of prices runs in this pool already.")
    if not 2 <= len(prices_micro) <= prices.MOST_ARMS or len(set(prices_micro)) < len(prices_micro):
        raise CrowdError(f"Give two to {prices.MOST_ARMS} different prices, not {len(set(prices_micro))}.")
    if min(prices_micro) <= 0:
        raise CrowdError("Every price of a trial must be above zero.")
    if not now < deadline <= now + LONGEST:
        raise CrowdError(f"The deadline must be later than now, and within {LONGEST.days} days.")
    free = pools.budget_of(project_id=pool.project_id, currency=pool.account.currency).free_micro
    if not 0 < cap_micro <= free:
        raise CrowdError(
            f"The trial may cost more than nothing and at most what is free in the budget, {money(free, pool)}."
        )
    base = Batch.objects.filter(pool_id=pool.pk).order_by("id").first()
    if base is None or (pool.wanted and not price_arms.movable(base).exists()):
        raise CrowdError("Nothing of this pool is left that nobody has met: there is no work to try prices on.")
    if base.team is not None and base.team.pay == WorkerTeam.Pay.HOURLY and publishing.is_local(base):
        raise CrowdError(f"The team {base.team.name} is paid by the hour: its people have no price to try.")


def _pages_within(trial: PriceTrial, pool: Pool) -> str:
    """Say how many pages the cap pays for at least; refuse one that cannot pay a page at each price."""
    arms = [arm.batch for arm in trial.arms.select_related("batch__account")]
    pages_at = [price_of_page(arm, pool) for arm in arms]
    each = sum(pages_at)
    if trial.cap_micro < each:
        raise CrowdError(
            f"{money(trial.cap_micro, pool)} cannot pay a page at each of these prices with all the answers that may "
            f"be bought: give the trial {money(-(-each // A_CENT) * A_CENT, pool)} or more."
        )
    pages = trial.cap_micro // max(pages_at)
    few = f", fewer than the {PAGES_A_DECISION} that it decides after" if pages < PAGES_A_DECISION else ""
    return f"enough for at least {counted(pages, 'page')}{few}"


def _rest(base: Batch, trial: PriceTrial) -> None:
    """Stop giving out work at the former price; pages in hands are finished and paid."""
    send_command(base, "close_batch", f"close-{base.key[:90]}-trial-{trial.pk}")
    Batch.objects.filter(pk=base.pk, state=Batch.State.OPEN).update(state=Batch.State.PAUSED, version=F("version") + 1)


def _open_arms(trial: PriceTrial, pool: Pool) -> None:
    for arm in price_arms.running_arms(trial.pk):
        publishing.publish(batch=arm)
        send_command(arm, "open_batch", f"open-{arm.key}-{pool.revision}")


# --- running ------------------------------------------------------------------------------------------------------
def run_trial(job: Job, now: datetime) -> Again | None:
    """Job: look at a trial once a minute as long as it runs."""
    trial = tick(trial_id=int(job.key), now=now)
    return Again(after=EVERY_SECONDS) if trial is not None and trial.state == State.RUNNING else None


@transaction.atomic
def tick(*, trial_id: int, now: datetime) -> PriceTrial | None:
    """Decide anew where an hour is over, 50 pages have come in or nothing is left on offer; end what is over.

    In between whoever has nothing left on offer is dealt more by the same shares.
    """
    found = PriceTrial.objects.filter(pk=trial_id, state=State.RUNNING).values_list("pool_id", flat=True).first()
    if found is None:
        return None
    pool = pools.locked(found)
    trial = PriceTrial.objects.select_for_update(of=("self",)).get(pk=trial_id)
    if trial.state != State.RUNNING:
        return trial
    base = Batch.objects.filter(pool_id=pool.pk).order_by("id")[0]
    seen = look(trial)
    if publishing.pages_of(base) != "local":
        price_arms.seat_newcomers(arms=[one.arm.batch for one in seen])
    why = why_over(trial, pool, base, seen, now)
    if why:
        return end_by_itself(trial, pool, now=now, why=why)
    if pool.state != Pool.State.OPEN:
        PriceTrial.objects.filter(pk=trial.pk).update(decided_at=now)  # hours in which nobody can work do not count
        return trial
    if _is_due(trial, seen, now):
        _decide(trial, pool, base, seen, now)
    elif _some_empty(seen) and price_arms.movable(base).exists():
        _deal_more(trial, pool, base, seen, now)
    return trial


def _some_empty(seen: Sequence[Seen]) -> bool:
    return any(one.open_tasks == 0 for one in seen)


def _is_due(trial: PriceTrial, seen: Sequence[Seen], now: datetime) -> bool:
    came_in = sum(one.pages for one in seen) - trial.decided_pages
    if all(one.open_tasks == 0 for one in seen):
        return came_in > 0  # where nothing was on offer there is nothing new to decide by
    return came_in >= PAGES_A_DECISION or now - _last_decision(trial) >= AN_HOUR


def _last_decision(trial: PriceTrial) -> datetime:
    return PriceDecision.objects.filter(trial=trial).values_list("created_at", flat=True).first() or trial.started_at


def _decide(trial: PriceTrial, pool: Pool, base: Batch, seen: Sequence[Seen], now: datetime) -> None:
    pages = sum(one.pages for one in seen)
    for one in seen:
        _count_hours(one, trial, now)
    remaining = _pages_to_come(pool, base)
    if remaining == 0:
        return _nothing_todeal(trial, pages, now)
    hours_left = max(0.0, (trial.deadline - now) / AN_HOUR)
    decisions = PriceDecision.objects.filter(trial=trial).count()
    rng = np.random.default_rng([trial.seed, decisions])
    choice = prices.choose([one.facts() for one in seen], remaining=remaining, hours_left=hours_left, rng=rng)
    for one, share in zip(seen, choice.shares, strict=True):
        Batch.objects.filter(pk=one.arm.batch_id).update(trial_share=share)
    _store(trial, seen, choice, remaining, now)
    trial.decided_at, trial.decided_pages = now, pages
    dealt = deal(trial, pool, base)
    trial.note = "" if dealt or not _some_empty(seen) else why_nothing(base)
    trial.save(update_fields=["decided_at", "decided_pages", "note"])
    versions.bump(project_id=pool.project_id)
    return None


def _deal_more(trial: PriceTrial, pool: Pool, base: Batch, seen: Sequence[Seen], now: datetime) -> None:
    """Deal by the shares there are: who is quick is not to wait for the hour, or for the arms of those who left."""
    former, dealt = trial.note, deal(trial, pool, base)
    trial.note = "" if dealt else why_nothing(base)
    if dealt:
        for one in seen:
            _count_hours(one, trial, now)
        trial.decided_at = now
    if dealt or trial.note != former:
        trial.save(update_fields=["decided_at", "note"])
        versions.bump(project_id=pool.project_id)


def _nothing_todeal(trial: PriceTrial, pages: int, now: datetime) -> None:
    PriceTrial.objects.filter(pk=trial.pk).update(
        decided_at=now, decided_pages=pages, note="Everything is answered; more is dealt out as it comes."
    )


def _count_hours(one: Seen, trial: PriceTrial, now: datetime) -> None:
    """Add the hours on offer since the last decision by the arm's share; an arm without work was on offer no more."""
    since = trial.decided_at or trial.started_at
    until = now if one.open_tasks else max(since, one.last_at or since)
    one.arm.hours += max(0.0, (until - since) / AN_HOUR) * (one.arm.batch.trial_share or 0.0)
    one.arm.save(update_fields=["hours"])


def _pages_to_come(pool: Pool, base: Batch) -> int:
    batches = Batch.objects.filter(pool_id=pool.pk)
    answers = sum(publishing.answers_to_come(batch) for batch in batches)
    return -(-answers // publishing.real_places(base))


def _store(trial: PriceTrial, seen: Sequence[Seen], choice: prices.Choice, remaining: int, now: datetime) -> None:
    chosen = seen[choice.arm].arm
    words = "the cheapest that is drawn to be done in time" if choice.in_time else "none is drawn in time: the fastest"
    facts = [
        {
            "number": one.arm.number,
            "share": round(share, 4),
            "pages": one.pages,
            "accepted": one.accepted,
            "judged": one.judged,
            "hours": round(one.arm.hours, 4),
            "acceptance": round(drawn.acceptance, 4),
            "rate": round(drawn.rate, 3),
            "hours_to_go": round(min(drawn.hours, 1e6), 2),
        }
        for one, drawn, share in zip(seen, choice.drawn, choice.shares, strict=True)
    ]
    says = f"Price {chosen.number}: {words}, {counted(remaining, 'page')} to come."
    PriceDecision.objects.create(trial=trial, number=chosen.number, says=says, facts=facts, created_at=now)


# --- ending -------------------------------------------------------------------------------------------------------
@transaction.atomic
def stop(*, trial_id: int, take: int | None, by: User | None, now: datetime) -> PriceTrial:
    """End a trial: the pool goes on at the price that is taken, or at the one it had before."""
    pool = pools.locked(PriceTrial.objects.values_list("pool_id", flat=True).get(pk=trial_id))
    trial = PriceTrial.objects.select_for_update(of=("self",)).get(pk=trial_id)
    if trial.state != State.RUNNING:
        raise CrowdError("This trial has ended already.")
    arm = trial.arms.filter(number=take).first() if take is not None else None
    if take is not None and arm is None:
        raise CrowdError(f"This trial has no price {take}.")
    return end(trial, pool, taken=arm, by=by, now=now, why="")
