"""Logs: one JSON object a line, so that a stranger's text cannot forge a line, with what the line was written for.

A request has a name of its own, which its answer tells as X-Request-Id. A job knows the request that asked for it: by
that name the lines of the web process and of the workers are found together.
"""

import json
import logging
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.utils.functional import empty

Answer = Callable[[HttpRequest], HttpResponse]
Ids = dict[str, str | int]
HEADER = "X-Request-Id"
PROXYS = re.compile(r"[A-Za-z0-9-]{8,64}")  # what a proxy before us may have called it
_ids: ContextVar[Ids] = ContextVar("ids", default={})  # noqa: B039  it is replaced, never changed
_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


class JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "role": os.environ.get("WINNOW_ROLE") or Path(sys.argv[0]).name,
            "logger": record.name,
            **_about(record),
            "event": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _about(record: logging.LogRecord) -> Ids:
    """Return the ids a line is about; Django logs a refusal after the request's end, and hands the request over."""
    request = _request.get() or getattr(record, "request", None)
    if not isinstance(request, HttpRequest):
        return _ids.get()
    user_id = _known_user(request)
    return {"request_id": request_id(request), **({} if user_id is None else {"user_id": user_id}), **_ids.get()}


def _known_user(request: HttpRequest) -> int | None:
    """Return who asks, where somebody has found that out: writing a line asks the database nothing."""
    user = vars(request).get("user")
    user = getattr(user, "_wrapped", user)
    return None if user is empty else getattr(user, "pk", None)


@contextmanager
def about(**ids: str | int | None) -> Iterator[None]:
    """Put these ids into every line that is written inside."""
    known = {name: value for name, value in ids.items() if value not in (None, "")}
    token = _ids.set({**_ids.get(), **known})
    try:
        yield
    finally:
        _ids.reset(token)


def asked_by() -> str:
    """Return the name of the request that is being answered, or for which a job works; empty = none."""
    request = _request.get()
    return str(_ids.get().get("request_id", "")) if request is None else request_id(request)


def request_id(request: HttpRequest) -> str:
    return str(request.META["winnow.request_id"]) if "winnow.request_id" in request.META else ""


class RequestIdMiddleware:
    """Give each request a name: that of the proxy before us, or one of our own."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        told = request.headers.get(HEADER, "")
        request.META["winnow.request_id"] = told if PROXYS.fullmatch(told) else secrets.token_hex(8)
        token = _request.set(request)
        try:
            response = self.get_response(request)
        finally:
            _request.reset(token)
        response[HEADER] = request_id(request)
        return response
