"""Appeals of workers: the page, the reason, what the worker says, and a lead's word about it."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Appeal, Assignment
from curation.dashboard.forms import typed
from curation.models import Asset, Membership
from curation.seats import Seat, person, seat_or_404
from curation.services import appeals

LEAD = Membership.Role.LEAD
SHOWN, DECIDED, PICTURES = 50, 20, 6


@dataclass(frozen=True, slots=True)
class Card:
    """An appeal with what one needs to decide on it."""

    appeal: Appeal
    title: str
    reason: str
    pictures: list[Asset]
    sent: bool
    accepted: int
    rejected: int
    earlier: list[Appeal]


@require_safe
@login_required
def appeal_list(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, seat_or_404(request, public_id, LEAD))


@require_POST
@login_required
def decide(request: HttpRequest, public_id: UUID, appeal_id: int) -> HttpResponse:
    """Pay the page after all, or leave it rejected and say why."""
    seat = seat_or_404(request, public_id, LEAD)
    if not Appeal.objects.filter(pk=appeal_id, project_id=seat.project.pk).exists():
        raise Http404
    by, reply, now = person(request), typed(request, "reply", 2_000), database_now()
    try:
        if request.POST.get("decision") == "uphold":
            takes_back = request.POST.get("takes_back") == "yes"
            appeals.uphold(appeal_id=appeal_id, by=by, reply=reply, takes_back=takes_back, now=now)
            messages.success(request, "The page is paid after all. Its worker sees it.")
        else:
            appeals.deny(appeal_id=appeal_id, by=by, reply=reply, now=now)
            messages.success(request, "The page stays rejected. Its worker reads your answer.")
    except CrowdError as error:
        return _page(request, seat, error=str(error), error_in=appeal_id, reply=reply)
    return redirect("appeals", public_id)


def _page(request: HttpRequest, seat: Seat, *, error: str = "", error_in: int = 0, reply: str = "") -> HttpResponse:
    related = ("assignment__batch", "assignment__worker__account", "assignment__account")
    waiting = appeals.open_in(project=seat.project).select_related(*related)
    decided = Appeal.objects.filter(project_id=seat.project.pk).exclude(state=Appeal.State.OPEN)
    context = {
        "seat": seat,
        "here": "appeals",
        "cards": [_card(appeal) for appeal in waiting[:SHOWN]],
        "waiting": waiting.count(),
        "decided": decided.select_related("assignment__worker").order_by("-decided_at")[:DECIDED],
        "error": error,
        "error_in": error_in,
        "reply": reply,
    }
    return render(request, "curation/inhouse/appeals.html", context, status=400 if error else 200)


def _card(appeal: Appeal) -> Card:
    page = appeal.assignment
    theirs = Assignment.objects.filter(project_id=page.project_id, worker=page.worker)
    before = Appeal.objects.filter(assignment__worker=page.worker, project_id=page.project_id).exclude(pk=appeal.pk)
    return Card(
        appeal=appeal,
        title=str(page.batch.spec.get("title", "")),
        reason=page.reason,
        pictures=list(appeals.pictures_of(page).select_related("label_class")[:PICTURES]),
        sent=Asset.objects.filter(answer__assignment=page).exists(),
        accepted=theirs.filter(state=Assignment.State.ACCEPTED).count(),
        rejected=theirs.filter(state=Assignment.State.REJECTED).count(),
        earlier=list(before.order_by("-id")[:5]),
    )
