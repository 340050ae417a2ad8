"""Team and budget of a project, and the way to its in-house people."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.errors import CrowdError
from crowd.models import Budget, WorkerInvitation
from crowd.money import micro, money_text
from crowd.services import ledger
from curation.dashboard.forms import typed
from curation.dashboard.proving import proved
from curation.models import Membership, Pool
from curation.seats import Seat, person, seat_or_404
from curation.services import events, people, versions
from curation.sessions import now_of

LEAD = Membership.Role.LEAD


@require_safe
@never_cache
@login_required
def settings(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, seat_or_404(request, public_id))


@require_POST
@never_cache
@login_required
@proved
def add_member(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id, LEAD)
    email, role = typed(request, "email"), typed(request, "role")
    try:
        member = people.add_member(project=seat.project, email=email, role=role, by=person(request))
    except CrowdError as error:
        return _page(request, seat, error=("member", str(error)))
    link = people.welcome_link(user=member.user, base_url=request.build_absolute_uri("/").rstrip("/"))
    if link:
        return _page(request, seat, welcome=link)
    messages.success(request, f"{member.user.email} is now {member.role}.")
    return redirect("settings", public_id)


@require_POST
@login_required
@proved
def remove_member(request: HttpRequest, public_id: UUID, membership_id: int) -> HttpResponse:
    seat = seat_or_404(request, public_id, LEAD)
    try:
        people.remove_member(membership_id=membership_id, project=seat.project, by=person(request))
    except Membership.DoesNotExist:
        raise Http404 from None
    except CrowdError as error:
        return _page(request, seat, error=("member", str(error)))
    messages.success(request, "The role is taken away.")
    return redirect("settings", public_id)


@require_POST
@login_required
@proved
def budget(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Set a new limit; never under what is spent or held."""
    seat = seat_or_404(request, public_id, LEAD)
    try:
        limit = micro(typed(request, "limit", 30))
        row = ledger.raise_budget(project_id=seat.project.pk, limit_micro=limit, currency=seat.currency)
    except (CrowdError, ValueError, Budget.DoesNotExist) as error:
        return _page(request, seat, error=("budget", str(error)))
    text = f"The budget is now {money_text(row.limit_micro, currency=row.currency)}."
    events.record(kind="budget.changed", text=text, project=seat.project, by=person(request))
    versions.bump(project_id=seat.project.pk)
    messages.success(request, text)
    return redirect("settings", public_id)


def _page(request: HttpRequest, seat: Seat, error: tuple[str, str] = ("", ""), welcome: str = "") -> HttpResponse:
    invited = WorkerInvitation.objects.filter(
        project_id=seat.project.pk, expires_at__gt=now_of(request), uses__lt=F("max_uses")
    )
    context: dict[str, Any] = {
        "seat": seat,
        "members": seat.project.memberships.select_related("user").order_by("role", "user__name"),
        "roles": Membership.Role.choices,
        "budget": Budget.objects.of_project(seat.project.pk).first(),
        "invitations": invited.count(),
        "classes": seat.project.classes.all(),
        "has_inhouse_work": Pool.objects.filter(project=seat.project, account__platform="inhouse").exists(),
        "error_in": error[0],
        "error": error[1],
        "welcome": welcome,
        "typed": request.POST if error[0] else {},
    }
    return render(request, "curation/settings.html", context, status=400 if error[0] else 200)
