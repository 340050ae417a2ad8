"""What so many images will cost, by when, how good they will be, and what if a setting were another."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard import forecast_form, plan_form
from curation.dashboard.forecast_facts import sides
from curation.dashboard.forecast_form import Asked
from curation.engine.past import past_of
from curation.engine.plan_file import plan_text, read_plan
from curation.recipes.loading import BadRecipe, load
from curation.seats import person, seats
from curation.services import plan_drafts


@require_safe
@login_required
def forecast(request: HttpRequest) -> HttpResponse:
    """Show the numbers of an address; asked by htmx, only they are sent, and the address is kept."""
    asked = forecast_form.read(request.GET.dict())
    address = f"{reverse('forecast')}?{_query(asked)}"
    context = {"asked": asked, "address": address, **_numbers(request, asked)}
    if request.headers.get("HX-Request"):
        answer = render(request, "curation/forecast/_numbers.html", context)
        answer["HX-Replace-Url"] = address
        return answer
    context["recipes"] = [load(name) for name in plan_form.offered()]
    return render(request, "curation/forecast/page.html", context, status=400 if context["error"] else 200)


def _numbers(request: HttpRequest, asked: Asked) -> dict[str, object]:
    """Return both sides, or the one sentence that says why there are none."""
    try:
        found = sides(asked, past=past_of(seat.project.pk for seat in seats(request)))
    except (BadRecipe, CrowdError) as error:
        return {"error": str(error)}
    return {"error": "", "found": found}


def _query(asked: Asked) -> str:
    """Return the address without what is as the recipe has it."""
    turned = {one.place: one.text for one in asked.settings if one.changed}
    return urlencode({"recipe": asked.recipe.name, "images": asked.images, "people": asked.people, **turned})


@require_POST
@login_required
def start(request: HttpRequest) -> HttpResponse:
    """Begin a plan with these settings; nothing is made before it is launched."""
    asked = forecast_form.read(request.POST.dict())
    try:
        fields = plan_form.fields_of(read_plan(plan_text(asked.campaign(changed=True))), {"people": asked.people})
    except (BadRecipe, CrowdError) as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('forecast')}?{_query(asked)}")
    lists = {name: [str(value) for value in values] for name, values in fields.lists()}
    draft = plan_drafts.keep(by=person(request), fields=lists, name="", now=database_now())
    messages.success(request, "A plan is begun with these settings. Give it a name, choose its crowd, then launch it.")
    return redirect("plan-draft", draft.public_id)
