"""Two-factor sign-in: set it up with a telephone, keep recovery codes, switch it off; and asked for at the door."""

import time
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard.forms import typed
from curation.dashboard.inhouse_pages import qr_of
from curation.dashboard.proving import ask, inside, is_fresh, mark
from curation.models import User
from curation.seats import person
from curation.services import second_factor
from curation.services.attempts import TooManyFailures

BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
HALF_IN: Final = "half_in"
HALF_IN_SECONDS: Final = 5 * 60


def enter(request: HttpRequest, user: User, target: str) -> HttpResponse:
    """Begin a session, or ask for the code first; whoever worked as a crowd worker in this browser stops doing so."""
    request.session.pop("worker_id", None)
    if not second_factor.is_on(user):
        login(request, user, backend=BACKEND)
        return HttpResponseRedirect(target)
    request.session.cycle_key()
    request.session[HALF_IN] = {"user": user.pk, "at": int(time.time()), "next": target}
    return redirect("sign-in-code")


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """Ask somebody whose password was right for a code."""
    waiting = request.session.get(HALF_IN, {})
    user = User.objects.filter(pk=waiting.get("user"), is_active=True).first()
    if user is None or time.time() - waiting["at"] > HALF_IN_SECONDS:
        request.session.pop(HALF_IN, None)
        return redirect("sign-in")
    if request.method != "POST":
        return render(request, "curation/sign_in_code.html")
    try:
        if second_factor.accept(user=user, code=typed(request, "code", 40), now=database_now()):
            return _come_in(request, user, waiting["next"])
        error, status = second_factor.WRONG, 400
    except TooManyFailures as refusal:
        error, status = str(refusal), 429
    return render(request, "curation/sign_in_code.html", {"error": error}, status=status)


def _come_in(request: HttpRequest, user: User, target: str) -> HttpResponse:
    request.session.pop(HALF_IN, None)
    login(request, user, backend=BACKEND)
    mark(request, with_code=True)
    return HttpResponseRedirect(inside(request, target))


@never_cache
@login_required
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def two_factor(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request)
    act = {"begin": _begin, "confirm": _confirm, "codes": _renew, "off": _off}.get(typed(request, "act"))
    if act is None:
        return _page(request, error="This form is of an older page: use the buttons below.")
    try:
        return act(request)
    except CrowdError as error:
        return _page(request, error=str(error))
    except TooManyFailures as error:
        return _page(request, error=str(error), status=429)


def _begin(request: HttpRequest) -> HttpResponse:
    if not _may_set_up(request):
        return ask(request)
    second_factor.begin(user=person(request))
    return redirect("two-factor")


def _may_set_up(request: HttpRequest) -> bool:
    """Whoever came by a link has nothing to be asked for, and may have to set it up before anything else opens."""
    return is_fresh(request) or not person(request).has_usable_password()


def _confirm(request: HttpRequest) -> HttpResponse:
    if not _may_set_up(request):
        return ask(request)
    codes = second_factor.confirm(user=person(request), code=typed(request, "code", 40), now=database_now())
    return _told(request, codes, "Two-factor sign-in is on.")


def _renew(request: HttpRequest) -> HttpResponse:
    codes = second_factor.renew_codes(user=person(request), code=typed(request, "code", 40), now=database_now())
    return _told(request, codes, "The old recovery codes open nothing any more.")


def _told(request: HttpRequest, codes: list[str] | None, words: str) -> HttpResponse:
    """Show new recovery codes, this once."""
    if codes is None:
        return _page(request, error=second_factor.WRONG)
    mark(request, with_code=True)
    messages.success(request, words)
    return _page(request, codes=codes)


def _off(request: HttpRequest) -> HttpResponse:
    if not second_factor.switch_off(user=person(request), code=typed(request, "code", 40), now=database_now()):
        return _page(request, error=second_factor.WRONG)
    messages.success(request, "Two-factor sign-in is off.")
    return redirect("account")


def _page(request: HttpRequest, *, error: str = "", status: int = 400, codes: list[str] | None = None) -> HttpResponse:
    user = person(request)
    factor = second_factor.of(user)
    context: dict[str, Any] = {
        "factor": factor,
        "codes": codes,
        "error": error,
        "left": second_factor.codes_left(user),
        "is_required": second_factor.is_required(user),
    }
    if factor is not None and _may_set_up(request) and (secret := second_factor.secret_to_scan(factor)):
        context["qr"] = qr_of(second_factor.address_of(factor))
        context["secret"] = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return render(request, "curation/two_factor.html", context, status=status if error else 200)
