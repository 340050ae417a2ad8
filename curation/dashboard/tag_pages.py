"""What taggers said of a project's pictures, and what each layer of its cascades let through."""

from itertools import groupby
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from curation.dashboard import tag_facet
from curation.dashboard.access import seat_or_404
from curation.services import tagging


@require_safe
@login_required
def tags(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    stages = [stage for stage in seat.project.stages.all() if stage.kind == "tag"]
    values = tagging.counts(seat.project)
    keys = [
        (key, [(one, tag_facet.encoded(one.key, one.value)) for one in group])
        for key, group in groupby(values, key=lambda one: one.key)
    ]
    context = {
        "seat": seat,
        "funnels": [(stage, tagging.funnel(stage)) for stage in stages],
        "keys": keys,
    }
    return render(request, "curation/tags.html", context)
