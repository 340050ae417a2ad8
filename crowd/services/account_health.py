"""Whether an account can be used: its platform is asked, and what goes wrong is said together with what to do."""

import logging
from datetime import datetime

from crowd.errors import (
    AuthFailed,
    CrowdError,
    NotFound,
    OutOfFunds,
    PlatformError,
    Throttled,
    Unavailable,
    Unknown,
    trail,
)
from crowd.fetching import FetchError
from crowd.fetching.connection import Resolver, system_resolver
from crowd.models import Account, Assignment, PlatformEvent
from crowd.platforms.base import Health
from crowd.platforms.connecting import terms_of
from crowd.platforms.registry import platform
from crowd.services.accounts import WEBHOOK, guard, readable_secrets, without_secrets

log = logging.getLogger(__name__)

NOT_THERE = "See whether {where} is the right address and can be reached from this server, then test again."
REMEDIES: dict[type[CrowdError], str] = {  # the first that fits
    AuthFailed: "Make a new token or key on the platform and enter it under “Change”.",
    OutOfFunds: "Top the account up on the platform; what is owed is then paid by itself.",
    Throttled: "Nothing has to be done: what waits is sent then.",
    Unavailable: NOT_THERE,
    FetchError: NOT_THERE,
    Unknown: "Test again in a minute.",
    NotFound: "See whether the address and the identifiers are right.",
    PlatformError: "Mend it on the platform, then test again.",
}


def check(*, account_id: int, now: datetime, resolve: Resolver = system_resolver) -> Account:
    """Ask the platform, outside of any transaction, and remember what it said."""
    account = Account.objects.defer("secrets").get(pk=account_id)
    health = examine(account, resolve=resolve)
    account.checked_at, account.is_well, account.note = now, health.ok, health.sentence[:300]
    account.balance_micro = health.balance_micro
    account.save(update_fields=["checked_at", "is_well", "note", "balance_micro"])
    return account


def examine(account: Account, *, resolve: Resolver = system_resolver) -> Health:
    """Ask the platform whether this account can be used; nothing is written."""
    try:
        if account.base_url:
            guard(account.base_url, resolve=resolve)
        health = platform(account.platform).check(account)
        return Health(health.ok, without_secrets(account, health.sentence), health.balance_micro, health.quotas)
    except CrowdError as error:
        return Health(ok=False, sentence=without_secrets(account, advice(error, account)))
    except Exception as error:  # noqa: BLE001  a bug of an adapter must not take the page, or the doctor, with it
        log.error("the check of account %s failed: %s", account.slug, trail(error))  # noqa: TRY400  not its words
        said = (
            f"The test broke off ({type(error).__name__}). The log of this server says where; the account is as it was."
        )
        return Health(ok=False, sentence=said)


def advice(error: CrowdError, account: Account) -> str:
    """Return the error with what to do about it; a sentence of an adapter that goes on says so itself."""
    said = str(error).strip()
    if ". " in said:
        return said
    where = account.base_url or terms_of(account.platform).usual_url or "the platform"
    todo = next((todo for kind, todo in REMEDIES.items() if isinstance(error, kind)), "")
    return f"{said} {todo.format(where=where)}".strip()


def about_webhook(account: Account) -> str:
    """Say whether the platform still tells us what happens; there is no other way to see a revoked webhook."""
    if WEBHOOK not in readable_secrets(account):
        return "There is no secret yet, so nothing is notified; pages are pulled every few seconds all the same."
    events = PlatformEvent.objects.filter(account=account)
    last_event = events.order_by("-received_at").values_list("received_at", flat=True).first()
    pages = Assignment.objects.filter(account=account, submitted_at__isnull=False)
    last_page = pages.order_by("-submitted_at").values_list("submitted_at", flat=True).first()
    if last_event is None:
        return "No notification has come yet." + (" Pages are pulled all the same." if last_page else "")
    came = f"The last notification came on {last_event:%-d %b at %H:%M} UTC."
    if last_page is not None and last_page > last_event:
        return f"{came} Pages came in since, so the platform may have revoked the webhook: make a new secret."
    return came
