"""Prolific: the platform finds and pays people, who work on our own pages. https://docs.prolific.com

One submission is one page of ours. The platform's decisions are final, and it pays only what we approve.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from crowd.errors import NotFound, NotSupported
from crowd.models import Account
from crowd.platforms import base, hosted
from crowd.platforms.prolific import audience, bonuses, events, fees, groups, own_pages, studies, submissions
from crowd.platforms.prolific.amounts import MICRO_IN_CENT, micro_of_cents
from crowd.platforms.prolific.client import Client, connected

REVIEW_DAYS = 21


class Prolific:
    capabilities = replace(
        base.FULL,
        pages="hosted",
        price_by_skill=False,
        rejection_frees_place=True,
        undo_rejection=False,
        native_upload=False,
        audience_filters=frozenset({"languages", "countries", "devices", "skills"}),
        interfaces=frozenset({"photo", "choice", "boxes", "outlines", "link", "pair", "text"}),
        priority=False,
        balance=True,
        webhooks=True,
        lowest_price_micro=MICRO_IN_CENT,
        price_step_micro=MICRO_IN_CENT,
        longest_review_days=REVIEW_DAYS,
        note=(
            "People come from Prolific to our pages and are paid there. Prices are whole cents, a rejection is final, "
            "and there is no sandbox: checked against our own stand-in, not yet against the live service."
        ),
    )

    def check(self, account: Account) -> base.Health:
        with connected(account) as client:
            told = client.get("workspaces", groups.workspace_of(client), "balance")
            fees.learn(client)
        balance, currency = micro_of_cents(told["available_balance"]), str(told["currency_code"])
        if currency != account.currency:
            sentence = f"The workspace pays in {currency}, but this account is set to {account.currency}: change that."
            return base.Health(ok=False, sentence=sentence, balance_micro=balance)
        left = f"{Decimal(balance) / 1_000_000:,.2f} {currency} are available"
        share = Decimal(fees.fee(account, 1_000_000)) / 10_000
        sentence = f"{left}; fee and tax come to {share:.1f} % of a reward."
        return base.Health(ok=balance > 0, sentence=sentence, balance_micro=balance)

    def fee(self, account: Account, *, price_micro: int, overlap: int) -> int:
        return fees.fee(account, price_micro) if price_micro else 0

    def quote(self, account: Account, *, pages: int, price_micro: int, overlap: int = 1) -> int:
        return pages * (price_micro + self.fee(account, price_micro=price_micro, overlap=overlap))

    def lacks(self, account: Account, batch: base.BatchSpec) -> list[str]:
        if own_pages.is_one(batch):
            return []
        said = audience.lacks(batch.audience)
        if batch.price_micro <= 0 or batch.price_micro % MICRO_IN_CENT:
            said.append("A page on Prolific costs whole cents, at least one.")
        if batch.price_table:
            said.append("Prolific pays everybody the same in one study: the price by skill is not used.")
        if batch.review_days > REVIEW_DAYS:
            said.append(f"Prolific approves by itself after {REVIEW_DAYS} days, not after {batch.review_days}.")
        if batch.expires_at is not None:
            said.append("A study on Prolific has no end date: close the pool when its time is over.")
        if batch.priority:
            said.append("Prolific knows no priority among studies.")
        if (hosted.most_pages(batch) or studies.PAGES_A_PERSON + 1) > studies.PAGES_A_PERSON:
            said.append(f"One person does at most {studies.PAGES_A_PERSON} pages of a study on Prolific.")
        return [*said, *hosted.lacks(batch, name="Prolific", sees_skips=self.capabilities.sees_skips)]

    def ensure_batch(self, account: Account, batch: base.BatchSpec) -> str:
        if own_pages.is_one(batch):
            return own_pages.id_of(batch)
        with connected(account) as client:
            study_id = studies.ensure(client, batch)
            fees.learn(client, batch.price_micro)
            if batch.webhook_url:
                events.subscribe(client, batch.webhook_url)
        return study_id

    def update_batch(self, account: Account, remote_id: str, batch: base.BatchSpec) -> None:
        if own_pages.batch_of(account.pk, remote_id):
            return
        with connected(account) as client:
            studies.update(client, remote_id, batch)

    def push_tasks(
        self, account: Account, remote_id: str, tasks: Sequence[base.TaskSpec], key: str = ""
    ) -> base.Receipt:
        """Our own page gives out the tasks: all of them are where they have to be."""
        self._require_study(account, remote_id)
        return base.Receipt(created=0, existing=len(tasks), refused={})

    def set_overlap(self, account: Account, remote_id: str, task_remote_id: str, overlap: int) -> None:
        self._require_study(account, remote_id)  # our own page looks at the task

    def offer_pages(self, account: Account, remote_id: str, pages: int, key: str) -> None:
        with connected(account) as client:
            studies.add_places(client, remote_id, pages, key)

    def open(self, account: Account, remote_id: str, now: datetime) -> None:
        if own_pages.batch_of(account.pk, remote_id):
            return
        with connected(account) as client:
            studies.start(client, remote_id)

    def close(self, account: Account, remote_id: str, now: datetime) -> None:
        if own_pages.batch_of(account.pk, remote_id):
            return
        with connected(account) as client:
            studies.pause(client, remote_id)

    def archive(self, account: Account, remote_id: str, now: datetime) -> None:
        if own_pages.batch_of(account.pk, remote_id):
            return
        with connected(account) as client:
            studies.stop(client, remote_id)

    def set_priority(self, account: Account, remote_id: str, priority: int) -> None:
        self._require_study(account, remote_id)  # there is none on the platform, and `lacks` says so

    def pull(self, account: Account, remote_id: str, watermark: str) -> base.Pull:
        if own_pages.batch_of(account.pk, remote_id):
            return base.Pull([], watermark, more=False)
        with connected(account) as client:
            return submissions.pull(client, remote_id, watermark)

    def accept(self, account: Account, ext_id: str, now: datetime, comment: str = "") -> None:
        with connected(account) as client:
            submissions.approve(client, ext_id)

    def reject(self, account: Account, ext_id: str, reason: str, now: datetime) -> None:
        with connected(account) as client:
            submissions.reject(client, ext_id, reason)

    def pay_bonus(self, account: Account, bonus: base.BonusSpec) -> str:
        with connected(account) as client:
            return bonuses.pay(client, bonus)

    def set_skill(self, account: Account, worker_ext_id: str, skill: str, value: int) -> None:
        with connected(account) as client:
            groups.set_skill(client, worker_ext_id, skill, value)

    def restrict(self, account: Account, remote_id: str, ban: base.Ban) -> None:
        with connected(account) as client:
            if group := self._ban_group(client, remote_id, ban):
                groups.put_in(client, group, [ban.worker_ext_id])

    def unrestrict(self, account: Account, remote_id: str, ban: base.Ban, now: datetime) -> None:
        with connected(account) as client:
            if group := self._ban_group(client, remote_id, ban):
                groups.take_out(client, group, [ban.worker_ext_id])

    def bans(self, account: Account, remote_id: str) -> Sequence[base.Ban]:
        return ()

    def message(self, account: Account, worker_ext_ids: Sequence[str], topic: str, text: str) -> None:
        raise NotSupported("Write to people on Prolific from its own inbox; messages are not sent from here.")

    def fetch_file(self, account: Account, ref: str) -> Iterator[bytes]:
        raise NotFound(f"Files of people from Prolific come in on our own page; there is no {ref!r} elsewhere.")

    def parse_event(
        self, account: Account, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> list[base.EventNote]:
        return events.parse(account, headers, body, now)

    def books(self, account: Account, remote_id: str) -> base.RemoteBooks:
        if own_pages.batch_of(account.pk, remote_id):
            return base.RemoteBooks({}, 0, 0)
        with connected(account) as client:
            return submissions.books(client, remote_id)

    def _require_study(self, account: Account, remote_id: str) -> None:
        if own_pages.batch_of(account.pk, remote_id):
            return
        with connected(account) as client:
            studies.read(client, remote_id)

    def _ban_group(self, client: Client, remote_id: str, ban: base.Ban) -> str:
        """Return the group of a ban; none where only our own page has to keep somebody out."""
        if (batch := own_pages.batch_of(client.account.pk, remote_id)) is None:
            return groups.ban_group_of(client, studies.read(client, remote_id), ban.scope)
        return "" if ban.scope == "batch" else groups.ensure_ban_group(client, batch.project_id, ban.scope)
