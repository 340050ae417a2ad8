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
from curation.services.overview import ProjectNumbers, project_numbers

STALE: Final = ("kpis", "chart", "funnel", "pools", "levels", "events", "costs")
SECONDS = 1


@require_safe
@never_cache
@login_required
def changes(request: HttpRequest, public_id: UUID) -> JsonResponse:
    """Answer at once when nothing changed; otherwise from a copy that is at most a second old."""
    project = Project.objects.visible_to(request.user).filter(public_id=public_id).first()
    if project is None:
        raise Http404
    since = request.GET.get("since", "")
    if since == str(project.version):
        return JsonResponse({"version": project.version, "fields": {}, "stale": []})
    key = f"live:{project.pk}"
    answer: dict[str, Any] | None = cache.get(key)
    if answer is None:
        fields = fields_of(project_numbers(project=project, now=database_now()))
        answer = {"version": project.version, "fields": fields, "stale": list(STALE)}
        cache.set(key, answer, SECONDS)
    return JsonResponse(answer)


def fields_of(numbers: ProjectNumbers) -> dict[str, str]:
    """Return every number that a page may show, as text. Roles see the same numbers."""
    review = [stage.pk for stage in numbers.stages if stage.kind == "review"]
    to_review = numbers.counts.sum(stages=review, states=[Asset.State.WAITING, Asset.State.HELD])
    fields = {
        "assets": f"{numbers.counts.total:,}",
        "published": f"{numbers.published:,}",
        "published:share": _share(numbers.published, numbers.plan),
        "spent_usd": money_text(numbers.spent.spent_micro),
        "spent:share": _share(numbers.spent.spent_micro, numbers.budget_micro),
        "to_review": f"{to_review:,}",
    }
    for row in numbers.rows:
        fields[f"pool:{row.pool.pk}:accepted"] = f"{row.accepted:,}"
        fields[f"pool:{row.pool.pk}:in_check"] = f"{row.in_check:,}"
        fields[f"pool:{row.pool.pk}:share"] = _share(row.accepted, row.target)
        fields[f"pool:{row.pool.pk}:both"] = _share(row.accepted + row.in_check, row.target)
    return fields


def _share(part: int, whole: int) -> str:
    return f"{min(100.0, 100 * part / whole):.2f}%" if whole else "0%"
