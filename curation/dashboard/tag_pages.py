"""What taggers said of a project's pictures, and what each layer of its cascades let through."""

from itertools import groupby
from urllib.parse import quote
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from curation.dashboard import tag_facet
from curation.seats import seat_or_404
from curation.services import tag_counts, tagging
from curation.services.asset_query import QueryError, parse


@require_safe
@login_required
def tags(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    stages = [stage for stage in seat.project.stages.all() if stage.kind == "tag"]
    text, wrong = request.GET.get("q", "").replace("\x00", ""), ""
    try:
        counts = tag_counts.counts(seat.project, parse(text))
    except QueryError as error:
        counts, wrong = tag_counts.TagCounts((), None, is_pending=False), str(error)
    keys = [
        (key, [(one, tag_facet.encoded(one.key, one.value)) for one in group])
        for key, group in groupby(counts.values, key=lambda one: one.key)
    ]
    context = {
        "seat": seat,
        "funnels": [(stage, tagging.funnel(stage)) for stage in stages],
        "keys": keys,
        "counts": counts,
        "text": text,
        "among": f"q={quote(text)}&" if text and not wrong else "",
        "wrong": wrong,
    }
    return render(request, "curation/tags.html", context, status=400 if wrong else 200)
