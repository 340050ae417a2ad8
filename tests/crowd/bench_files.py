"""A vendor's far side is a folder: its people's answers are rows that somebody brings in."""

from collections.abc import Callable
from datetime import datetime
from itertools import count

from crowd.models import Account
from crowd.platforms.tagme_files import packages, results
from crowd.platforms.tagme_files.bans import excluded_from
from crowd.platforms.tagme_files.store import Folder
from tests.crowd import market

PRICE_MICRO = 30_000


class VendorBench:
    """Each worker answers the first task that nobody has answered yet."""

    page_size = "crowd.platforms.tagme_files.results.PULL_SIZE"

    def __init__(self) -> None:
        self._numbers = count(1)

    def account(self) -> Account:
        return market.account("tagme_files")

    def worker_sends(self, account: Account, remote_id: str, now: datetime) -> tuple[str, str]:
        worker = f"w{next(self._numbers)}"
        return worker, self._answer(account, remote_id, worker, now)

    def worker_takes(self, account: Account, remote_id: str, now: datetime) -> Callable[[datetime], str]:
        return lambda then: self.worker_sends(account, remote_id, max(now, then))[1]

    def is_welcome(self, account: Account, worker_ext_id: str, remote_id: str, now: datetime) -> bool:
        assert now is not None
        return worker_ext_id not in excluded_from(Folder.existing(account, remote_id))

    def _answer(self, account: Account, remote_id: str, worker: str, now: datetime) -> str:
        folder = Folder.existing(account, remote_id)
        answered = {row["task"] for row in results.stored(folder)}
        task = next(key for key in packages.packed_tasks(folder) if key not in answered)
        page = f"{remote_id}:{worker}"
        row = {
            "page": page,
            "worker": worker,
            "task": task,
            "answer": {"answer": "correct"},
            "state": "submitted",
            "price_micro": PRICE_MICRO,
            "issued_at": now.isoformat(),
            "submitted_at": now.isoformat(),
        }
        results.append(folder, [row])
        return page
