"""Local against remote: pages one by one, tasks, money to the last unit; and our own books against our rows."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.db.models import Sum

from crowd.errors import CrowdError
from crowd.models import Account, Assignment, Batch, Bonus, OutboxCommand, Task
from crowd.money import plain
from crowd.platforms.base import RemoteBooks
from crowd.platforms.registry import platform
from crowd.services import confirming, own_books, publishing, pulling
from crowd.services.own_books import MOST_LISTED, Difference, place

State = Assignment.State
UNPAID = frozenset({State.ACTIVE, State.SKIPPED, State.EXPIRED})
NOWHERE = "not there"
MOST_PULLS = 100
MOVES = ["open_batch", "close_batch", "archive_batch", "update_batch"]


def reconcile(*, now: datetime, account: Account | None = None) -> list[Difference]:
    """Compare all batches of an account, or of every account, with their platforms, once what is new is pulled.

    What is on its way, such as a verdict that waits in the outbox, is no difference. Our own books are looked at
    first: a pull mends some of what may be wrong with them.
    """
    mine = _batches(account)
    own = list(own_books.differences(batches=mine, account=account, now=now))
    return [*_elsewhere(mine, now), *own]


def compare_elsewhere(*, account: Account, now: datetime) -> list[Difference]:
    """Compare an account with its platform as `reconcile` does, and look at no book of ours: this ends soon."""
    return list(_elsewhere(_batches(account), now))


def _batches(account: Account | None) -> list[Batch]:
    batches = Batch.objects.select_related("account", "price_skill").order_by("account__slug", "pk")
    return list(batches if account is None else batches.filter(account=account))


def _elsewhere(batches: Sequence[Batch], now: datetime) -> Iterator[Difference]:
    for batch in batches:
        if _is_compared(batch):
            yield from _platform_side(batch, now)


def _is_compared(batch: Batch) -> bool:
    if not batch.remote_id or batch.state == Batch.State.ARCHIVED or not batch.account.is_active:
        return False
    return publishing.pages_of(batch) != "local"


def _platform_side(batch: Batch, now: datetime) -> Iterator[Difference]:
    """Yield what a batch's platform sees otherwise. A platform that cannot be asked is a difference too."""
    try:
        _pull_all(batch, now)
        books = platform(batch.account.platform).books(batch.account, batch.remote_id)
    except CrowdError as error:
        yield Difference("platform", "", str(error), place(batch))
        return
    yield from _state(batch, books)
    yield from _pages(batch, books)
    yield from _tasks(batch, books)
    yield from _rewards(batch, books)
    yield from _fees(batch, books)
    yield from _bonuses(batch, books)


def _pull_all(batch: Batch, now: datetime) -> None:
    for _ in range(MOST_PULLS):
        pulled = pulling.pull_batch(batch_id=batch.pk, now=now)
        if pulled.note:
            raise CrowdError(pulled.note)
        if not pulled.more:
            return


def _state(batch: Batch, books: RemoteBooks) -> Iterator[Difference]:
    """Compare whether work is given out, unless we are just opening or closing it."""
    moving = OutboxCommand.objects.filter(batch_id=batch.pk, kind__in=MOVES, state__in=own_books.UNFINISHED)
    here = Batch.objects.get(pk=batch.pk).state == Batch.State.OPEN
    if books.is_open is None or books.is_open == here or moving.exists():
        return
    words = {True: "open", False: "not open"}
    yield Difference("pool", words[here], words[books.is_open], place(batch))


def _pages(batch: Batch, books: RemoteBooks) -> Iterator[Difference]:
    ours = _expected_states(batch)
    if publishing.pages_of(batch) == "remote":
        counted = Counter(ours.values())
        for state in sorted(counted.keys() | books.pages_by_state.keys()):
            there = books.pages_by_state.get(state, 0)
            if counted[state] != there:
                yield Difference("pages", counted[state], there, place(batch, f"pages that are {state}"))
    if books.page_states:
        yield from list(_one_by_one(batch, ours, books.page_states))[:MOST_LISTED]


def _expected_states(batch: Batch) -> dict[str, str]:
    """Return each page's state as the platform should have it: as last seen, where our verdict is on its way."""
    untold = own_books.untold_pages(batch)
    if confirming.is_hosted(batch):  # what stands there without work of ours is rejected in a day
        untold |= set(confirming.strays(batch).values_list("pk", flat=True))
    pages = Assignment.objects.filter(batch=batch).values_list("pk", "ext_id", "state", "platform_state")
    return {ext_id: there if pk in untold else here for pk, ext_id, here, there in pages}


def _one_by_one(batch: Batch, ours: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[Difference]:
    hosted = publishing.pages_of(batch) == "hosted"
    for ext_id in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(ext_id, NOWHERE), theirs.get(ext_id, NOWHERE)
        if here != there and not (hosted and _may_differ(here, there)):
            yield Difference("page", here, there, place(batch, f"page {ext_id}"))


def _may_differ(here: str, there: str) -> bool:
    """Say whether a page of our own may be told otherwise: not opened or given up there or here, or just handed in."""
    unpaid = {*UNPAID, NOWHERE}
    return (here in unpaid and there in unpaid) or (here == State.SUBMITTED and there == State.ACTIVE)


def _tasks(batch: Batch, books: RemoteBooks) -> Iterator[Difference]:
    """Compare the number of tasks, where the platform has them and none is on its way."""
    if publishing.pages_of(batch) != "remote" or own_books.is_being_changed(batch):
        return
    here = Task.objects.filter(batch=batch).exclude(remote_id="").count()
    if here != books.tasks:
        yield Difference("tasks", here, books.tasks, place(batch))


def _rewards(batch: Batch, books: RemoteBooks) -> Iterator[Difference]:
    paid = own_books.accepted_cost(batch)
    if paid != books.spent_micro:
        yield Difference("money", plain(paid), plain(books.spent_micro), place(batch, "rewards of accepted pages"))


def _fees(batch: Batch, books: RemoteBooks) -> Iterator[Difference]:
    """Compare what was booked for each page at its time, so a commission that has changed since makes no difference."""
    booked = own_books.accepted_cost(batch, "fee")
    if books.fees_micro is not None and booked != books.fees_micro:
        where = place(batch, "fees of accepted pages; is the account's commission right?")
        yield Difference("money", plain(booked), plain(books.fees_micro), where)


def _bonuses(batch: Batch, books: RemoteBooks) -> Iterator[Difference]:
    pages = Assignment.objects.filter(batch=batch).values("pk")
    mine = Bonus.objects.filter(assignment_id__in=pages)
    waiting = [f"bonus-{pk}" for pk in mine.filter(state=Bonus.State.PLANNED).values_list("pk", flat=True)]
    under_way = OutboxCommand.objects.filter(kind="pay_bonus", key__in=waiting, state__in=own_books.UNFINISHED)
    if under_way.exists():
        return
    paid = mine.filter(state=Bonus.State.PAID).aggregate(n=Sum("amount_micro"))["n"] or 0
    there = sum(books.bonuses.values())
    if paid != there:
        yield Difference("money", plain(paid), plain(there), place(batch, "bonuses"))
