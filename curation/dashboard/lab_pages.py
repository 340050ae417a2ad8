"""The aggregation lab: other settings over stored answers, applying them, and the way back."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard import lab_facts, lab_form
from curation.dashboard.csv_answers import answer_lines
from curation.dashboard.forms import typed
from curation.dashboard.lab_context import (
    SHOWN,
    Place,
    applying,
    at_desk,
    chosen_stage,
    curve_of,
    history_of,
    run_or_404,
    tried,
)
from curation.models import ConsensusRun, Membership
from curation.seats import person, seat_or_404
from curation.services.consensus import lab, lab_runs, runs
from curation.services.consensus.lab_effect import effect, effect_of_return
from curation.services.consensus.lab_lines import lines
from curation.services.consensus.lab_trial import most_telling

LEAD, REVIEWER = Membership.Role.LEAD, Membership.Role.REVIEWER
PAGE = "curation/lab/page.html"
NOTHING_YET = "Nothing can be applied before the first answer is there."


@require_safe
@never_cache
@login_required
def page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id, REVIEWER)
    stage = chosen_stage(seat, request.GET)
    if stage is None:
        return render(request, PAGE, {"seat": seat})
    context = tried(Place(seat, stage), request.GET)
    if request.GET.get("curve"):
        context |= curve_of(context)
    return render(request, PAGE, {**context, **history_of(context)}, status=400 if context["error"] else 200)


@require_safe
@at_desk(REVIEWER)
def results(request: HttpRequest, place: Place) -> HttpResponse:
    """Answer with what the settings in the form would make; a change of the form asks for it."""
    context = tried(place, request.GET)
    answer = render(request, "curation/lab/_results.html", context, status=400 if context["error"] else 200)
    answer["HX-Replace-Url"] = context["address"]
    return answer


@require_safe
@at_desk(REVIEWER)
def curve(request: HttpRequest, place: Place) -> HttpResponse:
    """Answer with the curve over the least IoU and with what buying would have taken."""
    context = tried(place, request.GET, add_up=False)
    if context["error"]:
        return HttpResponse(status=204)
    return render(request, "curation/lab/_curve.html", {**context, **curve_of(context)})


@require_safe
@at_desk(REVIEWER)
def progress(request: HttpRequest, place: Place) -> HttpResponse:
    """Answer with how far applying is; a page that waits for its end asks again and again."""
    applied = ConsensusRun.objects.filter(stage=place.stage, state=ConsensusRun.State.CURRENT).first()
    waited_for = applied if applied and str(applied.number) == request.GET.get("was") else None
    context = {**place.names(), "applied": waited_for, **applying(runs.latest_run(place.stage))}
    return render(request, "curation/lab/_applying.html", context)


@require_POST
@at_desk(LEAD)
def apply(request: HttpRequest, place: Place) -> HttpResponse:
    """Say what applying does; when that was confirmed, start it."""
    context = tried(place, request.POST)
    error = context["error"] or ("" if context["desk"].sheets else NOTHING_YET)
    if error:
        return render(request, PAGE, {**context, **history_of(context), "error": error}, status=400)
    if not request.POST.get("confirmed"):
        found = effect(context["desk"], context["trial"])
        return render(request, "curation/lab/confirm.html", {**context, "effect": found})
    changed = {name: after for name, _, after in context["differences"]}

    def start() -> str:
        note = typed(request, "note", 200)
        run = runs.apply(stage=place.stage, settings=changed, by=person(request), note=note, now=database_now())
        return f"Version {run.number} is being applied; images move while it works."

    return _started(request, place, start)


@require_POST
@at_desk(LEAD)
def go_back(request: HttpRequest, place: Place, number: int) -> HttpResponse:
    """Bring an earlier version back, after a word about what that does."""
    run = run_or_404(place.stage, number)
    if not request.POST.get("confirmed"):
        context = {**place.names(), "run": run, "effect": effect_of_return(run)}
        return render(request, "curation/lab/back.html", context)

    def start() -> str:
        new = runs.go_back(run=run, by=person(request), now=database_now())
        return f"Version {run.number} comes back as version {new.number}."

    return _started(request, place, start)


def _started(request: HttpRequest, place: Place, start: Callable[[], str]) -> HttpResponse:
    """Begin what was confirmed, and say so or why not on the lab's page."""
    try:
        messages.success(request, start())
    except CrowdError as error:
        messages.error(request, str(error))
    return redirect(place.address())


@require_safe
@at_desk(REVIEWER)
def compare(request: HttpRequest, place: Place) -> HttpResponse:
    """Two versions side by side, as their results were stored."""
    first, second = (run_or_404(place.stage, _number(request.GET.get(side, ""))) for side in ("a", "b"))
    found = lab_runs.compare(first, second)
    sheets = {sheet.image.image: sheet for sheet in found.sheets}
    chosen = most_telling(found.changed, n=SHOWN, seed=lab.SEED)
    context = {
        **place.names(),
        "first": first,
        "second": second,
        "found": found,
        "bars": lab_facts.bars(found.before, found.after, is_sample=found.is_sample),
        "differences": lab_form.differences(runs.settings_of(first), runs.settings_of(second)),
        "examples": lab_facts.examples(chosen, sheets),
    }
    return render(request, "curation/lab/compare.html", context)


@require_safe
@at_desk(LEAD)
def download(request: HttpRequest, place: Place) -> HttpResponseBase:
    """Send all stored answers as JSON lines; people stand in them by their pseudonyms."""
    name = f"{place.seat.project.slug}-{place.stage.name}-answers.jsonl"
    written = (f"{line}\n" for line in lines(place.stage))
    return answer_lines(request, written, name=name, content_type="application/jsonl")


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 6:
        raise Http404
    return int(text)
