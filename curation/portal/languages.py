"""In which language a worker reads these pages: the one he chose, else the first of his browser's that we have."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from crowd.models import Worker

Answer = Callable[[HttpRequest], HttpResponse]
OURS = ("/w/", "/x/")
USUAL = "en"


class WorkerLanguageMiddleware:
    """The pages of workers speak their language; all others stay as they are."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(OURS):
            return self.get_response(request)
        with translation.override(asked_for(request)):
            response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["Accept-Language"])
        return response


def asked_for(request: HttpRequest) -> str:
    """Return the language of an address (`?lang=`), else that of the browser."""
    return chosen_in_address(request) or _known(translation.get_language_from_request(request)) or USUAL


def chosen_in_address(request: HttpRequest) -> str:
    return _known(request.GET.get("lang", ""))


def _known(code: str) -> str:
    return code if code in dict(settings.LANGUAGES) else ""


def speak_to(worker: Worker) -> None:
    """Go on in the language that this worker has chosen, for the rest of the request."""
    if _known(worker.page_language):
        translation.activate(worker.page_language)


def choose(*, worker_id: int, code: str) -> bool:
    """Remember a worker's language; False = we do not have it."""
    if not _known(code):
        return False
    Worker.objects.filter(pk=worker_id).update(page_language=code)
    return True


def current() -> str:
    return _known(translation.get_language() or "") or USUAL
