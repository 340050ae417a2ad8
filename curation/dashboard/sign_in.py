"""Signing in and out, one-time links, the theme."""

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from crowd.clock import database_now
from curation.dashboard.context import THEME_COOKIE, THEMES
from curation.dashboard.forms import typed
from curation.dashboard.proving import inside
from curation.dashboard.two_factor import enter
from curation.models import User
from curation.services import people
from curation.services.attempts import TooManyFailures
from curation.services.sign_in import check_password, choose_theme

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
    return enter(request, user, inside(request, request.POST.get("next", "")))


def _form(request: HttpRequest, error: str = "", status: int = 200) -> HttpResponse:
    given = {"email": request.POST.get("email", ""), "next": request.POST.get("next", request.GET.get("next", ""))}
    return render(request, "curation/sign_in.html", {"error": error, **given}, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button; only pressing it uses the link up, so that a mail scanner does not."""
    now = database_now()
    try:
        people.check_link(token=token, address=request.META.get("REMOTE_ADDR", ""), now=now)
    except TooManyFailures as error:
        return render(request, "curation/sign_in_link.html", {"error": str(error)}, status=429)
    if request.method != "POST":
        good = people.link_is_good(token=token, now=now)
        return render(request, "curation/sign_in_link.html", {"good": good}, status=200 if good else 404)
    user = people.sign_in(token=token, now=now)
    if user is None:
        return render(request, "curation/sign_in_link.html", {"good": False}, status=404)
    return enter(request, user, reverse("projects"))


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
    response = HttpResponseRedirect(inside(request, request.POST.get("next", "")))
    response.set_cookie(THEME_COOKIE, chosen, max_age=YEAR, samesite="Lax", secure=request.is_secure(), httponly=True)
    return response
