"""Samples in the browser: conditions with shares, what there is of them, what lacks, and the view that is kept."""

from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.models import Membership
from curation.seats import Seat, person, seat_or_404
from curation.services import sampling
from curation.services.asset_query import QueryError
from curation.services.coverage import plan_of, plan_text, read_plan
from curation.services.sampling import Order

MOST: Final = 10_000_000
USUAL_QUERY: Final = "state:published"
WAYS: Final = {
    "fill": "Shares; what one value lacks the others give",
    "strict": "Shares; fewer of all where one lacks",
    "rarest": "As many of each value as of the rarest",
    "next": "All of the rarest, of the others as many as of the next rarest",
}


@require_safe
@login_required
def sample(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show what a sample would hold; nothing is written."""
    seat = seat_or_404(request, public_id)
    if "shares" not in request.GET:
        return _page(request, seat, _fields(seat, request.GET))
    return _drawn(request, seat, request.GET)


@require_POST
@login_required
def keep_sample(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Keep a sample under a name and show its pictures."""
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    name = request.POST.get("name", "")
    try:
        order = _order(request.POST)
        found = sampling.request(project=seat.project, name=name, order=order, by=person(request), now=database_now())
    except (CrowdError, QueryError) as error:
        return _drawn(request, seat, request.POST, error=str(error))
    if found is None:
        messages.success(request, f"The sample “{name.strip()}” is large, so it is kept in the background, as a view.")
        return redirect("sample", public_id)
    messages.success(request, f"The sample “{name.strip()}” is kept: {len(found.asset_ids):,} pictures, as a view.")
    query = urlencode({"q": sampling.query_of(name.strip())})
    return redirect(f"{reverse('assets', args=[seat.project.public_id])}?{query}")


def _drawn(request: HttpRequest, seat: Seat, given: QueryDict, error: str = "") -> HttpResponse:
    fields = _fields(seat, given)
    try:
        found = sampling.drawn(project=seat.project, order=_order(given))
    except (CrowdError, QueryError) as wrong:
        return _page(request, seat, fields, error=error or str(wrong))
    return _page(request, seat, fields, error=error, found=found, taken=len(found.asset_ids))


def _fields(seat: Seat, given: QueryDict) -> dict[str, str]:
    way = given.get("way", "fill")
    return {
        "query": given.get("query", USUAL_QUERY).replace("\0", ""),
        "shares": given.get("shares", plan_text(plan_of(seat.project))).replace("\0", ""),
        "size": given.get("size", "1000"),
        "seed": given.get("seed", "0"),
        "way": way if way in WAYS else "fill",
        "diverse": "on" if given.get("diverse") else "",
        "name": given.get("name", "").replace("\0", ""),
    }


def _order(given: QueryDict) -> Order:
    way = given.get("way", "fill")
    return Order(
        factors=read_plan(given.get("shares", "").replace("\0", "")),
        size=0 if way in {"rarest", "next"} else _number(given, "size", 1),
        query=given.get("query", "").replace("\0", ""),
        seed=_number(given, "seed", 0),
        mode="strict" if way == "strict" else "fill",
        under="rarest" if way == "rarest" else "next" if way == "next" else "",
        diverse=bool(given.get("diverse")),
    )


def _number(given: QueryDict, name: str, least: int) -> int:
    text = given.get(name, "").strip()
    if not (text.isascii() and text.isdecimal() and least <= int(text[:9]) and len(text) < 9 and int(text) <= MOST):
        raise CrowdError(f"The {name} is a whole number from {least} to {MOST:,}, not “{text[:20]}”.")
    return int(text)


def _page(request: HttpRequest, seat: Seat, fields: dict[str, str], error: str = "", **found: Any) -> HttpResponse:
    kept = sampling.being_kept(seat.project)
    context = {"seat": seat, "fields": fields, "ways": WAYS.items(), "error": error, "being_kept": kept, **found}
    return render(request, "curation/balance/sample.html", context, status=400 if error else 200)
