"""Accounts on crowd platforms: connecting, changing, taking out of use. Secrets go in and are never shown again."""

import re
import secrets as chance
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.text import slugify

from crowd.errors import CrowdError
from crowd.fetching import AddressRefused, FetchError
from crowd.fetching.connection import Resolver, system_resolver
from crowd.fetching.hops import require_public
from crowd.models import Account, Batch
from crowd.platforms.connecting import Entry, terms_of
from crowd.platforms.registry import PLATFORMS
from crowd.secrets import Secrets
from crowd.services import outbox

WEBHOOK = "webhook"
LONGEST_SECRET = 4_000
LONGEST_LABEL = 120
LONGEST_ENTRY = 300
LEAST_SHOWN = 8  # four letters of a shorter secret would give too much of it away
VISIBLE = re.compile(r"[\x21-\x7e]+")
CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Plan:
    """What somebody entered about an account. An empty secret means: as it is."""

    label: str
    base_url: str = ""
    currency: str = "USD"
    commission: str = ""
    is_shared: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def connect(*, platform: str, plan: Plan, by_id: int | None, resolve: Resolver = system_resolver) -> Account:
    """Make an account from what was entered; the platform is not asked yet."""
    if platform not in PLATFORMS:
        raise CrowdError(f"{platform!r} is not a platform; choose one of {', '.join(sorted(PLATFORMS))}.")
    if terms_of(platform).why_not:
        raise CrowdError(terms_of(platform).why_not)
    account = Account(platform=platform, created_by_id=by_id)
    _take_over(account, plan, _address(plan, resolve))
    with transaction.atomic():
        account.slug = _free_slug(account.label)
        account.save()
    return account


def change(*, account_id: int, plan: Plan, resolve: Resolver = system_resolver) -> Account:
    """Change what was entered; what the last test said no longer counts."""
    base_url = _address(plan, resolve)  # names are looked up on the network: not inside of the transaction
    with transaction.atomic():
        account = _locked(account_id)
        before = account.currency
        if base_url != account.base_url:
            _require_secrets(account, plan)
        _take_over(account, plan, base_url)
        if account.currency != before and Batch.objects.filter(account=account).exists():
            raise CrowdError(f"Pools of this account are in {before}: its currency cannot change any more.")
        account.checked_at, account.is_well, account.note, account.balance_micro = None, None, "", None
        account.save()
    return account


def _require_secrets(account: Account, plan: Plan) -> None:
    """Else who may change an account could send its secrets to a server of his own."""
    missing = [one.title for one in terms_of(account.platform).secrets if not plan.secrets.get(one.name)]
    if missing:
        raise CrowdError(f"With another address its secrets have to be entered again: {', '.join(missing)}.")


@transaction.atomic
def rotate_webhook_secret(*, account_id: int, now: datetime) -> Account:
    """Make a new secret for notifications and tell it to the platform with every batch that is there.

    Where the platform makes it, ours is forgotten, and the next of these batches has a new one made there.
    """
    account = _locked(account_id)
    kept = readable_secrets(account)
    kept.pop(WEBHOOK, None)
    if not terms_of(account.platform).makes_own_webhook_secret:
        kept[WEBHOOK] = chance.token_urlsafe(32)
    account.secrets = kept
    account.save(update_fields=["secrets"])
    for batch in _published(account):
        key = f"webhook-{batch.pk}-{now:%Y%m%d%H%M%S%f}"
        outbox.enqueue(kind="publish_batch", key=key, account=account, batch_id=batch.pk, lane=f"tasks:{batch.pk}")
    return account


def _published(account: Account) -> QuerySet[Batch]:
    alive = [Batch.State.OPEN, Batch.State.PAUSED]
    return Batch.objects.filter(account=account, state__in=alive, published_at__isnull=False).order_by("id")


@transaction.atomic
def set_active(*, account_id: int, active: bool) -> Account:
    """Take an account out of use, or back in. One with open batches stays in use: people work for it."""
    account = _locked(account_id)
    at_work = Batch.objects.filter(account=account, state=Batch.State.OPEN).count()
    if not active and at_work:
        pools = "1 pool is" if at_work == 1 else f"{at_work:,} pools are"
        raise CrowdError(f"{pools} open on {account.label}. Pause or close what is open first.")
    account.is_active = active
    account.save(update_fields=["is_active"])
    return account


