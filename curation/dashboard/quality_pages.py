"""How good the result is: the quality page, and the images behind each of its figures."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from curation.dashboard import asset_list
from curation.models import Asset, Stage
from curation.seats import Seat, seat_or_404
from curation.services.quality_facts.report import WorkerLine, quality_of
from curation.services.quality_facts.selecting import Selection, chosen
from curation.stages.review import ReviewSettings

PAGE = 60
ORDERS = ("name", "answers", "mean_iou", "label_agreement", "right", "missed", "false")


@require_safe
@login_required
def quality(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    stages = [stage for stage in seat.project.stages.all() if stage.kind == "aggregate"]
    stage = _stage(stages, request.GET.get("stage", ""))
    found = quality_of(seat.project, stage)
    sort = request.GET.get("sort", "")
    context = {
        "seat": seat,
        "stages": stages if len(stages) > 1 else [],
        "stage": stage,
        "quality": found,
        "workers": ordered(list(found.workers), sort),
        "sort": sort,
        "sample_setting": next((_sample(one) for one in seat.project.stages.all() if one.kind == "review"), None),
    }
    return render(request, "curation/quality/page.html", context)


def _stage(stages: list[Stage], name: str) -> Stage | None:
    if name and name not in {stage.name for stage in stages}:
        raise Http404
    return next((stage for stage in reversed(stages) if not name or stage.name == name), None)


def _sample(stage: Stage) -> float:
    return ReviewSettings.model_validate(stage.settings).sample


def ordered(rows: list[WorkerLine], sort: str) -> list[WorkerLine]:
    """Sort by a column, who has no figure there last; by itself the surely worst come first."""
    column = sort.lstrip("-")
    value: Callable[[WorkerLine], Any] = attrgetter(column) if column in ORDERS else _surely_right
    known = [row for row in rows if value(row) is not None]
    unknown = [row for row in rows if value(row) is None]
    return [*sorted(known, key=value, reverse=sort.startswith("-")), *unknown]


def _surely_right(row: WorkerLine) -> tuple[bool, float] | None:
    return (not row.care.is_careless, row.care.right.high) if row.care else None


@require_safe
@login_required
def quality_images(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show the images behind a figure."""
    seat = seat_or_404(request, public_id)
    selection = selected(request.GET)
    text = request.GET.get("page", "1")
    number = int(text) if text.isdecimal() and 0 < len(text) < 6 else 1
    start = PAGE * (max(1, number) - 1)
    found, ids = chosen(seat.project, selection, start=start, n=PAGE)
    context = {
        "seat": seat,
        "selection": selection,
        "found": found,
        "assets": _shown(seat, ids),
        "previous": _page(request.GET, number - 1) if number > 1 else "",
        "next": _page(request.GET, number + 1) if start + PAGE < found else "",
    }
    return render(request, "curation/quality/images.html", context)


def selected(query: QueryDict) -> Selection:
    texts = {
        name: query.get(key, "")[:80].replace("\x00", "")
        for name, key in (
            ("part", "part"),
            ("outcome", "outcome"),
            ("kind", "kind"),
            ("label_class", "class"),
            ("month", "month"),
            ("by", "by"),
            ("status", "status"),
            ("stage", "stage"),
        )
    }
    return Selection(**texts, low=_share(query.get("low")), high=_share(query.get("high")))


def _share(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def _page(query: QueryDict, number: int) -> str:
    copy = query.copy()
    copy["page"] = str(number)
    return f"?{copy.urlencode()}"


def _shown(seat: Seat, ids: list[int]) -> list[Asset]:
    rows = Asset.objects.filter(project=seat.project, pk__in=ids).select_related("label_class", "preview")
    found = list(rows.order_by("-pk"))
    asset_list.decorate(found)
    return found
