"""Jobs, commands to platforms, money, the clock, backups, the machine: each a few sums over rows."""

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Min, Sum

from crowd.models import Account, Assignment, Budget, OutboxCommand
from crowd.services import holding, quotas
from curation.models import Job, Tick
from curation.services.backups import last_taken
from curation.services.metrics.text import Family

Found = TypeVar("Found")
SENDING = OutboxCommand.State
JOB = Job.State
OPEN_COMMANDS = [SENDING.PLANNED, SENDING.SENDING, SENDING.UNKNOWN, SENDING.NEEDS_PERSON, SENDING.DEAD]
BOOKS = ("limit", "reserved", "spent", "overdrawn")
LATELY = 60  # seconds for which counts are kept that no index serves: a scrape comes every fifteen
FRESH = 300  # seconds for which a sum over the whole ledger is not made again
# One statement, so that all is of one moment: money that moves between two of them would look like drift.
DRIFT = """
WITH paid AS (
    SELECT currency, sum(CASE WHEN target IN ('workers', 'platform') THEN amount_micro ELSE 0 END)
                     - sum(CASE WHEN source IN ('workers', 'platform') THEN amount_micro ELSE 0 END) AS n
      FROM crowd_ledgerentry GROUP BY currency
), held AS (
    SELECT currency, sum(amount_micro) AS n FROM crowd_reservation WHERE state = 'held' GROUP BY currency
), told AS (
    SELECT currency, sum(spent_micro) AS spent, sum(reserved_micro) AS reserved
      FROM crowd_budget WHERE scope = 'project' GROUP BY currency
)
SELECT currency, abs(told.spent - coalesce(paid.n, 0)) + abs(told.reserved - coalesce(held.n, 0))
  FROM told LEFT JOIN paid USING (currency) LEFT JOIN held USING (currency)
"""


def families(*, now: datetime) -> Iterator[Family]:
    yield Family("winnow_build_info", "Release that answers.").add(1, version=settings.VERSION)
    yield from _jobs(now)
    yield from _commands(now)
    yield from _pages()
    yield from _quotas(now)
    yield from _money()
    yield from _clock(now)
    yield from _machine()


def _jobs(now: datetime) -> Iterator[Family]:
    jobs = Family("winnow_jobs", "Jobs that are not done, by kind and state.")
    unfinished = Job.objects.filter(state__in=[JOB.DUE, JOB.RUNNING, JOB.DEAD]).order_by()
    for row in unfinished.values("kind", "queue", "state").annotate(n=Count("id")):
        jobs.add(row["n"], kind=row["kind"], queue=row["queue"], state=row["state"])
    for state in (JOB.DUE, JOB.RUNNING, JOB.DEAD):
        total = sum(n for labels, n in jobs.samples if labels["state"] == state)
        jobs.add(total, kind="all", queue="all", state=str(state))
    yield jobs
    waits = Family("winnow_job_oldest_due_seconds", "For how long the oldest due job of a queue has waited.")
    due = Job.objects.filter(state=JOB.DUE, next_at__lte=now).order_by()
    for queue, at in due.values_list("queue").annotate(at=Min("next_at")):
        waits.add(_age(at, now), queue=queue)
    yield waits


def _commands(now: datetime) -> Iterator[Family]:
    commands = Family("winnow_commands", "Commands to platforms that are not over, by account and state.")
    rows = _kept("commands", LATELY, _open_commands)
    for row in rows:
        about = {"account": str(row["account_id"]), "platform": row["account__platform"]}
        commands.add(row["n"], **about, kind=row["kind"], state=row["state"])
    yield commands
    oldest = Family("winnow_command_oldest_seconds", "Age of the oldest command in a state; 0 when there is none.")
    for state in (SENDING.PLANNED, SENDING.UNKNOWN, SENDING.NEEDS_PERSON, SENDING.DEAD):
        oldest.add(max((_age(row["at"], now) for row in rows if row["state"] == state), default=0.0), state=str(state))
    yield oldest
    yield Family("winnow_accounts_held", "Accounts that nothing is sent to after a restore.").add(
        holding.held().filter(account__is_active=True).count()
    )


