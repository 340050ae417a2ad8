"""API tokens of a project: who can reach it by program, with which rights, and a new one with snippets that work."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard.forms import typed
from curation.dashboard.proving import proved
from curation.models import ApiToken, Membership
from curation.seats import Seat, person, seat_or_404
from curation.services import tokens

LEAD = Membership.Role.LEAD
SCOPE_WORDS = {
    "read": "see projects, pools, assets and numbers",
    "assets:write": "send pictures in",
    "review": "review pictures",
    "pools": "open, pause and price pools, within the budget",
    "export": "freeze versions, export and download originals",
    "admin": "make projects",
}
CURL = 'curl --header "Authorization: Bearer {token}" \\\n  {base}/api/v1/projects'
PYTHON = """import json, urllib.request

call = urllib.request.Request(
    "{base}/api/v1/projects/{project}",
    headers={{"Authorization": "Bearer {token}"}},
)
print(json.load(urllib.request.urlopen(call))["name"])"""


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@proved
def token_list(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """List the tokens that open this project; a lead makes one, which is shown this once."""
    seat = seat_or_404(request, public_id, LEAD)
    if request.method != "POST":
        return _page(request, seat)
    everywhere = typed(request, "reach") == "all"
    try:
        token, text = tokens.create_token(
            user=person(request),
            name=typed(request, "name", 200),
            scopes=request.POST.getlist("scopes"),
            projects=[] if everywhere else [seat.project],
            all_projects=everywhere,
            days=_days(request),
            now=database_now(),
        )
    except CrowdError as error:
        return _page(request, seat, error=str(error))
    return _page(request, seat, made=token, text=text)


@require_POST
@login_required
def revoke(request: HttpRequest, public_id: UUID, token_id: int) -> HttpResponse:
    seat = seat_or_404(request, public_id, LEAD)
    try:
        tokens.revoke_for_project(token_id=token_id, project=seat.project, by=person(request), now=database_now())
    except ApiToken.DoesNotExist:
        raise Http404 from None
    messages.success(request, "The token opens nothing any more.")
    return redirect("settings-tokens", public_id)


def _days(request: HttpRequest) -> int:
    text = typed(request, "days", 5)
    if not (text.isascii() and text.isdecimal()):
        raise CrowdError(f"Days is a whole number from 1 to {tokens.MOST_DAYS}, not {text!r}.")
    return int(text)


def _page(
    request: HttpRequest, seat: Seat, *, error: str = "", made: ApiToken | None = None, text: str = ""
) -> HttpResponse:
    me, now = person(request), database_now()
    rows = list(tokens.opening(seat.project).prefetch_related("projects")[:100])
    mine = {"base": request.build_absolute_uri("/").rstrip("/"), "token": text, "project": seat.project.public_id}
    context: dict[str, Any] = {
        "seat": seat,
        "tab": "tokens",
        "now": now,
        "rows": [(row, tokens.may_revoke(row, by=me, project=seat.project)) for row in rows],
        "scopes": SCOPE_WORDS,
        "chosen": request.POST.getlist("scopes") if error else ["read"],
        "most_days": tokens.MOST_DAYS,
        "days": tokens.DAYS,
        "typed": request.POST if error else {},
        "error": error,
        "made": made,
        "text": text,
        "curl": CURL.format(**mine) if text else "",
        "python": PYTHON.format(**mine) if text else "",
    }
    return render(request, "curation/settings/tokens.html", context, status=400 if error else 200)
