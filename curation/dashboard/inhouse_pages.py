"""In-house people of a project: teams, who is in them, invitations, pools kept for a team, what comes first."""

import re
from typing import Any
from uuid import UUID

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Batch, Worker, WorkerInvitation, WorkerTeam
from crowd.money import micro
from crowd.services.invitations import hash_of
from crowd.services.teams import Terms
from curation.dashboard.forms import typed
from curation.dashboard.inhouse_facts import invitations_of, team_rows, workers_with_queues
from curation.models import Membership, Pool
from curation.seats import Seat, person, seat_or_404
from curation.services import inhouse
from curation.sessions import now_of

LEAD = Membership.Role.LEAD
MOST_DAYS, MOST_USES = 365, 10_000
UUID_TEXT = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@require_safe
@never_cache
@login_required
def inhouse_page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, seat_or_404(request, public_id, LEAD))


@require_POST
@login_required
def make_team(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id, LEAD)
    try:
        team = inhouse.make_team(
            project=seat.project,
            name=typed(request, "name", 100),
            terms=_terms(request),
            by=person(request),
            now=database_now(),
        )
    except (CrowdError, ValueError) as error:
        return _page(request, seat, error=("team", str(error)))
    messages.success(request, f"The team {team.name} is there. Invite people into it, or move workers to it.")
    return redirect("inhouse", public_id)


@require_POST
@login_required
def change_pay(request: HttpRequest, public_id: UUID, team_id: int) -> HttpResponse:
    seat = seat_or_404(request, public_id, LEAD)
    team = team_or_404(seat, team_id)
    try:
        team = inhouse.change_pay(
            project=seat.project, team=team, terms=_terms(request), by=person(request), now=database_now()
        )
    except (CrowdError, ValueError) as error:
        return _page(request, seat, error=("team", str(error)))
    messages.success(request, f"{team.name} is paid {inhouse.pay_text(team)}, from the next page on.")
    return redirect("inhouse", public_id)


def _terms(request: HttpRequest) -> Terms:
    pay, rate = typed(request, "pay", 10), typed(request, "rate", 30)
    return Terms(pay, micro(rate) if pay == WorkerTeam.Pay.HOURLY else 0)


@require_POST
@login_required
def move(request: HttpRequest, public_id: UUID, worker_id: int) -> HttpResponse:
    """Put a worker into a team, or out of his."""
    seat = seat_or_404(request, public_id, LEAD)
    worker = worker_or_404(seat, worker_id)
    try:
        inhouse.move(
            project=seat.project, worker=worker, team=_named_team(request, seat), by=person(request), now=database_now()
        )
    except CrowdError as error:
        return _page(request, seat, error=("people", str(error)))
    messages.success(request, f"{worker.name or worker.short_id} is moved.")
    return redirect("inhouse", public_id)


