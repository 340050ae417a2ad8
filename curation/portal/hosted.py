"""The door for people of other platforms: a look at the work, what they agree to, then the page they came for."""

from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from crowd.authored import told
from crowd.clock import database_now
from crowd.errors import BudgetExceeded, CrowdError, NotYours, NoWork
from crowd.links import batch_key_of, media_url
from crowd.models import Assignment, Batch, Task, Worker
from crowd.platforms.doors import Arrival, BadArrival, Door, door
from crowd.services import hosting
from curation.models import Project
from curation.portal.home import NO_MONEY
from curation.portal.languages import choose, chosen_in_address, speak_to
from curation.portal.offers import price_text
from curation.portal.pages import body_of
from curation.portal.shown import title_of
from curation.portal.visits import NO_COOKIE, Visit, framed, links_of, wants_json
from curation.services.consents import consent_of, digest_of_consent

GIVE_BACK = gettext_noop("Please give this one back on {name}: nothing is paid for it.")


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def arrive(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Let somebody in by the address that the platform has made of ours."""
    way, batch = door(slug), _batch(slug, token)
    if way is None or batch is None:
        raise Http404
    return framed(request, _arrive(request, batch, way), batch.account, way)


def _batch(slug: str, token: str) -> Batch | None:
    try:
        key = batch_key_of(token)
    except signing.BadSignature:
        return None
    found = Batch.objects.select_related("account", "needs_skill")
    return found.filter(key=key, account__platform=slug, account__is_active=True).first()


def _arrive(request: HttpRequest, batch: Batch, way: Door) -> HttpResponse:
    try:
        arrival = way.arrival(batch.account, request.GET)
    except BadArrival as error:
        return said(request, str(error), status=400)
    if arrival.only_looks:
        return _preview(request, batch, way)
    if sentence := way.doubts(batch.account, arrival):
        return said(request, sentence, status=403)
    worker = hosting.arrive(account=batch.account, worker_ext_id=arrival.worker_ext_id)
    if code := chosen_in_address(request):
        choose(worker_id=worker.pk, code=code)
    elif worker.page_language:
        speak_to(worker)
    project = Project.objects.get(pk=batch.project_id)
    caller = Caller(batch, worker, arrival, way)
    if worker.consent_version != digest_of_consent(project) or not worker.is_adult:
        return _agree(request, caller, project)
    return _go_on(request, caller)


def _preview(request: HttpRequest, batch: Batch, way: Door) -> HttpResponse:
    """Show what the work is and what it pays; nothing is given out and nobody is remembered."""
    spec = batch.spec
    about = {
        "state": "preview",
        "title": title_of(batch),
        "price": price_range(batch),
        "tasks": batch.page_size,
        "minutes": max(1, batch.assignment_seconds // 60),
        "instructions": [told(line) for line in spec.get("instructions", [])],
        "first": batch.needs_skill.name if batch.needs_skill else "",
        "waiting": hosting.is_work_waiting(batch),
        "example": _example(batch),
    }
    if wants_json(request):
        return JsonResponse(about)
    return render(request, "worker/preview.html", {**NO_COOKIE, **about, "platform": way.name})


def price_range(batch: Batch) -> str:
    """Return the price of a page, or from which to which it goes."""
    prices = sorted({batch.price_micro, *(int(amount) for _, _, amount in batch.price_table)})
    currency = batch.account.currency
    low, high = price_text(prices[0], currency), price_text(prices[-1], currency)
    return low if low == high else _("%(low)s to %(high)s") % {"low": low, "high": high}


def _example(batch: Batch) -> str:
    """Return the address of the example that goes with the tasks; a real picture is for those who work."""
    keys = Task.objects.filter(batch=batch, payload__template_key__gt="").order_by("id")
    key = keys.values_list("payload__template_key", flat=True).first()
    return urlsplit(media_url(str(key))).path if key else ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who came for a batch, by a door."""

    batch: Batch
    worker: Worker
    arrival: Arrival
    way: Door

    def visit(self, page: Assignment) -> Visit:
        return Visit(self.batch.pk, self.worker.pk, page.pk, self.arrival.ext_id, self.arrival.submit_to)


def _agree(request: HttpRequest, caller: Caller, project: Project) -> HttpResponse:
    """Ask for consent, once; with it the work begins."""
    if request.method == "POST":
        try:
            agreed, adult = _agreed(request)
            digest = digest_of_consent(project) if agreed else ""
            hosting.agree(worker_id=caller.worker.pk, consent_sha256=digest, is_adult=adult, now=database_now())
        except CrowdError as refusal:
            return _ask(request, caller, project, error=str(refusal))
        return _go_on(request, caller)
    return _ask(request, caller, project)


def _ask(request: HttpRequest, caller: Caller, project: Project, *, error: str = "") -> HttpResponse:
    asked = {"state": "consent", "text": told(consent_of(project)), "error": error, "agree": request.get_full_path()}
    status = 422 if error else 200
    if wants_json(request):
        return JsonResponse(asked, status=status)
    shown = {**NO_COOKIE, **asked, "project": project, "price": price_range(caller.batch), "given": request.POST}
    return render(request, "worker/consent.html", shown, status=status)


def _agreed(request: HttpRequest) -> tuple[bool, bool]:
    if request.content_type == "application/json":
        body = body_of(request)
        return body.get("agree") is True, body.get("adult") is True
    return request.POST.get("agree") == "yes", request.POST.get("adult") == "yes"


def _go_on(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Go to the page that is next for this worker, or say why there is none."""
    batch, worker, ext_id, now = caller.batch, caller.worker, caller.arrival.ext_id, database_now()
    if request.method == "POST" and request.POST.get("take_over") == "yes":
        hosting.take_over(batch=batch, worker=worker, ext_id=ext_id, now=now)
    ask = partial(caller.way.score, batch.account, worker.ext_id)
    hosting.learn_score(batch=batch, worker=worker, ask=ask, now=now)
    try:
        page = hosting.next_page(batch=batch, worker=worker, ext_id=ext_id, now=now)
    except hosting.BegunElsewhere as begun:
        return _begun_elsewhere(request, str(begun), caller.way)
    except (BudgetExceeded, NoWork, NotYours) as error:
        return nothing_for(request, error, caller.way)
    target = links_of(caller.visit(page)).page
    return redirect(target if page.state == Assignment.State.ACTIVE else f"{target}done/")


def _begun_elsewhere(request: HttpRequest, sentence: str, way: Door) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"state": "begun elsewhere", "sentence": sentence}, status=409)
    shown = {**NO_COOKIE, "sentence": sentence, "platform": way.name}
    return render(request, "worker/begun.html", shown, status=409)


def nothing_for(request: HttpRequest, error: CrowdError, way: Door) -> HttpResponse:
    """Say why there is no page; numbers of a budget are nobody's business."""
    sentence = _(NO_MONEY) if isinstance(error, BudgetExceeded) else str(error)
    return said(request, f"{sentence} {_(GIVE_BACK).format(name=way.name)}", status=409)


def said(request: HttpRequest, sentence: str, *, status: int = 200) -> HttpResponse:
    """Answer with one sentence; there is nothing to do here."""
    if wants_json(request):
        return JsonResponse({"state": "closed", "sentence": sentence}, status=status)
    return render(request, "worker/said.html", {**NO_COOKIE, "sentence": sentence}, status=status)
