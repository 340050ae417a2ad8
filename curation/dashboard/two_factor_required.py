"""A server that requires two-factor sign-in shows nothing to whoever has not set it up or not used it."""

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from curation.dashboard.proving import WITH_FACTOR, ask
from curation.models import User
from curation.services import second_factor

OPEN: Final = {"two-factor", "account-confirm", "sign-out", "theme", "sign-in", "sign-in-link", "sign-in-code"}
PROBLEM: Final = {
    "type": "about:blank",
    "title": "Two-factor sign-in is required",
    "status": 403,
    "code": "two_factor_required",
    "detail": "This server requires two-factor sign-in of you. Open your account page and set it up.",
}


class TwoFactorRequiredMiddleware:
    """Sends to the set-up, or asks for the code; it costs nothing where REQUIRE_TWO_FACTOR is not set."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        if not settings.REQUIRE_TWO_FACTOR:
            return None
        match, user = request.resolver_match, request.user
        is_open = match is not None and match.url_name in OPEN
        if is_open or not isinstance(user, User):
            return None
        mine = second_factor.id_of(user)
        if (mine and request.session.get(WITH_FACTOR) == mine) or not second_factor.is_required(user):
            return None
        if request.path.startswith("/api/"):
            return JsonResponse(PROBLEM, status=403, content_type="application/problem+json")
        return ask(request) if mine else redirect("two-factor")
