"""Near-duplicates: how near is too near, what would be kept, what people say about groups, taking out and back."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard.forms import typed
from curation.models import Asset, BulkDrop, Membership
from curation.seats import Seat, person, seat_or_404
from curation.services import bulk_drops, suspicions
from curation.services.lookalikes import groups, searching, thinning, words
from curation.services.lookalikes.arrays import STOPS

LEAD, REVIEWER = Membership.Role.LEAD, Membership.Role.REVIEWER
DROPS_SHOWN, WAITING_SHOWN, WORDS_SHOWN = 8, 12, 50
SAID = {
    "keep": "Kept.",
    "instead": "Another picture is kept now.",
    "merge": "The groups are one.",
    "unsay": "This decision is taken back.",
    "forget": "Forgotten.",
}


@require_safe
@never_cache
@login_required
def duplicates(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show the groups at a distance, a page at a time."""
    seat = seat_or_404(request, public_id)
    search = groups.search_of(seat.project)
    context = {"seat": seat, "search": search, **_work(seat)}
    if search is not None:
        context |= _groups(seat, request)
    answer = render(request, "curation/duplicates/page.html", context)
    if request.headers.get("HX-Request"):
        answer["HX-Replace-Url"] = request.get_full_path()
    return answer


def _groups(seat: Seat, request: HttpRequest) -> dict[str, Any]:
    stop = _stop(request.GET.get("d", ""))
    now = groups.stands(seat.project)
    search, resolved = now.search, now.groups
    found = resolved[stop]
    kept = {one: groups_there.kept for one, groups_there in resolved.items()}
    text = request.GET.get("page", "1")
    number = int(text) if text.isdecimal() and len(text) < 6 else 1
    only_new, wanted = bool(search.joined) and request.GET.get("new") == "1", _maybe_uuid(request.GET.get("whole", ""))
    said = words.said_in(seat.project)
    whole = (
        groups.whole(found, picture=wanted, project=seat.project, joined=search.joined, before=_after(request.GET))
        if wanted
        else None
    )
    page = whole or groups.page(found, number=number, project=seat.project, joined=search.joined, only_new=only_new)
    return {
        "search": search,
        "only_new": only_new,
        "whole": wanted if whole else None,
        "after": _after(request.GET) if whole else 0,
        "stands_alone": bool(wanted) and not whole,
        "stop": stop,
        "place": STOPS.index(stop),
        "of": found.of,
        "kept": kept[stop],
        "goes": found.of - kept[stop],
        "stops": [(one, kept[one]) for one in STOPS],
        "curve": [{"d": one, "kept": kept[one]} for one in STOPS],
        "page": page,
        "words": said.count(),
        "said": said[:WORDS_SHOWN],
        "newer": now.newer,
    }


def _after(sent: QueryDict) -> int:
    """Return after how many pictures of a whole group the shown ones begin."""
    text = sent.get("after", "")
    return int(text) if text.isdecimal() and len(text) < 8 else 0


