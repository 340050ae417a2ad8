"""Platform accounts as people of the office handle them: who sees which, and what goes on record."""

from datetime import datetime

from django.db import transaction
from django.db.models import BigIntegerField, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from crowd.models import Account, Batch, Bonus, OutboxCommand
from crowd.platforms.connecting import terms_of
from crowd.services import account_health, outbox_decisions
from crowd.services import accounts as crowd_accounts
from crowd.services.accounts import Plan
from curation.models import Job, Pool, Project, User
from curation.services import events, jobs

CHECK = "check_account"
DECISIONS = {
    "done": (outbox_decisions.confirm_done, "said that it was done"),
    "again": (outbox_decisions.send_again, "had it sent again"),
    "cancel": (outbox_decisions.cancel, "cancelled it"),
}


def may_see_accounts(user: User) -> bool:
    """Operators and everybody who leads a project; nobody else has to do with platforms."""
    return user.is_staff or Project.objects.led_by(user).exists()


def visible_to(user: User) -> QuerySet[Account]:
    """Return the accounts of this person: shared ones, own ones, and the simulated crowds of own projects."""
    accounts = Account.objects.defer("secrets")  # a list must not need the key that decrypts them
    if not may_see_accounts(user):
        return accounts.none()
    own_pools = Pool.objects.filter(project__in=Project.objects.led_by(user))
    simulated = Q(platform="rehearsal")
    return accounts.filter(
        Q(created_by_id=user.pk)
        | (Q(is_shared=True) & ~simulated)
        | (simulated & Q(pk__in=own_pools.order_by().values("account")))
    )


def commands_for(user: User, account: Account) -> QuerySet[OutboxCommand]:
    """Return what was sent, or shall be, for projects this person leads; maker and operators see everything."""
    commands = OutboxCommand.objects.filter(account=account)
    if user.is_staff or account.created_by_id == user.pk:
        return commands
    projects = Project.objects.led_by(user).values("pk")
    batches = Batch.objects.filter(account=account, project_id__in=projects).values("pk")
    bonuses = Bonus.objects.filter(account=account, project_id__in=projects).values("pk")
    with_bonus = commands.alias(bonus_id=Cast(KT("payload__bonus_id"), BigIntegerField()))
    return with_bonus.filter(Q(batch_id__in=batches) | Q(bonus_id__in=bonuses))


def connect(*, platform: str, plan: Plan, by: User) -> Account:
    account = crowd_accounts.connect(platform=platform, plan=plan, by_id=by.pk)
    text = f"{by.name} connected {account.label} ({terms_of(platform).title})."
    events.record(kind="account.connected", text=text, subject=account, by=by)
    ask_for_check(account=account)
    return account


def change(*, account: Account, plan: Plan, by: User) -> Account:
    changed = crowd_accounts.change(account_id=account.pk, plan=plan)
    renewed = [one.title for one in terms_of(account.platform).secrets if plan.secrets.get(one.name)]
    also = f" New: {', '.join(renewed)}." if renewed else ""
    text = f"{by.name} changed the account {changed.label}.{also}"
    events.record(kind="account.changed", text=text, subject=account, by=by)
    ask_for_check(account=changed)
    return changed


@transaction.atomic
def rotate_webhook_secret(*, account: Account, by: User, now: datetime) -> None:
    crowd_accounts.rotate_webhook_secret(account_id=account.pk, now=now)
    text = f"{by.name} made a new webhook secret for {account.label}."
    events.record(kind="account.changed", text=text, subject=account, by=by, now=now)


@transaction.atomic
def set_active(*, account: Account, active: bool, by: User, now: datetime) -> None:
    crowd_accounts.set_active(account_id=account.pk, active=active)
    text = f"{by.name} took {account.label} {'back into' if active else 'out of'} use."
    events.record(kind="account.changed", text=text, subject=account, by=by, now=now)


@transaction.atomic
def decide(*, command: OutboxCommand, decision: str, by: User, now: datetime) -> OutboxCommand:
    """A person settles what nobody else can: it was done, it shall be sent again, or it is cancelled."""
    settle, words = DECISIONS[decision]
    row = settle(command_id=command.pk, now=now)
    what = outbox_decisions.WORDS.get(command.kind, command.kind)
    batch = Batch.objects.filter(pk=command.batch_id).first() if command.batch_id else None
    project = Project.objects.filter(pk=batch.project_id).first() if batch else None
    data = {"command": command.pk, "decision": decision}
    text = f"“{what}” needed a person: {by.name} {words}."
    events.record(kind="command.decided", text=text, project=project, subject=command, by=by, data=data, now=now)
    return row


def ask_for_check(*, account: Account) -> None:
    """Have a worker process ask the platform: SDKs take seconds to load, and the pages never load one."""
    jobs.wake(kind=CHECK, key=str(account.pk), payload={"account_id": account.pk})


def check_under_way(account: Account) -> Job | None:
    """Return the job that is asking the platform right now, or waits to."""
    under_way = [Job.State.DUE, Job.State.RUNNING]
    return Job.objects.filter(kind=CHECK, key=str(account.pk), state__in=under_way).first()


def run_check(job: Job, now: datetime) -> None:
    """Job: ask the platform and keep what it said. An account that is gone needs no answer."""
    if Account.objects.filter(pk=job.payload["account_id"]).exists():
        account_health.check(account_id=job.payload["account_id"], now=now)
