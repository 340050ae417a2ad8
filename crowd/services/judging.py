"""Accepting and rejecting pages. Both may be called again: the second call changes nothing.

Whoever may move money locks the project's budget before a page: two that did it the other way round would wait for
each other.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from crowd.models import Assignment, Batch, Task
from crowd.services import ledger, outbox, skills
from crowd.services.tasks import mark_changed

State = Assignment.State


def accept(*, assignment_id: int, now: datetime, taken: bool = False) -> Assignment:
    """Accept a submitted page and pay it once; a rejected page that is accepted now is paid after all.

    `taken`: the platform has accepted it by itself, so the money is gone whatever the budget says.
    """
    return accept_all(assignment_ids=[assignment_id], now=now, taken=taken)[0]


@transaction.atomic
def accept_all(*, assignment_ids: Sequence[int], now: datetime, taken: bool = False) -> list[Assignment]:
    """Accept several pages as `accept` does, all or none."""
    pages = _all_locked(assignment_ids)
    due = [page for page in pages if page.state != State.ACCEPTED]
    rejected = {page.pk for page in due if page.state == State.REJECTED}
    for page in due:
        page.move_to(State.ACCEPTED)
        page.judged_at, page.reason = now, ""
    Assignment.objects.filter(pk__in=[page.pk for page in due]).update(state=State.ACCEPTED, judged_at=now, reason="")
    for batch, mine in _by_batch(due):
        ledger.charge_many(batch=batch, pages=mine, now=now, forced=taken)
        for page in mine:
            _tell(page, "accept")
        skills.count_acceptances(batch=batch, pages=mine, accepted=True, now=now, counted_before=rejected)
    return pages


def _all_locked(assignment_ids: Sequence[int]) -> list[Assignment]:
    """Return pages under their locks, and the budgets that pay them under their own, in the order of everybody."""
    batches = Batch.objects.select_related("account").filter(assignments__in=assignment_ids).distinct()
    purses = {ledger.Purse.of(batch) for batch in batches}
    for purse in sorted(purses, key=lambda one: (one.project_id, one.currency)):
        ledger.lock(purse=purse)
    rows = Assignment.objects.select_related("batch__account").select_for_update(of=("self",))
    return list(rows.filter(pk__in=assignment_ids).order_by("pk"))


def _by_batch(pages: Sequence[Assignment]) -> list[tuple[Batch, list[Assignment]]]:
    found: dict[int, list[Assignment]] = {}
    for page in pages:
        found.setdefault(page.batch_id, []).append(page)
    return [(mine[0].batch, mine) for mine in found.values()]


@transaction.atomic
def reject(*, assignment_id: int, reason: str, now: datetime, reissue: bool = True) -> Assignment:
    """Reject a submitted page: its money goes back to the budget and its tasks to other workers."""
    page = locked(assignment_id)
    if page.state == State.REJECTED:
        return page
    page.move_to(State.REJECTED)
    page.judged_at, page.reason = now, reason[:300]
    page.save(update_fields=["state", "judged_at", "reason"])
    ledger.release(ref=f"assignment:{page.pk}")
    _tell(page, "reject")
    if reissue:
        give_back(page, done=True)
    skills.count_acceptances(batch=page.batch, pages=[page], accepted=False, now=now)
    return page


def _tell(page: Assignment, verdict: str) -> None:
    """Leave the verdict for the platform, unless the page is ours alone or the platform said it first."""
    if not page.platform_state or page.platform_state == page.state:
        return
    outbox.enqueue(
        kind=verdict,
        key=f"{verdict}-{page.pk}",
        account=page.batch.account,
        batch_id=page.batch_id,
        lane=f"page:{page.pk}",
        payload={"assignment_id": page.pk},
    )


def give_back(page: Assignment, *, done: bool) -> None:
    """Offer the real tasks of a page to other workers again; this one never sees them again."""
    tasks = Task.objects.select_for_update().filter(answers__assignment=page, overlap__isnull=False).order_by("pk")
    for task in tasks:
        task.issued = max(0, task.issued - 1)
        task.done = max(0, task.done - 1) if done else task.done
        task.save(update_fields=["issued", "done"])
    if done:
        mark_changed([task.pk for task in tasks])


def locked(assignment_id: int) -> Assignment:
    """Return a page under its lock, and its budget under its own, in the order of everybody."""
    ledger.lock_of_page(assignment_id=assignment_id)
    return Assignment.objects.select_related("batch__account").select_for_update(of=("self",)).get(pk=assignment_id)
