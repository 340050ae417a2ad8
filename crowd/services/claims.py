"""The in-house labour market: what a worker may take, pages with leases, submissions.

The rehearsal crowd works through the same functions on a virtual clock: `now` is always an argument.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crowd import rules
from crowd.audience import audience
from crowd.authored import told
from crowd.errors import NotYours, NoWork
from crowd.models import Answer, AnswerRaw, Assignment, Batch, RemoteFile, SkillValue, Task, Worker
from crowd.models.worker import digest_of
from crowd.platforms.registry import issuing_pages, platform
from crowd.rules import Reject
from crowd.services import control, judging, ledger, own_queue, quality, skills, teams, trust
from crowd.services.answers import check_payload

State = Assignment.State
LONGEST_MS = 2**31 - 1  # what the column holds; the number comes from a browser


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


@dataclass(frozen=True, slots=True)
class PageTask:
    """One task of a page, with nothing in it that tells a control task from a real one."""

    answer_id: int
    seq: int
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Submitted:
    assignment: Assignment
    sentence: str


def offers(*, worker_id: int, now: datetime) -> list[Offer]:
    """Return the open batches of the worker's account, best first, each with what is still needed."""
    worker = Worker.objects.select_related("team").get(pk=worker_id)
    batches = Batch.objects.filter(account_id=worker.account_id, state=Batch.State.OPEN).select_related(
        "needs_skill", "price_skill", "grants_skill"
    )
    found = [offer_of(batch=batch, worker=worker, now=now) for batch in batches.order_by("-priority", "id")]
    return [offer for offer in found if offer is not None]


def offer_of(*, batch: Batch, worker: Worker, now: datetime) -> Offer | None:
    """Return what a batch offers this worker; None = he does not see it."""
    if not worker.may_see(batch.project_id) or _is_kept_for_others(batch, worker) or _is_over(batch, now):
        return None
    if trust.is_restricted(worker=worker, batch=batch, now=now) or _has_passed(batch, worker):
        return None
    available = _on_offer(batch, worker).count() if batch.kind == Batch.Kind.MAIN else batch.page_size
    needs = gate_sentence(batch, worker) or quality.hindrance(batch=batch, worker=worker, now=now)
    needs = needs or ("" if available else _nothing_left(batch, worker))
    rate = teams.rate_of(worker=worker, batch=batch)
    price = price_for(batch=batch, worker_id=worker.pk)
    return Offer(batch, _most_worth(batch, rate) if rate else price, available, needs, rate)


def _is_kept_for_others(batch: Batch, worker: Worker) -> bool:
    """Whether the batch is another team's, or for people this worker is not one of."""
    if batch.team_id is not None and batch.team_id != worker.team_id:
        return True
    is_ours = platform(batch.account.platform).capabilities.pages == "local"
    return is_ours and bool(batch.audience) and not _is_meant(batch, worker)


def _is_over(batch: Batch, now: datetime) -> bool:
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


def _most_worth(batch: Batch, rate: int) -> int:
    """Return what a page can be worth when its whole time is used."""
    return teams.worth(hourly_micro=rate, time=timedelta(seconds=batch.assignment_seconds))


def _has_passed(batch: Batch, worker: Worker) -> bool:
    """Training and exam are offered until they have given their skill."""
    if batch.kind == Batch.Kind.MAIN:
        return False
    return skills.value_of(worker_id=worker.pk, skill_id=batch.grants_skill_id) is not None


def gate_sentence(batch: Batch, worker: Worker) -> str:
    """Say which skill is missing for this batch; empty = none."""
    if batch.needs_skill is None:
        return ""
    value = skills.value_of(worker_id=worker.pk, skill_id=batch.needs_skill_id)
    if value is None:
        return _("Needs “%(skill)s” first.") % {"skill": told(batch.needs_skill.name)}
    if value < batch.needs_value:
        asked = {"least": batch.needs_value, "skill": told(batch.needs_skill.name), "yours": value}
        return _("Needs %(least)s in “%(skill)s”; yours is %(yours)s.") % asked
    return ""


