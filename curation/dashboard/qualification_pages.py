"""Skills of in-house people: shown, given and taken by leads, and which pools they open."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Skill, SkillEvent, SkillValue, Worker
from crowd.services import qualifying
from crowd.services.qualifying import Qualified
from curation.dashboard.forms import typed
from curation.dashboard.inhouse_pages import worker_or_404
from curation.models import Membership
from curation.seats import Seat, person, seat_or_404
from curation.services import inhouse

LEAD = Membership.Role.LEAD
MOST_PEOPLE, NEWEST = 200, 50


@dataclass(frozen=True, slots=True)
class PersonRow:
    worker: Worker
    values: list[tuple[Skill, int | None]]


@require_safe
@login_required
def qualification(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """All in-house people and the skills that pools of this project ask for."""
    seat = seat_or_404(request, public_id, LEAD)
    skills = list(_skills(seat))
    workers = list(inhouse.people_of(seat.project)[:MOST_PEOPLE])
    rows = SkillValue.objects.filter(worker__in=workers, skill__in=skills).values_list("worker_id", "skill_id", "value")
    known = {(worker_id, skill_id): value for worker_id, skill_id, value in rows}
    people = [PersonRow(one, [(skill, known.get((one.pk, skill.pk))) for skill in skills]) for one in workers]
    context = {"seat": seat, "here": "qualification", "skills": skills, "people": people}
    return render(request, "curation/inhouse/qualification.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def worker_skills(request: HttpRequest, public_id: UUID, worker_id: int) -> HttpResponse:
    """One worker's skills with their history and the pools they open; a lead sets or takes one."""
    seat = seat_or_404(request, public_id, LEAD)
    worker = worker_or_404(seat, worker_id)
    if request.method != "POST":
        return _page(request, seat, worker)
    skill = _skill(request, seat)
    try:
        inhouse.set_skill(
            project=seat.project,
            worker=worker,
            skill=skill,
            value=None if request.POST.get("what") == "take" else _value(request),
            reason=typed(request, "reason", 200),
            by=person(request),
            now=database_now(),
        )
    except (CrowdError, ValueError) as error:
        return _page(request, seat, worker, error=str(error))
    messages.success(request, f"{skill.name} of {worker.name or worker.short_id} is changed.")
    return redirect("worker-skills", public_id, worker_id)


def _skills(seat: Seat) -> Any:
    return qualifying.skills_of(project_id=seat.project.pk, account_id=inhouse.account().pk)


def _skill(request: HttpRequest, seat: Seat) -> Skill:
    text = typed(request, "skill", 20)
    skill = _skills(seat).filter(pk=int(text)).first() if text.isascii() and text.isdecimal() else None
    if skill is None:
        raise Http404
    found: Skill = skill
    return found


def _value(request: HttpRequest) -> int:
    text = typed(request, "value", 10)
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"A skill is a whole number from 0 to 100, not {text!r}.")
    return int(text)


def _page(request: HttpRequest, seat: Seat, worker: Worker, error: str = "") -> HttpResponse:
    skills = list(_skills(seat))
    values = {row.skill_id: row for row in SkillValue.objects.filter(worker=worker)}
    pools: list[Qualified] = qualifying.qualified_for(worker=worker, project_id=seat.project.pk)
    history = SkillEvent.objects.filter(worker=worker, skill__in=skills).select_related("skill").order_by("-id")
    context = {
        "seat": seat,
        "here": "qualification",
        "worker": worker,
        "skills": [(skill, values.get(skill.pk)) for skill in skills],
        "pools": pools,
        "history": history[:NEWEST],
        "error": error,
        "typed": request.POST if error else {},
    }
    return render(request, "curation/inhouse/skills.html", context, status=400 if error else 200)
