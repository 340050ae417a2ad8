"""Mechanical Turk: the platform finds and pays people, who work on our own page in its frame.

Retired according to its own documentation; what speaks its protocol can still be used.
https://docs.aws.amazon.com/AWSMechTurk/latest/AWSMturkAPI/Welcome.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from crowd.clock import database_now
from crowd.errors import NotFound
from crowd.models import Account
from crowd.platforms import base, hosted
from crowd.platforms.mturk import amounts, events, exams, hits, marks, offers, pages, people
from crowd.platforms.mturk.client import connected

quotas = {"hits": ((60, 120),)}


class MTurk:
    capabilities = replace(
        base.FULL,
        pages="hosted",
        native_upload=False,
        audience_filters=frozenset({"countries", "skills", "top_percent", "adult_content"}),
        interfaces=frozenset({"photo", "choice", "boxes", "outlines", "link", "pair", "text"}),
        returns_submission=True,
        sees_skips=False,
        priority=False,
        messages=True,
        balance=True,
        lowest_price_micro=amounts.CENT,
        price_step_micro=amounts.CENT,
        longest_review_days=offers.REVIEW_DAYS,
        rules_note=(
            "MTurk's review policies (known answers, plurality) are not used: they compare fields that a worker's "
            "browser posts, so a field about control tasks would show workers which answers are checked."
        ),
        note=(
            "The service was retired in September 2026, as its own documentation says. This works against endpoints "
            "that speak its protocol and against our emulator; it was never tested against the live service."
        ),
    )

    def check(self, account: Account) -> base.Health:
        told = connected(account).call("get_account_balance")
        balance = amounts.read_amount(told["AvailableBalance"])
        held = f", ${told['OnHoldBalance']} on hold" if told.get("OnHoldBalance") else ""
        return base.Health(
            ok=balance > 0, sentence=f"${told['AvailableBalance']} are available{held}.", balance_micro=balance
        )

    def fee(self, account: Account, *, price_micro: int, overlap: int) -> int:
        """Our HITs are for nine people at most, however many answers a task gets: 20 %, at least a cent."""
        return amounts.fee(price_micro, hits.PLACES)

    def quote(self, account: Account, *, pages: int, price_micro: int, overlap: int = 1) -> int:
        return pages * (price_micro + self.fee(account, price_micro=price_micro, overlap=overlap))

    def lacks(self, account: Account, batch: base.BatchSpec) -> list[str]:
        if batch.kind != "main":  # on our own page or a test there, for nothing
            return []
        own = hosted.lacks(batch, name="MTurk", sees_skips=self.capabilities.sees_skips)
        return [*offers.lacks(account, batch), *own]

    def ensure_batch(self, account: Account, batch: base.BatchSpec) -> str:
        client = connected(account)
        mark = marks.ensure(client, batch)
        if batch.grants_skill:
            marks.ensure_skill(client, batch.grants_skill)
        if mark.exam is None and (exam := exams.exam_of(client, batch)):
            mark = marks.write(client, mark, exam=exam)
        if batch.kind == "main" and not mark.tiers:
            marks.write(client, mark, tiers=offers.ensure_types(client, mark, batch), until=_until(batch))
        return mark.id

    def update_batch(self, account: Account, remote_id: str, batch: base.BatchSpec) -> None:
        client = connected(account)
        mark = marks.read(client, remote_id)
        if batch.kind != "main":
            return
        mark = marks.write(client, mark, tiers=offers.ensure_types(client, mark, batch), until=_until(batch))
        hits.follow(client, mark, database_now())

    def push_tasks(
        self, account: Account, remote_id: str, tasks: Sequence[base.TaskSpec], key: str = ""
    ) -> base.Receipt:
        """Our own page gives out the tasks: all of them are where they have to be, but for a test of MTurk's own."""
        client = connected(account)
        exams.give(client, marks.read(client, remote_id), tasks)
        return base.Receipt(created=0, existing=len(tasks), refused={})

    def set_overlap(self, account: Account, remote_id: str, task_remote_id: str, overlap: int) -> None:
        marks.read(connected(account), remote_id)  # our own page looks at the task

    def offer_pages(self, account: Account, remote_id: str, pages: int, key: str) -> None:
        client = connected(account)
        hits.offer(client, marks.read(client, remote_id), pages, key)

    def open(self, account: Account, remote_id: str, now: datetime) -> None:
        client = connected(account)
        mark = marks.read(client, remote_id)
        hits.open_all(client, mark if mark.is_open else marks.write(client, mark, is_open=True), now)

    def close(self, account: Account, remote_id: str, now: datetime) -> None:
        client = connected(account)
        mark = marks.read(client, remote_id)
        hits.end_all(client, marks.write(client, mark, is_open=False) if mark.is_open else mark, now)

    def archive(self, account: Account, remote_id: str, now: datetime) -> None:
        """End it. What is judged is not deleted: within thirty days a rejection may still be taken back."""
        self.close(account, remote_id, now)

    def set_priority(self, account: Account, remote_id: str, priority: int) -> None:
        marks.read(connected(account), remote_id)  # there is none on the platform, and `lacks` says so

    def pull(self, account: Account, remote_id: str, watermark: str) -> base.Pull:
        client = connected(account)
        return pages.pull(client, marks.read(client, remote_id), watermark)

    def accept(self, account: Account, ext_id: str, now: datetime, comment: str = "") -> None:
        pages.approve(connected(account), ext_id, comment)

    def reject(self, account: Account, ext_id: str, reason: str, now: datetime) -> None:
        pages.reject(connected(account), ext_id, reason)

    def pay_bonus(self, account: Account, bonus: base.BonusSpec) -> str:
        return people.pay_bonus(connected(account), bonus)

    def set_skill(self, account: Account, worker_ext_id: str, skill: str, value: int) -> None:
        people.set_skill(connected(account), worker_ext_id, skill, value)

    def restrict(self, account: Account, remote_id: str, ban: base.Ban) -> None:
        client = connected(account)
        people.restrict(client, marks.read(client, remote_id), ban)

    def unrestrict(self, account: Account, remote_id: str, ban: base.Ban, now: datetime) -> None:
        client = connected(account)
        people.unrestrict(client, marks.read(client, remote_id), ban)

    def bans(self, account: Account, remote_id: str) -> Sequence[base.Ban]:
        return people.blocks(connected(account))

    def message(self, account: Account, worker_ext_ids: Sequence[str], topic: str, text: str) -> None:
        people.message(connected(account), worker_ext_ids, topic, text)

    def fetch_file(self, account: Account, ref: str) -> Iterator[bytes]:
        raise NotFound(f"Files of people from MTurk come in on our own page; there is no {ref!r} elsewhere.")

    def parse_event(
        self, account: Account, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> list[base.EventNote]:
        return events.parse(account, headers, body, now)

    def books(self, account: Account, remote_id: str) -> base.RemoteBooks:
        client = connected(account)
        return pages.books(client, marks.read(client, remote_id))


def _until(batch: base.BatchSpec) -> str:
    return batch.expires_at.isoformat() if batch.expires_at else ""
