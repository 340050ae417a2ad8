"""The guides, to read beside the work."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from curation.services import guides


@require_safe
@login_required
def guide(request: HttpRequest, name: str = guides.FIRST) -> HttpResponse:
    found = guides.all_guides().get(name)
    if found is None:
        raise Http404("There is no guide of this name.")
    context = {"guide": found, "html": guides.html_of(found.name), "groups": guides.groups()}
    return render(request, "curation/help.html", context)