def _nothing_left(batch: Batch, worker: Worker) -> str:
    if batch.per_worker and _answered(batch, worker) >= batch.per_worker:
        return _("You have sent all %(most)s that one person may send here. Thank you!") % {"most": batch.per_worker}
    held = Assignment.objects.filter(batch=batch, state=State.ACTIVE).exclude(worker=worker).order_by("lease_until")
    first = held.first()
    if first is not None:
        count = held.count()
        sentence = ngettext(
            "%(n)s page is held by others until %(time)s UTC at the latest.",
            "%(n)s pages are held by others until %(time)s UTC at the latest.",
            count,
        )
        return sentence % {"n": count, "time": f"{first.lease_until:%H:%M}"}
    return _("Nothing to do here right now.")


def price_for(*, batch: Batch, worker_id: int) -> int:
    """Return the price of a full page, by skill where the batch has a table; fixed when the page is issued."""
    value = skills.value_of(worker_id=worker_id, skill_id=batch.price_skill_id)
    if value is None:
        return batch.price_micro
    for low, high, amount in batch.price_table:
        if low <= value <= high:
            return int(amount)
    return batch.price_micro


def tasks_to_give(batch: Batch) -> QuerySet[Task]:
    """Return the real tasks that still want an answer."""
    return Task.objects.filter(batch=batch, cancelled=False, issued__lt=F("overlap"))


def _on_offer(batch: Batch, worker: Worker) -> QuerySet[Task]:
    """Real tasks with a place for this worker, who has neither seen nor made them."""
    seen = Answer.objects.filter(task=OuterRef("pk"), worker=worker)
    free = tasks_to_give(batch).filter(own_queue.may_have(worker))
    return free.filter(~Exists(seen), ~Q(author_id=worker.pk) | Q(author_id=None))


def _answered(batch: Batch, worker: Worker) -> int:
    """How many real tasks of this batch the worker holds or has done (skipped and expired ones do not count)."""
    live = [State.ACTIVE, State.SUBMITTED, State.ACCEPTED]
    return Answer.objects.filter(
        worker=worker, task__batch=batch, task__overlap__isnull=False, assignment__state__in=live
    ).count()


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
        _expire(assignment_id=page.pk, now=now)
    _check_claim(batch, worker, now)
    # Everybody locks the budget before tasks: two that did it the other way round could wait for each other.
    purse = ledger.Purse.of(batch)
    ledger.lock(purse=purse)
    tasks = _pick(batch, worker)
    if not tasks:
        raise NoWork(_nothing_left(batch, worker))
    page = _new_page(batch, worker, tasks, now, ext_id)
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


def _check_claim(batch: Batch, worker: Worker, now: datetime) -> None:
    if worker.account_id != batch.account_id:
        raise NotYours(_("This work belongs to another platform account."))
    if not worker.may_see(batch.project_id):
        raise NotYours(_("Your invitation was for another project."))
    if _is_kept_for_others(batch, worker):
        raise NotYours(_("This pool is for other people: another team, language, country or skill."))
    if batch.state != Batch.State.OPEN:
        raise NoWork(_("This pool is not open."))
    if _is_over(batch, now):
        raise NoWork(_("The last day of this pool is over."))
    if trust.is_restricted(worker=worker, batch=batch, now=now):
        raise NoWork(_("You cannot work in this pool."))
    if _has_passed(batch, worker):
        raise NoWork(_("You have done this already."))
    sentence = gate_sentence(batch, worker) or quality.hindrance(batch=batch, worker=worker, now=now)
    if sentence:
        raise NoWork(sentence)


def _pick(batch: Batch, worker: Worker) -> list[Task]:
    if batch.kind != Batch.Kind.MAIN:
        return control.whole_set(batch=batch)
    room = batch.page_size
    if batch.per_worker:
        room = min(room, batch.per_worker - _answered(batch, worker))
    controls = control.for_page(batch=batch, worker=worker)
    real_n = max(0, min(room, real_places(batch, len(controls))))
    real = own_queue.pick(on_offer=_on_offer(batch, worker), worker=worker, n=real_n)
    if not real:
        return []
    own_queue.note_given(worker=worker, tasks=real)
    Task.objects.filter(pk__in=[task.pk for task in real]).update(issued=F("issued") + 1)
    return control.mix(real=real, controls=controls, worker=worker)


