"""A page in a worker's hands: what he has answered so far, and handing it in."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from crowd.authored import told
from crowd.errors import BadAnswer, NotYours
from crowd.models import Answer, Assignment, Batch, PageDraft, Upload
from crowd.services import control, exam_ending, handing_in
from crowd.services.answers import check_payload
from crowd.services.control import Hint

KB = 1024
MOST_DRAFT_KB = {"outlines": 256}  # some twelve thousand corners
USUAL_DRAFT_KB = 64
Payload = Mapping[str, Any]


@transaction.atomic
def save_answer(*, assignment_id: int, worker_id: int, answer_id: int, payload: Payload, now: datetime) -> Hint:
    """Keep one answer of an active page; in training it is judged at once and its first try counts."""
    page = _active(assignment_id, worker_id, now)
    if not page.answers.filter(pk=answer_id).exists():
        raise NotYours(_("This task is not on this page."))
    check_draft(page.batch, payload)
    hint = Hint(ok=True, text="")
    if page.batch.kind == Batch.Kind.TRAINING:
        hint = control.check_training(assignment_id=page.pk, worker_id=worker_id, answer_id=answer_id, payload=payload)
    draft, _made = PageDraft.objects.select_for_update().get_or_create(assignment=page, defaults={"saved_at": now})
    if _first_counts(page) and draft.answers.get(str(answer_id), dict(payload)) != dict(payload):
        raise BadAnswer(_("In this exam your first answer to a question counts."))
    draft.answers = {**draft.answers, str(answer_id): dict(payload)}
    draft.saved_at = now
    draft.save(update_fields=["answers", "saved_at"])
    return hint


def _active(assignment_id: int, worker_id: int, now: datetime) -> Assignment:
    """Lock the worker's page; its own row is enough, the batch is shared by everybody."""
    pages = Assignment.objects.select_for_update(of=("self",)).select_related("batch")
    page = pages.filter(pk=assignment_id, worker_id=worker_id).first()
    if page is None:
        raise NotYours(_("This page is not yours."))
    if page.state != Assignment.State.ACTIVE or page.lease_until < now:
        raise NotYours(_("The time for this page is over; its tasks went to somebody else. Please take a new page."))
    return page


def check_draft(batch: Batch, payload: Payload) -> None:
    """A choice must be one of the options, a link one that can be read; boxes may be unfinished, but not boundless."""
    if batch.interface == "photo":
        raise BadAnswer(_("Photos are sent as files."))
    if batch.interface in {"choice", "pair", "link", "text"}:
        check_payload(interface=batch.interface, spec=batch.spec, payload=payload)
        return
    most = MOST_DRAFT_KB.get(batch.interface, USUAL_DRAFT_KB)
    if not isinstance(payload, Mapping) or len(json.dumps(payload)) > most * KB:
        raise BadAnswer(_("An answer must be an object of at most %(n)s KB.") % {"n": most})


def answers_so_far(page: Assignment) -> dict[int, Payload]:
    """Return what is answered on a page, by answer id: the draft, or the photos that have arrived."""
    if page.batch.interface == "photo":
        return _photos(page)
    draft = PageDraft.objects.filter(assignment=page).first()
    return {int(answer_id): payload for answer_id, payload in draft.answers.items()} if draft else {}


def answers_to_show(page: Assignment) -> dict[int, Payload]:
    """Return what is answered; in training only what is right, so that a page goes on at the task that is not."""
    answers = answers_so_far(page)
    if page.batch.kind != Batch.Kind.TRAINING:
        return answers
    wrong = {row.pk for row in _wrong(page, answers)}
    return {answer_id: payload for answer_id, payload in answers.items() if answer_id not in wrong}


def is_settled(page: Assignment) -> bool:
    """Whether an exam has ended with what is answered so far: then it is handed in, and nothing can be changed."""
    return exam_ending.ending_test(page.batch) is not None and exam_ending.is_settled(
        page=page, answers=answers_so_far(page)
    )


def has_ended(page: Assignment) -> bool:
    """Whether an exam has been handed in that may end before all is answered; nobody else got its tasks."""
    is_in = page.state in {Assignment.State.SUBMITTED, Assignment.State.ACCEPTED, Assignment.State.REJECTED}
    return is_in and exam_ending.ending_test(page.batch) is not None


def hand_in_settled(*, page: Assignment, worker_id: int, now: datetime) -> None:
    """Hand in an exam that has ended, as it stands."""
    spent = int((now - page.issued_at).total_seconds() * 1000)
    hand_in(page=page, worker_id=worker_id, posted={}, duration_ms=spent, now=now)


def _first_counts(page: Assignment) -> bool:
    """Whether trying one answer after the other would tell which is right: by the exam that ends. Boxes grow."""
    return page.batch.interface in {"choice", "pair"} and exam_ending.ending_test(page.batch) is not None


def _photos(page: Assignment) -> dict[int, Payload]:
    """The last photo sent for a task is the one that counts."""
    ids = list(page.answers.values_list("pk", flat=True))
    done = Upload.objects.of_answers(ids).filter(state=Upload.State.DONE)
    return {upload.answer_id: upload.as_answer() for upload in done}


def hand_in(
    *, page: Assignment, worker_id: int, posted: Mapping[int, Payload], duration_ms: int, now: datetime
) -> handing_in.Submitted:
    """Submit a page with what is kept of it and what came along; files and training only count as kept."""
    answers = answers_so_far(page)
    if page.batch.kind == Batch.Kind.TRAINING:
        _check_corrected(page, answers)
    elif page.batch.interface != "photo":
        answers = {**posted, **answers} if _first_counts(page) else {**answers, **posted}
    longest = int((now - page.issued_at).total_seconds() * 1000)
    return handing_in.submit_page(
        assignment_id=page.pk,
        worker_id=worker_id,
        answers=answers,
        duration_ms=min(max(0, duration_ms), longest),
        now=now,
    )


def _check_corrected(page: Assignment, answers: Mapping[int, Payload]) -> None:
    for row in _wrong(page, answers)[:1]:
        sentence = _("Task %(n)s is not right yet.") % {"n": row.seq + 1}
        raise BadAnswer(f"{sentence} {told(row.task.hint)}".strip())


def _wrong(page: Assignment, answers: Mapping[int, Payload]) -> list[Answer]:
    rows = Answer.objects.filter(assignment=page, pk__in=answers).select_related("task").order_by("seq")
    return [
        row
        for row in rows
        if row.task.known_answer is not None
        and not control.is_right(known=row.task.known_answer, payload=answers[row.pk])
    ]
