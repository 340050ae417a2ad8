"""What can be done with a plan besides launching it: keep it, change its preset, carry it as a file, finish a pilot."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard import plan_form
from curation.dashboard.crowd_people import crowds_for
from curation.dashboard.forms import typed
from curation.dashboard.new_project import bounded, keep_typed, own_draft, posted, uuid_of
from curation.engine import set_up
from curation.engine.plan_file import MOST_BYTES, plan_text, read_plan
from curation.models import PlanDraft
from curation.recipes.loading import BadRecipe, load
from curation.seats import person
from curation.services import plan_drafts

KEPT_BY_A_PRESET = ("name", "budget", "platform", "team", "owner")


@require_POST
@login_required
@bounded
def save(request: HttpRequest) -> HttpResponse:
    """Keep what was typed and leave."""
    draft = keep_typed(request)
    messages.success(request, f"The plan “{draft}” is kept. You find it under New project.")
    return redirect("projects")


@require_POST
@login_required
def preset(request: HttpRequest) -> HttpResponse:
    """Begin with another preset; what does not depend on it stays."""
    recipe = load(plan_form.known_recipe(typed(request, "recipe", 60)))
    stays = {name: typed(request, name, 120) for name in KEPT_BY_A_PRESET if typed(request, name, 120)}
    draft = _keep(request, plan_form.blank(recipe, stays), request.POST.get("draft", ""))
    return redirect("plan-draft", draft.public_id)


@require_POST
@login_required
@bounded
def as_file(request: HttpRequest) -> HttpResponse:
    """Send what was typed as YAML; a plan with a mistake is shown with it instead."""
    draft = keep_typed(request)
    asked = plan_form.read(request.POST, {one.value for one in crowds_for(person(request))})
    wrong = [text for place, text in asked.all_errors if place != "name"]
    try:
        campaign = asked.wanted.checked()
    except (BadRecipe, CrowdError) as error:
        wrong.append(str(error))
    if wrong:
        messages.error(request, f"There is no file of this plan yet. {wrong[0]}")
        return redirect("plan-draft", draft.public_id)
    answer = HttpResponse(plan_text(campaign), content_type="application/yaml; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{campaign.slug}.yaml"'
    return answer


@require_POST
@login_required
def load_file(request: HttpRequest) -> HttpResponse:
    """Open a plan from a file, as a draft."""
    file = request.FILES.get("file")
    if file is None:
        messages.error(request, "Choose the YAML file of a plan.")
        return redirect("new-project")
    try:
        text = file.read(MOST_BYTES + 1).decode("utf-8", "replace")
        draft = _keep(request, plan_form.fields_of(read_plan(text, origin=str(file.name))), "")
    except (BadRecipe, CrowdError) as error:
        messages.error(request, str(error))
        return redirect("new-project")
    messages.success(request, f"The plan “{draft}” is loaded. Look it over, then launch it.")
    return redirect("plan-draft", draft.public_id)


def _keep(request: HttpRequest, fields: QueryDict, draft_id: str) -> PlanDraft:
    lists = {name: [str(value) for value in values] for name, values in fields.lists()}
    return plan_drafts.keep(
        by=person(request),
        fields=lists,
        name=str(fields.get("name", "")),
        now=database_now(),
        draft_id=uuid_of(draft_id),
    )


@require_POST
@login_required
def discard(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    draft = own_draft(request, draft_id)
    plan_drafts.discard(draft_id=draft.public_id, by=person(request))
    messages.success(request, f"The plan “{draft}” is thrown away.")
    return redirect("new-project")


@require_POST
@login_required
def collect_rest(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """After a pilot: raise the targets to the whole plan."""
    draft, by = own_draft(request, draft_id), person(request)
    asked = plan_form.read(posted(draft), {one.value for one in crowds_for(by)})
    try:
        project = set_up.collect_rest(wanted=asked.wanted, by=by, now=database_now())
    except (BadRecipe, CrowdError) as error:
        messages.error(request, str(error))
        return redirect("plan-draft", draft_id)
    plan_drafts.completed(draft=draft)
    messages.success(request, f"{project.name} collects the whole plan now.")
    return redirect("pools", project.public_id)
