"""What cannot be taken back asks again who is there, when nobody has asked for a quarter of an hour."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, cast
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from crowd.clock import database_now
from curation.dashboard.forms import typed
from curation.models import User
from curation.seats import person
from curation.services import second_factor, sessions
from curation.services.attempts import TooManyFailures
from curation.services.sign_in import check_password

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
PROVED: Final = "proved_at"
WITH_FACTOR: Final = "second_factor"  # the number of the one whose code was shown: a new one is asked for anew
FRESH_SECONDS: Final = 15 * 60


@receiver(user_logged_in)
def _just_came_in(request: HttpRequest, **_: Any) -> None:
    """Count every way of signing in as a proof, and keep what the person will know this session by."""
    mark(request)
    sessions.note_beginning(request.session, agent=request.headers.get("User-Agent", ""), now=database_now())


def mark(request: HttpRequest, *, with_code: bool = False) -> None:
    """Note in the session that the person has just shown who it is; `with_code`: by the second factor too."""
    request.session[PROVED] = int(time.time())
    if with_code:
        request.session[WITH_FACTOR] = second_factor.id_of(person(request))


def is_fresh(request: HttpRequest) -> bool:
    proved_at: int = request.session.get(PROVED, 0)
    return 0 <= time.time() - proved_at <= FRESH_SECONDS


def proved(view: View[P]) -> View[P]:
    """Send a form that nobody stood for in the last quarter of an hour to the page that asks; nothing is done yet."""

    @wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.method != "POST" or is_fresh(request):
            return view(request, *args, **kwargs)
        return ask(request)

    return cast("View[P]", answer)


def ask(request: HttpRequest) -> HttpResponse:
    """Send to the page that asks, and from there back to the page with the form."""
    place = f"{reverse('account-confirm')}?{urlencode({'next': _where_from(request)})}"
    return HttpResponseClientRedirect(place) if request.htmx else redirect(place)  # type: ignore[attr-defined]


def inside(request: HttpRequest, target: str) -> str:
    """Return where to go on, only inside this site."""
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else "/"


def _where_from(request: HttpRequest) -> str:
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    parts = urlsplit(inside(request, request.headers.get("Referer", "")))
    return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"


@never_cache
@login_required
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask for the code of the telephone, or for the password where there is no second factor."""
    user = person(request)
    has_code = second_factor.is_on(user)
    if request.method != "POST":
        return _page(request, has_code=has_code)
    try:
        is_right = _by_code(request, user) if has_code else _by_password(request, user)
    except TooManyFailures as error:
        return _page(request, str(error), 429, has_code=has_code)
    if not is_right:
        wrong = second_factor.WRONG if has_code else "This is not your password."
        return _page(request, wrong, 400, has_code=has_code)
    mark(request, with_code=has_code)
    messages.success(request, "Thank you. Nothing was done before you were asked: press it again.")
    return HttpResponseRedirect(inside(request, request.POST.get("next", "")))


def _by_code(request: HttpRequest, user: User) -> bool:
    return second_factor.accept(user=user, code=typed(request, "code", 40), now=database_now())


def _by_password(request: HttpRequest, user: User) -> bool:
    address, password = request.META.get("REMOTE_ADDR", ""), request.POST.get("password", "")
    now = database_now()
    return check_password(request=request, email=user.email, password=password, address=address, now=now) is not None


def _page(request: HttpRequest, error: str = "", status: int = 200, *, has_code: bool) -> HttpResponse:
    target = request.POST.get("next", "") or request.GET.get("next", "")
    context = {"error": error, "has_code": has_code, "next": inside(request, target)}
    return render(request, "curation/account_confirm.html", context, status=status)
