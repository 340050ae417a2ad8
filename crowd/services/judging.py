"""Accepting and rejecting pages. Both may be called again: the second call changes nothing.

Whoever may move money locks the project's budget before a page: two that did it the other way round would wait for
each other.
"""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from crowd.bulk import bulk_change
from crowd.models import Answer, Assignment, Batch, Task
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
    accept_locked(pages=pages, now=now, taken=taken)
    return pages


def accept_locked(*, pages: Sequence[Assignment], now: datetime, taken: bool = False) -> None:
    """Accept pages as `accept_all` does. The caller holds their locks, and before them those of their budgets."""
    due = [page for page in pages if page.state != State.ACCEPTED]
    rejected = {page.pk for page in due if page.state == State.REJECTED}
    for page in due:
        page.move_to(State.ACCEPTED)
        page.judged_at, page.reason = now, ""
    Assignment.objects.filter(pk__in=[page.pk for page in due]).update(state=State.ACCEPTED, judged_at=now, reason="")
    pay(due, now=now, taken=taken, rejected=rejected)
    for page in due:
        _tell(page, "accept")


def pay(pages: Sequence[Assignment], *, now: datetime, taken: bool = False, rejected: Container[int] = ()) -> None:
    """Pay pages that are accepted, as `accept_all` does; those that were `rejected` before are counted already."""
    by_batch = _by_batch(pages)
    ledger.charge_many(pages=by_batch, now=now, forced=taken)
    skills.count_acceptances(pages=by_batch, accepted=True, now=now, counted_before=rejected)


def _all_locked(assignment_ids: Sequence[int]) -> list[Assignment]:
    """Return pages under their locks, and the budgets that pay them under their own, in the order of everybody."""
    found = Batch.objects.select_related("account").filter(
        pk__in=Assignment.objects.filter(pk__in=assignment_ids).values("batch_id")
    )
    batches = {batch.pk: batch for batch in found}
    ledger.lock_all(ledger.Purse.of(batch) for batch in batches.values())
    pages = list(Assignment.objects.select_for_update().filter(pk__in=assignment_ids).order_by("pk"))
    for page in pages:
        page.batch = batches[page.batch_id]
    return pages


def _by_batch(pages: Sequence[Assignment]) -> dict[Batch, list[Assignment]]:
    found: dict[Batch, list[Assignment]] = {}
    for page in pages:
        found.setdefault(page.batch, []).append(page)
    return found


def reject(*, assignment_id: int, reason: str, now: datetime, reissue: bool = True) -> Assignment:
    """Reject a submitted page: its money goes back to the budget and its tasks to other workers."""
    return reject_all(reasons={assignment_id: reason}, now=now, reissue=reissue)[0]


@transaction.atomic
def reject_all(*, reasons: Mapping[int, str], now: datetime, reissue: bool = True) -> list[Assignment]:
    """Reject several pages as `reject` does, all or none; `reasons` says why, by their ids."""
    pages = _all_locked(list(reasons))
    due = [page for page in pages if page.state != State.REJECTED]
    for page in due:
        page.move_to(State.REJECTED)
        page.judged_at, page.reason = now, reasons[page.pk][:300]
    rows = [(page.pk, page.state, page.judged_at, page.reason) for page in due]
    bulk_change(model=Assignment, columns=["state", "judged_at", "reason"], rows=rows)
    ledger.release_all(refs=[f"assignment:{page.pk}" for page in due])
    for page in due:
        _tell(page, "reject")
    if reissue:
        give_back(due, done=True)
    skills.count_acceptances(pages=_by_batch(due), accepted=False, now=now)
    return pages


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


def give_back(pages: Sequence[Assignment], *, done: bool) -> None:
    """Offer the real tasks of pages to other workers again; who had them never sees them again."""
    answers = Answer.objects.filter(assignment__in=pages, task__overlap__isnull=False)
    times = Counter(answers.values_list("task_id", flat=True))
    list(Task.objects.select_for_update().filter(pk__in=times).order_by("pk").values_list("pk", flat=True))
    for n in set(times.values()):
        fewer = {name: Greatest(0, F(name) - n) for name in (["issued", "done"] if done else ["issued"])}
        Task.objects.filter(pk__in=[pk for pk, count in times.items() if count == n]).update(**fewer)
    if done:
        mark_changed(list(times))


def locked(assignment_id: int) -> Assignment:
    """Return a page under its lock, and its budget under its own, in the order of everybody."""
    ledger.lock_of_page(assignment_id=assignment_id)
    return Assignment.objects.select_related("batch__account").select_for_update(of=("self",)).get(pk=assignment_id)
