"""What the form of a platform account shows and what was entered in it. A secret goes in and never comes out."""

from dataclasses import dataclass

from django.http import HttpRequest

from crowd.models import Account
from crowd.platforms.connecting import Entry, Terms, terms_of
from crowd.services.accounts import Plan, hints
from curation.dashboard.forms import typed


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry with what its field shows: the value, or of a secret only a hint."""

    entry: Entry
    value: str


@dataclass(frozen=True, slots=True)
class Form:
    label: str
    base_url: str
    currency: str
    commission: str
    is_shared: bool
    settings: tuple[Shown, ...]
    secrets: tuple[Shown, ...]


def blank_form(terms: Terms) -> Form:
    return Form(
        label=terms.title if "," not in terms.title else "",
        base_url="",
        currency=terms.currency,
        commission="",
        is_shared=True,
        settings=tuple(Shown(one, "") for one in terms.settings),
        secrets=tuple(Shown(one, "") for one in terms.secrets),
    )


def form_of(account: Account) -> Form:
    terms, known, percent = terms_of(account.platform), hints(account), account.commission_percent
    return Form(
        label=account.label,
        base_url=account.base_url,
        currency=account.currency,
        commission="" if percent is None else f"{percent.normalize():f}",
        is_shared=account.is_shared,
        settings=tuple(Shown(one, _plain(account.settings.get(one.name))) for one in terms.settings),
        secrets=tuple(Shown(one, known.get(one.name, "")) for one in terms.secrets),
    )


def typed_form(request: HttpRequest, terms: Terms, account: Account | None = None) -> Form:
    """Return what was typed, to be shown again; secrets have to be typed again."""
    plan, known = read_plan(request, terms), hints(account) if account else {}
    return Form(
        label=plan.label,
        base_url=plan.base_url,
        currency=plan.currency,
        commission=plan.commission,
        is_shared=plan.is_shared,
        settings=tuple(Shown(one, plan.settings[one.name]) for one in terms.settings),
        secrets=tuple(Shown(one, known.get(one.name, "")) for one in terms.secrets),
    )


def read_plan(request: HttpRequest, terms: Terms) -> Plan:
    return Plan(
        label=typed(request, "label", 200),
        base_url=typed(request, "base_url", 400),
        currency=typed(request, "currency", 10) or terms.currency,
        commission=typed(request, "commission", 20),
        is_shared=typed(request, "is_shared") == "yes",
        settings={one.name: typed(request, f"setting-{one.name}") for one in terms.settings},
        secrets={one.name: typed(request, f"secret-{one.name}", 5_000) for one in terms.secrets},
    )


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)
