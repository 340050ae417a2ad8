"""A page comes back: handed in, skipped, or taken back when its time is over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from crowd.errors import NotYours
from crowd.models import Answer, AnswerRaw, Assignment, Batch, RemoteFile, Task
from crowd.platforms.registry import issuing_pages
from crowd.services import control, exam_ending, judging, ledger, skills, teams, trust
from crowd.services.answers import check_payload

State = Assignment.State
NOT_YOURS = gettext_noop("This page is not yours.")
LONGEST_MS = 2**31 - 1  # what the column holds; the number comes from a browser
EXPIRED_TOGETHER = 10  # of one project: meanwhile its budget is locked, and nobody is given a page there
EXPIRED_OF_A_CROWD = 500  # of a rehearsed crowd, which is alone with its rows


@dataclass(frozen=True, slots=True)
class Submitted:
    assignment: Assignment
    sentence: str


@transaction.atomic
def submit_page(
    *, assignment_id: int, worker_id: int, answers: Mapping[int, Mapping[str, Any]], duration_ms: int, now: datetime
) -> Submitted:
    """Store all answers of a page at once. A page handed in twice stays as it was the first time."""
    batch, may_be_judged = _lock_what_may_move(assignment_id)
    page = _own_page(assignment_id, worker_id)
    page.batch = batch
    if page.state in {State.SUBMITTED, State.ACCEPTED, State.REJECTED}:
        return Submitted(page, _("This page was handed in already."))
    if page.state != State.ACTIVE or page.lease_until < now:
        raise NotYours(_("The time for this page is over; its tasks went to somebody else. Please take a new page."))
    rows = list(Answer.objects.filter(assignment=page).select_related("task").order_by("seq"))
    rows, never_asked = exam_ending.asked(page=page, rows=rows, answers=answers)
    Answer.objects.filter(pk__in=[row.pk for row in never_asked]).delete()
    fill_in(page=page, rows=rows, answers=answers, duration_ms=duration_ms, now=now)
    _store(page, rows, answers)
    page.save(update_fields=["state", "submitted_at", "duration_ms"])
    _pay_the_time(page, now)
    sentence = _settle(page, now)
    _count_done([row.task_id for row in rows if row.task.overlap is not None])
    if page.batch.kind == Batch.Kind.MAIN:
        trust.apply_rules(page=page, now=now)
    if may_be_judged:
        page.refresh_from_db(fields=["state", "judged_at"])
    return Submitted(page, sentence)


def fill_in(
    *,
    page: Assignment,
    rows: Sequence[Answer],
    answers: Mapping[int, Mapping[str, Any]],
    duration_ms: int,
    now: datetime,
) -> None:
    """Write on a page that it was handed in, and on its rows which control tasks are right; the caller stores it.

    Raises BadAnswer when an answer is missing or is none.
    """
    batch = page.batch
    for row in rows:
        check_payload(interface=batch.interface, spec=batch.spec, payload=answers.get(row.pk))
        if row.task.known_answer is not None and row.control_ok is None:
            row.control_ok = control.is_right(known=row.task.known_answer, payload=answers[row.pk])
    page.move_to(State.SUBMITTED)
    page.submitted_at, page.duration_ms = now, min(max(0, duration_ms), LONGEST_MS)


def raw_of(rows: Iterable[Answer], answers: Mapping[int, Mapping[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Return what was sent, as it is kept: the columns of AnswerRaw."""
    return [(row.pk, dict(answers[row.pk])) for row in rows]


def _count_done(real: Sequence[int]) -> None:
    """Lock several tasks in order of id first: two pages that share some must not wait for each other."""
    tasks = Task.objects.filter(pk__in=real)
    if len(real) > 1:
        list(tasks.select_for_update().order_by("pk").values_list("pk", flat=True))
    tasks.update(done=F("done") + 1)


def _store(page: Assignment, rows: list[Answer], answers: Mapping[int, Mapping[str, Any]]) -> None:
    if page.batch.interface == "link":
        _keep_links(page, rows, answers)
        return
    AnswerRaw.objects.bulk_create(AnswerRaw(answer_id=pk, payload=payload) for pk, payload in raw_of(rows, answers))
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
        value = _grade(page, now)
        judging.accept_locked(pages=[page], now=now)
        return _("%(value)s of 100.") % {"value": value}
    if page.platform_state:  # who sent this worker must confirm the page before it counts, and before it is paid
        page.awaits_files = True
        page.save(update_fields=["awaits_files"])
    elif (
        batch.auto_accept
        and not page.awaits_files
        and not trust.is_unpaid(worker_id=page.worker_id, batch=batch, now=now)
    ):
        judging.accept_locked(pages=[page], now=now)
    return _("Thank you, the page is in.")


