"""ETags: which state of a row somebody has read, so that an edit changes only that."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import models, transaction
from django.utils.http import parse_etags, quote_etag
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from curation.api.problems import Problem

ANY = "*"


def of(data: Mapping[str, Any]) -> str:
    """Return the strong ETag of a row as the API shows it whole."""
    return quote_etag(hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32])


def is_known(request: Request, tag: str) -> bool:
    """Whether If-None-Match names this state; weak and strong tags compare alike here (RFC 9110, 13.1.2)."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return known == [ANY] or tag in {one.removeprefix("W/") for one in known}


@contextmanager
def unless_changed(
    request: Request, row: models.QuerySet[Any], shown: Callable[[Any], Mapping[str, Any]]
) -> Iterator[None]:
    """Let an edit through only on the state that If-Match names; the row stays locked until the edit is done."""
    header = request.headers.get("If-Match")
    if header is None:
        yield
        return
    with transaction.atomic():
        now = row.select_for_update(of=("self",)).first()
        wanted = parse_etags(header)
        if now is None or (wanted != [ANY] and of(shown(now)) not in wanted):
            raise Problem(
                412, "changed_meanwhile", "This has changed since you read it. Read it again and send its new ETag."
            )
        yield
