"""Searches for pictures: asked for, watched, stopped, counted, and looked at by a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard import crawl_form
from curation.dashboard.forms import typed
from curation.models import Crawl, CrawlLink, Membership
from curation.seats import Seat, person, seat_or_404
from curation.services import shared_cache
from curation.services.crawling import counting, plans, presets, rounds, spot_checks
from curation.services.crawling.funnel import Step, funnel, out_of_order
from curation.services.crawling.report import at_work, is_over, report

LEAD, REVIEWER = Membership.Role.LEAD, Membership.Role.REVIEWER
AT_ONCE = 20
SECONDS_BETWEEN_LOOKS = 3
MOST_VECTORS = 200
COUNTS_NAME = "{} counts"


@require_safe
@never_cache
@login_required
def crawls(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    return _list_page(request, seat, crawl_form.blank(seat.project))


@require_POST
@login_required
def start(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Say what a search would ask, or begin it."""
    seat = seat_or_404(request, public_id, LEAD)
    fields = crawl_form.posted(request)
    try:
        spec = crawl_form.spec_of(fields)
        if typed(request, "do") != "start":
            return _list_page(request, seat, fields, planned=plans.previewed(spec))
        crawl = plans.request(project=seat.project, spec=spec, by=person(request), now=database_now())
    except CrowdError as error:
        return _list_page(request, seat, fields, error=str(error))
    return redirect("crawl", public_id, crawl.public_id)


@require_safe
@never_cache
@login_required
def crawl(request: HttpRequest, public_id: UUID, crawl_id: UUID) -> HttpResponse:
    """Show how a search gets on; while it does, the page asks for its own middle every few seconds."""
    seat = seat_or_404(request, public_id)
    row = _own(seat, crawl_id)
    made = shared_cache.made(f"crawl:{row.pk}:{bool(row.stopped)}", partial(_looked_at, row))
    looked, round_job = made.value, rounds.under_way(row)
    context = {
        "seat": seat,
        "crawl": row,
        "found": looked.found,
        "steps": looked.steps,
        "vectors": looked.vectors,
        "rounds": looked.rounds,
        "changed": looked.changed,
        "filter": None if row.counts else rounds.filter_of(row),
        "round_job": round_job,
        "at_work": not row.stopped and not looked.is_over,
        "every": max(SECONDS_BETWEEN_LOOKS, round(made.pause)),
        "counted_at": datetime.fromtimestamp(made.at, tz=UTC) if made.pause else None,
        "swap": out_of_order(looked.steps),
        "precision": spot_checks.precision(row),
        "names": counting.names_of(row) if row.counts else (),
        "can_count": _counts_of(seat, row) is not None and not row.counts,
    }
    template = "curation/crawls/_watch.html" if request.headers.get("HX-Request") else "curation/crawls/crawl.html"
    return render(request, template, context)


@dataclass(frozen=True, slots=True)
class Looked:
    """What is counted from all rows of a search."""

    found: Mapping[str, Any]
    steps: Sequence[Step]
    vectors: Sequence[counting.Vector]
    is_over: bool
    rounds: Sequence[rounds.Round]
    changed: Mapping[str, int]


def _looked_at(row: Crawl) -> Looked:
    found = report(row)
    steps = [] if row.counts else funnel(row, found["hours"])
    vectors = counting.vectors(row)[:MOST_VECTORS] if row.counts else []
    changed = {way: len(ids) for way, ids in rounds.changed(row).items()}
    is_done = is_over(row) and not plans.being_planned(row)
    return Looked(found, steps, vectors, is_done, rounds.rounds(row), changed)


@require_POST
@login_required
def stop(request: HttpRequest, public_id: UUID, crawl_id: UUID) -> HttpResponse:
    row = _own(seat_or_404(request, public_id, LEAD), crawl_id)
    plans.stop(crawl=row, why=f"Stopped by {person(request).name}.")
    return redirect("crawl", public_id, crawl_id)


@require_POST
@login_required
def go_on(request: HttpRequest, public_id: UUID, crawl_id: UUID) -> HttpResponse:
    row = _own(seat_or_404(request, public_id, LEAD), crawl_id)
    plans.stop(crawl=row, why="")
    plans.wake(row)
    return redirect("crawl", public_id, crawl_id)


