"""What changed since a version: numbers to put in place, and parts of the page to fetch again."""

from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crowd.clock import database_now
from crowd.money import money_text
from curation.models import Asset, Project
from curation.services.overview import PoolRow, ProjectNumbers, project_numbers
from curation.services.overview.campaigns import Wanted, pools_of_all
from curation.services.overview.words import NOBODY_KNOWS, PERCENT, eta_words

STALE: Final = ("kpis", "chart", "funnel", "pipeline", "pools", "levels", "events", "pool-charts", "pool-facts")
HOME_STALE: Final = ("home-pools",)
SECONDS = 1


@require_safe
@never_cache
@login_required
def changes(request: HttpRequest, public_id: UUID) -> JsonResponse:
    """Answer at once when nothing changed; otherwise from a copy of the same version, a second old at most."""
    project = Project.objects.visible_to(request.user).filter(public_id=public_id).first()
    if project is None:
        raise Http404
    since = request.GET.get("since", "")
    if since == str(project.version):
        return JsonResponse({"version": project.version, "fields": {}, "stale": []})
    key = f"live:{project.pk}:{project.version}"
    answer: dict[str, Any] | None = cache.get(key)
    if answer is None:
        fields = fields_of(project_numbers(project=project, now=database_now()))
        answer = {"version": project.version, "fields": fields, "stale": list(STALE)}
        cache.set(key, answer, SECONDS)
    return JsonResponse(answer)


@require_safe
@never_cache
@login_required
def home_changes(request: HttpRequest) -> JsonResponse:
    """Answer for the pools that the first page shows under the same filter. Its version is the sum of all projects'."""
    mine = list(Project.objects.visible_to(request.user).filter(archived_at__isnull=True))
    version = sum(project.version for project in mine)
    if request.GET.get("since", "") == str(version):
        return JsonResponse({"version": version, "fields": {}, "stale": []})
    shown = pools_of_all(projects=mine, wanted=Wanted.read(request.GET.dict()), now=database_now())
    fields = {name: value for line in shown.lines for name, value in fields_of_pool(line.row).items()}
    return JsonResponse({"version": version, "fields": fields, "stale": list(HOME_STALE)})


def fields_of(numbers: ProjectNumbers) -> dict[str, str]:
    """Return every number that a page may show, as text. Roles see the same numbers."""
    review = [stage.pk for stage in numbers.stages if stage.kind == "review"]
    to_review = numbers.counts.sum(stages=review, states=[Asset.State.WAITING, Asset.State.HELD])
    fields = {
        "assets": f"{numbers.counts.total:,}",
        "published": f"{numbers.published:,}",
        "published:share": _share(numbers.published, numbers.plan),
        "spent": money_text(numbers.spent.spent_micro, currency=numbers.currency),
        "spent:share": _share(numbers.spent.spent_micro, numbers.budget_micro),
        "to_review": f"{to_review:,}",
    }
    for row in numbers.rows:
        fields |= fields_of_pool(row)
    return fields


def fields_of_pool(row: PoolRow) -> dict[str, str]:
    """Return the numbers of one pool."""
    name, acceptance = f"pool:{row.pool.pk}", row.acceptance
    return {
        f"{name}:accepted": f"{row.done:,}",
        f"{name}:in_check": f"{row.in_check:,}",
        f"{name}:share": _share(row.accepted, row.target),
        f"{name}:both": _share(row.accepted + row.in_check, row.target),
        f"{name}:left": eta_words(row),
        f"{name}:spent": money_text(row.spent_micro, currency=row.pool.account.currency),
        f"{name}:acceptance": NOBODY_KNOWS if acceptance is None else f"{100 * acceptance:.0f}{PERCENT}",
    }


def _share(part: int, whole: int) -> str:
    return f"{min(100.0, 100 * part / whole):.2f}%" if whole else "0%"
