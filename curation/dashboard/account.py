"""A person's own page: the name others see, a password, single-letter keys, the own API tokens."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard.forms import typed
from curation.dashboard.proving import ask, inside, is_fresh, mark
from curation.models import ApiToken, User
from curation.seats import person
from curation.services import people, second_factor, sessions, tokens
from curation.services.attempts import TooManyFailures
from curation.services.own_keys import keep_keys, keys_of
from curation.sessions import now_of


@never_cache
@login_required
@sensitive_post_parameters("current", "password")
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    user = person(request)
    if request.method != "POST":
        return _page(request)
    try:
        if "keys" in request.POST:
            keep_keys(user=user, keys={**keys_of(user), "off": typed(request, "keys") == "off"})
            messages.success(request, "Saved.")
        elif "password" in request.POST:
            return _set_password(request, user)
        else:
            people.rename(user=user, name=typed(request, "name", 120))
            messages.success(request, "Saved.")
    except CrowdError as error:
        return _page(request, str(error), 400)
    except TooManyFailures as error:
        return _page(request, str(error), 429)
    return redirect("account")


def _set_password(request: HttpRequest, user: User) -> HttpResponse:
    """Where two-factor sign-in is on, a password proves nothing: the code is asked before, not after."""
    has_code = second_factor.is_on(user)
    if has_code and not is_fresh(request):
        return ask(request)
    people.set_password(user=user, current=request.POST.get("current", ""), new=request.POST.get("password", ""))
    update_session_auth_hash(request, user)
    if not has_code:
        mark(request)
    messages.success(request, "The password is set. Other sessions of yours have ended.")
    return redirect(inside(request, request.POST.get("next") or reverse("account")))


def _page(request: HttpRequest, error: str = "", status: int = 200) -> HttpResponse:
    user = person(request)
    mine = user.api_tokens.filter(revoked_at=None, expires_at__gt=now_of(request)).order_by("-id")
    context = {
        "error": error,
        "tokens": mine,
        "sessions": sessions.living(user=user, this=request.session.session_key),
        "has_second_factor": second_factor.is_on(user),
        "must_have_it": second_factor.is_required(user),
    }
    return render(request, "curation/account.html", context, status=status)


@require_POST
@login_required
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """End a token of one's own, whichever projects it opens."""
    try:
        tokens.revoke_token(token_id=token_id, by=person(request), now=database_now())
    except ApiToken.DoesNotExist:
        raise Http404 from None
    messages.success(request, "The token opens nothing any more.")
    return redirect("account")


@require_POST
@login_required
def end_session(request: HttpRequest, name: str) -> HttpResponse:
    """Sign a browser of one's own out."""
    if not sessions.end(user=person(request), name=name):
        raise Http404
    messages.success(request, "That browser is signed out.")
    return redirect("account")


@require_POST
@login_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    sessions.end_others(user=person(request), this=request.session.session_key)
    messages.success(request, "You are signed in here only.")
    return redirect("account")
