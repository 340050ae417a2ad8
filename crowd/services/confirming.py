"""Pages of hosted batches: work that was handed in on our page counts when its platform shows it, too.

Platforms that can, show with each page the value that only a finished page of ours gives. What stands there without
one is listed, and rejected after a day: time for a person to look.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import F, Q, QuerySet

from crowd.errors import BudgetExceeded
from crowd.links import submission_of
from crowd.models import Assignment, Batch, RemoteFile
from crowd.platforms.registry import platform
from crowd.services import judging, ledger, outbox, publishing
from crowd.services.accepting import accept_waiting
from crowd.services.answers_in import count_places
from crowd.services.incoming import ReadPage, Sorted

State = Assignment.State
A_DAY = timedelta(days=1)
PATIENCE = timedelta(hours=1)  # after the time for a page is over here, in which it may still show there
NOT_STARTED = "This was handed in on the platform, but no work was done on our page."
UNFINISHED = "This was handed in on the platform before the work was finished on our page."
TOO_LATE = "This was handed in on the platform after the time for it was over on our page."
NOT_OURS = "This was handed in on the platform without the value that our page gives when the work is finished."
GIVEN_BACK = "This was given back on the platform, or its time was over there, after it was handed in here."
NEVER_THERE = "This was finished on our page, but never handed in on the platform."
REASONS = {"": NOT_STARTED, State.ACTIVE: UNFINISHED, State.SUBMITTED: NOT_OURS}
NO_WORK_HERE = frozenset({State.ACTIVE, State.SKIPPED, State.EXPIRED, State.REJECTED})
STILL_OPEN = Q(state__in=[State.SUBMITTED, State.SKIPPED, State.EXPIRED, State.REJECTED])


def is_hosted(batch: Batch) -> bool:
    return platform(batch.account.platform).capabilities.pages == "hosted"


def settle(*, batch: Batch, found: Sorted, now: datetime) -> None:
    """Take what the platform confirms, keep apart what it should not have."""
    _confirm(batch, found.confirmed)
    found.refused += [sentence for page in [*found.new, *found.strays] if (sentence := _keep_apart(page, now))]
    for page in found.withdrawn:
        _withdraw(page.pk, GIVEN_BACK, page.told.state, now)
    if batch.auto_accept:
        _, sentence = accept_waiting(batch=batch, now=now)
        found.refused += [sentence] if sentence else []


def sorter_of(batch: Batch) -> Callable[[ReadPage, Sorted], bool] | None:
    """Return what sorts the pages of a hosted batch; None for others."""
    can = platform(batch.account.platform).capabilities
    return partial(sort_known, returns_submission=can.returns_submission) if can.pages == "hosted" else None


def sort_known(page: ReadPage, found: Sorted, *, returns_submission: bool) -> bool:
    """Put a page of ours where `settle` finds it; False when it is nothing special to a hosted batch."""
    known, told = page.known, page.told.state
    if known is None or told == known.platform_state:
        return False
    if told == State.SUBMITTED and known.state in NO_WORK_HERE:
        found.strays.append(page)
    elif told == State.SUBMITTED and known.state == State.SUBMITTED:
        proven = is_proven(page, returns_submission=returns_submission)
        (found.confirmed if proven else found.strays).append(page)
    elif told in {State.SKIPPED, State.EXPIRED} and known.state == State.SUBMITTED:
        found.withdrawn.append(page)
    elif told == State.ACCEPTED and known.state == State.SUBMITTED:
        if is_proven(page, returns_submission=returns_submission):
            found.confirmed.append(page)
        return False
    else:
        return False
    return True


def is_proven(page: ReadPage, *, returns_submission: bool) -> bool:
    """Say whether it is the worker who did it here, with the value that our page gave."""
    mine = page.known is not None and page.told.worker_ext_id == page.known.worker_ext_id
    return mine and (not returns_submission or page.told.submission == submission_of(page.pk))


def _confirm(batch: Batch, pages: Sequence[ReadPage]) -> None:
    """Let the pages in, unless their files are still on their way; their price is what the platform pays."""
    ids = [page.pk for page in pages]
    waiting = RemoteFile.objects.filter(assignment__in=ids).exclude(state=RemoteFile.State.DONE)
    mine = Assignment.objects.filter(pk__in=ids)
    mine.exclude(pk__in=waiting.values("assignment_id")).update(awaits_files=False)
    mine.update(review_until=F("submitted_at") + timedelta(days=batch.review_days))
    for page in pages:
        Assignment.objects.filter(pk=page.pk).update(platform_state=page.told.state)
        _correct_price(batch, page)


def _correct_price(batch: Batch, page: ReadPage) -> None:
    """A worker's skill may have been another one there than here when he took the page."""
    price = page.told.price_micro
    fee = platform(batch.account.platform).fee(batch.account, price_micro=price, overlap=batch.overlap)
    other = Assignment.objects.filter(pk=page.pk).exclude(price_micro=price, fee_micro=fee)
    if not other.update(price_micro=price, fee_micro=fee):
        return
    try:
        with transaction.atomic():
            ref = f"assignment:{page.pk}"
            ledger.resize(purse=ledger.Purse.of(batch), ref=ref, amount_micro=price + fee)
    except BudgetExceeded:  # what was held stays held; accepting asks for the rest
        return