def real_places(batch: Batch, controls: int) -> int:
    """Return how many tasks of a full page are not control tasks; how many those are may change from page to page."""
    return max(1, batch.page_size - (controls if control.is_adaptive(batch) else batch.control_per_page))


def page_price(*, batch: Batch, worker_id: int, real: int, controls: int) -> int:
    """Return the price of a page with so many real tasks: a short page costs its share, rounded up, or all of it."""
    full = price_for(batch=batch, worker_id=worker_id)
    if batch.pays_whole_pages:
        return full
    places = real_places(batch, controls)
    return -(-full * min(real, places) // places)


def _new_page(batch: Batch, worker: Worker, tasks: list[Task], now: datetime, hosted_as: str) -> Assignment:
    real = sum(task.known_answer is None for task in tasks)
    ext_id = hosted_as or f"{batch.pk}-{worker.pk}-{secrets.token_hex(8)}"
    rate = 0 if hosted_as else teams.rate_of(worker=worker, batch=batch)
    price = page_price(batch=batch, worker_id=worker.pk, real=real, controls=len(tasks) - real)
    price = _most_worth(batch, rate) if rate else price
    return Assignment.objects.create(
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


@transaction.atomic
def submit_page(
    *, assignment_id: int, worker_id: int, answers: Mapping[int, Mapping[str, Any]], duration_ms: int, now: datetime
) -> Submitted:
    """Store all answers of a page at once. A page handed in twice stays as it was the first time."""
    page = _own_page(assignment_id, worker_id)
    if page.state in {State.SUBMITTED, State.ACCEPTED, State.REJECTED}:
        return Submitted(page, _("This page was handed in already."))
    if page.state != State.ACTIVE or page.lease_until < now:
        raise NotYours(_("The time for this page is over; its tasks went to somebody else. Please take a new page."))
    rows = list(Answer.objects.filter(assignment=page).select_related("task").order_by("seq"))
    for row in rows:
        check_payload(interface=page.batch.interface, spec=page.batch.spec, payload=answers.get(row.pk))
    _store(page, rows, answers)
    _lock_what_rules_may_move(page.batch)
    page.move_to(State.SUBMITTED)
    page.submitted_at, page.duration_ms = now, min(max(0, duration_ms), LONGEST_MS)
    page.save(update_fields=["state", "submitted_at", "duration_ms"])
    _pay_the_time(page, now)
    sentence = _settle(page, now)
    _count_done(page)
    if page.batch.kind == Batch.Kind.MAIN:
        trust.apply_rules(page=page, now=now)
    page.refresh_from_db(fields=["state", "judged_at"])
    return Submitted(page, sentence)


def _count_done(page: Assignment) -> None:
    """Lock in order of id first: two pages that share tasks must not wait for each other."""
    tasks = Task.objects.select_for_update(of=("self",)).filter(answers__assignment=page, overlap__isnull=False)
    ids = list(tasks.order_by("pk").values_list("pk", flat=True))
    Task.objects.filter(pk__in=ids).update(done=F("done") + 1)


def _store(page: Assignment, rows: list[Answer], answers: Mapping[int, Mapping[str, Any]]) -> None:
    if page.batch.interface == "link":
        _keep_links(page, rows, answers)
        return
    AnswerRaw.objects.bulk_create([AnswerRaw(answer=row, payload=dict(answers[row.pk])) for row in rows])
    for row in rows:
        if row.task.known_answer is not None and row.control_ok is None:
            row.control_ok = control.is_right(known=row.task.known_answer, payload=answers[row.pk])
    Answer.objects.bulk_update([row for row in rows if row.control_ok is not None], ["control_ok"])


def _keep_links(page: Assignment, rows: list[Answer], answers: Mapping[int, Mapping[str, Any]]) -> None:
    """What a link leads to is fetched first: the page waits for it."""
    RemoteFile.objects.bulk_create(
        RemoteFile(answer=row, assignment=page, ref=answers[row.pk]["link"], payload=dict(answers[row.pk]))
        for row in rows
    )
    page.awaits_files = True
    page.save(update_fields=["awaits_files"])


def _settle(page: Assignment, now: datetime) -> str:
    """What follows from a page at once: a skill, or payment."""
    batch = page.batch
    if batch.kind != Batch.Kind.MAIN:
        page.processed_at = now
        page.save(update_fields=["processed_at"])
        value = control.grade(page=page, now=now)
        judging.accept(assignment_id=page.pk, now=now)
        return _("%(value)s of 100.") % {"value": value}
    if page.platform_state:  # who sent this worker must confirm the page before it counts, and before it is paid
        page.awaits_files = True
        page.save(update_fields=["awaits_files"])
    elif (
        batch.auto_accept
        and not page.awaits_files
        and not trust.is_unpaid(worker_id=page.worker_id, batch=batch, now=now)
    ):
        judging.accept(assignment_id=page.pk, now=now)
    return _("Thank you, the page is in.")


def _pay_the_time(page: Assignment, now: datetime) -> None:
    """A page of somebody who is paid by the hour costs the time it took; the rest of what was held is free again."""
    if not page.hourly_micro:
        return
    due = teams.due_for(page=page, now=now)
    ledger.shrink_page(assignment=page, amount_micro=due + page.fee_micro)
    page.price_micro = due
    page.save(update_fields=["price_micro"])


def _lock_what_rules_may_move(batch: Batch) -> None:
    """A rule that rejects moves money after tasks are locked; everybody locks the budget first."""
    if any(isinstance(rule.action, Reject) for rule in rules.read(batch.rules)):
        ledger.lock(purse=ledger.Purse.of(batch))


@transaction.atomic
def skip_page(*, assignment_id: int, worker_id: int, now: datetime) -> Assignment:
    """Give a page back unanswered; nothing is paid and this worker does not see its tasks again."""
    page = _own_page(assignment_id, worker_id)
    if page.state == State.SKIPPED:
        return page
    _lock_what_rules_may_move(page.batch)
    page.move_to(State.SKIPPED)
    page.judged_at = now
    page.save(update_fields=["state", "judged_at"])
    _free(page)
    trust.apply_rules(page=page, now=now)
    return page


def expire_leases(*, now: datetime, limit: int = 500, account_id: int | None = None) -> int:
    """Take back pages whose time is over, in order of id so that two sweepers cannot lock each other out."""
    late = Assignment.objects.filter(state=State.ACTIVE, lease_until__lt=now)
    late = late.exclude(account__platform__in=issuing_pages())
    if account_id is None:  # a crowd on a virtual clock is swept by its own driver
        late = late.exclude(account__rehearsal__follows_wall_clock=False)
    else:
        late = late.filter(account_id=account_id)
    ids = list(late.order_by("id").values_list("id", flat=True)[:limit])
    return sum(_expire(assignment_id=one, now=now) for one in ids)


@transaction.atomic
def _expire(*, assignment_id: int, now: datetime) -> int:
    page = (
        Assignment.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(pk=assignment_id, state=State.ACTIVE, lease_until__lt=now)
        .first()
    )
    if page is None:
        return 0
    page.move_to(State.EXPIRED)
    page.judged_at = now
    page.save(update_fields=["state", "judged_at"])
    _free(page)
    return 1


def _free(page: Assignment) -> None:
    ledger.release(ref=f"assignment:{page.pk}")
    judging.give_back(page, done=False)


def _own_page(assignment_id: int, worker_id: int) -> Assignment:
    page = (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("batch")
        .filter(pk=assignment_id, worker_id=worker_id)
        .first()
    )
    if page is None:
        raise NotYours(_("This page is not yours."))
    return page
