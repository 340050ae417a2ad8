"""A platform elsewhere, in memory: what it tells is what a test has put there."""
# ruff: noqa: ARG002  the arguments of a Protocol

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from crowd.models import Account, Batch, Task
from crowd.platforms import registry
from crowd.platforms.base import Pull, RemoteAssignment, RemoteBooks
from crowd.platforms.local import LocalMarket
from crowd.services import ledger, publishing
from tests.crowd import market
from tests.crowd.market import NOON

PULL_SIZE = 100
YES = {"answer": "correct"}
_numbers = count(1)


@dataclass
class Far:
    """The far side of one account."""

    pages: list[RemoteAssignment] = field(default_factory=list)
    files: dict[str, bytes | Exception] = field(default_factory=dict)
    error: Exception | None = None
    pulls: int = 0
    tasks: int | None = None
    page_states: dict[str, str] | None = None
    spent_micro: int | None = None
    fees_micro: int | None = None
    bonuses: dict[str, int] = field(default_factory=dict)


FAR: dict[str, Far] = {}


class Stub(LocalMarket):
    capabilities = replace(LocalMarket.capabilities, pages="remote")

    def fee(self, account: Account, *, price_micro: int, overlap: int) -> int:
        return price_micro // 5

    def quote(self, account: Account, *, pages: int, price_micro: int, overlap: int = 1) -> int:
        return pages * (price_micro + price_micro // 5)

    def pull(self, account: Account, remote_id: str, watermark: str) -> Pull:
        far = FAR[account.slug]
        far.pulls += 1
        if far.error is not None:
            raise far.error
        start = int(watermark or 0)
        found = far.pages[start : start + PULL_SIZE]
        return Pull(found, str(start + len(found)), more=start + len(found) < len(far.pages))

    def fetch_file(self, account: Account, ref: str) -> Iterator[bytes]:
        content = FAR[account.slug].files[ref]
        if isinstance(content, Exception):
            raise content
        for start in range(0, len(content), 1000):
            yield content[start : start + 1000]

    def books(self, account: Account, remote_id: str) -> RemoteBooks:
        far = FAR[account.slug]
        if far.error is not None:
            raise far.error
        latest = {page.ext_id: page for page in far.pages}
        told = {ext_id: page.state for ext_id, page in latest.items()}
        states = told if far.page_states is None else far.page_states
        earned = sum(page.price_micro for page in latest.values() if page.state == "accepted")
        tasks = Task.objects.filter(batch__remote_id=remote_id).exclude(remote_id="").count()
        return RemoteBooks(
            pages_by_state=dict(Counter(states.values())),
            tasks=tasks if far.tasks is None else far.tasks,
            spent_micro=earned if far.spent_micro is None else far.spent_micro,
            page_states=states,
            bonuses=far.bonuses,
            fees_micro=far.fees_micro,
        )


class Hosted(Stub):
    capabilities = replace(LocalMarket.capabilities, pages="hosted")


class Proving(Hosted):
    capabilities = replace(Hosted.capabilities, returns_submission=True)


@pytest.fixture
def far_away(monkeypatch) -> Iterator[None]:
    """Have the platforms `stub`, `hosted` and `proving`."""
    monkeypatch.setitem(registry.PLATFORMS, "stub", "tests.crowd.remote:Stub")
    monkeypatch.setitem(registry.PLATFORMS, "hosted", "tests.crowd.remote:Hosted")
    monkeypatch.setitem(registry.PLATFORMS, "proving", "tests.crowd.remote:Proving")
    registry.elsewhere.cache_clear()
    yield
    registry.elsewhere.cache_clear()
    FAR.clear()


def account(platform: str = "stub") -> Account:
    at = market.account(platform)
    FAR[at.slug] = Far()
    return at


def batch(interface: str = "choice", *, n: int = 3, platform: str = "stub", **fields: Any) -> Batch:
    """A published batch with so many tasks, and the money for it held."""
    fields = {"auto_accept": False, "remote_id": f"far-{next(_numbers)}", "watermark": "", **fields}
    row = market.batch(interface, at=account(platform), **fields)
    for number, task in enumerate(market.tasks(row, n)):
        Task.objects.filter(pk=task.pk).update(remote_id=f"far-{row.pk}-{number}")
    publishing.fit_hold(batch=row)
    return row


def far(of: Batch) -> Far:
    return FAR[of.account.slug]


def keys(of: Batch) -> list[str]:
    return list(Task.objects.filter(batch=of).order_by("pk").values_list("key", flat=True))


def told(
    of: Batch,
    *task_keys: str,
    state: str = "submitted",
    answer: Mapping[str, Any] | None = None,
    ext_id: str = "",
    who: str = "",
    at: datetime = NOON,
    **fields: Any,
) -> RemoteAssignment:
    """A page as the platform tells it: the same answer to each of these tasks."""
    number = next(_numbers)
    given = dict.fromkeys(task_keys, YES if answer is None else answer)
    return RemoteAssignment(
        **{
            "ext_id": ext_id or f"page-{number}",
            "worker_ext_id": who or f"worker-{number}",
            "state": state,
            "price_micro": of.price_micro,
            "submitted_at": at if state in {"submitted", "accepted", "rejected"} else None,
            "answers": given,
            "issued_at": at - timedelta(minutes=5),
            **fields,
        }
    )


def totals(of: Batch) -> ledger.Totals:
    return ledger.totals(project_id=of.project_id)
