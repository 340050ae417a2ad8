"""Balance and coverage: classes by conditions beside the plan, what is missing, and a campaign for what is missing."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard import plan_form
from curation.dashboard.forms import typed
from curation.engine import gap_plan, gap_pool
from curation.models import Membership, Pool, Project
from curation.recipes.loading import BadRecipe
from curation.seats import Seat, person, seat_or_404
from curation.services import coverage, plan_drafts
from curation.services.asset_query import QueryError
from curation.services.coverage import AMONG, Factor

LEAD = Membership.Role.LEAD
USUAL: Final = ("light", "blur", "resolution", "platform", "worker", "source")
SHOWN_GAPS, SHOWN_PAIRS = 12, 24
AMONG_WORDS: Final = {"published": "Published", "kept": "Not dropped"}
COUNTS: Final = {"images": "Images", "boxes": "Boxes"}


@require_safe
@login_required
def balance(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, seat_or_404(request, public_id))


@require_POST
@login_required
def save_plan(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Keep the plan of conditions as it was typed."""
    seat = seat_or_404(request, public_id, LEAD)
    text = request.POST.get("plan", "")
    try:
        factors = coverage.save_plan(project=seat.project, text=text, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, error=str(error), text=text)
    messages.success(request, "The plan is saved." if factors else "The plan is empty now.")
    asked, conditions = _asked(request), [one.name for one in factors if one.name != "class"]
    shown = asked["by"] if asked["by"] in conditions else next(iter(conditions), asked["by"])
    return redirect(_address(seat, asked, by=shown))


@require_POST
@login_required
def make_scenarios(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Have every model judged by the performance that the plan tolerates."""
    seat = seat_or_404(request, public_id, LEAD)
    try:
        made = coverage.make_scenarios(
            project=seat.project, factors=coverage.plan_of(seat.project), by=person(request), now=database_now()
        )
    except (CrowdError, QueryError) as error:
        return _page(request, seat, error=str(error))
    messages.success(request, f"{made:,} scenarios ask for what the plan tolerates; every model is judged by them.")
    return redirect("models", public_id)


@require_POST
@login_required
def make_pool(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Begin a plan of a campaign that collects what is missing, and show it with its price."""
    seat = seat_or_404(request, public_id, LEAD)
    try:
        plan = gap_plan.plan_for(
            project=seat.project, factors=coverage.plan_of(seat.project), asked=typed(request, "gap")
        )
        fields = plan_form.fields_of(plan)
    except (CrowdError, BadRecipe) as error:
        return _page(request, seat, error=str(error))
    posted = {name: [str(value) for value in values] for name, values in fields.lists()}
    draft = plan_drafts.keep(by=person(request), fields=posted, name=plan.name, now=database_now())
    messages.success(
        request, "This plan asks for what is missing, in a project of its own. Look at it, then launch it."
    )
    return redirect("plan-draft", draft.public_id)


@require_POST
@login_required
def make_pool_here(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Draft a pool of this project for what is missing."""
    seat = seat_or_404(request, public_id, LEAD)
    try:
        pool = gap_pool.make(
            project=seat.project,
            factors=coverage.plan_of(seat.project),
            asked=typed(request, "gap"),
            crowd=typed(request, "crowd"),
            by_links=bool(request.POST.get("links")),
            by=person(request),
            now=database_now(),
        )
    except (CrowdError, BadRecipe) as error:
        return _page(request, seat, error=str(error))
    messages.success(request, "The pool says the condition and waits as a draft. Look at its price, then open it.")
    return redirect("pool", public_id, pool.pk)


def _page(request: HttpRequest, seat: Seat, *, error: str = "", text: str | None = None) -> HttpResponse:
    project, plan = seat.project, coverage.plan_of(seat.project)
    asked = _asked(request)
    conditions, keys = [one for one in plan if one.name != "class"], coverage.tag_keys(project)
    names = [*(one.name for one in conditions), *(name for name in (*USUAL, *keys))]
    names = list(dict.fromkeys(names))
    if asked["by"] not in names:
        asked["by"] = names[0]
    shown = _shown(project, conditions, asked)
    context: dict[str, Any] = {
        "seat": seat,
        "asked": asked,
        "view": urlencode(asked),
        "heat": shown,
        "tabs": [(name, _address(seat, asked, by=name), any(name == one.name for one in conditions)) for name in names],
        "among": [(key, words, _address(seat, asked, of=key)) for key, words in AMONG_WORDS.items()],
        "counts": [(key, words, _address(seat, asked, count=key)) for key, words in COUNTS.items()],
        "gaps": shown.gaps[:SHOWN_GAPS] if shown else (),
        "more_gaps": max(0, len(shown.gaps) - SHOWN_GAPS) if shown else 0,
        "condition": next((place for place, one in enumerate(plan) if one.name == asked["by"]), None),
        "pools": _pools(project),
        "crowds": _crowds(request, seat) if shown and shown.gaps else [],
        "measured": coverage.measured(project=project, factor=shown.factor) if shown else {},
        "unmeasured": coverage.unmeasured(project=project, factors=plan),
        "can_collect": gap_plan.can_collect(project),
        "classes": coverage.class_balance(
            project=project, among=asked["of"], factor=next((one for one in plan if one.name == "class"), None)
        ),
        "pairs": coverage.pairs(project=project, factors=plan, among=asked["of"]),
        "shown_pairs": SHOWN_PAIRS,
        "base_query": AMONG[asked["of"]],
        "plan": plan,
        "plan_text": coverage.plan_text(plan) if text is None else text,
        "error": error,
    }
    return render(request, "curation/balance/page.html", context, status=400 if error else 200)


def _crowds(request: HttpRequest, seat: Seat) -> list[tuple[str, str]]:
    return gap_pool.offered(project=seat.project, by=person(request)) if seat.may(LEAD) else []


def _shown(project: Project, conditions: Sequence[Factor], asked: dict[str, str]) -> coverage.Heat | None:
    factor = next((one for one in conditions if one.name == asked["by"]), None)
    factor = factor or coverage.usual_factor(project, asked["by"])
    if factor is None:
        return None
    boxes = asked["count"] == "boxes"
    found = coverage.matrix(project=project, factor=factor, among=asked["of"], boxes=boxes)
    on_its_way = None
    if factor.is_wanted and not boxes:
        kept = coverage.matrix(project=project, factor=factor, among="kept")
        on_its_way = coverage.coming(found=found, kept=kept, places=coverage.open_places(project))
    return coverage.heat(
        found=found,
        classes=list(project.classes.all()),
        wanted=coverage.wanted_of_classes(project),
        among=AMONG[asked["of"]],
        boxes=boxes,
        on_its_way=on_its_way,
    )


def _asked(request: HttpRequest) -> dict[str, str]:
    return {
        "of": _one_of(request, "of", AMONG_WORDS),
        "count": _one_of(request, "count", COUNTS),
        "by": request.GET.get("by", "").replace("\x00", "")[:40],
    }


def _one_of(request: HttpRequest, name: str, known: dict[str, str]) -> str:
    value = request.GET.get(name, "")
    return value if value in known else next(iter(known))


def _address(seat: Seat, asked: dict[str, str], **changed: str) -> str:
    return f"{reverse('balance', args=[seat.project.public_id])}?{urlencode({**asked, **changed})}"


def _pools(project: Project) -> dict[int, int]:
    """Return the collecting pool of each class: the one whose target may be raised instead."""
    rows = Pool.objects.filter(project=project, kind=Pool.Kind.MAIN, label_class__isnull=False).order_by("-pk")
    return {label: pool for label, pool in rows.values_list("label_class_id", "pk") if label is not None}
