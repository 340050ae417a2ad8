"""The terms of a pool as a form, and what a lead can do about work on a platform elsewhere."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from crowd.clock import database_now
from crowd.errors import CrowdError, Differences
from crowd.models import Batch, OutboxCommand
from crowd.money import micro, plain
from curation.dashboard.crowd_forms import (
    OVERLAP,
    PRICE,
    CrowdForm,
    FieldView,
    Values,
    checked,
    typed_values,
    values_of,
)
from curation.dashboard.crowd_people import crowds_for
from curation.dashboard.new_project import people_data
from curation.engine.campaigns import end_of
from curation.models import Membership, Pool
from curation.seats import Seat, person, seat_or_404
from curation.services import accounts, pool_terms, recollecting
from curation.services.pool_terms import Terms
from curation.stages.base import CrowdSettings
from curation.stages.registry import stage_kind

NAME = "pool"
LEAD = Membership.Role.LEAD


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """Show and save the terms; what an opened pool keeps is shown, but not as a field."""
    seat, pool = _own(request, public_id, pool_id)
    terms = pool_terms.terms_of(pool=pool)
    before = _values(pool, terms)
    if request.method != "POST":
        return _page(request, seat, pool, CrowdForm(NAME, pool.stage.kind, pool.title, before))
    values = typed_values(request.POST, NAME, before)
    settings, errors = checked(pool.stage.kind, pool.stage.settings, values)
    form = CrowdForm(NAME, pool.stage.kind, pool.title, values, errors)
    if settings is None:
        return _page(request, seat, pool, form, next(iter(errors.values())))
    try:
        said = _save(request, pool, _terms(settings, terms))
    except Differences as error:
        return _page(request, seat, pool, form, str(error), lacks=error.sentences)
    except CrowdError as error:
        return _page(request, seat, pool, form, str(error))
    messages.success(request, f"{pool.title} is changed: {', '.join(said)}." if said else "Nothing was changed.")
    return redirect("pool", public_id, pool_id)


def _save(request: HttpRequest, pool: Pool, terms: Terms) -> list[str]:
    """Change this pool and, where that was asked for, the other drafts of its stage and account."""
    accepts, by, now = request.POST.get("accept") == "yes", person(request), database_now()
    said = pool_terms.set_terms(pool_id=pool.pk, terms=terms, by=by, now=now, accept_differences=accepts)
    if request.POST.get("others") == "yes":
        others = _siblings(pool)
        for one in others:
            pool_terms.set_terms(pool_id=one.pk, terms=terms, by=by, now=now)
        said = [*said, f"and {len(others)} other pools"]
    return said


def _siblings(pool: Pool) -> list[Pool]:
    if pool.state != Pool.State.DRAFT:
        return []
    same = Pool.objects.filter(stage_id=pool.stage_id, account_id=pool.account_id, kind=pool.kind)
    return list(same.filter(state=Pool.State.DRAFT).exclude(pk=pool.pk).order_by("id"))


def _values(pool: Pool, terms: Terms) -> Values:
    """Return the stage's settings with what this pool has of its own."""
    own: dict[str, Any] = {
        "price_usd": plain(terms.price_micro),
        "audience": dict(terms.audience),
        "review_days": terms.review_days,
        "assignment_seconds": terms.assignment_seconds,
        "whole_pages": terms.whole_pages,
        "expires_on": (terms.expires_at - timedelta(days=1)).date() if terms.expires_at else None,
    }
    if pool.stage.kind == "collect":
        steps = [{"low": low, "high": high, "price_usd": plain(price)} for low, high, price in terms.price_table]
        own["price_by_skill"] = {"skill": terms.price_skill, "steps": steps} if steps else None
    schema = stage_kind(pool.stage.kind).Settings
    settings = schema.model_validate({**pool.stage.settings, **own})
    if not isinstance(settings, CrowdSettings):
        raise Http404
    return values_of(settings)


def _terms(settings: CrowdSettings, old: Terms) -> Terms:
    plainly = settings.model_dump()
    table = getattr(settings, "price_by_skill", None)
    return replace(
        old,
        price_micro=micro(plainly["price_usd"]),
        price_table=tuple(table.table()) if table else (),
        price_skill=table.skill if table else old.price_skill,
        overlap=plainly.get("overlap", old.overlap),
        audience=settings.audience.model_dump(exclude_defaults=True),
        review_days=settings.review_days,
        assignment_seconds=plainly["assignment_seconds"],
        expires_at=end_of(settings.expires_on),
        whole_pages=settings.whole_pages,
    )


def _page(
    request: HttpRequest, seat: Seat, pool: Pool, form: CrowdForm, error: str = "", *, lacks: list[str] | None = None
) -> HttpResponse:
    mine = [one for one in crowds_for(person(request)) if one.value == pool.account.slug]
    context = {
        "seat": seat,
        "pool": pool,
        "form": form,
        "fields": _fields(pool, form),
        "is_draft": pool.state == Pool.State.DRAFT,
        "has_table": form.has_table and pool.state == Pool.State.DRAFT,
        "others": len(_siblings(pool)),
        "people": people_data([replace(one, value=NAME) for one in mine]),
        "error": error,
        "lacks": lacks or [],
    }
    return render(request, "curation/pool_edit.html", context, status=400 if error else 200)


def _fields(pool: Pool, form: CrowdForm) -> list[FieldView]:
    """Return price and answers where this pool has them: training and exam are unpaid."""
    if pool.kind != Pool.Kind.MAIN:
        return []
    counts = pool.label_class_id is None and pool.state == Pool.State.DRAFT
    return [form.view(PRICE), *([form.view(OVERLAP)] if counts else [])]


@require_POST
@login_required
def send_again(request: HttpRequest, public_id: UUID, pool_id: int, command_id: int) -> HttpResponse:
    """Have a refused command of this pool sent once more."""
    _, pool = _own(request, public_id, pool_id)
    batches = Batch.objects.filter(pool_id=pool.pk).values("pk")
    command = OutboxCommand.objects.filter(pk=command_id, batch_id__in=batches).first()
    if command is None:
        raise Http404
    try:
        accounts.decide(command=command, decision="again", by=person(request), now=database_now())
    except CrowdError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "It is sent again.")
    return redirect("pool", public_id, pool_id)


@require_POST
@login_required
def recollect(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """Ask for one more answer to everything rejected that nobody is doing again."""
    _own(request, public_id, pool_id)
    try:
        n = recollecting.recollect(pool_id=pool_id, by=person(request), now=database_now())
    except CrowdError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{n:,} results are asked for again." if n else "Nothing was left to ask for.")
    return redirect("pool", public_id, pool_id)


def _own(request: HttpRequest, public_id: UUID, pool_id: int) -> tuple[Seat, Pool]:
    seat = seat_or_404(request, public_id, LEAD)
    found = Pool.objects.filter(project=seat.project, pk=pool_id).select_related("stage", "account", "project")
    pool = found.first()
    if pool is None:
        raise Http404
    return seat, pool
