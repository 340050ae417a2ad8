"""Checks of the accounts on crowd platforms: each platform is asked, nothing is written."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.db import Error

from .command_line import first_line
from .findings import Finding

if TYPE_CHECKING:
    from crowd.models import Account

TIGHT = 0.8


def account_findings() -> list[Finding]:
    """Look at every account in use on a platform elsewhere; our own market needs none."""
    from crowd.models import Account
    from crowd.platforms.registry import elsewhere

    try:
        accounts = list(
            Account.objects.defer("secrets").filter(is_active=True, platform__in=elsewhere()).order_by("slug")
        )
        return [finding for account in accounts for finding in _account(account)]
    except Error as error:
        said = f"cannot be read: {first_line(error)}"
        return [Finding("accounts", "warn", said, "bring the tables up to date: `./winnow up` does it")]


def _account(account: "Account") -> Iterator[Finding]:
    from crowd.clock import database_now
    from crowd.services import account_health, quotas

    name, where = f"account {account.slug}", f"see /accounts/{account.slug}/"
    health = account_health.examine(account)
    if not health.ok:
        yield Finding(name, "fail", health.sentence, where)
        return
    yield Finding(name, "ok", health.sentence)
    if account.commission_percent is None:
        yield Finding(name, "warn", "its commission is not known, so plans leave it out", f"enter it, {where}")
    for quota in quotas.left(account=account, now=database_now()):
        if quota.used >= TIGHT * quota.most:
            window = quotas.window_words(quota.window_seconds)
            said = f"{quota.used:,} of {quota.most:,} {quota.name} {window} are used"
            yield Finding(name, "warn", said, "wait: what is too much is sent by itself when the window is over")
