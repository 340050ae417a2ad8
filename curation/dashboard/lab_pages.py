"""The aggregation lab: other settings over stored answers, applying them, and the way back."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard import lab_facts, lab_form
from curation.dashboard.access import Seat, person, seat_or_404
from curation.dashboard.forms import typed
from curation.models import ConsensusRun, Membership, Stage
from curation.services.consensus import gold, lab, lab_runs, runs
from curation.services.consensus.lab_effect import effect
from curation.services.consensus.lab_lines import lines
from curation.services.consensus.lab_trial import most_telling
from curation.services.consensus.prices import dearest_answer
from curation.services.consensus.settings import ConsensusSettings, for_library, read

LEAD, REVIEWER = Membership.Role.LEAD, Membership.Role.REVIEWER
SHOWN = 20
PAGE = "curation/lab/page.html"
NOTHING_YET = "Nothing can be applied before the first answer is there."


@require_safe
@never_cache
@login_required
def page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id, REVIEWER)
    stage = _stage(seat, request.GET)
    if stage is None:
        return render(request, PAGE, {"seat": seat})
    context = _context(seat, stage, request.GET)
    if request.GET.get("curve"):
        context |= _curve(context)
    return render(request, PAGE, {**context, **_history(context)}, status=400 if context["error"] else 200)


@require_safe
@never_cache
@login_required
def results(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Answer with what the settings in the form would make; a change of the form asks for it."""
    seat = seat_or_404(request, public_id, REVIEWER)
    context = _context(seat, _stage_or_404(seat, request.GET), request.GET)
    answer = render(request, "curation/lab/_results.html", context, status=400 if context["error"] else 200)
    answer["HX-Replace-Url"] = context["address"]
    return answer


