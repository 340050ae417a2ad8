"""Platforms, log and danger zone of a project; and the trash, where its leads find it again."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Account
from crowd.platforms.connecting import terms_of
from curation.dashboard.forms import typed
from curation.dashboard.log_form import log_context
from curation.dashboard.proving import proved
from curation.models import Membership, Project
from curation.seats import Seat, person, seat_or_404
from curation.services import accounts, system, trash
from curation.sessions import now_of

LEAD = Membership.Role.LEAD
ACTS = {"archive": trash.archive, "unarchive": trash.unarchive}
SAID = {"archive": "The project is archived: it is listed apart.", "unarchive": "The project is listed again."}


@require_safe
@never_cache
@login_required
def platforms(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show on which accounts this project's pools stand, with what waits and what their quotas still allow."""
    seat = seat_or_404(request, public_id, LEAD)
    mine = set(accounts.visible_to(person(request)).values_list("pk", flat=True))
    used = Account.objects.defer("secrets").filter(pk__in=seat.project.pools.order_by().values("account"))
    lines = system.account_lines(accounts=used.order_by("label"), now=now_of(request))
    told = [(line, terms_of(line.account.platform).title, line.account.pk in mine) for line in lines]
    context = {"seat": seat, "tab": "platforms", "lines": told}
    return render(request, "curation/settings/platforms.html", context)


@require_safe
@never_cache
@login_required
def log(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id, LEAD)
    context = {"seat": seat, "tab": "log", **log_context(request, seat.project)}
    return render(request, "curation/settings/log.html", context)


# --- archive and trash ---------------------------------------------------------------------------------------------
@require_safe
@never_cache
@login_required
def danger(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _danger(request, seat_or_404(request, public_id, LEAD))


@require_POST
@never_cache
@login_required
def archive(request: HttpRequest, public_id: UUID, act: str) -> HttpResponse:
    seat = seat_or_404(request, public_id, LEAD)
    if act not in ACTS:
        raise Http404
    try:
        ACTS[act](project_id=seat.project.pk, by=person(request), now=database_now())
    except CrowdError as error:
        return _danger(request, seat, archive_error=str(error))
    messages.success(request, SAID[act])
    return redirect("settings-danger", public_id)


@require_POST
@never_cache
@login_required
@proved
def put_in_trash(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id, LEAD)
    try:
        trash.put(project_id=seat.project.pk, name=typed(request, "name"), by=person(request), now=database_now())
    except Project.DoesNotExist:
        raise Http404 from None
    except CrowdError as error:
        return _danger(request, seat, trash_error=str(error), typed=typed(request, "name"))
    messages.success(request, f"{seat.project.name} is in the trash for {trash.KEPT.days} days.")
    return redirect("trash")


def _danger(request: HttpRequest, seat: Seat, **more: str) -> HttpResponse:
    giving_out = seat.project.pools.filter(state__in=trash.GIVING_OUT).count()
    context = {"seat": seat, "tab": "danger", "giving_out": giving_out, "days": trash.KEPT.days, **more}
    return render(request, "curation/settings/danger.html", context, status=400 if more else 200)


@require_safe
@never_cache
@login_required
def trash_page(request: HttpRequest) -> HttpResponse:
    return _trash(request)


@require_POST
@never_cache
@login_required
def restore(request: HttpRequest, public_id: UUID) -> HttpResponse:
    row = Project.objects.in_trash_of(person(request)).filter(public_id=public_id).first()
    if row is None:
        raise Http404
    try:
        trash.restore(project_id=row.pk, by=person(request), now=database_now())
    except CrowdError as error:
        return _trash(request, str(error))
    messages.success(request, f"{row.name} is back. Its pools are paused: open them when you are ready.")
    return redirect("project", public_id)


def _trash(request: HttpRequest, error: str = "") -> HttpResponse:
    rows = Project.objects.in_trash_of(person(request)).order_by("trashed_at")
    context = {"rows": [(row, trash.ends_at(row)) for row in rows], "days": trash.KEPT.days, "error": error}
    return render(request, "curation/settings/trash.html", context, status=400 if error else 200)
