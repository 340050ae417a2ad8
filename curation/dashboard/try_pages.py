"""“Try as a worker”: the exact task page under a link for an hour, and as a code that a phone can read."""

import io
from uuid import UUID

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.errors import CrowdError
from curation.dashboard import plan_form
from curation.dashboard.crowd_people import crowds_for
from curation.dashboard.new_project import bounded, keep_typed, own_draft
from curation.engine.sampling_pages import sample_page
from curation.models import Pool
from curation.recipes.loading import BadRecipe
from curation.seats import person, seat_or_404
from curation.services import trials

ONLY_HERE = ("127.0.0.1", "localhost", "[::1]")


@require_POST
@login_required
@bounded
def try_plan(request: HttpRequest, stage: str) -> HttpResponse:
    """Keep the plan, and offer a page of one of its stages."""
    draft = keep_typed(request)
    asked = plan_form.read(request.POST, {one.value for one in crowds_for(person(request))})
    wrong = [text for place, text in asked.all_errors if place != "name"]
    try:
        if not wrong:
            trial = sample_page(asked.wanted.checked(), stage)
            token = trials.offer_plan(draft=draft, stage=stage, trial=trial)
            return redirect("plan-tried", draft.public_id, token)
    except (BadRecipe, CrowdError) as error:
        wrong = [str(error)]
    messages.error(request, f"There is no page to try yet. {wrong[0]}")
    return redirect("plan-draft", draft.public_id)


@never_cache
@require_safe
@login_required
def plan_tried(request: HttpRequest, draft_id: UUID, token: str) -> HttpResponse:
    draft = own_draft(request, draft_id)
    return _page(request, token, str(draft), reverse("plan-draft", args=[draft.public_id]))


@never_cache
@require_safe
@login_required
def try_pool(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """Offer a page of a pool, with its own tasks."""
    pool = _pool(request, public_id, pool_id)
    return redirect("pool-tried", public_id, pool_id, trials.offer_pool(pool=pool))


@never_cache
@require_safe
@login_required
def pool_tried(request: HttpRequest, public_id: UUID, pool_id: int, token: str) -> HttpResponse:
    pool = _pool(request, public_id, pool_id)
    return _page(request, token, pool.title, reverse("pool", args=[public_id, pool_id]))


def _pool(request: HttpRequest, public_id: UUID, pool_id: int) -> Pool:
    seat = seat_or_404(request, public_id)
    pool = Pool.objects.filter(project=seat.project, pk=pool_id).first()
    if pool is None:
        raise Http404
    return pool


def _page(request: HttpRequest, token: str, what: str, back: str) -> HttpResponse:
    if trials.find(token) is None:
        messages.error(request, "That link was good for an hour and is over. Try again.")
        return redirect(back)
    host = request.get_host().rpartition(":")[0] or request.get_host()
    context = {
        "token": token,
        "what": what,
        "back": back,
        "link": request.build_absolute_uri(reverse("w-try", args=[token])),
        "only_here": host in ONLY_HERE,
    }
    return render(request, "curation/try.html", context)


@require_safe
@login_required
def code(request: HttpRequest, token: str) -> HttpResponse:
    """Draw the link as a QR code: dark on white in every theme, for cameras want it so."""
    if trials.find(token) is None:
        raise Http404
    link = request.build_absolute_uri(reverse("w-try", args=[token]))
    drawn = io.BytesIO()
    segno.make(link, error="m", micro=False).save(drawn, kind="svg", border=4, scale=6, dark="#000", light="#fff")
    answer = HttpResponse(drawn.getvalue(), content_type="image/svg+xml")
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    return answer