def readable_secrets(account: Account) -> Secrets:
    """Return a copy of the secrets; none when they were encrypted with a key that is gone."""
    try:
        return Secrets(account.secrets)
    except CrowdError:
        return Secrets()


def without_secrets(account: Account, sentence: str) -> str:
    """Return what a platform said without the account's secrets: it may repeat what it was sent."""
    for value in readable_secrets(account).values():
        sentence = sentence.replace(value, "…") if value else sentence
    return sentence


def hints(account: Account) -> dict[str, str]:
    """Return for each secret that is set its last four letters, or of a short one only that it is set."""
    known = readable_secrets(account).items()
    return {name: f"…{value[-4:]}" if len(value) >= LEAST_SHOWN else "set" for name, value in known if value}


def guard(base_url: str, *, resolve: Resolver = system_resolver) -> None:
    """Refuse an address inside our own network, unless the operator has allowed its host. Raises FetchError."""
    require_public(base_url, allow=frozenset(settings.ALLOWED_PRIVATE_HOSTS), resolve=resolve)


def _locked(account_id: int) -> Account:
    return Account.objects.select_for_update().defer("secrets").get(pk=account_id)


def _take_over(account: Account, plan: Plan, base_url: str) -> None:
    terms = terms_of(account.platform)
    account.label, account.base_url, account.is_shared = _label(plan.label), base_url, plan.is_shared
    account.currency, account.commission_percent = _currency(plan.currency), _commission(plan.commission)
    account.settings = {**account.settings, **{one.name: _setting(one, plan.settings) for one in terms.settings}}
    kept = readable_secrets(account)
    kept.update({one.name: _secret(one, plan.secrets, kept) for one in terms.secrets})
    account.secrets = kept


def _label(text: str) -> str:
    label = text.strip()
    if not label or len(label) > LONGEST_LABEL:
        raise CrowdError(f"Give the account a name of 1 to {LONGEST_LABEL} letters.")
    return label


def _address(plan: Plan, resolve: Resolver) -> str:
    base_url = plan.base_url.strip().rstrip("/")
    if len(base_url) > LONGEST_ENTRY:
        raise CrowdError(f"The address has {len(base_url)} letters; at most {LONGEST_ENTRY} are kept.")
    try:
        if base_url:
            guard(base_url, resolve=resolve)
    except AddressRefused as error:
        raise CrowdError(f"{error} Only the operator can allow a host, by ALLOW_PRIVATE_HOSTS.") from None
    except FetchError:
        pass  # it may be down at the moment: the test of the connection will say so
    return base_url


def _currency(text: str) -> str:
    currency = text.strip().upper()
    if not CURRENCY.fullmatch(currency):
        raise CrowdError(f"A currency has three letters, such as USD, not {text!r}.")
    return currency


def _commission(text: str) -> Decimal | None:
    """Return a percentage with at most two decimals; empty is not known."""
    if not text.strip():
        return None
    try:
        percent = Decimal(text.strip().rstrip("% "))
    except InvalidOperation:
        percent = Decimal(-1)
    if not (percent.is_finite() and 0 <= percent <= 100 and percent * 100 == int(percent * 100)):
        raise CrowdError(f"The commission must be a percentage from 0 to 100 with at most two decimals, not {text!r}.")
    return percent


def _setting(entry: Entry, given: Mapping[str, str]) -> bool | str:
    text = given.get(entry.name, "").strip()
    if entry.flag:
        return bool(text)
    if entry.required and not text:
        raise CrowdError(f"{entry.title} is missing.")
    return text[:LONGEST_ENTRY]


def _secret(entry: Entry, given: Mapping[str, str], kept: Secrets) -> str:
    """Return what was entered, or what is there. The sentences never repeat a secret."""
    text = given.get(entry.name, "").strip() or kept.get(entry.name, "")
    if entry.required and not text:
        raise CrowdError(f"{entry.title} is missing.")
    if text and (len(text) > LONGEST_SECRET or not VISIBLE.fullmatch(text)):
        raise CrowdError(f"{entry.title} holds a space or a character that no key has; copy it again.")
    return text


def _free_slug(label: str) -> str:
    stem = slugify(label)[:50] or "account"
    taken = {"new", *Account.objects.filter(slug__startswith=stem).values_list("slug", flat=True)}
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return stem if stem not in taken else next(slug for slug in numbered if slug not in taken)
