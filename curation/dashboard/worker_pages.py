"""The board of dishonest workers, the table of all, one worker."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Assignment, Evidence, Restriction, SkillEvent, Worker
from crowd.services import messages as crowd_messages
from curation.dashboard import worker_care
from curation.dashboard.board import SHOWN, Limits, board
from curation.dashboard.forms import typed
from curation.dashboard.worker_list import worker_row, worker_rows
from curation.models import Asset, Membership
from curation.seats import Seat, person, seat_or_404
from curation.services import bans, suspicions, worker_messages
from curation.sessions import now_of

NEWEST = 20
MESSAGE_FIELDS = {
    "topic": crowd_messages.LONGEST_TOPIC + 1,
    "text": crowd_messages.LONGEST_TEXT + 1,
    "key": crowd_messages.LONGEST_KEY + 1,
}


@require_safe
@login_required
def workers(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, seat_or_404(request, public_id))


@require_POST
@login_required
def ban(request: HttpRequest, public_id: UUID, evidence_id: int) -> HttpResponse:
    """Reject the picture and keep its worker out for some days, or for good (no days), in the scope asked for."""
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    evidence = _own(seat, evidence_id)
    days, scope = request.POST.get("days", ""), request.POST.get("scope", Restriction.Scope.PROJECT)
    if days and (not days.isdecimal() or len(days) > 6):
        return _page(request, seat, f"The days of a ban must be a whole number, not {days[:20]!r}.")
    if scope == Restriction.Scope.ACCOUNT and not _may_ban_everywhere(request, evidence.worker):
        return _page(request, seat, "A ban in every project is for operators and whoever connected the account.")
    try:
        row = bans.reject_and_ban(
            evidence=evidence,
            project=seat.project,
            by=person(request),
            days=int(days) if days else None,
            scope=scope,
            now=database_now(),
        )
    except CrowdError as error:
        return _page(request, seat, str(error))
    for_how_long = f"for {days} days" if days else "for good"
    messages.success(request, f"Rejected, and the worker is banned {for_how_long} from {row.get_scope_display()}.")
    return redirect("workers", public_id)


def _may_ban_everywhere(request: HttpRequest, who: Worker) -> bool:
    user = person(request)
    return user.is_staff or who.account.created_by_id == user.pk


@require_POST
@login_required
def not_cheating(request: HttpRequest, public_id: UUID, evidence_id: int) -> HttpResponse:
    """Overturn evidence: restore and pay."""
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    try:
        cleared = suspicions.clear(evidence_id=_own(seat, evidence_id).pk, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, str(error))
    answer = Asset.objects.filter(pk=cleared.item_id).values("answer_id")
    is_paid = Assignment.objects.filter(answers__in=answer, state=Assignment.State.ACCEPTED).exists()
    paid = "and is paid" if is_paid else "and is paid once the later stages accept it"
    messages.success(request, f"The picture goes on {paid}. The worker is no longer accused of it.")
    return redirect("workers", public_id)


@require_POST
@login_required
def reject(request: HttpRequest, public_id: UUID, evidence_id: int) -> HttpResponse:
    """Reject a held picture, without a ban."""
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    try:
        suspicions.confirm(evidence_id=_own(seat, evidence_id).pk, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, str(error))
    messages.success(request, "The picture is rejected and will not be paid.")
    return redirect("workers", public_id)


@require_POST
@login_required
def lift(request: HttpRequest, public_id: UUID, restriction_id: int) -> HttpResponse:
    """Let a worker go on; what holds in the whole account is lifted by operators and whoever connected it."""
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    row = Restriction.objects.select_related("worker__account").filter(pk=restriction_id).first()
    if row is None or not bans.against(worker=row.worker, project=seat.project).filter(pk=row.pk).exists():
        raise Http404
    user = person(request)
    if row.scope == row.Scope.ACCOUNT and not _may_ban_everywhere(request, row.worker):
        messages.error(request, "This holds in every project of the account. Its maker or an operator can lift it.")
        return redirect("worker", public_id, row.worker_id)
    bans.lift(restriction=row, project=seat.project, by=user, now=database_now())
    messages.success(request, _after_lifting(row, seat))
    return redirect("worker", public_id, row.worker_id)


def _after_lifting(lifted: Restriction, seat: Seat) -> str:
    """Say whether the worker may go on, or what else keeps him out."""
    here = bans.against(worker=lifted.worker, project=seat.project)
    bans_now = Restriction.objects.in_force(database_now()).no_work().filter(pk__in=here)
    others = list(bans_now.order_by("id").values_list("reason", flat=True))
    who = lifted.worker.short_id
    if not others:
        return f"{who} may go on."
    more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
    return f"This is lifted. {who} still stays out because of “{others[0][:120]}”{more}."


@require_POST
@login_required
def warn(request: HttpRequest, public_id: UUID, worker_id: int) -> HttpResponse:
    """Put a warning on record because of careless answers."""
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    who = _worker(seat, worker_id)
    reason = worker_care.reason_of(seat.project, who.pk)
    bans.warn(worker=who, project=seat.project, by=person(request), reason=reason, now=database_now())
    messages.success(request, f"The warning to {who.short_id} is on record.")
    return redirect("worker", public_id, worker_id)


@require_POST
@login_required
def keep_out(request: HttpRequest, public_id: UUID, worker_id: int) -> HttpResponse:
    """Keep a worker from the project for some days because of careless answers."""
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    who = _worker(seat, worker_id)
    days = request.POST.get("days", "")
    if not days.isdecimal() or len(days) > 6:
        messages.error(request, f"The days of a ban must be a whole number, not {days[:20]!r}.")
        return redirect("worker", public_id, worker_id)
    reason, user = worker_care.reason_of(seat.project, who.pk), person(request)
    try:
        bans.keep_out(worker=who, project=seat.project, by=user, reason=reason, days=int(days), now=database_now())
    except CrowdError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{who.short_id} gets no more work here for {int(days):,} days.")
    return redirect("worker", public_id, worker_id)


def _worker(seat: Seat, worker_id: int) -> Worker:
    row = worker_row(project=seat.project, worker_id=worker_id)
    if row is None:
        raise Http404
    return row.worker


def _own(seat: Seat, evidence_id: int) -> Evidence:
    row = Evidence.objects.select_related("worker__account").filter(pk=evidence_id, project_id=seat.project.pk).first()
    if row is None:
        raise Http404
    return row


def _page(request: HttpRequest, seat: Seat, error: str = "") -> HttpResponse:
    sort, text = request.GET.get("sort", ""), request.GET.get("page", "1")
    number = min(10_000, int(text)) if text.isdecimal() and len(text) < 6 and int(text) else 1
    rows, more = worker_rows(project=seat.project, sort=sort, page=number)
    shown, level = _shown(request.GET.get("shown", "")), _level(request.GET.get("level", ""))
    now = now_of(request)
    found = board(seat.project, policy=seat.policy, now=now, shown=shown, level=level)
    context = {
        "seat": seat,
        "columns": found.columns,
        "limits": Limits(),
        "standing": found.standing,
        "shown": shown,
        "shown_choices": SHOWN.items(),
        "only_level": level,
        "careless": worker_care.careless(seat.project, now),
        "rows": rows,
        "number": number,
        "previous": number - 1,
        "next": number + 1 if more else 0,
        "sort": sort or "-earned",
        "error": error,
    }
    return render(request, "curation/workers.html", context, status=400 if error else 200)


def _shown(text: str) -> str:
    return text if text in SHOWN else ""


def _level(text: str) -> int | None:
    return int(text) if text in {"0", "5", "20", "80"} else None


def _against(seat: Seat, who: Worker) -> QuerySet[Evidence]:
    """Return the newest evidence against a worker, each with the picture that it is about."""
    picture = Asset.objects.filter(pk=OuterRef("item_id")).values("public_id")[:1]
    rows = Evidence.objects.filter(worker=who, project_id=seat.project.pk).annotate(picture=Subquery(picture))
    return rows.order_by("-id")[:NEWEST]


@require_POST
@login_required
def write(request: HttpRequest, public_id: UUID, worker_id: int) -> HttpResponse:
    """Write to a worker, once for one form."""
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    who = _worker(seat, worker_id)
    words = {name: typed(request, name, longest) for name, longest in MESSAGE_FIELDS.items()}
    try:
        is_new = worker_messages.send(worker=who, project=seat.project, by=person(request), now=database_now(), **words)
    except CrowdError as error:
        return _worker_page(request, seat, worker_id, str(error))
    messages.success(request, f"The message to {who.short_id} is on its way{'' if is_new else ' already'}.")
    return redirect("worker", public_id, worker_id)


@require_safe
@login_required
def worker(request: HttpRequest, public_id: UUID, worker_id: int) -> HttpResponse:
    return _worker_page(request, seat_or_404(request, public_id), worker_id)


def _worker_page(request: HttpRequest, seat: Seat, worker_id: int, message_error: str = "") -> HttpResponse:
    row = worker_row(project=seat.project, worker_id=worker_id)
    if row is None:
        raise Http404
    bans_here = list(bans.against(worker=row.worker, project=seat.project).order_by("-id")[:NEWEST])
    sent = Asset.objects.filter(project=seat.project, worker_id=worker_id).select_related("label_class")
    context = {
        "seat": seat,
        "row": row,
        "evidence": _against(seat, row.worker),
        "restrictions": bans_here,
        "in_force": [ban.pk for ban in bans_here if ban.is_in_force(now_of(request))],
        "skill_events": SkillEvent.objects.filter(worker=row.worker).select_related("skill").order_by("-id")[:NEWEST],
        "sent": sent.order_by("-id")[:12],
        "boxing": worker_care.boxing(seat.project, worker_id),
        "checking": worker_care.checking(seat.project, worker_id),
        "no_messages": crowd_messages.why_not(row.worker),
        "written": crowd_messages.written_to(row.worker).filter(payload__project_id=seat.project.pk)[:NEWEST],
        "message_key": uuid4().hex,
        "message_error": message_error,
        "message": request.POST if message_error else {},
    }
    return render(request, "curation/worker.html", context, status=400 if message_error else 200)
