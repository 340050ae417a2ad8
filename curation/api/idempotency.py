"""`Idempotency-Key`: the same write sent twice happens once and is answered the same."""

import hashlib
from datetime import timedelta
from typing import Any

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from curation.api.auth import caller
from curation.api.problems import Problem
from curation.models import ApiToken, IdempotencyKey

ABANDONED_AFTER = timedelta(minutes=5)
KEPT_FOR = timedelta(days=7)
MOST_LETTERS = 200
REPLAYED = "Idempotency-Replayed"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Replay(Exception):
    """The request was carried out before; this is what it answered."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class Once:
    """Mix-in of a view: claims the key before a write, keeps the answer after it.

    An answer of 2xx is kept. A refusal is not: the caller mends the request and may use the same key.
    """

    _claimed: IdempotencyKey | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        key = request.headers.get("Idempotency-Key")
        if request.method in WRITES and key is not None:
            self._claimed = claim(request, key)

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, Replay):
            return Response(error.body, status=error.status, headers={REPLAYED: "true"})
        answer: Response = super().handle_exception(error)  # type: ignore[misc]
        return answer

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        claimed, self._claimed = self._claimed, None
        if claimed is not None:
            keep(claimed, response)
        return super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]


def claim(request: Request, key: str) -> IdempotencyKey:
    """Take the key for this request; raise Replay when it was answered, Problem when it cannot be used."""
    if not 1 <= len(key) <= MOST_LETTERS or not key.isprintable():
        raise Problem(400, "bad_idempotency_key", f"An Idempotency-Key has 1 to {MOST_LETTERS} printable letters.")
    digest, now, user = _digest(request), database_now(), caller(request)
    IdempotencyKey.objects.filter(user=user, created_at__lt=now - KEPT_FOR).delete()
    mine = IdempotencyKey.objects.filter(user=user, key=key)
    mine.filter(status=None, created_at__lt=now - ABANDONED_AFTER).delete()
    row, made = mine.get_or_create(user=user, key=key, defaults={"request_hash": digest})
    if made:
        return row
    if bytes(row.request_hash) != digest:
        raise Problem(
            422, "idempotency_key_reused", "This Idempotency-Key was used for another request; make a new one."
        )
    if row.status is None:
        raise Problem(409, "still_under_way", "The first request with this Idempotency-Key is still under way; wait.")
    raise Replay(row.status, row.body)


def keep(row: IdempotencyKey, response: HttpResponseBase) -> None:
    """Store a success; give the key back after anything else."""
    if isinstance(response, Response) and 200 <= response.status_code < 300:
        row.status, row.body = response.status_code, response.data
        row.save(update_fields=["status", "body"])
    else:
        row.delete()


def _digest(request: Request) -> bytes:
    """Return what makes two requests the same; a token for some projects never sees the answer to another's."""
    token = request.auth
    limits = f"token {token.pk}" if isinstance(token, ApiToken) and not token.all_projects else ""
    asked = f"{request.method} {request.get_full_path()}\n{request.headers.get('If-Match', '')}\n{limits}\n"
    return hashlib.sha256(asked.encode() + request.body).digest()
