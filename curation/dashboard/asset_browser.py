"""Browsing assets: the page, its next pages and counts as parts of their own, and the ids as a file."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db import OperationalError, connection, transaction
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from curation.dashboard import asset_facets, asset_list
from curation.dashboard.asset_list import Asked
from curation.dashboard.bulk_pages import recent
from curation.dashboard.csv_answers import answer_lines
from curation.datasets.safe_cells import safe_text
from curation.models import Asset, Membership, SavedView
from curation.seats import Seat, person, seat_or_404
from curation.services.asset_query import QueryError, matching
from curation.services.asset_query.counting import counted
from curation.services.asset_query.fields import FIELDS
from curation.services.bulk_changes import DROP_REASONS
from curation.services.overview import asset_counts

LONGEST_MS: Final = 5_000
TOO_SLOW: Final = "This takes too long to find; add a condition such as a class, a state or a day."
A_SLICE: Final = 5_000
COLUMNS: Final = ("id", "name", "class", "state", "reason", "stage", "created_at")


@require_safe
@never_cache
@login_required
def assets(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show a page of what the query means, with everything around it."""
    seat = seat_or_404(request, public_id)
    views = list(SavedView.objects.filter(project=seat.project).seen_by(request.user))
    asked = asset_list.read(request.GET, seat.project, views)
    if request.GET.get("more") and not asked.error:
        return redirect(f"{request.path}{asked.address()}")
    asked, page = _page(seat, asked)
    context = _around(request, seat, asked, views) | {"page": page, **_links(asked, page)}
    context |= {
        "newest": _newest(seat, page),
        "frames": asset_list.frames(asked, project=seat.project),
        "change": recent(seat, person(request)),
    }
    return render(request, "curation/assets.html", context, status=400 if asked.error else 200)


def _page(seat: Seat, asked: Asked) -> tuple[Asked, asset_list.Page]:
    """Return the page, or the question with a sentence why there is none."""
    if asked.error:
        return asked, asset_list.Page(())
    try:
        with _bounded() if asked.query else nullcontext():
            page = asset_list.page(asked, project=seat.project)
    except QueryError as error:
        return asset_list.failed(asked, str(error)), asset_list.Page(())
    except OperationalError as error:
        if "statement timeout" not in str(error):
            raise
        return asset_list.failed(asked, TOO_SLOW), asset_list.Page(())
    return asked, page


@contextmanager
def _bounded() -> Iterator[None]:
    """Give up a look that takes too long. Where no condition is asked for, an index tells a page at once."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(LONGEST_MS)])
        yield


def _newest(seat: Seat, page: asset_list.Page) -> UUID | None:
    """Return the asset up to which a change of all that is found goes: nobody has seen what comes later."""
    if page.newest is not None:
        return page.newest
    return Asset.objects.filter(project=seat.project).order_by("-id").values_list("public_id", flat=True).first()


def _checked(seat: Seat, asked: Asked) -> Asked:
    """Return the question, or the sentence why this project has no answer to it, such as for an unknown worker."""
    try:
        matching(asked.query, project=seat.project)
    except QueryError as error:
        return asset_list.failed(asked, str(error))
    return asked


def _links(asked: Asked, page: asset_list.Page) -> dict[str, str]:
    return {
        "older": asked.address(after=str(page.older)) if page.older else "",
        "newer": asked.address(before=str(page.newer)) if page.newer else "",
    }


def _around(request: HttpRequest, seat: Seat, asked: Asked, views: list[SavedView]) -> dict[str, Any]:
    prefetch_related_objects([seat.project], "classes")
    stand = asset_counts(project=seat.project)
    request.asset_counts = stand  # type: ignore[attr-defined]  # the shell shows them too
    counts = counted(seat.project, asked.query, stand)
    classes = [one.name for one in seat.project.classes.all() if one.retired_at is None]
    found = asset_facets.facets(asked, counts, seat.project)
    return {
        "seat": seat,
        "asked": asked,
        "chips": asset_list.chips(asked),
        "counted": counts,
        "facets": found,
        "bars": asset_facets.bars(asked, counts.sides.days if counts.sides else ()),
        "tabs": asset_facets.tabs(asked, counts, seat.project, views),
        "classes": classes,
        "drop_reasons": DROP_REASONS,
        "has_review": any(stage.kind == "review" for stage in seat.project.stages.all()),
        "may_change": seat.may(Membership.Role.REVIEWER),
        "known": _known(found, classes),
    }


def _known(found: list[asset_facets.Facet], classes: list[str]) -> list[dict[str, Any]]:
    """Return the fields with what is known of their values, for suggestions."""
    values = {facet.key: [value.value for value in facet.values] for facet in found}
    values["class"] = list(dict.fromkeys([*values.get("class", []), *classes]))
    return [
        {
            "field": name,
            "about": field.about,
            "example": field.example,
            "compares": field.compares,
            "values": values.get(name) or list(field.values),
        }
        for name, field in FIELDS.items()
    ]


@require_safe
@never_cache
@login_required
def window(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show one page of the grid alone, for the module that keeps a window over all of them."""
    seat = seat_or_404(request, public_id)
    asked, page = _page(seat, asset_list.read(request.GET, seat.project))
    context = {"seat": seat, "asked": asked, "page": page, **_links(asked, page)}
    return render(request, "curation/assets/_page.html", context, status=400 if asked.error else 200)


@require_safe
@never_cache
@login_required
def facets(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show the counts alone: asked for again while they are being counted."""
    seat = seat_or_404(request, public_id)
    asked = _checked(seat, asset_list.read(request.GET, seat.project))
    context = _around(request, seat, asked, []) | {"alone": True}
    return render(request, "curation/assets/_facets.html", context, status=400 if asked.error else 200)


@require_safe
@login_required
def ids(request: HttpRequest, public_id: UUID, kind: str) -> HttpResponseBase:
    """Send the ids of all assets that the query means, as CSV or as JSON lines."""
    seat = seat_or_404(request, public_id)
    asked = _checked(seat, asset_list.read(request.GET, seat.project))
    if kind not in {"csv", "jsonl"}:
        raise Http404
    if asked.error:
        return HttpResponse(asked.error, status=400, content_type="text/plain; charset=utf-8")
    rows = _rows(seat, asked)
    lines = _csv(rows) if kind == "csv" else (json.dumps(row) + "\n" for row in rows)
    content_type = "text/csv" if kind == "csv" else "application/jsonl"
    return answer_lines(request, lines, name=f"{seat.project.slug}-assets.{kind}", content_type=content_type)


def _rows(seat: Seat, asked: Asked) -> Iterator[dict[str, Any]]:
    """Read slice by slice, so that no statement and no memory grows with the project."""
    meant = matching(asked.query, project=seat.project).select_related("label_class", "stage").order_by("id")
    last = 0
    while rows := list(meant.filter(pk__gt=last)[:A_SLICE]):
        last = rows[-1].pk
        for row in rows:
            label = row.label_class.name if row.label_class else ""
            values = (str(row.public_id), row.name, label, row.state, row.reason, row.stage.name)
            yield dict(zip(COLUMNS, (*values, row.created_at.isoformat()), strict=True))


def _csv(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: safe_text(value) for name, value in row.items()})
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()
