"""Pages with leases: what a worker takes is his alone until its time is over.

The rehearsal crowd works through the same functions on a virtual clock: `now` is always an argument.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from crowd.errors import NotYours, NoWork
from crowd.models import Answer, Assignment, Batch, Task, Worker
from crowd.models.worker import digest_of
from crowd.platforms.registry import platform
from crowd.services import control, handing_in, ledger, offers, own_queue, price_arms, retrying, teams
from crowd.services.standing import Asked, Standing

State = Assignment.State


@dataclass(frozen=True, slots=True)
class PageTask:
    """One task of a page, with nothing in it that tells a control task from a real one."""

    answer_id: int
    seq: int
    payload: Mapping[str, Any]


def claim_page(*, batch_id: int, worker_id: int, now: datetime, ext_id: str = "") -> Assignment:
    """Give the worker a page: the one he has open, or a new one. Raises NoWork or BudgetExceeded.

    `ext_id` is the id under which the platform that sent him pays this page; without one it is ours alone.
    """
    try:
        return _claim(batch_id=batch_id, worker_id=worker_id, now=now, ext_id=ext_id)
    except IntegrityError:  # two tabs at once: the other one won
        page = active_page(worker_id=worker_id, batch_id=batch_id)
        if page is None:
            raise
        return page


@transaction.atomic
def _claim(*, batch_id: int, worker_id: int, now: datetime, ext_id: str) -> Assignment:
    batch = Batch.objects.select_related("needs_skill", "account").get(pk=batch_id)
    worker = Worker.objects.select_related("team").get(pk=worker_id)
    page = active_page(worker_id=worker_id, batch_id=batch_id)
    if page is not None and page.lease_until >= now:
        return page
    if page is not None:  # its time is over and no sweeper has been here yet
        handing_in.expire(assignment_id=page.pk, now=now)
    known = Asked(worker)
    check(batch=batch, known=known, now=now)
    # Everybody locks the budget before tasks: two that did it the other way round could wait for each other.
    purse = ledger.Purse.of(batch)
    ledger.lock(purse=purse)
    tasks = pick(batch=batch, known=known, stock=OneByOne())
    if not tasks:
        raise NoWork(offers.nothing_left(batch, known, offers.held_by_others([batch], worker)))
    page = new_page(batch=batch, known=known, tasks=tasks, now=now, hosted_as=ext_id)
    page.save(force_insert=True)
    ledger.reserve(purse=purse, amount_micro=page.price_micro + page.fee_micro, ref=f"assignment:{page.pk}")
    _put_on_page(page, tasks)
    return page


def _put_on_page(page: Assignment, tasks: list[Task]) -> None:
    """Link the tasks to the page. A training begun before goes on: its first answers keep counting."""
    mine = Answer.objects.filter(worker_id=page.worker_id, task__in=tasks)
    begun = dict(mine.values_list("task_id", "pk")) if page.batch.kind != Batch.Kind.MAIN else {}
    Answer.objects.filter(pk__in=begun.values()).update(assignment=page)
    Answer.objects.bulk_create(
        Answer(assignment=page, task=task, worker_id=page.worker_id, seq=seq)
        for seq, task in enumerate(tasks)
        if task.pk not in begun
    )


def check(*, batch: Batch, known: Standing, now: datetime) -> None:
    """Refuse a page, in a sentence, to a worker who may not have one now. Raises NotYours or NoWork."""
    worker = known.worker
    if worker.account_id != batch.account_id:
        raise NotYours(_("This work belongs to another platform account."))
    if not worker.may_see(batch.project_id):
        raise NotYours(_("Your invitation was for another project."))
    if offers.is_kept_for_others(batch, worker):
        raise NotYours(_("This pool is for other people: another team, language, country or skill."))
    if batch.state != Batch.State.OPEN:
        raise NoWork(_("This pool is not open."))
    if offers.is_over(batch, now):
        raise NoWork(_("The last day of this pool is over."))
    if known.is_restricted(batch, now):
        raise NoWork(_("You cannot work in this pool."))
    if price_arms.is_anothers(batch=batch, worker=worker):
        raise NoWork(_("Nothing to do here right now."))
    again = retrying.next_try(batch=batch, worker=worker)
    if offers.is_over_with(batch, known, again):
        raise NoWork(_("You have done this already."))
    sentence = offers.hindrance(batch=batch, known=known, now=now, again=again)
    if sentence:
        raise NoWork(sentence)


class Stock(Protocol):
    """Where the tasks of a page come from."""

    def whole_set(self, *, batch: Batch, worker: Worker) -> list[Task]:
        """Return the tasks of a training or an exam."""
        ...

    def controls(self, *, batch: Batch, worker: Worker) -> list[Task]:
        """Return the control tasks of a page of real work."""
        ...

    def take(self, *, batch: Batch, known: Standing, n: int) -> list[Task]:
        """Give the worker his next real tasks, and count their places as given out."""
        ...


class OneByOne:
    """Asks the database for each page."""

    def whole_set(self, *, batch: Batch, worker: Worker) -> list[Task]:
        return control.whole_set(batch=batch, worker=worker)

    def controls(self, *, batch: Batch, worker: Worker) -> list[Task]:
        return control.for_page(batch=batch, worker=worker)

    def take(self, *, batch: Batch, known: Standing, n: int) -> list[Task]:
        found = own_queue.pick(on_offer=offers.on_offer(batch, known.worker), own_ids=known.own_tasks(), n=n)
        if found:
            own_queue.give_out(worker=known.worker, tasks=found)
        return found


def pick(*, batch: Batch, known: Standing, stock: Stock) -> list[Task]:
    """Choose the tasks of a page and count their places as given out; none = there is nothing for this worker."""
    worker = known.worker
    if batch.kind != Batch.Kind.MAIN:
        return stock.whole_set(batch=batch, worker=worker)
    room = batch.page_size
    if batch.per_worker:
        room = min(room, batch.per_worker - known.answered(batch))
    if room <= 0:
        return []
    controls = stock.controls(batch=batch, worker=worker)
    real_n = max(0, min(room, real_places(batch, len(controls))))
    real = stock.take(batch=batch, known=known, n=real_n)
    if not real:
        return []
    return control.mix(real=real, controls=controls, known=known)


def real_places(batch: Batch, controls: int) -> int:
    """Return how many tasks of a full page are not control tasks; how many those are may change from page to page."""
    return max(1, batch.page_size - (controls if control.is_adaptive(batch) else batch.control_per_page))


def page_price(*, batch: Batch, known: Standing, real: int, controls: int) -> int:
    """Return the price of a page with so many real tasks: a short page costs its share, rounded up, or all of it."""
    full = offers.price_for(batch=batch, known=known)
    if batch.pays_whole_pages:
        return full
    places = real_places(batch, controls)
    return -(-full * min(real, places) // places)


def new_page(*, batch: Batch, known: Standing, tasks: Sequence[Task], now: datetime, hosted_as: str = "") -> Assignment:
    """Make a page of these tasks, with its price and its lease; the caller stores it."""
    worker = known.worker
    real = sum(task.known_answer is None for task in tasks)
    ext_id = hosted_as or f"{batch.pk}-{worker.pk}-{secrets.token_hex(8)}"
    rate = 0 if hosted_as else teams.rate_of(worker=worker, batch=batch)
    price = page_price(batch=batch, known=known, real=real, controls=len(tasks) - real)
    price = offers.most_worth(batch, rate) if rate else price
    return Assignment(
        account_id=batch.account_id,
        ext_id=ext_id,
        ext_digest=digest_of(ext_id),
        batch=batch,
        project_id=batch.project_id,
        worker=worker,
        price_micro=price,
        hourly_micro=rate,
        fee_micro=fee_of(batch, price) if hosted_as else 0,
        platform_state=State.ACTIVE if hosted_as else "",
        issued_at=now,
        lease_until=now + timedelta(seconds=batch.assignment_seconds),
    )


def fee_of(batch: Batch, price_micro: int) -> int:
    return platform(batch.account.platform).fee(batch.account, price_micro=price_micro, overlap=batch.overlap)


def active_page(*, worker_id: int, batch_id: int) -> Assignment | None:
    return Assignment.objects.filter(worker_id=worker_id, batch_id=batch_id, state=State.ACTIVE).first()


def page_tasks(assignment: Assignment) -> list[PageTask]:
    rows = Answer.objects.filter(assignment=assignment).select_related("task").order_by("seq")
    return [PageTask(row.pk, row.seq, row.task.payload) for row in rows]