def _stop(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 4 and int(text) in STOPS else groups.USUAL_STOP


def _work(seat: Seat) -> dict[str, Any]:
    """Return what is at work, what was done, and what waits for a person."""
    job, drop = searching.at_work(project=seat.project), bulk_drops.at_work(project=seat.project)
    drops = BulkDrop.objects.filter(project=seat.project).select_related("by")
    waiting = Asset.objects.filter(project=seat.project, state=Asset.State.HELD, reason="same_scene")
    return {
        "searching": job,
        "dropping": drop,
        "drop_failed": bulk_drops.failed(drop) if drop else "",
        "drops": [(one, bulk_drops.WORDS[one.kind]) for one in drops[:DROPS_SHOWN]],
        "waiting": suspicions.likenesses(list(waiting.order_by("id")[:WAITING_SHOWN])),
        "waiting_in_all": waiting.count(),
    }


@require_POST
@login_required
def search(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Let all pictures be compared."""
    seat = seat_or_404(request, public_id, LEAD)
    searching.ask(project=seat.project)
    messages.success(request, "The pictures are being compared; the page shows the groups when that is done.")
    return redirect("duplicates", public_id)


@require_POST
@login_required
def apply(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take out all but one picture of each group."""
    seat = seat_or_404(request, public_id, LEAD)
    text, also_new = typed(request, "d", 4), bool(request.POST.get("also_new"))
    stop = int(text) if text.isdecimal() else -1
    try:
        thinning.apply(project=seat.project, stop=stop, also_new=also_new, by=person(request), now=database_now())
    except CrowdError as error:
        messages.error(request, str(error))
        return redirect("duplicates", public_id)
    messages.success(request, "The near-duplicates are being taken out. They stay among the assets, and can come back.")
    return redirect(f"{reverse('duplicates', args=[public_id])}?d={stop}")


@require_POST
@login_required
def undo(request: HttpRequest, public_id: UUID, drop_id: int) -> HttpResponse:
    """Bring back what one press has taken out."""
    seat = seat_or_404(request, public_id, LEAD)
    drop = BulkDrop.objects.filter(project=seat.project, pk=drop_id).first()
    if drop is None:
        raise Http404
    try:
        bulk_drops.undo(drop=drop, by=person(request), now=database_now())
    except CrowdError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The pictures are being brought back.")
    return redirect({"cuts": "cuts", "held_out": "held-out"}.get(drop.kind, "duplicates"), public_id)


@require_POST
@login_required
def say(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Keep a picture too, or instead; make one group of several; take all such words back."""
    seat = seat_or_404(request, public_id, REVIEWER)
    do, _, one = request.POST.get("do", "").partition(":")
    try:
        _say(seat, do, one, request)
    except CrowdError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, SAID[do])
    d, page, whole = _stop(typed(request, "d", 4)), typed(request, "page", 5), _maybe_uuid(typed(request, "whole", 36))
    after = _after(request.POST)
    shown = f"whole={whole}{f'&after={after}' if after else ''}" if whole else f"page={page if page.isdecimal() else 1}"
    return redirect(f"{reverse('duplicates', args=[public_id])}?d={d}&{shown}")


def _say(seat: Seat, do: str, one: str, request: HttpRequest) -> None:
    """Do what a button says: about the one picture its value names, else about all that were sent along."""
    user, project = person(request), seat.project
    sent = [one] if one else [text for among in request.POST.getlist("picture") for text in among.split(",")]
    chosen = [_uuid(text) for text in sent]
    if do == "keep":
        words.keep(project=project, pictures=chosen, by=user)
    elif do == "instead":
        if len(chosen) != 1:
            raise CrowdError("Choose the one picture that is to be kept instead.")
        words.keep_instead(project=project, picture=chosen[0], instead_of=_uuid(typed(request, "leader")), by=user)
    elif do == "merge":
        words.merge(project=project, leaders=chosen, by=user)
    elif do == "unsay":
        if len(chosen) != 1:
            raise CrowdError("Choose the one picture whose decision is to be taken back.")
        words.unsay(project=project, picture=chosen[0], by=user)
    elif do == "forget":
        words.forget(project=project, by=user)
    else:
        raise CrowdError(f"Keep, instead, merge, unsay or forget can be asked for, not {do[:20]!r}.")


def _uuid(text: str) -> UUID:
    found = _maybe_uuid(text)
    if found is None:
        raise CrowdError("One of these pictures is not in this project.")
    return found


def _maybe_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@require_POST
@login_required
def decide(request: HttpRequest, public_id: UUID, asset_id: UUID) -> HttpResponse:
    """Say about a likeness that waits: another photo, which goes on, or the same one again."""
    seat = seat_or_404(request, public_id, REVIEWER)
    asset = Asset.objects.filter(project=seat.project, public_id=asset_id).first()
    if asset is None:
        raise Http404
    is_same = request.POST.get("same") == "yes"
    try:
        suspicions.decide_likeness(asset_id=asset.pk, is_same=is_same, by=person(request), now=database_now())
    except CrowdError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Rejected as the same photo." if is_same else "The picture goes on.")
    return redirect("duplicates", public_id)