@require_safe
@never_cache
@login_required
def curve(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Answer with the curve over the least IoU and with what buying would have taken."""
    seat = seat_or_404(request, public_id, REVIEWER)
    context = _context(seat, _stage_or_404(seat, request.GET), request.GET, tried=False)
    if context["error"]:
        return HttpResponse(status=204)
    return render(request, "curation/lab/_curve.html", {**context, **_curve(context)})


@require_safe
@never_cache
@login_required
def progress(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Answer with how far applying is; a page that waits for its end asks again and again."""
    seat = seat_or_404(request, public_id, REVIEWER)
    stage = _stage_or_404(seat, request.GET)
    applied = ConsensusRun.objects.filter(stage=stage, state=ConsensusRun.State.CURRENT).first()
    waited_for = applied if applied and str(applied.number) == request.GET.get("was") else None
    context = {"seat": seat, "stage": stage, "applied": waited_for, **_applying(stage)}
    return render(request, "curation/lab/_applying.html", context)


@require_POST
@login_required
def apply(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Say what applying does; when that was confirmed, start it."""
    seat = seat_or_404(request, public_id, LEAD)
    stage = _stage_or_404(seat, request.POST)
    context = _context(seat, stage, request.POST)
    error = context["error"] or ("" if context["desk"].sheets else NOTHING_YET)
    if error:
        return render(request, PAGE, {**context, **_history(context), "error": error}, status=400)
    if not request.POST.get("confirmed"):
        on, tried = context["desk"], context["trial"]
        return render(request, "curation/lab/confirm.html", {**context, "effect": effect(on, tried)})
    changed = {name: after for name, _, after in context["differences"]}
    try:
        run = runs.apply(
            stage=stage, settings=changed, by=person(request), note=typed(request, "note", 200), now=database_now()
        )
    except CrowdError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Version {run.number} is being applied; images move while it works.")
    return redirect(_address(seat, stage))


@require_POST
@login_required
def go_back(request: HttpRequest, public_id: UUID, number: int) -> HttpResponse:
    """Bring an earlier version back, after a word about what that does."""
    seat = seat_or_404(request, public_id, LEAD)
    stage = _stage_or_404(seat, request.POST)
    run = _run(stage, number)
    if not request.POST.get("confirmed"):
        on = lab.desk(stage)
        found = effect(on, lab.trial(on, runs.settings_of(run)))
        context = {"seat": seat, "stage": stage, "run": run, "effect": found}
        return render(request, "curation/lab/back.html", context)
    try:
        new = runs.go_back(run=run, by=person(request), now=database_now())
    except CrowdError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Version {run.number} comes back as version {new.number}.")
    return redirect(_address(seat, stage))


@require_safe
@never_cache
@login_required
def compare(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Two versions side by side, as their results were stored."""
    seat = seat_or_404(request, public_id, REVIEWER)
    stage = _stage_or_404(seat, request.GET)
    first, second = (_run(stage, _number(request.GET.get(side, ""))) for side in ("a", "b"))
    found = lab_runs.compare(first, second)
    sheets = {sheet.image.image: sheet for sheet in found.sheets}
    chosen = most_telling(found.changed, n=SHOWN, seed=lab.SEED)
    context = {
        "seat": seat,
        "stage": stage,
        "first": first,
        "second": second,
        "found": found,
        "bars": lab_facts.bars(found.before, found.after, is_sample=found.is_sample),
        "differences": lab_form.differences(runs.settings_of(first), runs.settings_of(second)),
        "examples": lab_facts.examples(chosen, sheets),
    }
    return render(request, "curation/lab/compare.html", context)


@require_safe
@login_required
def download(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Send all stored answers as JSON lines; people stand in them by their pseudonyms."""
    seat = seat_or_404(request, public_id, LEAD)
    stage = _stage_or_404(seat, request.GET)
    name = f"{seat.project.slug}-{stage.name}-answers.jsonl"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(_encoded(stage), content_type="application/jsonl", headers=headers)


def _encoded(stage: Stage) -> Iterator[bytes]:
    return (line.encode() + b"\n" for line in lines(stage))


def _context(seat: Seat, stage: Stage, given: Mapping[str, str], *, tried: bool = True) -> dict[str, Any]:
    now = read(stage.settings)
    asked, on = lab_form.typed_in(given), lab.desk(stage)
    context: dict[str, Any] = {
        "seat": seat,
        "stages": _stages(seat),
        "stage": stage,
        "now": now,
        "form": lab_form.form_of(now, asked),
        "desk": on,
        "address": _address(seat, stage, asked),
        "error": "",
    }
    try:
        settings = lab_form.settings_from(now, asked)
    except CrowdError as error:
        return {**context, "error": str(error)}
    query = lab_form.query_of(settings, now)
    context |= {
        "settings": settings,
        "differences": lab_form.differences(now, settings),
        "query": urlencode({"stage": stage.name, **query}),
        "address": _address(seat, stage, query),
    }
    return {**context, **_tried(on, settings)} if tried and on.sheets else context


def _tried(on: lab.Desk, settings: ConsensusSettings) -> dict[str, Any]:
    found = lab.trial(on, settings)
    sheets = {sheet.image.image: sheet for sheet in on.sheets}
    price = dearest_answer(on.source)
    return {
        "trial": found,
        "bars": lab_facts.bars(found.before, found.after, is_sample=on.is_sample),
        "questions": lab_facts.questions(found.before, found.after),
        "drops": lab_facts.drops(found.before, found.after),
        "examples": lab_facts.examples(most_telling(found.changed, n=SHOWN, seed=lab.SEED), sheets),
        "right": lab.right(on, found, gold.known_boxes(on.stage)),
        "price_micro": price,
        "more_micro": price * found.wants_more,
        "command": lab_facts.command(for_library(settings, on.source), settings.method),
    }


def _curve(context: dict[str, Any]) -> dict[str, Any]:
    settings, on = context["settings"], context["desk"]
    points, images = lab.curve_of(on, settings)
    taken, price = lab.replayed(on, settings), dearest_answer(on.source)
    return {
        "points": points,
        "curve": lab_facts.curve_drawing(points, settings.iou),
        "curve_images": images,
        "bought": taken,
        "price_micro": price,
        "bought_micro": round(price * taken.mean),
        "given_micro": round(price * taken.given),
    }


def _history(context: dict[str, Any]) -> dict[str, Any]:
    stage = context["stage"]
    return {"history": lab_runs.history(context["desk"]), "is_mixed": runs.is_mixed(stage), **_applying(stage)}


def _applying(stage: Stage) -> dict[str, Any]:
    run = ConsensusRun.objects.filter(stage=stage, state=ConsensusRun.State.APPLYING).first()
    return {"applying": run, "progress": runs.progress(run) if run else None}


def _stages(seat: Seat) -> list[Stage]:
    return [stage for stage in seat.project.stages.all() if stage.kind == "aggregate"]


def _stage(seat: Seat, given: Mapping[str, str]) -> Stage | None:
    """Return the stage that is asked for, else the first that adds up boxes."""
    stages = _stages(seat)
    wanted = given.get("stage", "")
    if wanted:
        found = next((stage for stage in stages if stage.name == wanted), None)
        if found is None:
            raise Http404
        return found
    return stages[0] if stages else None


def _stage_or_404(seat: Seat, given: Mapping[str, str]) -> Stage:
    stage = _stage(seat, given)
    if stage is None:
        raise Http404
    return stage


def _run(stage: Stage, number: int) -> ConsensusRun:
    run = ConsensusRun.objects.filter(stage=stage, number=number).select_related("by", "stage").first()
    if run is None:
        raise Http404
    return run


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 6:
        raise Http404
    return int(text)


def _address(seat: Seat, stage: Stage, query: Mapping[str, str] | None = None) -> str:
    return f"{reverse('lab', args=[seat.project.public_id])}?{urlencode({'stage': stage.name, **(query or {})})}"
