"""Changing many assets at once: asking for it, how far it is, taking it back."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.models import BulkChange, Membership, User
from curation.seats import Seat, person, seat_or_404
from curation.services import bulk_changes
from curation.services.asset_query import QueryError
from curation.services.bulk_changes import Which

LEAD, REVIEWER = Membership.Role.LEAD, Membership.Role.REVIEWER
FOR_REVIEWERS: Final = frozenset({BulkChange.Action.TAG, BulkChange.Action.UNTAG, BulkChange.Action.REVIEW})
FRESH: Final = timedelta(minutes=2)
FIELDS: Final = ("class", "tag", "reason", "note", "name")


@require_POST
@login_required
def change(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Ask for a change of what was picked, or of all that the query means."""
    action = request.POST.get("do", "")
    seat = seat_or_404(request, public_id, REVIEWER if action in FOR_REVIEWERS else LEAD)
    how = {name: request.POST.get(name, "") for name in FIELDS}
    try:
        row = bulk_changes.start(
            project=seat.project,
            action=action,
            how=how,
            which=_which(request),
            by=person(request),
            now=database_now(),
        )
    except (CrowdError, QueryError) as error:
        return _refused(request, seat, str(error))
    return _answer(request, seat, row)


def _which(request: HttpRequest) -> Which:
    picked = [_uuid(text) for text in request.POST.get("picked", "").split()]
    newest = request.POST.get("newest", "")
    return Which(
        query=request.POST.get("q", ""),
        picked=picked,
        newest=_uuid(newest) if newest and not picked else None,
    )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CrowdError(f"{text[:40]!r} is no id of an asset.") from None


@require_safe
@never_cache
@login_required
def progress(request: HttpRequest, public_id: UUID, change_id: UUID) -> HttpResponse:
    """Show how far a change is."""
    seat = seat_or_404(request, public_id)
    return render(
        request, "curation/assets/_change.html", {"seat": seat, "change": _facts(_own(seat, change_id), seat)}
    )


@require_POST
@login_required
def undo(request: HttpRequest, public_id: UUID, change_id: UUID) -> HttpResponse:
    """Take a change back, or stop it."""
    seat = seat_or_404(request, public_id, REVIEWER)
    row = _own(seat, change_id)
    if row.action not in FOR_REVIEWERS and not seat.may(LEAD):
        raise Http404
    try:
        row = bulk_changes.undo(change=row, by=person(request), now=database_now())
    except CrowdError as error:
        return _refused(request, seat, str(error))
    return _answer(request, seat, row)


def recent(seat: Seat, user: User) -> dict[str, Any] | None:
    """Return the project's change that is at work, or the person's own that has just ended."""
    row = BulkChange.objects.filter(project=seat.project).order_by("-id").first()
    if row is None:
        return None
    is_fresh = row.by_id == user.pk and row.finished_at is not None and timezone.now() - row.finished_at < FRESH
    return _facts(row, seat) if row.state in AT_WORK or is_fresh else None


AT_WORK: Final = (BulkChange.State.RUNNING, BulkChange.State.UNDOING)


def _facts(row: BulkChange, seat: Seat) -> dict[str, Any]:
    job = bulk_changes.job_of(row) if row.state in AT_WORK else None
    done = row.undone if row.state == BulkChange.State.UNDOING else job.done_n if job else row.changed
    total = row.changed if row.state == BulkChange.State.UNDOING else row.matched
    return {
        "row": row,
        "words": bulk_changes.sentence(row),
        "at_work": row.state in AT_WORK,
        "done": done,
        "total": total,
        "left": row.matched - row.changed,
        "may_undo": seat.may(REVIEWER if row.action in FOR_REVIEWERS else LEAD),
        "failed": job.last_error.splitlines()[0][:200]
        if job and job.state == job.State.DEAD and job.last_error
        else "",
    }


def _own(seat: Seat, change_id: UUID) -> BulkChange:
    row = BulkChange.objects.select_related("project").filter(project=seat.project, public_id=change_id).first()
    if row is None:
        raise Http404
    return row


def _is_part(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _answer(request: HttpRequest, seat: Seat, row: BulkChange) -> HttpResponse:
    if _is_part(request):
        row.refresh_from_db()
        return render(request, "curation/assets/_change.html", {"seat": seat, "change": _facts(row, seat)})
    return redirect(_back(request, seat))


def _refused(request: HttpRequest, seat: Seat, sentence: str) -> HttpResponse:
    if _is_part(request):
        return render(request, "curation/assets/_change.html", {"seat": seat, "error": sentence}, status=400)
    messages.error(request, sentence)
    return redirect(_back(request, seat))


def _back(request: HttpRequest, seat: Seat) -> str:
    query = request.POST.get("back", "")
    address = reverse("assets", args=[seat.project.public_id])
    return f"{address}{query}" if query.startswith("?") else address
