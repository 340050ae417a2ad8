"""Platform accounts of the office: connect, test, change, take out of use, and settle what needs a person."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Account
from crowd.platforms.connecting import abilities, terms_of
from crowd.platforms.registry import PLATFORMS, platform
from curation.dashboard.account_facts import account_facts, account_rows, balance_text, standing
from curation.dashboard.account_forms import blank_form, form_of, read_plan, typed_form
from curation.dashboard.forms import typed
from curation.dashboard.proving import ask, is_fresh, proved
from curation.seats import person
from curation.services import accounts
from curation.sessions import now_of

SILENT_AFTER: Final = timedelta(seconds=15)


@require_safe
@never_cache
@login_required
def account_list(request: HttpRequest) -> HttpResponse:
    _require_a_say(request)
    rows = account_rows(accounts.visible_to(person(request)))
    return render(request, "curation/accounts.html", {"rows": rows})


@never_cache
@login_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@proved
def new_account(request: HttpRequest) -> HttpResponse:
    """Choose a platform by what it can do, then enter what it wants to know."""
    _require_a_say(request)
    slug = request.POST.get("platform") or request.GET.get("platform", "")
    if not slug:
        return render(request, "curation/account_choice.html", {"choices": _choices()})
    if slug not in PLATFORMS or terms_of(slug).why_not:
        raise Http404
    if request.method != "POST":
        return _form(request, slug) if is_fresh(request) else ask(request)  # before much is typed, not after
    try:
        account = accounts.connect(platform=slug, plan=read_plan(request, terms_of(slug)), by=person(request))
    except CrowdError as error:
        return _form(request, slug, str(error))
    messages.success(request, f"{account.label} is connected. Its connection is being tested.")
    return redirect("platform-account", account.slug)


@require_safe
@never_cache
@login_required
def account(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, _own(request, slug))


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def test(request: HttpRequest, slug: str) -> HttpResponse:
    """Have the platform asked, and show what is known by now. htmx asks again until the answer is there."""
    row = _own(request, slug)
    if request.method == "POST":
        accounts.ask_for_check(account=row)
        if "HX-Request" not in request.headers:
            return redirect("platform-account", row.slug)
    return render(request, "curation/_connection.html", {**_connection(row, database_now()), "live": True})


@require_POST
@never_cache
@login_required
@sensitive_post_parameters()
@proved
def change(request: HttpRequest, slug: str) -> HttpResponse:
    row = _own(request, slug)
    terms = terms_of(row.platform)
    if terms.why_not:
        raise Http404
    try:
        accounts.change(account=row, plan=read_plan(request, terms), by=person(request))
    except CrowdError as error:
        return _page(request, row, error=("change", str(error)))
    messages.success(request, "Saved. The connection is being tested.")
    return redirect("platform-account", row.slug)


@require_POST
@login_required
@proved
def webhook(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a new secret for notifications."""
    row = _own(request, slug)
    terms = terms_of(row.platform)
    if not platform(row.platform).capabilities.webhooks:
        raise Http404
    accounts.rotate_webhook_secret(account=row, by=person(request), now=database_now())
    if terms.makes_own_webhook_secret:
        said = f"{terms.title} is asked for a new secret with a pool that is open or paused, else with the next one."
    else:
        said = "There is a new webhook secret. The platform is told with every pool that is open or paused."
    messages.success(request, said)
    return redirect("platform-account", row.slug)


@require_POST
@login_required
def set_active(request: HttpRequest, slug: str) -> HttpResponse:
    row = _own(request, slug)
    if terms_of(row.platform).why_not:
        raise Http404
    active = typed(request, "active") == "yes"
    try:
        accounts.set_active(account=row, active=active, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, row, error=("use", str(error)))
    messages.success(
        request, f"{row.label} is {'in use again' if active else 'out of use: no new pool can choose it'}."
    )
    return redirect("platform-account", row.slug)


@require_POST
@login_required
def decide(request: HttpRequest, slug: str, command_id: int, decision: str) -> HttpResponse:
    """Settle a command: it was done, it is sent again, or it is cancelled."""
    row = _own(request, slug)
    command = accounts.commands_for(person(request), row).filter(pk=command_id).first()
    if command is None or decision not in accounts.DECISIONS:
        raise Http404
    try:
        accounts.decide(command=command, decision=decision, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, row, error=("command", str(error)))
    messages.success(request, "Settled.")
    return redirect("platform-account", row.slug)


def _require_a_say(request: HttpRequest) -> None:
    if not accounts.may_see_accounts(person(request)):
        raise Http404


def _own(request: HttpRequest, slug: str) -> Account:
    row = accounts.visible_to(person(request)).filter(slug=slug).first()
    if row is None:
        raise Http404
    return row


def _choices() -> list[dict[str, Any]]:
    return [
        {"slug": slug, "terms": terms_of(slug), "note": _note(slug), "abilities": _abilities(slug)}
        for slug in PLATFORMS
    ]


def _note(slug: str) -> str:
    return platform(slug).capabilities.note or terms_of(slug).about


def _abilities(slug: str) -> list[Any]:
    return abilities(platform(slug).capabilities)


def _form(request: HttpRequest, slug: str, error: str = "") -> HttpResponse:
    """Show the form, after a refusal with what was typed; never with a secret."""
    terms = terms_of(slug)
    context = {
        "slug": slug,
        "terms": terms,
        "note": _note(slug),
        "abilities": _abilities(slug),
        "error": error,
        "form": typed_form(request, terms) if error else blank_form(terms),
    }
    return render(request, "curation/account_new.html", context, status=400 if error else 200)


def _page(request: HttpRequest, row: Account, error: tuple[str, str] = ("", "")) -> HttpResponse:
    terms, now = terms_of(row.platform), now_of(request)
    failed = error[0] == "change"
    context = {
        "terms": terms,
        "note": _note(row.platform),
        "abilities": _abilities(row.platform),
        "facts": account_facts(row, person(request), now=now),
        "form": typed_form(request, terms, row) if failed else form_of(row),
        "error_in": error[0],
        "error": error[1],
        **_connection(row, now),
    }
    return render(request, "curation/platform_account.html", context, status=400 if error[0] else 200)


def _connection(row: Account, now: datetime) -> dict[str, Any]:
    """Return what the card of the connection shows, and whether an answer is on its way."""
    job = accounts.check_under_way(row)
    row.refresh_from_db(fields=["checked_at", "is_well", "note", "balance_micro"])
    waiting = now - job.next_at if job and job.state == job.State.DUE else timedelta()
    state, tone = standing(row)
    return {
        "account": row,
        "state": state,
        "tone": tone,
        "balance": balance_text(row),
        "asking": job is not None,
        "silent": waiting > SILENT_AFTER,
    }