@require_POST
@login_required
def count(request: HttpRequest, public_id: UUID, crawl_id: UUID) -> HttpResponse:
    """Ask how many results there are, as the recipe proposes it, about the values of this search."""
    seat = seat_or_404(request, public_id, LEAD)
    spec = _counts_of(seat, _own(seat, crawl_id))
    if spec is None:
        raise Http404
    try:
        made = plans.request(project=seat.project, spec=spec, by=person(request), now=database_now())
    except CrowdError as error:
        messages.error(request, str(error))
        return redirect("crawl", public_id, crawl_id)
    return redirect("crawl", public_id, made.public_id)


@require_POST
@login_required
def filter_again(request: HttpRequest, public_id: UUID, crawl_id: UUID) -> HttpResponse:
    """Put what the filter has decided about before it once more, as it is set now."""
    row = _own(seat_or_404(request, public_id, LEAD), crawl_id)
    try:
        n = rounds.begin(crawl=row, by=person(request), now=database_now())
        messages.success(request, f"{n:,} pictures go through the filter again; what it says is kept stays.")
    except CrowdError as error:
        messages.error(request, str(error))
    return redirect("crawl", public_id, crawl_id)


@never_cache
@login_required
def check(request: HttpRequest, public_id: UUID, crawl_id: UUID) -> HttpResponse:
    """Show the next pictures of the sample, or take the verdicts about the last ones."""
    seat = seat_or_404(request, public_id, REVIEWER)
    row = _own(seat, crawl_id)
    if request.method == "POST":
        seen, wrong = (_uuids(request.POST.getlist(name)) for name in ("seen", "wrong"))
        spot_checks.judge(crawl=row, seen=seen, wrong=wrong, by=person(request), now=database_now())
        return redirect("crawl-check", public_id, crawl_id)
    precision = spot_checks.precision(row)
    size = max(spot_checks.SAMPLE, precision.judged + AT_ONCE if "more" in request.GET else 0)
    context = {
        "seat": seat,
        "crawl": row,
        "precision": precision,
        "pictures": spot_checks.to_judge(row, size=size, at_once=AT_ONCE),
        "sample": spot_checks.SAMPLE,
    }
    return render(request, "curation/crawls/check.html", context)


def _uuids(texts: list[str]) -> set[UUID]:
    found = set()
    for text in texts[: 10 * AT_ONCE]:
        try:
            found.add(UUID(text))
        except ValueError:
            continue
    return found


def _own(seat: Seat, crawl_id: UUID) -> Crawl:
    row = Crawl.objects.select_related("project", "stage", "created_by").filter(project=seat.project)
    found = row.filter(public_id=crawl_id).first()
    if found is None:
        raise Http404
    return found


def _counts_of(seat: Seat, row: Crawl) -> plans.Spec | None:
    search = crawl_form.proposed(seat.project)
    if search is None:
        return None
    name = COUNTS_NAME.format(row.name)[:120]
    return presets.counting_of(search, name=name, searx_url=row.searx_url, lists=row.lists)


def _list_page(
    request: HttpRequest, seat: Seat, fields: dict[str, str], *, planned: Any = None, error: str = ""
) -> HttpResponse:
    rows = list(Crawl.objects.filter(project=seat.project).order_by("-pk")[:100])
    made = shared_cache.made(f"crawls:{seat.project.pk}:{rows[0].pk if rows else 0}", partial(_listed, rows))
    context = {
        "seat": seat,
        "crawls": [(row, made.value[row.pk]) for row in rows],
        "typed": fields,
        "planned": planned,
        "error": error,
        "classes": seat.project.classes.filter(retired_at=None).order_by("index"),
    }
    return render(request, "curation/crawls/page.html", context, status=400 if error else 200)


def _listed(rows: Sequence[Crawl]) -> dict[int, dict[str, Any]]:
    """Return for each search how many addresses it found, how many pictures it took, and whether it is at work."""
    taken = Count("links", filter=Q(links__state=CrawlLink.State.TAKEN))
    mine = Crawl.objects.filter(pk__in=[row.pk for row in rows])
    counted = mine.annotate(found=Count("links"), taken=taken, at_work=at_work() | Q(plans.planning()))
    told = counted.values_list("pk", "found", "taken", "at_work")
    return {pk: {"found": found, "taken": n, "at_work": goes_on} for pk, found, n, goes_on in told}
