"""A new project: a preset, its classes, how many, which crowds on which terms; the price beside it all the time."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard import plan_facts, plan_form, step_people
from curation.dashboard.crowd_people import CrowdChoice, crowds_for
from curation.dashboard.plan_form import Asked
from curation.engine import set_up
from curation.engine.past import past_of
from curation.models import PlanDraft, Project, User
from curation.recipes.loading import BadRecipe, load
from curation.seats import person, seats
from curation.services import plan_drafts

MOST_BEGUN = 8
NOT_KEPT = {"csrfmiddlewaretoken", "draft"}


def bounded(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer with the sentence where a form holds more text than a plan may."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        try:
            return view(request, *args, **named)
        except plan_drafts.PlanTooLong as error:
            return HttpResponse(f"{error}\n", status=413, content_type="text/plain; charset=utf-8")

    return answered


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@bounded
def new_project(request: HttpRequest) -> HttpResponse:
    """Show an empty plan of a preset, or make the project that was asked for."""
    if request.method != "POST":
        recipe = load(plan_form.known_recipe(request.GET.get("recipe", "")))
        return _page(request, plan_form.blank(recipe), None)
    by = person(request)
    crowds = crowds_for(by)
    asked, draft = plan_form.read(request.POST, {one.value for one in crowds}), keep_typed(request)
    if asked.all_errors:
        return _page(request, request.POST, draft, asked, refused=True)
    try:
        job = set_up.ask(wanted=asked.wanted, by=by)
    except (BadRecipe, CrowdError) as error:
        return _page(request, request.POST, draft, asked.refused(error), refused=True)
    plan_drafts.launched(draft=draft, slug=job.key)
    return redirect(f"{reverse('projects')}?{urlencode({'made': job.key})}")


@never_cache
@require_safe
@login_required
def plan_draft(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Show a plan as it was left."""
    draft = own_draft(request, draft_id)
    return _page(request, posted(draft), draft)


def posted(draft: PlanDraft) -> QueryDict:
    """Return a kept form as it was posted."""
    fields = QueryDict(mutable=True)
    for name, values in draft.fields.items():
        fields.setlist(name, values)
    return fields


@require_POST
@login_required
def plan(request: HttpRequest) -> HttpResponse:
    """Keep what is typed, and answer with the cost sheet and what the fields say about themselves."""
    crowds = crowds_for(person(request))
    asked = plan_form.read(request.POST, {one.value for one in crowds})
    try:
        draft = keep_typed(request)
    except CrowdError as error:
        return render(request, "curation/_cost_sheet.html", {"sentence": str(error), "live": True})
    context = {
        "asked": asked,
        "stages": asked.stages,
        "live": True,
        "draft": draft,
        **_said(asked, crowds, request),
    }
    answer = render(request, "curation/_cost_sheet.html", context)
    answer["HX-Replace-Url"] = reverse("plan-draft", args=[draft.public_id])
    return answer


def keep_typed(request: HttpRequest) -> PlanDraft:
    """Keep the form as it was posted."""
    fields = {name: values for name, values in request.POST.lists() if name not in NOT_KEPT}
    name = request.POST.get("name", "").replace("\x00", "").strip()[:120]
    cleaned = {key: [value.replace("\x00", "") for value in map(str, values)] for key, values in fields.items()}
    draft_id = uuid_of(request.POST.get("draft", ""))
    return plan_drafts.keep(by=person(request), fields=cleaned, name=name, now=database_now(), draft_id=draft_id)


def uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def own_draft(request: HttpRequest, draft_id: UUID) -> PlanDraft:
    draft = PlanDraft.objects.of(person(request)).filter(public_id=draft_id).first()
    if draft is None:
        raise Http404
    return draft


def _said(asked: Asked, crowds: Sequence[CrowdChoice], request: HttpRequest) -> dict[str, Any]:
    """Return what the plan means: cost, time, the way in, and who earns what."""
    past = past_of(seat.project.pk for seat in seats(request))
    return {
        **plan_facts.sheet(asked, past),
        "chains": plan_facts.chains(asked, crowds),
        "earners": step_people.said(asked, crowds),
    }


def _page(
    request: HttpRequest,
    fields: QueryDict,
    draft: PlanDraft | None,
    asked: Asked | None = None,
    *,
    refused: bool = False,
) -> HttpResponse:
    """Show the plan; a refused one with every mistake beside its field and in a list on top."""
    by = person(request)
    crowds = crowds_for(by)
    asked = asked or plan_form.read(fields, {one.value for one in crowds})
    context = {
        "asked": asked,
        "typed": asked.typed,
        "draft": draft,
        "draft_id": draft.public_id if draft else uuid4(),
        "made": _made(by, draft),
        "begun": _begun(by, draft),
        "recipes": [load(name) for name in plan_form.offered()],
        "recipe": asked.recipe,
        "crowds": crowds,
        "people": people_data(crowds),
        "stages": asked.stages,
        "errors": dict(asked.errors) if refused else {},
        "faults": asked.all_errors if refused else [],
        **_said(asked, crowds, request),
    }
    return render(request, "curation/new_project.html", context, status=400 if refused else 200)


def _made(by: User, draft: PlanDraft | None) -> Project | None:
    """Return the project that a plan has become."""
    slug = draft.project_slug if draft else ""
    return Project.objects.visible_to(by).filter(slug=slug).first() if slug else None


def _begun(by: User, draft: PlanDraft | None) -> list[PlanDraft]:
    """Return the plans that wait to be gone on with, and those of which only a pilot was launched."""
    waiting = Q(project_slug="") | Q(fields__start=["pilot"])
    mine = PlanDraft.objects.of(by).filter(waiting).order_by("-updated_at")[: MOST_BEGUN + 1]
    return [one for one in mine if draft is None or one.pk != draft.pk][:MOST_BEGUN]


def people_data(crowds: Sequence[CrowdChoice]) -> dict[str, dict[str, Any]]:
    """Return what the slider needs to know of every crowd."""
    return {
        one.value: {"label": one.label, "bins": one.bins, "known": one.known, "sees": one.sees_rating} for one in crowds
    }
