"""Saved views of the asset browser: made, renamed, shared, moved, changed, removed."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from crowd.errors import CrowdError
from curation.dashboard.forms import typed
from curation.models import Membership, SavedView
from curation.seats import person, seat_or_404
from curation.services import saved_views
from curation.services.asset_query import QueryError


@require_POST
@login_required
def add(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Keep the present query under a name."""
    seat = seat_or_404(request, public_id)
    try:
        view = saved_views.save(
            project=seat.project,
            owner=person(request),
            name=typed(request, "name", 80),
            query=request.POST.get("q", ""),
            layout=request.POST.get("layout", ""),
            is_shared=bool(request.POST.get("shared")),
        )
    except (CrowdError, QueryError) as error:
        messages.error(request, str(error))
        return redirect("assets", public_id)
    messages.success(request, f"The view “{view.name}” is saved.")
    return redirect(_tab(public_id, view))


@require_POST
@login_required
def edit(request: HttpRequest, public_id: UUID, view_id: UUID) -> HttpResponse:
    """Change or remove a view: one's own, or, for leads, a shared one."""
    seat = seat_or_404(request, public_id)
    view = SavedView.objects.filter(project=seat.project, public_id=view_id).seen_by(request.user).first()
    if view is None or not (view.owner_id == person(request).pk or seat.may(Membership.Role.LEAD)):
        raise Http404
    do = request.POST.get("do", "")
    try:
        if do == "remove":
            saved_views.remove(view=view)
            messages.success(request, f"The view “{view.name}” is removed; nothing happened to its assets.")
            return redirect("assets", public_id)
        if do in {"left", "right"}:
            saved_views.move(view=view, user=person(request), right=do == "right")
        elif do == "query":
            saved_views.change_query(view=view, query=request.POST.get("q", ""), layout=request.POST.get("layout", ""))
        else:
            saved_views.rename(view=view, name=typed(request, "name", 80), is_shared=bool(request.POST.get("shared")))
    except (CrowdError, QueryError) as error:
        messages.error(request, str(error))
    return redirect(_tab(public_id, view))


def _tab(public_id: UUID, view: SavedView) -> str:
    view.refresh_from_db()
    return f"{reverse('assets', args=[public_id])}?view={view.public_id}"