@require_POST
@never_cache
@login_required
def invite(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Make an invitation for in-house workers; the answer is the only page that ever shows its link."""
    seat = seat_or_404(request, public_id, LEAD)
    try:
        token = inhouse.invite(
            project=seat.project,
            label=typed(request, "label", 120),
            team=_named_team(request, seat),
            uses=_whole(request, "uses", "The number of people", MOST_USES),
            days=_whole(request, "days", "The number of days", MOST_DAYS),
            by=person(request),
            now=database_now(),
        )
    except (CrowdError, ValueError) as error:
        return _page(request, seat, error=("invite", str(error)))
    return _page(request, seat, token=token)


@require_POST
@never_cache
@login_required
def print_invitation(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show a link that was just made on a page for paper; only who has the link can ask for it."""
    seat = seat_or_404(request, public_id, LEAD)
    token = typed(request, "token", 100)
    row = WorkerInvitation.objects.filter(token_hash=hash_of(token), project_id=seat.project.pk).first()
    if row is None:
        raise Http404
    link = _link(request, token)
    context = {"seat": seat, "invitation": row, "link": link, "qr": qr_of(link)}
    return render(request, "curation/inhouse/invitation.html", context)


@require_POST
@login_required
def revoke(request: HttpRequest, public_id: UUID, invitation_id: int) -> HttpResponse:
    seat = seat_or_404(request, public_id, LEAD)
    row = WorkerInvitation.objects.filter(pk=invitation_id, project_id=seat.project.pk).first()
    if row is None:
        raise Http404
    inhouse.revoke(project=seat.project, invitation=row, by=person(request), now=database_now())
    messages.success(request, "Nobody else can join by this link.")
    return redirect("inhouse", public_id)


@require_POST
@login_required
def keep_pool(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """Keep a pool for a team, or open it to everybody."""
    seat = seat_or_404(request, public_id, LEAD)
    pool = Pool.objects.select_related("project").filter(pk=pool_id, project=seat.project).first()
    if pool is None:
        raise Http404
    team = _named_team(request, seat)
    try:
        inhouse.keep_pool(pool=pool, team=team, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, error=("pools", str(error)))
    messages.success(request, f"{pool.title} is {f'kept for {team.name}' if team else 'open to everybody'}.")
    return redirect("inhouse", public_id)


@require_POST
@login_required
def put_first(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Give the tasks about some pictures out first: their addresses or ids, one a line."""
    seat = seat_or_404(request, public_id, LEAD)
    ids = _pictures(request)
    first = request.POST.get("order") != "usual"
    try:
        n = inhouse.put_first(project=seat.project, asset_ids=ids, first=first, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, error=("first", str(error)))
    messages.success(request, f"{n:,} {'task comes' if n == 1 else 'tasks come'} {'first' if first else 'in turn'}.")
    return redirect("inhouse", public_id)


@require_POST
@login_required
def assign(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Put the tasks about some pictures into one worker's own queue."""
    seat = seat_or_404(request, public_id, LEAD)
    worker = worker_or_404(seat, _id(typed(request, "worker", 20)))
    try:
        n = inhouse.assign(
            project=seat.project, worker=worker, asset_ids=_pictures(request), by=person(request), now=database_now()
        )
    except CrowdError as error:
        return _page(request, seat, error=("assign", str(error)))
    messages.success(request, f"{n:,} {'task is' if n == 1 else 'tasks are'} in the queue of {worker}.")
    return redirect("inhouse", public_id)


@require_POST
@login_required
def free_queue(request: HttpRequest, public_id: UUID, worker_id: int) -> HttpResponse:
    """Let everybody have what was kept for one worker."""
    seat = seat_or_404(request, public_id, LEAD)
    worker = worker_or_404(seat, worker_id)
    n = inhouse.free_queue(project=seat.project, worker=worker, by=person(request), now=database_now())
    messages.success(request, f"{n:,} {'task is' if n == 1 else 'tasks are'} for everybody again.")
    return redirect("inhouse", public_id)


def _pictures(request: HttpRequest) -> list[UUID]:
    """Return the ids in a text of addresses or ids of pictures."""
    return [UUID(one) for one in re.findall(UUID_TEXT, typed(request, "assets", 90_000))]


def team_or_404(seat: Seat, team_id: int) -> WorkerTeam:
    team = inhouse.teams_of(seat.project).select_related("account").filter(pk=team_id).first()
    if team is None:
        raise Http404
    return team


def worker_or_404(seat: Seat, worker_id: int) -> Worker:
    worker = inhouse.people_of(seat.project).filter(pk=worker_id).first()
    if worker is None:
        raise Http404
    return worker


def _named_team(request: HttpRequest, seat: Seat) -> WorkerTeam | None:
    text = typed(request, "team", 20)
    if not text:
        return None
    return team_or_404(seat, _id(text))


def _id(text: str) -> int:
    """Return the number of a row; 0, which no row has, for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _whole(request: HttpRequest, name: str, what: str, most: int) -> int:
    text = typed(request, name, 30)
    if not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= most:
        raise ValueError(f"{what} must be a whole number from 1 to {most:,}, not {text!r}.")
    return int(text)


def _link(request: HttpRequest, token: str) -> str:
    return request.build_absolute_uri(reverse("w-join", args=[token]))


def qr_of(link: str) -> SafeString:
    """Return the link as a QR code: dark on white in every theme, for cameras want it so."""
    drawn = segno.make(link, error="m", micro=False).svg_inline(
        border=4, dark="#000", light="#fff", title="QR code of the link", omitsize=True
    )
    return mark_safe(drawn)  # noqa: S308 — drawn by us, from an address that we made


def _page(request: HttpRequest, seat: Seat, *, error: tuple[str, str] = ("", ""), token: str = "") -> HttpResponse:
    link = _link(request, token) if token else ""
    context: dict[str, Any] = {
        "seat": seat,
        "here": "inhouse",
        "teams": team_rows(seat.project),
        "workers": workers_with_queues(seat.project),
        "invitations": invitations_of(seat.project, now_of(request)),
        "pools": _pools(seat),
        "link": link,
        "token": token,
        "qr": qr_of(link) if link else "",
        "error_in": error[0],
        "error": error[1],
        "typed": request.POST if error[0] else {},
    }
    return render(request, "curation/inhouse/page.html", context, status=400 if error[0] else 200)


def _pools(seat: Seat) -> list[tuple[Pool, int | None]]:
    """Return the in-house pools and the team each is kept for."""
    pools = Pool.objects.filter(project=seat.project, account__platform="inhouse").order_by("-priority", "id")
    kept = dict(Batch.objects.filter(project_id=seat.project.pk).values_list("pool_id", "team_id"))
    return [(pool, kept.get(pool.pk)) for pool in pools if pool.state != Pool.State.DONE]
