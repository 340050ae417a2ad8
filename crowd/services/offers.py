"""What a worker may take in the in-house market, and what is still needed for it.

The rehearsal crowd looks through the same functions on a virtual clock: `now` is always an argument.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crowd.audience import audience
from crowd.authored import told
from crowd.models import Answer, Assignment, Batch, SkillValue, Task, Worker
from crowd.platforms.registry import platform
from crowd.services import own_queue, price_arms, quality, retrying, teams
from crowd.services.standing import Asked, Standing, learn

State = Assignment.State
TO_GIVE = Q(cancelled=False, issued__lt=F("overlap"))  # as the index task_on_offer has it


@dataclass(frozen=True, slots=True)
class Offer:
    """A batch as one worker sees it; `needs` is empty when a page can be claimed, else a sentence.

    `hourly_micro` above zero: his time is paid, and `price_micro` is what a page can be worth at most.
    """

    batch: Batch
    price_micro: int
    available: int
    needs: str
    hourly_micro: int = 0


class Held(NamedTuple):
    """Pages of a batch that others have in hand, and when the first of them is over."""

    pages: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Shelf:
    """What there is in some batches for one worker: real tasks that he may get, and what others hold."""

    tasks: Mapping[int, int]
    held: Mapping[int, Held]

    @classmethod
    def of(cls, batches: Collection[Batch], worker: Worker) -> Self:
        ids = [batch.pk for batch in batches if batch.kind == Batch.Kind.MAIN]
        counted = _for(worker, Task.objects.filter(batch__in=ids)).order_by().values_list("batch_id")
        return cls(dict(counted.annotate(n=Count("pk"))), held_by_others(batches, worker))


def offers(*, worker_id: int, now: datetime) -> list[Offer]:
    """Return the open batches of the worker's account, best first, each with what is still needed.

    However many batches there are, they are looked through with the same few statements.
    """
    worker = Worker.objects.select_related("team").get(pk=worker_id)
    batches = Batch.objects.filter(account_id=worker.account_id, state=Batch.State.OPEN).select_related(
        "account", "needs_skill", "price_skill", "grants_skill"
    )
    seen = [batch for batch in batches.order_by("-priority", "id") if _is_for(batch, worker, now)]
    shelf, known = Shelf.of(seen, worker), learn([worker])[worker.pk]
    found = [_offer(batch, known, shelf, now) for batch in seen]
    return [offer for offer in found if offer is not None]


def offer_of(*, batch: Batch, worker: Worker, now: datetime) -> Offer | None:
    """Return what a batch offers this worker; None = he does not see it."""
    if not _is_for(batch, worker, now):
        return None
    return _offer(batch, Asked(worker), Shelf.of([batch], worker), now)


def _is_for(batch: Batch, worker: Worker, now: datetime) -> bool:
    """Whether the batch is shown to such people as this worker at all."""
    return worker.may_see(batch.project_id) and not is_kept_for_others(batch, worker) and not is_over(batch, now)


def _offer(batch: Batch, known: Standing, shelf: Shelf, now: datetime) -> Offer | None:
    worker = known.worker
    if known.is_restricted(batch, now):
        return None
    if price_arms.is_anothers(batch=batch, worker=worker):
        return None
    again = retrying.next_try(batch=batch, worker=worker)
    if is_over_with(batch, known, again):
        return None
    available = places_for(batch, known, shelf) if batch.kind == Batch.Kind.MAIN else batch.page_size
    if not available and price_arms.is_left_over(batch):
        return None
    needs = hindrance(batch=batch, known=known, now=now, again=again)
    needs = needs or ("" if available else nothing_left(batch, known, shelf.held))
    rate = teams.rate_of(worker=worker, batch=batch)
    price = price_for(batch=batch, known=known)
    return Offer(batch, most_worth(batch, rate) if rate else price, available, needs, rate)


def is_kept_for_others(batch: Batch, worker: Worker) -> bool:
    """Whether the batch is another team's, or for people this worker is not one of."""
    if batch.team_id is not None and batch.team_id != worker.team_id:
        return True
    is_ours = platform(batch.account.platform).capabilities.pages == "local"
    return is_ours and bool(batch.audience) and not _is_meant(batch, worker)


def is_over(batch: Batch, now: datetime) -> bool:
    return batch.expires_at is not None and batch.expires_at <= now


