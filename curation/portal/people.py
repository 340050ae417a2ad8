"""Who is working: joining by an invitation, and the worker of a session."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth import logout
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from crowd.authored import told
from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Worker, WorkerInvitation
from crowd.services import invitations
from curation.models import Project
from curation.portal.languages import choose, chosen_in_address, current, speak_to
from curation.portal.offers import hourly_text
from curation.services import inhouse
from curation.services.consents import consent_of, digest_of_consent

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
WorkerView = Callable[Concatenate[HttpRequest, Worker, P], HttpResponse]

LANGUAGES = (
    ("en", "English"),
    ("es", "Español"),
    ("fr", "Français"),
    ("pt", "Português"),
    ("tr", "Türkçe"),
    ("id", "Bahasa Indonesia"),
    ("hi", "हिन्दी"),
    ("ar", "العربية"),
    ("ru", "Русский"),
    ("zh", "中文"),
)


def current_worker(request: HttpRequest) -> Worker | None:
    """Return the worker of this session; somebody signed in to the office pages is none."""
    worker_id = request.session.get("worker_id")
    if worker_id is None or request.user.is_authenticated:
        return None
    return Worker.objects.select_related("account").filter(pk=worker_id).first()


def for_workers(view: WorkerView[P]) -> View[P]:
    """Hand the worker to a view; without one there is nothing here (404)."""

    @wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        worker = current_worker(request)
        if worker is None:
            raise Http404
        speak_to(worker)
        return view(request, worker, *args, **kwargs)

    return cast("View[P]", never_cache(answer))


@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Let somebody in by a link; who works here already comes to one more project by it."""
    invitation = WorkerInvitation.objects.filter(token_hash=invitations.hash_of(token)).first()
    worker = current_worker(request)
    known = worker if worker and invitation and worker.account_id == invitation.account_id else None
    if invitation is not None and known is not None and known.may_see(invitation.project_id):
        return redirect("w-home")
    if invitation is None or invitations.find_invitation(token=token, now=database_now()) is None:
        raise Http404
    caller = Caller(token, invitation, Project.objects.get(pk=invitation.project_id), known)
    return _join(request, caller) if request.method == "POST" else _form(request, caller)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody at the door with an invitation; `known` is the worker he is already."""

    token: str
    invitation: WorkerInvitation
    project: Project
    known: Worker | None


def _join(request: HttpRequest, caller: Caller) -> HttpResponse:
    if caller.known is None and not request.POST.get("name", "").strip():
        return _form(request, caller, error=_("Please say how we may call you. It need not be your real name."))
    try:
        worker = _let_in(request, caller)
    except CrowdError as error:
        return _form(request, caller, error=str(error))
    if caller.known is None:
        _begin(request, worker)
    if code := chosen_in_address(request):
        choose(worker_id=worker.pk, code=code)
    return redirect("w-home")


@transaction.atomic
def _let_in(request: HttpRequest, caller: Caller) -> Worker:
    agreed, is_adult = request.POST.get("agree") == "yes", request.POST.get("adult") == "yes"
    digest, now = digest_of_consent(caller.project) if agreed else "", database_now()
    if caller.known is not None:
        worker = invitations.join_also(
            token=caller.token, worker_id=caller.known.pk, is_adult=is_adult, consent_sha256=digest, now=now
        )
    else:
        worker = invitations.join(
            token=caller.token,
            name=request.POST.get("name", "").replace("\x00", "").strip(),
            language=request.POST.get("language", current()),
            is_adult=is_adult,
            consent_sha256=digest,
            now=now,
        )
    inhouse.note_joined(invitation=caller.invitation, worker=worker, now=now)
    return worker


def _begin(request: HttpRequest, worker: Worker) -> None:
    """Start the worker's session; a signed-in person is signed out, one session is never both."""
    logout(request)
    request.session["worker_id"] = worker.pk


def _form(request: HttpRequest, caller: Caller, error: str = "") -> HttpResponse:
    team = caller.invitation.team
    context = {
        "project": caller.project,
        "known": caller.known,
        "pay": hourly_text(team.hourly_micro, team.account.currency)
        if team and team.hourly_micro and not (caller.known and caller.known.team)
        else "",
        "consent": told(consent_of(caller.project)),
        "spoken": LANGUAGES,
        "language": request.POST.get("language") or current(),
        "worker": None,
        "error": error,
        "given": request.POST,
        "signs_out": request.user.is_authenticated,
    }
    return render(request, "worker/join.html", context, status=422 if error else 200)


@require_POST
@for_workers
def language(request: HttpRequest, worker: Worker) -> HttpResponse:
    """Keep the language that a worker reads these pages in, and go back to where he was."""
    choose(worker_id=worker.pk, code=request.POST.get("language", ""))
    back = request.POST.get("back", "")
    ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith(reverse("w-home"))
    return redirect(back if ours else "w-home")


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    request.session.pop("worker_id", None)
    return redirect("w-home")
