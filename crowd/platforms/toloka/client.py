"""One client for one chain of calls: the kit's, with a policy under which a POST is sent once and nobody waits.

What may be asked twice (GET, PUT, DELETE) is repeated by the kit; everything else is left to the outbox. Bodies are
plain JSON through the kit's raw request: its objects are slow by the thousand, and its dates carry microseconds.
"""

import json
import ssl
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any

import httpx
from django.conf import settings

from crowd.clock import database_now
from crowd.errors import AuthFailed, NotFound, StillRunning
from crowd.fetching.hops import checked_hops
from crowd.models import Account
from crowd.platforms.toloka import shim
from crowd.platforms.toloka.refusals import UNWELCOME, refusal, translated
from crowd.services import quotas

Json = dict[str, Any]
USUAL_URL = "https://toloka.dev"
TIMEOUT = 30.0
REPEATED = ("GET", "PUT", "DELETE")
WORTH_REPEATING = (408, 500, 503, 504)
REPEATS = 3
BACKOFF = 0.5
LOOK_AGAIN = timedelta(seconds=1)
OURS = uuid.UUID("6f1c3c52-6a1e-5a0e-9d55-1f6a0d1b7c11")  # our name space for ids of operations
SUCCESS, FAIL = "SUCCESS", "FAIL"
OTHER_DOORS = ("/new/", "/staging/")


class Client:
    """The requests of one account."""

    def __init__(self, account: Account, kit: Any) -> None:
        self.account = account
        self._kit = kit

    def get(self, path: str, **params: Any) -> Any:
        """Ask for something; a path begins behind /api/v1, unless it is one of the other doors."""
        with translated(self.account, write=False):
            return _plain(self._kit.ask("get", _behind_api(path), params))

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, Any] | None = None,
        quota: str = "",
        n: int = 1,
    ) -> Any:
        """Change something; n of a quota are counted first, so that a full one is not even tried."""
        if quota:
            quotas.take(account=self.account, name=quota, n=n, now=database_now())
        with translated(self.account, write=True, quota=quota):
            return _plain(self._kit.ask(method, _behind_api(path), dict(params or {}), body))

    def pages(self, path: str, limit: int, **params: Any) -> Iterator[list[Json]]:
        """Give a list page by page in the order of ids."""
        while True:
            page = self.get(path, **params, sort="id", limit=limit)
            yield page["items"]
            if not page["has_more"] or not page["items"]:
                return
            params["id_gt"] = page["items"][-1]["id"]

    def operation(self, operation_id: str) -> Json | None:
        """Return an operation, or None when the platform has never heard of it."""
        try:
            found: Json = self.get(f"/operations/{operation_id}")
        except NotFound:
            return None
        return found

    def ended(self, operation: Json | None, what: str) -> None:
        """See a change of state through; None = it was so already. Raises StillRunning, or why it failed."""
        if operation is None:
            return
        if operation["status"] not in (SUCCESS, FAIL):
            operation = self.get(f"/operations/{operation['id']}")
        self.require_end(operation, what)
        if operation["status"] == FAIL:
            told = operation.get("details") or {}
            code, said = str(told.get("code") or FAIL), str(told.get("message") or what)
            raise refusal(self.account, 409, code, said, told.get("payload"))

    def require_end(self, operation: Json, what: str) -> None:
        if operation["status"] not in (SUCCESS, FAIL):
            raise StillRunning(database_now() + LOOK_AGAIN, what)

    @contextmanager
    def download(self, path: str) -> Iterator[httpx.Response]:
        """Open a file as a stream; where it sends on to another host, that one does not get the token."""
        with translated(self.account, write=False), self._opened(path) as response:
            if not response.is_success:
                response.read()
                shim.kit().exceptions.raise_on_api_error(response)
            yield response

    @contextmanager
    def _opened(self, path: str) -> Iterator[httpx.Response]:
        """Ask again, as the kit does for other GETs, while nothing has come yet."""
        for tries_left in reversed(range(REPEATS + 1)):
            with ExitStack() as opened:
                try:
                    response = opened.enter_context(self._stream(path))
                except httpx.TransportError:
                    if not tries_left:
                        raise
                else:
                    if not tries_left or response.status_code not in WORTH_REPEATING:
                        yield response
                        return
            time.sleep(BACKOFF)

    @contextmanager
    def _stream(self, path: str) -> Iterator[httpx.Response]:
        kit = self._kit
        hook = checked_hops(kit.url, allow=frozenset(settings.ALLOWED_PRIVATE_HOSTS))
        with (
            httpx.Client(
                timeout=TIMEOUT, follow_redirects=True, verify=certificates(), event_hooks={"request": [hook]}
            ) as client,
            client.stream("GET", f"{kit.url}/api/v1{path}", headers=kit._headers) as response,
        ):
            yield response


@contextmanager
def connected(account: Account) -> Iterator[Client]:
    """Give a client for one chain of calls and close its connections afterwards."""
    kit = _kit_client(account)
    try:
        yield Client(account, kit)
    finally:
        kit._session.close()


def operation_id(*words: str) -> str:
    """Return the id under which the platform does something once: the same words, the same operation."""
    return str(uuid.uuid5(OURS, "\n".join(words)))


def is_yandex(account: Account) -> bool:
    return bool(account.settings.get("yandex"))


@cache
def certificates() -> ssl.SSLContext:
    """Read the authorities once: that takes longer than a call."""
    return httpx.create_ssl_context()


def _kit_client(account: Account) -> Any:
    token = account.secrets.get("token", "").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise AuthFailed(UNWELCOME.format(label=account.label))
    maker = _yandex_class() if is_yandex(account) else _client_class()
    return maker(
        token,
        url=account.base_url or USUAL_URL,
        timeout=TIMEOUT,
        retry_quotas=None,
        retryer_factory=_policy,
        act_under_account_id=account.settings.get("act_under_account_id"),
        verify=certificates(),
    )


@cache
def _client_class() -> Any:
    """Return the kit's client with the raw request as a method of its own, under the headers the kit sends."""
    base: Any = shim.kit().TolokaClient  # first: it makes the kit importable
    named = import_module("toloka.util._managing_headers").add_headers("winnow")

    class KitClient(base):  # type: ignore[misc]  # the kit is loaded on first use
        oauth_only = False

        @property
        def _headers(self) -> dict[str, str]:
            """Yandex Tasks knows one scheme; the kit would take a token with two dots for an API key."""
            scheme = {"Authorization": f"OAuth {self.token}"} if self.oauth_only else {}
            return {**super()._headers, **scheme}

        @named  # type: ignore[untyped-decorator]
        def ask(self, method: str, path: str, params: dict[str, Any], body: Any = None) -> httpx.Response:
            response: httpx.Response = self._raw_request(method, path, params=params, json=body)
            return response

    return KitClient


@cache
def _yandex_class() -> Any:
    return type("YandexClient", (_client_class(),), {"oauth_only": True})


def _policy() -> Any:
    return shim.kit().TolokaRetry(
        retry_quotas=None,
        total=REPEATS,
        status_forcelist=WORTH_REPEATING,
        allowed_methods=REPEATED,
        backoff_factor=BACKOFF,
        respect_retry_after_header=False,
    )


def _behind_api(path: str) -> str:
    return path if path.startswith(OTHER_DOORS) else f"/v1{path}"


def _plain(response: httpx.Response) -> Any:
    """Return the JSON of an answer, numbers with a point exactly as they stand; None for 204."""
    if response.status_code == 204:
        return None
    return json.loads(response.content, parse_float=Decimal)
