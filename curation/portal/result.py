"""What came out of a training or an exam: the score, what was needed, what follows."""

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crowd.authored import told
from crowd.clock import database_now
from crowd.models import Answer, Assignment, Batch, Worker
from crowd.services import exam_ending, offers, retrying, skills
from curation.portal.offers import kind_words
from curation.portal.pages import own_page
from curation.portal.people import for_workers
from curation.portal.shown import title_of


@dataclass(frozen=True, slots=True)
class Result:
    """`needed` is the score that the next step asks for; None = nothing asks for one."""

    kind: str
    title: str
    right: int
    asked: int
    value: int
    needed: int | None
    ended_early: bool
    hints: tuple[str, ...]
    next_batch: int | None
    next_title: str
    again: datetime | None

    @property
    def has_passed(self) -> bool:
        return self.needed is None or self.value >= self.needed


@require_safe
@for_workers
def result(request: HttpRequest, worker: Worker, page_id: int) -> HttpResponse:
    page = own_page(worker, page_id)
    if page.batch.kind == Batch.Kind.MAIN or page.state != Assignment.State.ACCEPTED:
        raise Http404
    return render(request, "worker/result.html", {"worker": worker, "result": result_of(page, worker)})


def result_of(page: Assignment, worker: Worker) -> Result:
    answers = list(Answer.objects.filter(assignment=page, control_ok__isnull=False).select_related("task"))
    right = sum(bool(answer.control_ok) for answer in answers)
    value = skills.value_of(worker_id=worker.pk, skill_id=page.batch.grants_skill_id)
    follows = _next_step(page, worker)
    return Result(
        kind=page.batch.kind,
        title=kind_words(page.batch),
        right=right,
        asked=len(answers),
        value=value or 0,
        needed=retrying.needed_behind(page.batch),
        ended_early=exam_ending.ending_test(page.batch) is not None and len(answers) < page.batch.page_size,
        hints=_hints(page.batch, answers),
        next_batch=follows.pk if follows else None,
        next_title=_words(follows) if follows else "",
        again=retrying.next_try(batch=page.batch, worker=worker),
    )


def _hints(batch: Batch, answers: list[Answer]) -> tuple[str, ...]:
    """In a training, what was wrong at first explains itself once more; an exam gives nothing away."""
    if batch.kind != Batch.Kind.TRAINING:
        return ()
    missed = [told(answer.task.hint) for answer in answers if not answer.control_ok and answer.task.hint]
    return tuple(dict.fromkeys(missed))


def _next_step(page: Assignment, worker: Worker) -> Batch | None:
    """Return what this step has opened and can be begun now."""
    for offer in offers.offers(worker_id=worker.pk, now=database_now()):
        if offer.batch.needs_skill_id == page.batch.grants_skill_id and not offer.needs and offer.batch.needs_skill_id:
            return offer.batch
    return None


def _words(batch: Batch) -> str:
    return kind_words(batch) or title_of(batch)
