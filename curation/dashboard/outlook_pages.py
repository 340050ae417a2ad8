"""When a project and its pools will be done, and what was said about that before."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard.forms import typed
from curation.dashboard.outlook_facts import pools_outlooks, project_outlook
from curation.models import Membership
from curation.seats import person, seat_or_404
from curation.services.outlook.zone import OFFERED, set_time_zone
from curation.services.overview import project_numbers
from curation.services.overview.spending import Purse
from curation.sessions import now_of


@require_safe
@login_required
def outlook(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat, now = seat_or_404(request, public_id), now_of(request)
    numbers = project_numbers(project=seat.project, now=now, purse=Purse(seat.limit_micro, seat.currency))
    request.asset_counts = numbers.counts  # type: ignore[attr-defined]  # the shell shows them too
    context = {
        "seat": seat,
        "numbers": numbers,
        "outlook": project_outlook(seat.project, numbers),
        "pools": pools_outlooks(numbers.rows, now=numbers.buckets.end),
        "zones": OFFERED,
    }
    return render(request, "curation/outlook/page.html", context)


@require_POST
@login_required
def change_zone(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    try:
        set_time_zone(
            project_id=seat.project.pk, zone=typed(request, "zone", 60), by=person(request), now=database_now()
        )
    except CrowdError as error:
        messages.error(request, str(error))
    return redirect("outlook", public_id)
