"""Accepting and rejecting pages. Both may be called again: the second call changes nothing."""

from datetime import datetime

from django.db import transaction

from crowd.models import Assignment, Task
from crowd.services import ledger, skills

State = Assignment.State


@transaction.atomic
def accept(*, assignment_id: int, now: datetime) -> Assignment:
    """Accept a submitted page and pay it once; a rejected page that is accepted now is paid after all."""
    page = _locked(assignment_id)
    if page.state == State.ACCEPTED:
        return page
    was_rejected = page.state == State.REJECTED
    page.move_to(State.ACCEPTED)
    page.judged_at, page.reason = now, ""
    page.save(update_fields=["state", "judged_at", "reason"])
    ledger.charge(assignment=page, now=now)
    skills.count_acceptance(assignment=page, accepted=True, now=now, counted_before=was_rejected)
    return page


@transaction.atomic
def reject(*, assignment_id: int, reason: str, now: datetime, reissue: bool = True) -> Assignment:
    """Reject a submitted page: its money goes back to the budget and its tasks to other workers."""
    page = _locked(assignment_id)
    if page.state == State.REJECTED:
        return page
    page.move_to(State.REJECTED)
    page.judged_at, page.reason = now, reason[:300]
    page.save(update_fields=["state", "judged_at", "reason"])
    ledger.release(ref=f"assignment:{page.pk}")
    if reissue:
        give_back(page, done=True)
    skills.count_acceptance(assignment=page, accepted=False, now=now)
    return page


def give_back(page: Assignment, *, done: bool) -> None:
    """Offer the real tasks of a page to other workers again; this one never sees them again."""
    tasks = Task.objects.select_for_update().filter(answers__assignment=page, overlap__isnull=False).order_by("pk")
    for task in tasks:
        task.issued = max(0, task.issued - 1)
        task.done = max(0, task.done - 1) if done else task.done
        task.save(update_fields=["issued", "done"])


def _locked(assignment_id: int) -> Assignment:
    return Assignment.objects.select_for_update(of=("self",)).select_related("batch__account").get(pk=assignment_id)
