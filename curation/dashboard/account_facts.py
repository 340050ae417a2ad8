"""What the pages of platform accounts tell: rows of the list, quotas with their refill, what was sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, IntegerField, Q, QuerySet, When

from crowd.links import webhook_url
from crowd.models import Account, Batch, OutboxCommand
from crowd.money import money_text
from crowd.platforms.connecting import terms_of
from crowd.platforms.registry import platform
from crowd.services import account_health, outbox_decisions, quotas
from crowd.services.accounts import WEBHOOK, hints
from curation.models import Event, Pool, Project, User
from curation.services import accounts

NEWEST = 30
EVENTS = 8
TIGHT = 0.8
State = OutboxCommand.State
TONES = {
    State.DONE: "ok",
    State.SENDING: "info",
    State.PLANNED: "",
    State.CANCELLED: "",
    State.UNKNOWN: "warn",
    State.NEEDS_PERSON: "warn",
    State.REFUSED: "bad",
    State.DEAD: "bad",
}
STATE_WORDS = {
    State.DONE: "done",
    State.SENDING: "being sent",
    State.PLANNED: "waits",
    State.CANCELLED: "cancelled",
    State.UNKNOWN: "being looked up",
    State.NEEDS_PERSON: "needs a person",
    State.REFUSED: "refused",
    State.DEAD: "given up",
}


@dataclass(frozen=True, slots=True)
class AccountRow:
    account: Account
    title: str
    state: str
    tone: str
    open_pools: int
    balance: str
    waiting: int
    for_person: int


@dataclass(frozen=True, slots=True)
class QuotaRow:
    name: str
    used: int
    most: int
    window: str
    refills_at: datetime

    @property
    def is_touched(self) -> bool:
        return self.used > 0

    @property
    def left(self) -> int:
        return max(0, self.most - self.used)

    @property
    def tone(self) -> str:
        share = self.used / self.most if self.most else 1.0
        return "bad" if share >= 1 else "warn" if share >= TIGHT else ""


@dataclass(frozen=True, slots=True)
class CommandRow:
    command: OutboxCommand
    what: str
    where: str
    state: str
    tone: str
    needs_person: bool
    may_go_again: bool


@dataclass(frozen=True, slots=True)
class AccountFacts:
    quotas: tuple[QuotaRow, ...]
    commands: tuple[CommandRow, ...]
    webhook_address: str
    webhook_hint: str
    webhook_says: str
    events: tuple[Event, ...]


def account_rows(rows: QuerySet[Account]) -> list[AccountRow]:
    """Return the list, what needs somebody first."""
    is_open = Q(batches__state=Batch.State.OPEN)
    found = rows.annotate(open_pools=Count("batches", filter=is_open, distinct=True)).order_by("label", "slug")
    queued = _queued(found)
    made = [_row(one, one.open_pools, queued.get(one.pk, {})) for one in found]
    return sorted(made, key=lambda row: (not row.for_person, row.tone != "bad"))


def _queued(rows: QuerySet[Account]) -> dict[int, dict[str, int]]:
    """Return for each account how many commands wait, and how many wait for a person."""
    unfinished = OutboxCommand.objects.filter(state__in=[State.PLANNED, State.NEEDS_PERSON])
    counts: dict[int, dict[str, int]] = {}
    of_rows = unfinished.filter(account__in=[one.pk for one in rows]).order_by()
    for account_id, state, n in of_rows.values_list("account_id", "state").annotate(n=Count("id")):
        counts.setdefault(account_id, {})[state] = n
    return counts


def _row(account: Account, open_pools: int, queued: dict[str, int]) -> AccountRow:
    state, tone = standing(account)
    return AccountRow(
        account=account,
        title=terms_of(account.platform).title,
        state=state,
        tone=tone,
        open_pools=open_pools,
        balance=balance_text(account),
        waiting=queued.get(State.PLANNED, 0),
        for_person=queued.get(State.NEEDS_PERSON, 0),
    )


def standing(account: Account) -> tuple[str, str]:
    """Return how an account stands, and the tone of it."""
    if not account.is_active:
        return "Out of use", ""
    if account.is_well is None and terms_of(account.platform).why_not:
        return "Ready", "ok"
    if account.is_well is None:
        return "Not tested yet", "warn"
    return ("Works", "ok") if account.is_well else ("Does not work", "bad")


def balance_text(account: Account) -> str:
    """Return the balance in the account's own currency; empty = the platform does not say."""
    return "" if account.balance_micro is None else money_text(account.balance_micro, 2, account.currency)


def account_facts(account: Account, user: User, *, now: datetime) -> AccountFacts:
    can = platform(account.platform).capabilities
    events = Event.objects.filter(subject_type="account", subject_id=account.pk).order_by("-id")
    return AccountFacts(
        quotas=tuple(_quota_rows(account, now)),
        commands=tuple(_command_rows(accounts.commands_for(user, account), user)),
        webhook_address=webhook_url(account.slug) if can.webhooks else "",
        webhook_hint=hints(account).get(WEBHOOK, "") if can.webhooks else "",
        webhook_says=account_health.about_webhook(account) if can.webhooks else "",
        events=tuple(events[:EVENTS]),
    )


def _quota_rows(account: Account, now: datetime) -> list[QuotaRow]:
    return [
        QuotaRow(
            name=one.name.replace("_", " ").capitalize(),
            used=one.used,
            most=one.most,
            window=quotas.window_words(one.window_seconds),
            refills_at=quotas.refills_at(window_seconds=one.window_seconds, now=now),
        )
        for one in quotas.left(account=account, now=now)
    ]


def _command_rows(commands: QuerySet[OutboxCommand], user: User) -> list[CommandRow]:
    """Return what waits for a person first, then the newest."""
    urgency = Case(When(state=State.NEEDS_PERSON, then=0), default=1, output_field=IntegerField())
    found = list(commands.annotate(urgency=urgency).order_by("urgency", "-id")[:NEWEST])
    titles = _titles([one.batch_id for one in found if one.batch_id], user)
    return [
        CommandRow(
            command=one,
            what=outbox_decisions.WORDS.get(one.kind, one.kind),
            where=titles.get(one.batch_id or 0, ""),
            state=STATE_WORDS[State(one.state)],
            tone=TONES[State(one.state)],
            needs_person=one.state == State.NEEDS_PERSON,
            may_go_again=outbox_decisions.may_go_again(one),
        )
        for one in found
    ]


def _titles(batch_ids: Sequence[int], user: User) -> dict[int, str]:
    """Return the names of pools, only of projects this person may see."""
    pools = dict(Batch.objects.filter(pk__in=batch_ids).values_list("pk", "pool_id"))
    mine = Pool.objects.filter(pk__in=pools.values(), project__in=Project.objects.visible_to(user))
    names = {pool.pk: f"{pool.title}, {pool.project.name}" for pool in mine.select_related("project")}
    return {batch_id: names[pool_id] for batch_id, pool_id in pools.items() if pool_id in names}
