"""The list behind every count of pages: who had them, what they were about, what became of them."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from curation.dashboard.keyset import cursor
from curation.dashboard.work_list import STATES, Filters, listed
from curation.models import Pool
from curation.seats import seat_or_404


@require_safe
@login_required
def work(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    filters = Filters.read(request.GET, seat.project)
    found = listed(
        project=seat.project, filters=filters, after=cursor(request, "after"), before=cursor(request, "before")
    )
    context = {
        "seat": seat,
        "filters": filters,
        "rows": found.rows,
        "newer": filters.query(before=str(found.newer)) if found.newer else "",
        "older": filters.query(after=str(found.older)) if found.older else "",
        "states": [(state, words, filters.query(state=state)) for state, (words, _) in STATES.items()],
        "all_states": filters.query(state=""),
        "pools": Pool.objects.filter(project=seat.project).order_by("stage__position", "title", "id"),
    }
    return render(request, "curation/work.html", context)
