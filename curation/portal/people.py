"""Who is working: joining by an invitation, and the worker of a session."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Worker, WorkerInvitation
from crowd.services import invitations
from curation.models import Project

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
WorkerView = Callable[Concatenate[HttpRequest, Worker, P], HttpResponse]

CONSENT = "I take part of my own free will. What I send may be used for the data set that this project makes."
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
    return Worker.objects.filter(pk=worker_id).first()


def for_workers(view: WorkerView[P]) -> View[P]:
    """Hand the worker to a view; without one there is nothing here (404)."""

    @wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        worker = current_worker(request)
        if worker is None:
            raise Http404
        return view(request, worker, *args, **kwargs)

    return cast("View[P]", never_cache(answer))


@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    invitation = WorkerInvitation.objects.filter(token_hash=invitations.hash_of(token)).first()
    worker = current_worker(request)
    if invitation is not None and worker is not None and worker.account_id == invitation.account_id:
        return redirect("w-home")
    if invitation is None or invitations.find_invitation(token=token, now=database_now()) is None:
        raise Http404
    project = Project.objects.get(pk=invitation.project_id)
    if request.method == "POST":
        return _join(request, token, project)
    return _form(request, project)


def _join(request: HttpRequest, token: str, project: Project) -> HttpResponse:
    name = request.POST.get("name", "").strip()
    if not name:
        return _form(request, project, error="Please say how we may call you. It need not be your real name.")
    agreed = request.POST.get("agree") == "yes"
    try:
        worker = invitations.join(
            token=token,
            name=name,
            language=request.POST.get("language", "en"),
            is_adult=request.POST.get("adult") == "yes",
            consent_sha256=digest_of_consent(project) if agreed else "",
            now=database_now(),
        )
    except CrowdError as error:
        return _form(request, project, error=str(error))
    _begin(request, worker)
    return redirect("w-home")


def _begin(request: HttpRequest, worker: Worker) -> None:
    """Start the worker's session; a signed-in person is signed out, one session is never both."""
    logout(request)
    request.session["worker_id"] = worker.pk


def consent_of(project: Project) -> str:
    return project.consent_text.strip() or CONSENT


def digest_of_consent(project: Project) -> str:
    return hashlib.sha256(consent_of(project).encode()).hexdigest()


def _form(request: HttpRequest, project: Project, error: str = "") -> HttpResponse:
    context = {
        "project": project,
        "consent": consent_of(project),
        "languages": LANGUAGES,
        "error": error,
        "given": request.POST,
        "signs_out": request.user.is_authenticated,
    }
    return render(request, "worker/join.html", context, status=422 if error else 200)


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    request.session.pop("worker_id", None)
    return redirect("w-home")
