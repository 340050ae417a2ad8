"""Scenarios and models: predictions sent, a verdict for each scenario, and what a model is unsure of."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard.forms import typed
from curation.dashboard.model_forms import file_of, model_name, terms_of, version_of
from curation.models import DatasetVersion, Membership, Predictions, Project, Scenario, ScenarioVerdict
from curation.seats import Seat, person, seat_or_404
from curation.services import evaluating, predictions, scenario_images, scenarios, unsure
from curation.services.asset_query import QueryError
from curation.services.patience import in_time

LEAD: Final = Membership.Role.LEAD
SHOWN_MODELS, SHOWN_TAGS, SHOWN_UNSURE, SHOWN_WRONG = 6, 12, 24, 24
BELOW: Final = 0.5
LOOK_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One model in one scenario: its verdict, or none yet; `is_old` = by terms that have changed since.

    `has_moved`: the scenario means other images now; `is_unsure`: whether it does was not looked up in time.
    """

    predictions: Predictions
    verdict: ScenarioVerdict | None
    is_old: bool
    has_moved: bool
    is_unsure: bool


@require_safe
@login_required
def models(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, seat_or_404(request, public_id))


@require_POST
@login_required
def upload(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take a file of predictions in; a job judges them."""
    seat = seat_or_404(request, public_id, LEAD)
    try:
        row = predictions.take_in(
            dataset=version_of(request, seat.project),
            name=model_name(request, seat.project),
            data=file_of(request),
            part=typed(request, "part", 10),
            by=person(request),
            now=database_now(),
        )
    except CrowdError as error:
        return _page(request, seat, "upload", str(error))
    is_vectors = row.kind == Predictions.Kind.VECTORS
    what = "vectors" if is_vectors else "predictions"
    then = "what is alike can be looked for." if is_vectors else "they are being judged."
    messages.success(request, f"{row}: {what} of {row.images:,} images are here; {then}")
    return redirect("models", public_id)


@require_POST
@login_required
def save_scenario(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Keep a scenario, or change the one of this name."""
    seat = seat_or_404(request, public_id, LEAD)
    name = typed(request, "name", scenarios.LONGEST_NAME + 1)
    try:
        terms = terms_of(request)
        scenarios.save(project=seat.project, name=name, terms=terms, by=person(request), now=database_now())
    except (CrowdError, QueryError) as error:
        return _page(request, seat, "scenario", str(error))
    messages.success(request, f"Scenario “{name}” is kept; every model is judged by it.")
    return redirect("models", public_id)


@require_POST
@login_required
def retire_scenario(request: HttpRequest, public_id: UUID, scenario_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id, LEAD)
    row = _scenario(seat.project, scenario_id)
    scenarios.retire(scenario=row, by=person(request), now=database_now())
    messages.success(request, f"Scenario “{row.name}” is asked no more.")
    return redirect("models", public_id)


@require_safe
@login_required
def model(request: HttpRequest, public_id: UUID, predictions_id: UUID) -> HttpResponse:
    """Show what one version of a model is unsure of, and of which tags most."""
    seat = seat_or_404(request, public_id)
    return _model_page(request, seat, _predictions(seat.project, predictions_id))


@require_POST
@login_required
def send(request: HttpRequest, public_id: UUID, predictions_id: UUID) -> HttpResponse:
    """Send what the model is unsure of to the people who label."""
    seat = seat_or_404(request, public_id, LEAD)
    row, below, tag = _predictions(seat.project, predictions_id), _below(request), _tag(request)
    ids = list(unsure.queue(row, below=below, tag=tag).values_list("asset_id", flat=True)[: unsure.MOST_SENT + 1])
    why = f"{row} is less than {below:.0%} sure" + (f", {tag[0]}: {tag[1]}" if tag else "")
    try:
        sent = unsure.send(project=seat.project, asset_ids=ids, why=why, by=person(request), now=database_now())
    except CrowdError as error:
        return _model_page(request, seat, row, str(error))
    messages.success(
        request,
        f"{sent.to_label:,} images go to the people who box, {sent.to_review:,} to review; "
        f"{sent.left:,} are in work or out and were left.",
    )
    more = {"below": f"{below:g}", **({"tag": f"{tag[0]}: {tag[1]}"} if tag else {})}
    return redirect(f"{reverse('model', args=[public_id, predictions_id])}?{urlencode(more)}")


@require_safe
@login_required
def scenario(request: HttpRequest, public_id: UUID, predictions_id: UUID, scenario_id: UUID) -> HttpResponse:
    """Show the images of a scenario that a model got wrong."""
    seat = seat_or_404(request, public_id)
    row, asked = _predictions(seat.project, predictions_id), _scenario(seat.project, scenario_id)
    verdicts = asked.verdicts.filter(predictions=row).order_by("-id")
    verdict = verdicts.filter(is_current=True).select_related("scenario", "predictions__project").first()
    error, wrong, shown, has_moved = "", None, {}, False
    try:
        meant = in_time(lambda: scenario_images.meant_by(row, asked.query), milliseconds=LOOK_MS)
        if meant is None:
            error = f"Which images this scenario means takes longer than {LOOK_MS // 1000} seconds to look up."
        else:
            wrong = evaluating.wrong_images(row, asked, meant)
            has_moved = verdict is not None and scenario_images.has_moved(verdict, meant)
    except QueryError as refusal:
        error = str(refusal)
    page = Paginator(wrong.asset_ids if wrong else (), SHOWN_WRONG).get_page(request.GET.get("page"))
    if page.object_list:
        found = evaluating.images_of(row, scenarios.terms_of(asked), among=list(page))
        shown = {one.asset_id: one for one in found}
    assets = seat.project.assets.select_related("preview").in_bulk(list(shown))
    context = {
        "seat": seat,
        "predictions": row,
        "scenario": asked,
        "verdict": verdict,
        "has_moved": has_moved,
        "history": verdicts.filter(is_current=False)[:12],
        "page": page,
        "wrong": wrong,
        "shown": [(shown[pk], assets[pk]) for pk in page if pk in assets],
        "much_of_one": evaluating.MUCH_OF_ONE,
        "error": error,
    }
    return render(request, "curation/models/scenario.html", context)


def _page(request: HttpRequest, seat: Seat, error_in: str = "", error: str = "") -> HttpResponse:
    rows = list(
        Predictions.objects.filter(project=seat.project)
        .select_related("dataset", "trained_on", "created_by")
        .order_by("-id")
    )
    asked = scenarios.standing(seat.project)
    judged = [one for one in rows if one.kind != Predictions.Kind.VECTORS][:SHOWN_MODELS]
    cells = _cells(judged, asked)
    versions = DatasetVersion.objects.filter(project=seat.project, frozen_at__isnull=False).order_by("-number")
    context: dict[str, Any] = {
        "seat": seat,
        "rows": rows,
        "shown": judged,
        "grid": [(one, cells[one.pk]) for one in asked],
        "moved": any(cell.has_moved or cell.is_unsure for row in cells.values() for cell in row),
        "judging": any(cell.verdict is None or cell.is_old for row in cells.values() for cell in row),
        "versions": list(versions),
        "parts": sorted({part for one in versions for part in one.splits.get("counts", {})}),
        "metrics": Scenario.Metric.choices,
        "error_in": error_in,
        "error": error,
        "typed": request.POST if error_in else {},
    }
    return render(request, "curation/models/page.html", context, status=400 if error else 200)


def _cells(rows: list[Predictions], asked: list[Scenario]) -> dict[int, list[Cell]]:
    current = ScenarioVerdict.objects.filter(predictions__in=rows, scenario__in=asked, is_current=True)
    current = current.select_related("scenario", "predictions__project")
    known = {(one.scenario_id, one.predictions_id): one for one in current}
    moves = scenario_images.moves(list(known.values()))
    found: dict[int, list[Cell]] = {}
    for one in asked:
        terms = scenarios.terms_of(one)
        verdicts = [known.get((one.pk, row.pk)) for row in rows]
        found[one.pk] = [
            Cell(
                row,
                verdict,
                is_old=verdict is not None and not evaluating.is_by(verdict, terms),
                has_moved=verdict is not None and verdict.pk in moves.moved,
                is_unsure=verdict is not None and verdict.pk in moves.unknown,
            )
            for row, verdict in zip(rows, verdicts, strict=True)
        ]
    return found


@require_POST
@login_required
def judge_again(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Have judged anew what was judged by other terms or about other images."""
    seat = seat_or_404(request, public_id, LEAD)
    scenarios.ask(seat.project)
    messages.success(request, "What has changed is being judged anew.")
    return redirect("models", public_id)


def _model_page(request: HttpRequest, seat: Seat, row: Predictions, error: str = "") -> HttpResponse:
    below, tag = _below(request), _tag(request)
    queue = unsure.queue(row, below=below, tag=tag)
    page = Paginator(queue.select_related("asset__preview"), SHOWN_UNSURE).get_page(request.GET.get("page"))
    context = {
        "seat": seat,
        "predictions": row,
        "below": below,
        "tag": f"{tag[0]}: {tag[1]}" if tag else "",
        "tags": unsure.by_tag(row, below=below)[:SHOWN_TAGS],
        "page": page,
        "error": error,
    }
    return render(request, "curation/models/one.html", context, status=400 if error else 200)


def _below(request: HttpRequest) -> float:
    """Return the confidence below which a model is unsure: half, unless the address says another."""
    text = (request.POST or request.GET).get("below", "")[:12]
    try:
        found = float(text)
    except ValueError:
        return BELOW
    return found if 0 < found <= 1 else BELOW


def _tag(request: HttpRequest) -> tuple[str, str] | None:
    key, sign, value = (request.POST or request.GET).get("tag", "")[:200].replace("\0", "").partition(":")
    return (key.strip(), value.strip()) if sign else None


def _predictions(project: Project, predictions_id: UUID) -> Predictions:
    rows = Predictions.objects.filter(project=project, public_id=predictions_id)
    row = rows.select_related("project", "dataset", "trained_on").first()
    if row is None:
        raise Http404
    return row


def _scenario(project: Project, scenario_id: UUID) -> Scenario:
    row = Scenario.objects.filter(project=project, public_id=scenario_id).first()
    if row is None:
        raise Http404
    return row