def _grade(page: Assignment, now: datetime) -> int:
    first = Answer.objects.filter(assignment=page, control_ok__isnull=False).order_by("seq")
    score = score_of(page=page, oks=[bool(ok) for ok in first.values_list("control_ok", flat=True)], now=now)
    return skills.set_all([score])[0].value if score else 0


def score_of(*, page: Assignment, oks: list[bool], now: datetime) -> skills.Score | None:
    """Return what a page of a training or an exam comes to; one that may end early has a score of its own."""
    value = exam_ending.value_of(batch=page.batch, oks=oks) if oks else None
    return control.score_of(page=page, oks=oks, now=now, value=value)


def _pay_the_time(page: Assignment, now: datetime) -> None:
    """A page of somebody who is paid by the hour costs the time it took; the rest of what was held is free again."""
    if not page.hourly_micro:
        return
    due = teams.due_for(page=page, now=now)
    ledger.shrink_page(assignment=page, amount_micro=due + page.fee_micro)
    page.price_micro = due
    page.save(update_fields=["price_micro"])


def _lock_what_may_move(assignment_id: int) -> tuple[Batch, bool]:
    """Lock the budget before the page where handing it in may move money: where it pays, or a rule may reject.

    With postponed acceptance nothing moves, and many workers hand in at once. Returns the batch and whether money may
    move.
    """
    page = Assignment.objects.select_related("batch__account").filter(pk=assignment_id).first()
    if page is None:
        raise NotYours(_(NOT_YOURS))
    batch = page.batch
    pays = batch.kind != Batch.Kind.MAIN or batch.auto_accept or page.hourly_micro > 0
    may_move = pays or trust.may_reject(batch)
    if may_move:
        ledger.lock(purse=ledger.Purse.of(batch))
    return batch, may_move


@transaction.atomic
def skip_page(*, assignment_id: int, worker_id: int, now: datetime) -> Assignment:
    """Give a page back unanswered; nothing is paid and this worker does not see its tasks again."""
    ledger.lock_of_page(assignment_id=assignment_id)
    page = _own_page(assignment_id, worker_id)
    if page.state == State.SKIPPED:
        return page
    page.move_to(State.SKIPPED)
    page.judged_at = now
    page.save(update_fields=["state", "judged_at"])
    _free([page])
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
    by_project: dict[int, list[int]] = {}
    for pk, project_id in late.order_by("id").values_list("id", "project_id")[:limit]:
        by_project.setdefault(project_id, []).append(pk)
    n = EXPIRED_TOGETHER if account_id is None else EXPIRED_OF_A_CROWD
    slices = (ids[at : at + n] for ids in by_project.values() for at in range(0, len(ids), n))
    return sum(_expire_all(some, now) for some in slices)


def expire(*, assignment_id: int, now: datetime) -> int:
    """Take one page back whose time is over."""
    return _expire_all([assignment_id], now)


@transaction.atomic
def _expire_all(assignment_ids: Sequence[int], now: datetime) -> int:
    late = Assignment.objects.filter(pk__in=assignment_ids, state=State.ACTIVE, lease_until__lt=now)
    batches = Batch.objects.select_related("account").filter(pk__in=late.values("batch_id"))
    ledger.lock_all(ledger.Purse.of(batch) for batch in batches)
    pages = list(late.select_for_update(skip_locked=True, of=("self",)).order_by("pk"))
    if not pages:
        return 0
    for page in pages:
        page.move_to(State.EXPIRED)
    Assignment.objects.filter(pk__in=[page.pk for page in pages]).update(state=State.EXPIRED, judged_at=now)
    _free(pages)
    return len(pages)


def _free(pages: Sequence[Assignment]) -> None:
    ledger.release_all(refs=[f"assignment:{page.pk}" for page in pages])
    judging.give_back(pages, done=False)


def _own_page(assignment_id: int, worker_id: int) -> Assignment:
    page = Assignment.objects.select_for_update().filter(pk=assignment_id, worker_id=worker_id).first()
    if page is None:
        raise NotYours(_(NOT_YOURS))
    return page
