"""Toloka and Yandex Tasks: the platform mixes and gives out pages of the tasks we push, and we pull the answers.

The SDK is loaded on first use, by `shim.kit`; this module and the ones it imports know only our own words.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from crowd.clock import database_now
from crowd.models import Account
from crowd.money import exact_text, micro
from crowd.platforms import base
from crowd.platforms.toloka import assignments, events, files, people, plan, pools, stops
from crowd.platforms.toloka import tasks as pushing
from crowd.platforms.toloka.client import connected
from crowd.services.quotas import Quotas, left

MINUTE, HOUR, DAY = 60, 3_600, 86_400
quotas: Quotas = {
    "projects": ((MINUTE, 20), (DAY, 100)),
    "pools": ((MINUTE, 20), (DAY, 100)),
    "trainings": ((MINUTE, 20), (DAY, 100)),
    "skills": ((MINUTE, 10), (DAY, 100)),
    "tasks": ((MINUTE, 200_000), (DAY, 4_000_000)),
    "overlap": ((HOUR, 10),),
    "user_skills": ((DAY, 100_000),),
    "bonuses": ((DAY, 10_000),),
    "messages": ((DAY, 100_000),),
}
COMMISSION = "The commission is not known; set it, 0 if there is none: no pool opens before."


class Toloka:
    """The adapter. It classifies and never waits: what takes long raises StillRunning."""

    capabilities = replace(
        base.FULL,
        pages="remote",
        audience_filters=frozenset(
            {"languages", "countries", "regions", "devices", "skills", "top_percent", "best_n", "adult_content"}
        ),
        interfaces=frozenset({"photo", "choice", "boxes"}),
        platform_rules=True,
        messages=True,
        balance=True,
        webhooks=True,
        lowest_price_micro=plan.LOWEST_PRICE,
        most_overlap=plan.MOST_OVERLAP,
        longest_review_days=plan.LONGEST_REVIEW,
        note="Tested against our own emulator; the platform's sandbox was closed in 2024. "
        "Whether it takes new requesters is not known: ask it for an account first.",
    )

    def check(self, account: Account) -> base.Health:
        with connected(account) as client:
            me = client.get("/requester")
        balance = micro(me["balance"])
        name = next(iter((me.get("public_name") or {}).values()), me["id"])
        sentences = [f"Toloka knows this account as {name}; {exact_text(balance, account.currency)} are free."]
        if account.commission_percent is None:
            sentences.append(COMMISSION)
        if balance <= 0:
            sentences.append("Pay in there before a pool is opened.")
        return base.Health(
            ok=balance > 0,
            sentence=" ".join(sentences),
            balance_micro=balance,
            quotas=left(account=account, now=database_now()),
        )

    def fee(self, account: Account, *, price_micro: int, overlap: int) -> int:
        return plan.fee(account, price_micro)

    def quote(self, account: Account, *, pages: int, price_micro: int, overlap: int = 1) -> int:
        return pages * (price_micro + plan.fee(account, price_micro))

    def lacks(self, account: Account, batch: base.BatchSpec) -> list[str]:
        return plan.lacks(account, batch)

    def ensure_batch(self, account: Account, batch: base.BatchSpec) -> str:
        with connected(account) as client:
            where = people.with_skills(client, pools.skills_of(batch), partial(pools.ensure, client, batch))
            events.subscribe(client, where, batch.webhook_url)
        return where.remote_id

    def update_batch(self, account: Account, remote_id: str, batch: base.BatchSpec) -> None:
        where = pools.place(remote_id)
        with connected(account) as client:
            people.with_skills(client, pools.skills_of(batch), partial(pools.update, client, where, batch))
            events.subscribe(client, where, batch.webhook_url)

    def push_tasks(
        self, account: Account, remote_id: str, tasks: Sequence[base.TaskSpec], key: str = ""
    ) -> base.Receipt:
        where = pools.place(remote_id)
        with connected(account) as client:
            return pushing.push(client, where, tasks, key)

    def set_overlap(self, account: Account, remote_id: str, task_remote_id: str, overlap: int) -> None:
        where, task_id = pools.place(remote_id), assignments.known(task_remote_id)
        with connected(account) as client:
            pushing.set_overlap(client, where, task_id, overlap)

    def offer_pages(self, account: Account, remote_id: str, pages: int, key: str) -> None:
        pools.place(remote_id)  # the platform finds people by itself

    def open(self, account: Account, remote_id: str, now: datetime) -> None:
        where = pools.place(remote_id)
        with connected(account) as client:
            pools.open_place(client, where)

    def close(self, account: Account, remote_id: str, now: datetime) -> None:
        where = pools.place(remote_id)
        with connected(account) as client:
            pools.close_place(client, where)

    def archive(self, account: Account, remote_id: str, now: datetime) -> None:
        where = pools.place(remote_id)
        with connected(account) as client:
            pools.archive_place(client, where)

    def set_priority(self, account: Account, remote_id: str, priority: int) -> None:
        where = pools.place(remote_id)
        with connected(account) as client:
            pools.set_priority(client, where, priority)

    def pull(self, account: Account, remote_id: str, watermark: str) -> base.Pull:
        where = pools.place(remote_id)
        with connected(account) as client:
            return assignments.pull(client, where, watermark)

    def accept(self, account: Account, ext_id: str, now: datetime, comment: str = "") -> None:
        with connected(account) as client:
            assignments.judge(client, ext_id, assignments.ACCEPTED, comment or assignments.THANKS)

    def reject(self, account: Account, ext_id: str, reason: str, now: datetime) -> None:
        with connected(account) as client:
            assignments.judge(client, ext_id, assignments.REJECTED, reason)

    def pay_bonus(self, account: Account, bonus: base.BonusSpec) -> str:
        with connected(account) as client:
            return people.pay_bonus(client, bonus)

    def set_skill(self, account: Account, worker_ext_id: str, skill: str, value: int) -> None:
        with connected(account) as client:
            people.set_skill(client, worker_ext_id, skill, value)

    def restrict(self, account: Account, remote_id: str, ban: base.Ban) -> None:
        where = pools.place(remote_id)
        with connected(account) as client:
            people.restrict(client, where, ban)

    def unrestrict(self, account: Account, remote_id: str, ban: base.Ban, now: datetime) -> None:
        where = pools.place(remote_id)
        with connected(account) as client:
            people.unrestrict(client, where, ban)

    def bans(self, account: Account, remote_id: str) -> Sequence[base.Ban]:
        where = pools.place(remote_id)
        with connected(account) as client:
            return people.bans(client, where)

    def message(self, account: Account, worker_ext_ids: Sequence[str], topic: str, text: str) -> None:
        with connected(account) as client:
            people.message(client, worker_ext_ids, topic, text)

    def fetch_file(self, account: Account, ref: str) -> Iterator[bytes]:
        return files.stream(account, ref)

    def parse_event(
        self, account: Account, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> list[base.EventNote]:
        return events.parse(account, headers, body, now)

    def books(self, account: Account, remote_id: str) -> base.RemoteBooks:
        where = pools.place(remote_id)
        with connected(account) as client:
            there = pools.view(client, where)
            pages = list(assignments.every(client, where))
            count = sum(len(page) for page in client.pages("/tasks", pushing.MOST_LISTED, pool_id=where.id))
            bonuses = people.bonuses_of(client, where)
        states = {one["id"]: one["status"].lower() for one in pages}
        paid = [one for one in pages if one["status"] == assignments.ACCEPTED]
        spent = sum(micro(one.get("reward") or 0) for one in paid)
        fees = [micro(one[assignments.FEE]) for one in paid if assignments.FEE in one]
        told = sum(fees) if len(fees) == len(paid) else None
        return base.RemoteBooks(
            dict(Counter(states.values())), count, spent, states, bonuses, told, stops.is_open(there)
        )