def _open_commands() -> list[dict[str, Any]]:
    rows = OutboxCommand.objects.filter(state__in=OPEN_COMMANDS).exclude(kind=holding.KIND).order_by()
    by_state = rows.values("account_id", "account__platform", "kind", "state")
    return [dict(row) for row in by_state.annotate(n=Count("id"), at=Min("next_at"))]


def _pages() -> Iterator[Family]:
    waiting = Assignment.objects.filter(processed_at=None, submitted_at__isnull=False, awaits_files=False)
    yield Family("winnow_pages_not_taken_in", "Pages handed in that nobody has looked at yet.").add(waiting.count())
    by_state = Family("winnow_pages", "Pages under way, by platform and state.")
    for row in _kept("pages", LATELY, _open_pages):
        by_state.add(row["n"], platform=row["account__platform"], state=row["state"])
    yield by_state


def _open_pages() -> list[dict[str, Any]]:
    open_now = [Assignment.State.ACTIVE, Assignment.State.SUBMITTED]
    rows = Assignment.objects.filter(state__in=open_now).order_by().values("account__platform", "state")
    return [dict(row) for row in rows.annotate(n=Count("id"))]


def _quotas(now: datetime) -> Iterator[Family]:
    used = Family("winnow_quota_used", "What an account has used of a platform's quota in the present window.")
    most = Family("winnow_quota_most", "How much the platform allows in that window.")
    accounts = Account.objects.defer("secrets").filter(is_active=True).order_by("pk")
    for pk, left in quotas.left_of(accounts=accounts, now=now).items():
        for one in left:
            about = {"account": str(pk), "quota": one.name, "window": str(one.window_seconds)}
            used.add(one.used, **about)
            most.add(one.most, **about)
    yield from (used, most)


def _money() -> Iterator[Family]:
    money = Family("winnow_money_micro", "Budgets of projects in millionths of the currency.")
    of_projects = Budget.objects.filter(scope=Budget.Scope.PROJECT).order_by()
    sums = [Sum(f"{what}_micro") for what in BOOKS]
    for currency, *amounts in of_projects.values_list("currency").annotate(*sums):
        for what, amount in zip(BOOKS, amounts, strict=True):
            money.add(int(amount), currency=currency, what=what)
    yield money
    drift = Family("winnow_ledger_drift_micro", "How far budgets are from the sums of their own rows; 0 is right.")
    for currency, amount in _drift().items():
        drift.add(amount, currency=currency)
    yield drift


def _drift() -> dict[str, int]:
    """Return what budgets say less what ledger and holds say, at most five minutes old; no currency hides another."""
    return _kept("drift", FRESH, _measured_drift)


def _measured_drift() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(DRIFT)
        return {currency: int(amount) for currency, amount in cursor.fetchall()}


def _clock(now: datetime) -> Iterator[Family]:
    last = Tick.objects.filter(name="tick").order_by("-slot").values_list("created_at", flat=True).first()
    if last is not None:
        yield Family("winnow_tick_age_seconds", "How long ago the clock last ticked.").add(_age(last, now))
    for backup in _kept("backups", LATELY, lambda: [at for at in (last_taken(),) if at is not None]):
        yield Family("winnow_backup_age_seconds", "How long ago the last backup was taken.").add(_age(backup, now))


def _machine() -> Iterator[Family]:
    usage = shutil.disk_usage(
        next(place for place in (settings.DATA_DIR, *settings.DATA_DIR.parents) if place.exists())
    )
    yield Family("winnow_disk_free_bytes", "Free space where DATA_DIR lies.").add(usage.free)
    yield Family("winnow_disk_bytes", "Size of that disk.").add(usage.total)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_database_size(current_database()), current_setting('max_connections')::int, "
            "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
        )
        found: tuple[Any, ...] = cursor.fetchone() or (0, 0, 0)
    size, most, used = found
    yield Family("winnow_database_bytes", "Size of the database.").add(size)
    yield Family("winnow_database_connections", "Sessions of the database in use.").add(used)
    yield Family("winnow_database_connections_most", "Sessions that the database allows.").add(most)


def _kept(name: str, seconds: int, measured: Callable[[], Found]) -> Found:
    """Return what this process has found within so many seconds."""
    kept: Found | None = cache.get(f"metrics-{name}")
    if kept is None:
        kept = measured()
        cache.set(f"metrics-{name}", kept, seconds)
    return kept


def _age(at: datetime, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds())
