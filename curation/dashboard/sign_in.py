"""Signing in and out, one-time links, the theme."""

from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from crowd.clock import database_now
from curation.dashboard.context import THEME_COOKIE, THEMES
from curation.dashboard.forms import typed
from curation.models import User
from curation.services import people
from curation.services.sign_in import TooManyFailures, check_password, choose_theme

BACKEND = "django.contrib.auth.backends.ModelBackend"
WRONG = "This e-mail address and password do not belong together."
YEAR = 365 * 24 * 3600


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("projects")
    if request.method != "POST":
        return _form(request)
    email, password = typed(request, "email"), request.POST.get("password", "")
    address = request.META.get("REMOTE_ADDR", "")
    try:
        user = check_password(request=request, email=email, password=password, address=address, now=database_now())
    except TooManyFailures as error:
        return _form(request, str(error), 429)
    if user is None:
        return _form(request, WRONG, 400)
    _enter(request, user)
    return HttpResponseRedirect(_next(request))


def _enter(request: HttpRequest, user: User) -> None:
    """Begin a session of the office; whoever worked as a crowd worker in this browser stops doing so."""
    request.session.pop("worker_id", None)
    login(request, user, backend=BACKEND)


def _form(request: HttpRequest, error: str = "", status: int = 200) -> HttpResponse:
    given = {"email": request.POST.get("email", ""), "next": request.POST.get("next", request.GET.get("next", ""))}
    return render(request, "curation/sign_in.html", {"error": error, **given}, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button; only pressing it uses the link up, so that a mail scanner does not."""
    now = database_now()
    if request.method != "POST":
        good = people.link_is_good(token=token, now=now)
        return render(request, "curation/sign_in_link.html", {"good": good}, status=200 if good else 404)
    user = people.sign_in(token=token, now=now)
    if user is None:
        return render(request, "curation/sign_in_link.html", {"good": False}, status=404)
    _enter(request, user)
    return redirect("projects")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign-in")


@require_POST
@login_required
def theme(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("theme", "")
    chosen = chosen if chosen in THEMES else ""
    if isinstance(request.user, User):
        choose_theme(user=request.user, theme=chosen)
    response = HttpResponseRedirect(_next(request))
    response.set_cookie(THEME_COOKIE, chosen, max_age=YEAR, samesite="Lax", secure=request.is_secure(), httponly=True)
    return response


def _next(request: HttpRequest) -> str:
    """Return where the form wants to go on, only inside this site."""
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return target
    return "/"
