"""How the server stands, for operators: processes, queues, stuck jobs, disk, database, platforms, and the record."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard.log_form import log_context
from curation.models import Job, User
from curation.seats import person, seats
from curation.services import accounts, job_care, system
from curation.sessions import now_of

DECISIONS = {"retry": (job_care.retry, "It is tried again."), "give-up": (job_care.give_up, "Given up.")}
JOBS_SHOWN = 50
LATE = 60.0


def operator(request: HttpRequest) -> User:
    """Return the operator who is signed in; for everybody else there is no such page."""
    user = person(request)
    if not user.is_staff:
        raise Http404
    return user


@require_safe
@never_cache
@login_required
def system_page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_safe
@never_cache
@login_required
def processes(request: HttpRequest) -> HttpResponse:
    """Ask the processes: a fragment of its own, because a worker that is gone is waited for."""
    operator(request)
    return render(request, "curation/system/_processes.html", {"processes": system.processes(now=database_now())})


@require_POST
@never_cache
@login_required
def storage_test(request: HttpRequest) -> HttpResponse:
    operator(request)
    context: dict[str, Any] = {"steps": system.probe(), "storage": system.storage_facts()}
    if "HX-Request" in request.headers:
        return render(request, "curation/system/_probe.html", context)
    return _page(request, **context)


@require_POST
@login_required
def decide_job(request: HttpRequest, job_id: int, decision: str) -> HttpResponse:
    """Try a dead job again, or end it."""
    user = operator(request)
    if decision not in DECISIONS:
        raise Http404
    act, said = DECISIONS[decision]
    try:
        act(job_id=job_id, by=user, now=database_now())
    except Job.DoesNotExist:
        raise Http404 from None
    except CrowdError as error:
        return _page(request, error=str(error))
    messages.success(request, said)
    return redirect("system")


@require_safe
@never_cache
@login_required
def log(request: HttpRequest) -> HttpResponse:
    operator(request)
    return render(request, "curation/system/log.html", log_context(request))


def _page(request: HttpRequest, *, error: str = "", **more: Any) -> HttpResponse:
    user, now = operator(request), now_of(request)
    queues = system.queue_rows(now=now)
    troubled = list(job_care.troubled(now=now)[: JOBS_SHOWN + 1])
    mine = {seat.project.pk: seat.project for seat in seats(request)}
    context = {
        "now": now,
        "version": settings.VERSION,
        "queues": queues,
        "due": sum(row.due for row in queues),
        "dead": sum(row.dead for row in queues),
        "oldest": max((row.late for row in queues if row.late is not None), default=None),
        "late": LATE,
        "jobs": [(job, mine.get(job.project_id or 0), job_care.may_give_up(job)) for job in troubled[:JOBS_SHOWN]],
        "more_jobs": len(troubled) > JOBS_SHOWN,
        "disk": system.disk_facts(),
        "storage": system.storage_facts(),
        "database": system.database_facts(),
        "platforms": system.account_lines(accounts=accounts.visible_to(user).filter(is_active=True), now=now),
        "error": error,
        **more,
    }
    return render(request, "curation/system/page.html", context, status=400 if error else 200)
