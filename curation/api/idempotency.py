"""`Idempotency-Key`: the same write sent twice happens once and is answered the same."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django.http import HttpResponseBase
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from curation.api.auth import caller
from curation.api.problems import Problem
from curation.models import ApiToken, IdempotencyKey

ABANDONED_AFTER = timedelta(minutes=5)
STILL_UNDER_WAY_SECONDS = 2
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

    An answer of 2xx is kept, without what is `shown_once`. A refusal is not: the caller mends the request and may use
    the same key. Doors that take files have no use for a key: what they take has identities of its own.
    """

    shown_once: ClassVar[Sequence[str]] = ()
    _claimed: IdempotencyKey | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        key = request.headers.get("Idempotency-Key")
        if request.method in WRITES and key is not None and takes_keys(type(self), request.method):
            self._claimed = claim(request, key)

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, Replay):
            return Response(error.body, status=error.status, headers={REPLAYED: "true"})
        try:
            answer: Response = super().handle_exception(error)  # type: ignore[misc]
        except Exception:
            self._free()  # a fault of ours: the same request may be sent again at once
            raise
        return answer

    def _free(self) -> None:
        claimed, self._claimed = self._claimed, None
        if claimed is not None:
            claimed.delete()

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        claimed, self._claimed = self._claimed, None
        if claimed is not None:
            keep(claimed, response, self.shown_once)
        return super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]


def takes_keys(door: type[Any], method: str) -> bool:
    """Whether a door reads JSON or nothing: files are a stream, and are known by themselves when they come again."""
    return method == "DELETE" or any(issubclass(parser, JSONParser) for parser in getattr(door, "parser_classes", ()))


def claim(request: Request, key: str) -> IdempotencyKey:
    """Take the key for this request; raise Replay when it was answered, Problem when it cannot be used."""
    if not 1 <= len(key) <= MOST_LETTERS or not key.isprintable():
        raise Problem(400, "bad_idempotency_key", f"An Idempotency-Key has 1 to {MOST_LETTERS} printable letters.")
    digest, now, user = _digest(request), database_now(), caller(request)
    mine = IdempotencyKey.objects.filter(user=user, key=key)
    mine.filter(created_at__lt=now - IdempotencyKey.KEPT_FOR).delete()
    mine.filter(status=None, created_at__lt=now - ABANDONED_AFTER).delete()
    row, made = mine.get_or_create(user=user, key=key, defaults={"request_hash": digest})
    if made:
        return row
    if bytes(row.request_hash) != digest:
        raise Problem(
            422, "idempotency_key_reused", "This Idempotency-Key was used for another request; make a new one."
        )
    if row.status is None:
        sentence = "The first request with this Idempotency-Key is still under way; wait."
        raise Problem(409, "still_under_way", sentence, wait=STILL_UNDER_WAY_SECONDS)
    raise Replay(row.status, row.body)


def keep(row: IdempotencyKey, response: HttpResponseBase, shown_once: Sequence[str] = ()) -> None:
    """Store a success, without what nobody sees twice; give the key back after anything else."""
    if isinstance(response, Response) and 200 <= response.status_code < 300:
        told = response.data
        if shown_once and isinstance(told, Mapping):
            told = {name: value for name, value in told.items() if name not in shown_once}
        row.status, row.body = response.status_code, told
        row.save(update_fields=["status", "body"])
    else:
        row.delete()


def _digest(request: Request) -> bytes:
    """Return what makes two requests the same; a token for some projects never sees the answer to another's."""
    token = request.auth
    limits = f"token {token.pk}" if isinstance(token, ApiToken) and not token.all_projects else ""
    asked = f"{request.method} {request.get_full_path()}\n{request.headers.get('If-Match', '')}\n{limits}\n"
    return hashlib.sha256(asked.encode() + request.body).digest()