def _keep_apart(page: ReadPage, now: datetime) -> str:
    """Mark a page as one that is not paid; its tasks and its money go back at once. Returns it as a sentence."""
    if not page.pk or page.told.state != State.SUBMITTED:
        return ""
    row = Assignment.objects.filter(pk=page.pk)
    state = page.known.state if page.known else ""
    reason = row.get().reason or REASONS.get(state, TOO_LATE)
    if state == State.ACTIVE:
        row.update(state=State.SUBMITTED, submitted_at=page.told.submitted_at or now)
        count_places([page.pk], issued=-1, done=0)
    elif state == State.SUBMITTED:
        judging.give_back([row.get()], done=True)
    ledger.release(ref=f"assignment:{page.pk}")
    row.update(platform_state=State.SUBMITTED, reason=reason, processed_at=now, review_until=None)
    row.filter(state=State.SUBMITTED).update(awaits_files=True)
    return f"Page {page.told.ext_id} is rejected in a day. {reason}"


def _withdraw(page_id: int, reason: str, told: str, now: datetime) -> None:
    """Nobody is paid for it and nobody has to be told: there is nothing on the platform to be judged."""
    row = Assignment.objects.filter(pk=page_id)
    row.update(platform_state=State.REJECTED, processed_at=now)
    judging.reject(assignment_id=page_id, reason=reason, now=now)
    row.update(platform_state=told)


@transaction.atomic
def tidy(*, batch_id: int, now: datetime) -> None:
    """After a look at the platform: give up what never came there, and let as many people come as are missing."""
    batch = Batch.objects.select_for_update(of=("self",), no_key=True).select_related("account").get(pk=batch_id)
    ledger.lock(purse=ledger.Purse.of(batch))
    over = Assignment.objects.filter(batch=batch, state=State.SUBMITTED, platform_state=State.ACTIVE)
    for pk in over.filter(lease_until__lt=now - PATIENCE).order_by("pk").values_list("pk", flat=True)[:200]:
        _withdraw(pk, NEVER_THERE, State.ACTIVE, now)
    _reject_strays(batch, now)
    if batch.state == Batch.State.OPEN:
        publishing.plan_places(batch=batch)


def strays(batch: Batch) -> QuerySet[Assignment]:
    """Return the pages that stand on the platform and are none of ours, until they are rejected there."""
    there = Assignment.objects.filter(STILL_OPEN, batch=batch, platform_state=State.SUBMITTED)
    return there.filter(processed_at__isnull=False).exclude(reason="")


def _reject_strays(batch: Batch, now: datetime) -> None:
    for page in strays(batch).filter(processed_at__lt=now - A_DAY).order_by("pk")[:200]:
        if page.state == State.SUBMITTED:
            judging.reject(assignment_id=page.pk, reason=page.reason, now=now, reissue=False)
        else:
            page.batch = batch
            outbox.enqueue(
                kind="reject",
                key=f"reject-{page.pk}-there",
                account=batch.account,
                batch_id=batch.pk,
                lane=f"page:{page.pk}",
                payload={"assignment_id": page.pk},
            )
