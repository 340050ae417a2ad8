"""How many requests this web process has answered, by address pattern, method and status, and how long they took."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from django.http import HttpRequest, HttpResponse

from curation.services.metrics import Family

Answer = Callable[[HttpRequest], HttpResponse]
KNOWN_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
PAGE_BYTES = 4096
_lock = threading.Lock()
_answers: Counter[tuple[str, str, str]] = Counter()
_seconds: defaultdict[str, float] = defaultdict(float)
_began = time.time()


class RequestCountsMiddleware:
    """Count what is answered; the name of the address stands for it, so no id and no text of anybody is kept."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.monotonic()
        response = self.get_response(request)
        match = request.resolver_match
        view = (match.view_name if match else "") or "none"
        method = request.method if request.method in KNOWN_METHODS else "other"
        note(view, str(method), response.status_code, time.monotonic() - began)
        return response


def note(view: str, method: str, status: int, seconds: float) -> None:
    with _lock:
        _answers[view, method, str(status)] += 1
        _seconds[view] += seconds


def families() -> Iterator[Family]:
    """Return what this process has counted since it began."""
    with _lock:
        answers, seconds = dict(_answers), dict(_seconds)
    requests = Family("winnow_http_requests_total", "Requests answered by this process.", "counter")
    for (view, method, status), n in sorted(answers.items()):
        requests.add(n, view=view, method=method, status=status)
    took = Family("winnow_http_seconds_total", "Seconds this process spent on them.", "counter")
    for view, spent in sorted(seconds.items()):
        took.add(float(spent), view=view)
    yield from (requests, took)
    yield Family("winnow_web_start_seconds", "When this web process began, in Unix time.").add(_began)
    yield Family("winnow_web_resident_bytes", "Memory of this web process.").add(_resident())


def _resident() -> int:
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES
    except OSError:
        return 0
