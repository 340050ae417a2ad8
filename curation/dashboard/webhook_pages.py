"""Webhooks of a project: who is told what, whether it arrives, and sending again."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.dashboard import webhook_facts
from curation.dashboard.forms import is_repeated, once, typed
from curation.models import Membership, User, Webhook, WebhookDelivery
from curation.seats import Seat, person, seat_or_404
from curation.services import webhooks
from curation.services.notices import TOPICS

LEAD = Membership.Role.LEAD
STATES = WebhookDelivery.State
SENT_ALREADY = "This form was sent before: nothing was done again. A secret is shown only once."


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_list(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """List the webhooks; a lead adds one, whose secret is shown this once."""
    seat = seat_or_404(request, public_id, LEAD)
    if request.method != "POST":
        return _list(request, seat)
    if is_repeated(request):
        messages.info(request, SENT_ALREADY)
        return redirect("settings-webhooks", public_id)
    try:
        hook, secret = webhooks.make(
            project=seat.project,
            url=typed(request, "url", 2048),
            topics=request.POST.getlist("topics"),
            by=person(request),
            now=database_now(),
        )
    except CrowdError as error:
        return _list(request, seat, error=str(error))
    hook.refresh_from_db()
    return _list(request, seat, made=hook, secret=secret)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, public_id: UUID, webhook_id: UUID) -> HttpResponse:
    """Show one webhook with its log; a lead changes where it leads and what it is told, or renews its secret."""
    seat = seat_or_404(request, public_id, LEAD)
    hook = _hook(seat, webhook_id)
    if request.method != "POST":
        return _one(request, seat, hook)
    if "new-secret" in request.POST:
        return _renew_secret(request, seat, hook)
    try:
        webhooks.change(
            webhook_id=hook.pk,
            by=person(request),
            now=database_now(),
            url=typed(request, "url", 2048),
            topics=request.POST.getlist("topics"),
        )
    except CrowdError as error:
        return _one(request, seat, hook, error=str(error))
    messages.success(request, "Saved.")
    return redirect("settings-webhook", public_id, webhook_id)


def _renew_secret(request: HttpRequest, seat: Seat, hook: Webhook) -> HttpResponse:
    if is_repeated(request):
        messages.info(request, SENT_ALREADY)
        return redirect("settings-webhook", seat.project.public_id, hook.public_id)
    secret = webhooks.renew_secret(webhook_id=hook.pk, by=person(request), now=database_now())
    return _one(request, seat, hook, secret=secret)


@require_POST
@never_cache
@login_required
def act(request: HttpRequest, public_id: UUID, webhook_id: UUID, action: str) -> HttpResponse:
    """Pause, resume or try a webhook, or remove it."""
    seat = seat_or_404(request, public_id, LEAD)
    hook = _hook(seat, webhook_id)
    if action not in ACTS:
        raise Http404
    try:
        said = ACTS[action](hook, person(request))
    except CrowdError as error:
        return _one(request, seat, hook, error=str(error))
    messages.success(request, said)
    if action == "remove":
        return redirect("settings-webhooks", public_id)
    return redirect("settings-webhook", public_id, webhook_id)


@require_POST
@never_cache
@login_required
def again(request: HttpRequest, public_id: UUID, webhook_id: UUID, delivery_id: UUID) -> HttpResponse:
    """Send one message again."""
    seat = seat_or_404(request, public_id, LEAD)
    hook = _hook(seat, webhook_id)
    delivery = hook.deliveries.filter(public_id=delivery_id).first()
    if delivery is None:
        raise Http404
    try:
        webhooks.redeliver(delivery_id=delivery.pk, now=database_now())
    except CrowdError as error:
        return _one(request, seat, hook, error=str(error))
    messages.success(request, "It is sent again, under the same id. Reload to see what came of it.")
    return redirect("settings-webhook", public_id, webhook_id)


def _pause(hook: Webhook, by: User) -> str:
    webhooks.change(webhook_id=hook.pk, by=by, now=database_now(), is_active=False)
    return "Paused: nothing is sent, and what happens meanwhile is not kept."


def _resume(hook: Webhook, by: User) -> str:
    webhooks.change(webhook_id=hook.pk, by=by, now=database_now(), is_active=True)
    return "It is told again, from now on."


def _test(hook: Webhook, by: User) -> str:
    webhooks.send_test(webhook=hook, by=by, now=database_now())
    return "A test is on its way. Reload to see what came of it."


def _remove(hook: Webhook, by: User) -> str:
    webhooks.remove(webhook_id=hook.pk, by=by, now=database_now())
    return "The webhook and its log are gone."


ACTS: dict[str, Callable[[Webhook, User], str]] = {
    "pause": _pause,
    "resume": _resume,
    "test": _test,
    "remove": _remove,
}


def _hook(seat: Seat, webhook_id: UUID) -> Webhook:
    hook = Webhook.objects.select_related("project").filter(project=seat.project, public_id=webhook_id).first()
    if hook is None:
        raise Http404
    return hook


def _list(
    request: HttpRequest, seat: Seat, *, error: str = "", made: Webhook | None = None, secret: str = ""
) -> HttpResponse:
    context: dict[str, Any] = {
        "seat": seat,
        "tab": "webhooks",
        "rows": webhook_facts.lines(project=seat.project),
        "topics": TOPICS,
        "chosen": request.POST.getlist("topics") if error else ["asset.accepted", "version.published"],
        "url": request.POST.get("url", "") if error else "",
        "most": webhooks.MOST_OF_PROJECT,
        "made": made,
        "secret": secret,
        "once": once(),
        "error": error,
    }
    return render(request, "curation/webhooks/list.html", context, status=400 if error else 200)


def _one(request: HttpRequest, seat: Seat, hook: Webhook, *, error: str = "", secret: str = "") -> HttpResponse:
    state, before = request.GET.get("state", ""), request.GET.get("before", "")
    state = state if state in STATES.values else ""
    number = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
    deliveries, older = webhook_facts.log(hook=hook, state=state, before=number)
    line = next(iter(webhook_facts.lines(project=seat.project, only=hook)), None)
    if line is None:
        raise Http404
    context: dict[str, Any] = {
        "seat": seat,
        "tab": "webhooks",
        "line": line,
        "hook": line.hook,
        "topics": TOPICS,
        "chosen": request.POST.getlist("topics") if error and "url" in request.POST else line.hook.topics,
        "url": request.POST.get("url", line.hook.url) if error else line.hook.url,
        "states": [("", "All", line.delivered + line.waiting + line.given_up), *_states(line)],
        "state": state,
        "deliveries": deliveries,
        "older": older,
        "is_narrowed": bool(state or number),
        "kept_days": webhooks.KEPT.days,
        "secret": secret,
        "once": once(),
        "error": error,
    }
    return render(request, "curation/webhooks/one.html", context, status=400 if error else 200)


def _states(line: webhook_facts.WebhookLine) -> list[tuple[str, str, int]]:
    return [
        (STATES.DELIVERED, "Delivered", line.delivered),
        (STATES.WAITING, "Waiting", line.waiting),
        (STATES.GIVEN_UP, "Given up", line.given_up),
    ]
