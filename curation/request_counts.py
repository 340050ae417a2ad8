"""How many requests were answered, by address pattern, method and status, and how long they took.

Where several web processes share a port, each tells the others once a second, so that any of them can say it of all.
No request writes a file but that for the numbers.
"""

import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from django.http import HttpRequest, HttpResponse

from curation import sibling_counts
from curation.services.metrics import Family

Answers = Counter[tuple[str, str, str]]
Answer = Callable[[HttpRequest], HttpResponse]
KNOWN_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
PAGE_BYTES = 4096
SECONDS = 1.0
_counting, _telling = threading.Lock(), threading.Lock()
_answers: Answers = Counter()
_told: Answers = Counter()
_seconds: defaultdict[str, float] = defaultdict(float)
_began = time.time()
_shared = Path(os.environ["WEB_COUNTS"]) if os.environ.get("WEB_COUNTS") else None


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
    with _counting:
        _answers[view, method, str(status)] += 1
        _seconds[view] += seconds


def keep_telling() -> None:
    """Leave the counts for the other web processes of this machine from now on."""
    if _shared is not None:
        threading.Thread(target=_tell_each_second, name="request counts", daemon=True).start()


def _tell_each_second() -> None:
    while True:
        time.sleep(SECONDS)
        tell()


def tell() -> tuple[Answers, Counter[str]]:
    """Leave what this process has counted, where it changed, and return it: nobody says more than others can read.

    A full disk keeps no number from its reader; it is tried again.
    """
    global _told
    with _telling:
        with _counting:
            answers, seconds = Counter(_answers), Counter(_seconds)
        if _shared is not None and answers != _told:
            with suppress(OSError):
                sibling_counts.leave(_shared, [[[*key, n] for key, n in answers.items()], seconds])
                _told = answers
    return answers.copy(), seconds


def families() -> Iterator[Family]:
    """Return what the web processes of this machine have counted, those that have ended too."""
    answers, seconds = tell()
    for rows, spent in sibling_counts.others(_shared) if _shared else ():
        answers.update({(view, method, status): n for view, method, status, n in rows})
        seconds.update(spent)
    requests = Family("winnow_http_requests_total", "Requests answered.", "counter")
    for (view, method, status), n in sorted(answers.items()):
        requests.add(n, view=view, method=method, status=status)
    took = Family("winnow_http_seconds_total", "Seconds spent on them.", "counter")
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
