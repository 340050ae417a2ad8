"""What the pages of the lab have in common: who stands before which stage, and what the templates are given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.cache import never_cache

from crowd.errors import CrowdError
from curation.dashboard import lab_facts, lab_form
from curation.models import ConsensusRun, Stage
from curation.seats import Seat, seat_or_404
from curation.services.consensus import gold, lab, lab_runs, runs
from curation.services.consensus.lab_trial import most_telling
from curation.services.consensus.settings import ConsensusSettings, for_library, read

SHOWN = 20
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Place:
    """Who looks, and the stage whose answers are on the desk."""

    seat: Seat
    stage: Stage

    def address(self, query: Mapping[str, str] | None = None) -> str:
        lab_page = reverse("lab", args=[self.seat.project.public_id])
        return f"{lab_page}?{urlencode({'stage': self.stage.name, **(query or {})})}"

    def names(self) -> dict[str, Any]:
        return {"seat": self.seat, "stage": self.stage}


View = Callable[Concatenate[HttpRequest, Place, P], HttpResponseBase]


def at_desk(role: str) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """Give a page to people of this role in the project, with the stage that is asked for; others find nothing."""

    def decorate(view: View[P]) -> Callable[..., HttpResponseBase]:
        @never_cache
        @login_required
        @wraps(view)
        def page(request: HttpRequest, public_id: UUID, *args: P.args, **own: P.kwargs) -> HttpResponseBase:
            seat = seat_or_404(request, public_id, role)
            stage = chosen_stage(seat, request.POST or request.GET)
            if stage is None:
                raise Http404
            return view(request, Place(seat, stage), *args, **own)

        return page

    return decorate


def stages_of(seat: Seat) -> list[Stage]:
    return [stage for stage in seat.project.stages.all() if stage.kind == "aggregate"]


def chosen_stage(seat: Seat, given: Mapping[str, str]) -> Stage | None:
    """Return the stage that is asked for, else the first that adds up boxes."""
    stages = stages_of(seat)
    wanted = given.get("stage", "")
    if wanted:
        found = next((stage for stage in stages if stage.name == wanted), None)
        if found is None:
            raise Http404
        return found
    return stages[0] if stages else None


def tried(place: Place, given: Mapping[str, str], *, add_up: bool = True) -> dict[str, Any]:
    """Return the form with what was typed, and what these settings make of the answers; or what is wrong with them."""
    now = read(place.stage.settings)
    asked, on = lab_form.typed_in(given), lab.desk(place.stage)
    context: dict[str, Any] = {
        **place.names(),
        "stages": stages_of(place.seat),
        "now": now,
        "form": lab_form.form_of(now, asked),
        "desk": on,
        "address": place.address(asked),
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
        "query": urlencode({"stage": place.stage.name, **query}),
        "address": place.address(query),
    }
    return {**context, **_added_up(on, settings)} if add_up and on.sheets else context


def _added_up(on: lab.Desk, settings: ConsensusSettings) -> dict[str, Any]:
    found = lab.trial(on, settings)
    sheets = {sheet.image.image: sheet for sheet in on.sheets}
    return {
        "trial": found,
        "bars": lab_facts.bars(found.before, found.after, is_sample=on.is_sample),
        "questions": lab_facts.questions(found.before, found.after),
        "drops": lab_facts.drops(found.before, found.after),
        "examples": lab_facts.examples(most_telling(found.changed, n=SHOWN, seed=lab.SEED), sheets),
        "right": lab.right(on, found, gold.known_boxes(on.stage)),
        "is_free": settings.buy_when == "worth" and on.affairs.price_micro == 0,
        "more_micro": on.affairs.price_micro * found.wants_more,
        "command": lab_facts.command(for_library(settings, on.source), settings.method),
    }


def curve_of(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the curve over the least IoU, and what buying would have taken."""
    settings, on = context["settings"], context["desk"]
    points, images = lab.curve_of(on, settings)
    taken, price = lab.replayed(on, settings), on.affairs.price_micro
    return {
        "points": points,
        "curve": lab_facts.curve_drawing(points, settings.iou),
        "curve_images": images,
        "bought": taken,
        "price_micro": price,
        "bought_micro": round(price * taken.mean),
        "given_micro": round(price * taken.given),
    }


def history_of(context: Mapping[str, Any]) -> dict[str, Any]:
    latest = runs.latest_run(context["stage"])
    return {"history": lab_runs.history(context["desk"]), "is_mixed": runs.is_mixed(latest), **applying(latest)}


def applying(latest: ConsensusRun | None) -> dict[str, Any]:
    run = latest if latest and latest.state == ConsensusRun.State.APPLYING else None
    return {"applying": run, "progress": runs.progress(run) if run else None}


def run_or_404(stage: Stage, number: int) -> ConsensusRun:
    run = ConsensusRun.objects.filter(stage=stage, number=number).select_related("by", "stage").first()
    if run is None:
        raise Http404
    return run