def _is_meant(batch: Batch, worker: Worker) -> bool:
    """Whether our own market lets this worker in; other platforms have chosen their people themselves."""
    wanted = audience(batch.audience)
    if wanted.languages and worker.language.upper()[:2] not in wanted.languages:
        return False
    if wanted.countries and worker.country.upper() not in wanted.countries:
        return False
    names = [one.skill for one in wanted.skills]
    values = dict(SkillValue.objects.filter(worker=worker, skill__name__in=names).values_list("skill__name", "value"))
    return all(one.low <= values.get(one.skill, -1) <= one.high for one in wanted.skills)


def most_worth(batch: Batch, rate: int) -> int:
    """Return what a page can be worth when its whole time is used."""
    return teams.worth(hourly_micro=rate, time=timedelta(seconds=batch.assignment_seconds))


def is_over_with(batch: Batch, known: Standing, again: datetime | None) -> bool:
    """Training and exam are offered until they have given their skill, and on while they may be sat `again`."""
    if batch.kind == Batch.Kind.MAIN or again is not None:
        return False
    return known.value_of(batch.grants_skill_id) is not None


def hindrance(*, batch: Batch, known: Standing, now: datetime, again: datetime | None) -> str:
    """Say what keeps a worker from this batch for now: a skill, days until the next try, a rule; empty = nothing."""
    return (
        gate_sentence(batch, known)
        or retrying.wait_sentence(again, now)
        or quality.hindrance(batch=batch, worker=known.worker, now=now)
    )


def gate_sentence(batch: Batch, known: Standing) -> str:
    """Say which skill is missing for this batch; empty = none."""
    if batch.needs_skill is None:
        return ""
    value = known.value_of(batch.needs_skill_id)
    if value is None:
        return _("Needs “%(skill)s” first.") % {"skill": told(batch.needs_skill.name)}
    if value < batch.needs_value:
        asked = {"least": batch.needs_value, "skill": told(batch.needs_skill.name), "yours": value}
        return _("Needs %(least)s in “%(skill)s”; yours is %(yours)s.") % asked
    return ""


def held_by_others(batches: Collection[Batch], worker: Worker) -> dict[int, Held]:
    pages = Assignment.objects.filter(batch__in=batches, state=State.ACTIVE).exclude(worker=worker)
    counted = pages.values_list("batch_id").annotate(n=Count("pk"), until=Min("lease_until"))
    return {batch_id: Held(n, until) for batch_id, n, until in counted}


def nothing_left(batch: Batch, known: Standing, held: Mapping[int, Held]) -> str:
    """Say why there is no task for this worker: he has done all he may, or others have the rest in hand."""
    if batch.per_worker and known.answered(batch) >= batch.per_worker:
        return _("You have sent all %(most)s that one person may send here. Thank you!") % {"most": batch.per_worker}
    if batch.pk in held:
        pages, until = held[batch.pk]
        sentence = ngettext(
            "%(n)s page is held by others until %(time)s UTC at the latest.",
            "%(n)s pages are held by others until %(time)s UTC at the latest.",
            pages,
        )
        return sentence % {"n": pages, "time": f"{until:%H:%M}"}
    return _("Nothing to do here right now.")


def price_for(*, batch: Batch, known: Standing) -> int:
    """Return the price of a full page, by skill where the batch has a table; fixed when the page is issued."""
    value = known.value_of(batch.price_skill_id)
    if value is None:
        return batch.price_micro
    for low, high, amount in batch.price_table:
        if low <= value <= high:
            return int(amount)
    return batch.price_micro


def tasks_to_give(batch: Batch) -> QuerySet[Task]:
    """Return the real tasks that still want an answer."""
    return Task.objects.filter(TO_GIVE, batch=batch)


def on_offer(batch: Batch, worker: Worker) -> QuerySet[Task]:
    """Real tasks with a place for this worker, who has neither seen nor made them."""
    return _for(worker, Task.objects.filter(batch=batch))


def _for(worker: Worker, tasks: QuerySet[Task]) -> QuerySet[Task]:
    seen = Answer.objects.filter(task=OuterRef("pk"), worker=worker)
    free = tasks.filter(TO_GIVE, own_queue.may_have(worker))
    return free.filter(~Exists(seen), ~Q(author_id=worker.pk) | Q(author_id=None))


def places_for(batch: Batch, known: Standing, shelf: Shelf) -> int:
    """Count the real tasks that this worker may still get, within what one person may do."""
    there = shelf.tasks.get(batch.pk, 0)
    if not there or not batch.per_worker:
        return there
    return min(there, max(0, batch.per_worker - known.answered(batch)))
