"""A new project: a recipe, its classes, how many, which crowd, which budget; the price beside it all the time."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from crowd.errors import CrowdError
from crowd.platforms.registry import PLATFORMS
from curation.dashboard.access import person
from curation.dashboard.forms import typed
from curation.engine import planning, set_up
from curation.engine.set_up import Wanted
from curation.recipes.loading import BadRecipe, load, names

CROWDS = {"inhouse": "People you invite", "rehearsal": "Simulated crowd, free"}


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_project(request: HttpRequest) -> HttpResponse:
    recipe = load(names()[0])
    if request.method != "POST":
        first = Wanted(recipe.name, "", list(recipe.classes), recipe.wanted, "inhouse", recipe.budget_usd)
        return _page(request, first)
    try:
        wanted = _wanted(request)
        set_up.ask(wanted=wanted, by=person(request))
    except (BadRecipe, CrowdError) as error:
        return _page(request, _as_typed(request), str(error))
    messages.success(request, f"“{wanted.name}” is being set up: its examples and known answers are drawn.")
    return redirect("projects")


@require_POST
@login_required
def plan(request: HttpRequest) -> HttpResponse:
    """The cost sheet alone, for what is typed so far."""
    return render(request, "curation/_cost_sheet.html", _sheet(_as_typed(request)))


def _wanted(request: HttpRequest) -> Wanted:
    number = typed(request, "wanted", 12)
    if not number.isdecimal():
        raise CrowdError(f"The number of photos wanted must be a whole number, not {number!r}.")
    return Wanted(
        recipe=typed(request, "recipe", 60),
        name=typed(request, "name", 120),
        classes=[name.replace("\x00", "")[:60] for name in request.POST.getlist("classes")],
        wanted=int(number),
        platform=typed(request, "platform", 40),
        budget=typed(request, "budget", 30),
    )


def _as_typed(request: HttpRequest) -> Wanted:
    """What stands in the form, right or wrong, to show it again."""
    try:
        return _wanted(request)
    except CrowdError:
        kept = request.POST.copy()
        kept["wanted"] = "0"
        request.POST = kept  # type: ignore[assignment]  # only this request reads it
        return _wanted(request)


def _sheet(wanted: Wanted) -> dict[str, Any]:
    try:
        asked = wanted.checked()
    except (BadRecipe, CrowdError) as error:
        return {"sentence": str(error)}
    rows, total = planning.plan(asked), planning.planned_micro(asked)
    photos = asked.wanted * len(asked.classes)
    return {
        "rows": rows,
        "total": total,
        "photos": photos,
        "each": total // photos,
        "fits": total <= asked.budget_micro,
    }


def _page(request: HttpRequest, wanted: Wanted, error: str = "") -> HttpResponse:
    recipe = load(wanted.recipe if wanted.recipe in names() else names()[0])
    context = {
        "wanted": wanted,
        "recipes": [load(name) for name in names()],
        "classes": [(name, prompt, name in wanted.classes) for name, prompt in recipe.classes.items()],
        "crowds": [(slug, CROWDS.get(slug, slug)) for slug in PLATFORMS],
        "error": error,
        **_sheet(wanted),
    }
    return render(request, "curation/new_project.html", context, status=400 if error else 200)
