"""Levels of dishonesty: names, scores, what follows; and accounts that share pictures or wrong answers."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.honesty import CONSEQUENCES, LONGEST_NAME, SCOPES, Policy, Terms
from curation.dashboard.forms import typed
from curation.models import Asset, Membership, PairSearch
from curation.seats import Seat, person, seat_or_404
from curation.services import bans, collusion, honesty, picture_rules
from curation.services import rings as sharing
from curation.services.picture_rules import PictureRules
from curation.sessions import now_of

LEAD = Membership.Role.LEAD
MOST_RINGS = 50
PICTURES = {0: "same_photo", 20: "edited_templates"}


@require_safe
@never_cache
@login_required
def levels(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, seat_or_404(request, public_id))


@require_POST
@login_required
def save(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Let other names, scores and consequences hold from now on."""
    seat = seat_or_404(request, public_id, LEAD)
    now, user = now_of(request), person(request)
    try:
        policy, rules = _policy(request), _rules(request)
        with transaction.atomic():
            honesty.save_policy(project=seat.project, policy=policy, by=user, now=now)
            picture_rules.save(project=seat.project, rules=rules, by=user, now=now)
    except CrowdError as error:
        return _page(request, seat, str(error))
    messages.success(request, "The levels are changed. Bans that were made before stay as they are.")
    return redirect("levels", public_id)


def _policy(request: HttpRequest) -> Policy:
    levels = tuple(_terms(request, usual) for usual in Policy().levels)
    share = _number(typed(request, "share", 6), "The share of dishonest pictures")
    return Policy(levels, share / 100, _number(typed(request, "least", 6), "The least number of submissions"))


def _terms(request: HttpRequest, usual: Terms) -> Terms:
    name = typed(request, f"name-{usual.level}", LONGEST_NAME + 1)
    days = typed(request, f"days-{usual.level}", 6)
    return Terms(
        level=usual.level,
        name=name,
        weight=_number(typed(request, f"weight-{usual.level}", 6), f"The score of “{name}”"),
        consequence=typed(request, f"consequence-{usual.level}", 20),
        scope=typed(request, f"scope-{usual.level}", 20),
        days=_number(days, f"The days of “{name}”") if days else None,
    )


def _rules(request: HttpRequest) -> PictureRules:
    return PictureRules(
        same_photo=typed(request, "same_photo", 20),
        edited_templates=typed(request, "edited_templates", 20),
        same_scene=typed(request, "same_scene", 20),
        most_per_scene=_number(typed(request, "most_per_scene", 6) or "0", "The most pictures of one scene"),
    )


def _number(text: str, what: str) -> int:
    if not text.isdecimal() or not text.isascii():
        raise CrowdError(f"{what} must be a whole number, not {text!r}.")
    return int(text)


def _page(request: HttpRequest, seat: Seat, error: str = "") -> HttpResponse:
    policy, rules = seat.policy, picture_rules.rules_of(seat.project)
    given = request.POST if error else {}
    context = {
        "seat": seat,
        "rows": [_row(terms, rules, given) for terms in policy.levels],
        "share": given.get("share", f"{policy.share * 100:.0f}"),
        "least": given.get("least", policy.least_judged),
        "rules": {**asdict(rules), **{name: given[name] for name in asdict(rules) if name in given}},
        "consequences": CONSEQUENCES.items(),
        "scopes": SCOPES.items(),
        "example": _example(policy),
        "detector": picture_rules.detector_of(seat.project),
        "error": error,
    }
    return render(request, "curation/workers/levels.html", context, status=400 if error else 200)


def _row(terms: Terms, rules: PictureRules, given: Mapping[str, str]) -> dict[str, Any]:
    """One level as the form shows it: as typed where that was refused."""
    stored = {**asdict(terms), "days": "" if terms.days is None else terms.days}
    shown = {name: given.get(f"{name}-{terms.level}", value) for name, value in stored.items()}
    setting = PICTURES.get(terms.level, "")
    action = given.get(setting, getattr(rules, setting)) if setting else ""
    return {**shown, "level": terms.level, "css": f"l{terms.level}", "setting": setting, "action": action}


def _example(policy: Policy) -> list[tuple[int, int]]:
    """Return how many dishonest submissions of so many give a level."""
    found = []
    for judged in (policy.least_judged, 10, 20, 50, 100):
        hits = next((n for n in range(1, judged + 1) if policy.reached([0] * n, judged)), 0)
        if hits and judged >= policy.least_judged:
            found.append((hits, judged))
    return sorted(set(found), key=lambda one: one[1])


@require_safe
@never_cache
@login_required
def rings(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show accounts that share pictures, or the same wrong answers."""
    seat = seat_or_404(request, public_id)
    found = sharing.rings(project=seat.project)
    context = {
        "seat": seat,
        "rings": sharing.with_answers(found[:MOST_RINGS]),
        "in_all": len(found),
        "searches": PairSearch.objects.filter(stage__project=seat.project).select_related("stage").order_by("stage"),
    }
    return render(request, "curation/workers/rings.html", context)


@require_POST
@login_required
def search_rings(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Have all answers looked at anew for people who are wrong together."""
    seat = seat_or_404(request, public_id, LEAD)
    if collusion.ask(project=seat.project):
        messages.success(request, "All answers are looked at again; this page knows more in some seconds.")
    else:
        messages.info(request, "No stage of this project asks for choices, so there are no answers to compare.")
    return redirect("rings", public_id)


@require_POST
@login_required
def ban_ring(request: HttpRequest, public_id: UUID, worker_id: int) -> HttpResponse:
    """Keep the chosen accounts of the ring this worker belongs to out of the project."""
    seat = seat_or_404(request, public_id, LEAD)
    ring = next((one for one in sharing.rings(project=seat.project) if worker_id in one.ids), None)
    if ring is None:
        raise Http404
    try:
        days = _number(typed(request, "days", 6), "The days of a ban")
        ticked = request.POST.getlist("worker")
        chosen = [pk for pk in ring.ids if str(pk) in ticked]
        n = bans.ban_ring(
            ring=ring, chosen=chosen, project=seat.project, by=person(request), days=days, now=database_now()
        )
    except CrowdError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{n:,} account{'s' if n != 1 else ''} get no more work here for {days:,} days.")
    return redirect("rings", public_id)


@require_POST
@login_required
def flag(request: HttpRequest, public_id: UUID, asset_id: UUID) -> HttpResponse:
    """Report a picture as generated or swapped."""
    seat = seat_or_404(request, public_id, Membership.Role.REVIEWER)
    asset = Asset.objects.filter(project=seat.project, public_id=asset_id).first()
    if asset is None:
        raise Http404
    try:
        honesty.flag(asset_id=asset.pk, by=person(request), note=typed(request, "note"), now=database_now())
    except CrowdError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The picture is dropped and stands on the board of dishonest workers.")
    return redirect("asset", public_id, asset_id)
