"""A visit of somebody from another platform. There is no cookie in a frame: the address itself says who it is.

It is signed and short-lived, is about one page, and is worth nothing to anybody else: what the platform shows decides
who is paid.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from django.core import signing
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from crowd.models import Account, Assignment, Batch, Worker
from crowd.platforms.doors import Door, door
from curation.middleware import policy
from curation.portal.languages import speak_to
from curation.portal.links import Links

P = ParamSpec("P")
Response = TypeVar("Response", bound=HttpResponseBase)
SALT = "winnow.visit"
LIFE = 25 * 3600  # the longest time for a page is a day
NO_COOKIE: Mapping[str, Any] = {"csrf_token": "", "messages": []}  # instead of what would set one
TOO_OLD = gettext_noop("This address is too old. Open the work again from the platform.")


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is here for what: the batch they came for, the page in hand, and where they hand in at the end."""

    batch_id: int
    worker_id: int
    page_id: int
    ext_id: str
    submit_to: str

    def sign(self) -> str:
        values = [self.batch_id, self.worker_id, self.page_id, self.ext_id, self.submit_to]
        return signing.dumps(values, salt=SALT)


@dataclass(frozen=True, slots=True)
class Desk:
    """A visitor with the page in hand, and the way out."""

    visit: Visit
    page: Assignment
    batch: Batch
    worker: Worker
    door: Door

    @property
    def links(self) -> Links:
        return links_of(self.visit)


Answer = HttpResponse | FileResponse
View = Callable[Concatenate[HttpRequest, Desk, P], Answer]
WorkerView = Callable[Concatenate[HttpRequest, Worker, P], HttpResponse]


def links_of(visit: Visit) -> Links:
    here = reverse("x-page", args=[visit.sign()])
    return Links(
        page=here,
        answers=f"{here}answers/",
        submit=f"{here}submit/",
        skip=f"{here}skip/",
        uploads=f"{here}uploads/",
        pictures=f"{here}media/",
    )


def read_visit(token: str) -> Visit | None:
    try:
        return Visit(*signing.loads(token, salt=SALT, max_age=LIFE))
    except (signing.BadSignature, TypeError):
        return None


def desk_of(token: str) -> Desk | None:
    """Return the visitor of an address, as long as the page is still this worker's, and for the same visit."""
    visit = read_visit(token)
    if visit is None:
        return None
    pages = Assignment.objects.select_related("batch__account", "account", "worker")
    page = pages.filter(pk=visit.page_id, worker_id=visit.worker_id).first()
    batch = Batch.objects.select_related("account").filter(pk=visit.batch_id).first()
    if page is None or batch is None or (page.batch_id == batch.pk and page.ext_id != visit.ext_id):
        return None
    way = door(batch.account.platform)
    return Desk(visit, page, batch, page.worker, way) if way else None


def for_visitors(view: View[P]) -> Callable[..., Answer]:
    """Hand the visitor to a view. No cookie is asked for, therefore none has to be defended against."""

    @wraps(view)
    def answer(request: HttpRequest, visit: str, *args: P.args, **kwargs: P.kwargs) -> Answer:
        desk = desk_of(visit)
        if desk is None:
            return gone(request)
        speak_to(desk.worker)
        return framed(request, view(request, desk, *args, **kwargs), desk.batch.account, desk.door)

    return cast("Callable[..., Answer]", csrf_exempt(never_cache(answer)))


def for_their_workers(view: WorkerView[P]) -> Callable[..., Answer]:
    """Let a view for workers serve visitors, too."""

    def answer(request: HttpRequest, desk: Desk, /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        return view(request, desk.worker, *args, **kwargs)

    return for_visitors(answer)


def framed(request: HttpRequest, response: Response, account: Account, way: Door) -> Response:
    """Let the platform, and nobody else, show this answer in a frame and take a form from it."""
    hosts = way.hosts(account)
    if "Content-Security-Policy" not in response:  # a picture has its own
        response["Content-Security-Policy"] = policy(request, framed_by=hosts, posts_to=hosts)
    if hosts:
        response.xframe_options_exempt = True  # type: ignore[attr-defined]  # what Django's own decorator sets
    return response


def wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def gone(request: HttpRequest) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"state": "closed", "sentence": _(TOO_OLD)}, status=410)
    return render(request, "worker/said.html", {**NO_COOKIE, "sentence": _(TOO_OLD)}, status=410)
