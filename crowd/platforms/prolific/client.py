"""One client for one chain of calls: every request is sent once, and what went wrong is said in our words.

A write that may have happened is Unknown and is read back before it is repeated; a read that failed is Unavailable.
https://docs.prolific.com/api-reference/introduction
"""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx

from crowd.clock import database_now
from crowd.errors import (
    AuthFailed,
    Invalid,
    NotFound,
    OutOfFunds,
    PlatformError,
    StateConflict,
    Throttled,
    Unavailable,
    Unknown,
)
from crowd.models import Account

Json = dict[str, Any]
USUAL_URL = "https://api.prolific.com"
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
PAGE_SIZE = 100
WAIT = timedelta(seconds=60)  # the platform publishes no limits; it says when it has had enough
LONGEST_WAIT = 3_600
NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)
MONEY_WORDS = ("balance", "insufficient", "fund", "top up", "top-up")

NOT_ACCEPTED = (
    "Prolific does not accept the token of “{label}”. Make a new one in its settings and enter it for this account."
)
BALANCE = "The balance of “{label}” on Prolific does not cover this ({said}). Top up there."
REFUSALS: Mapping[int, tuple[type[PlatformError], str]] = {
    401: (AuthFailed, NOT_ACCEPTED),
    403: (AuthFailed, "The token of “{label}” may not do this on Prolific ({said}). Use one of a member who may."),
    404: (NotFound, "Prolific does not know this ({said})."),
    409: (StateConflict, "Prolific says that the present state does not allow this: {said}."),
}


class Client:
    """The requests of one account. A path is made of parts, so that no id can lead elsewhere."""

    def __init__(self, account: Account, http: httpx.Client) -> None:
        self.account = account
        self._http = http

    def get(self, *parts: str, **params: Any) -> Any:
        return self._send("GET", parts, params=params)

    def read(self, *parts: str, body: Any) -> Any:
        """Ask a question that the platform wants as a POST; nothing changes by it."""
        return self._send("POST", parts, body=body, writes=False)

    def post(self, *parts: str, body: Any = None) -> Any:
        return self._send("POST", parts, body=body, writes=True)

    def post_for_headers(self, *parts: str, body: Any) -> tuple[Any, Mapping[str, str]]:
        response = self._exchange("POST", parts, {}, body, writes=True)
        return self._plain(response, writes=True), response.headers

    def patch(self, *parts: str, body: Any) -> Any:
        return self._send("PATCH", parts, body=body, writes=True)

    def delete(self, *parts: str, body: Any) -> Any:
        return self._send("DELETE", parts, body=body, writes=True)

    def each(self, *parts: str, **params: Any) -> Iterator[Json]:
        """Give a list item by item, page after page."""
        number, more = 1, True
        while more:
            rows, more = self.page(*parts, number=number, **params)
            yield from rows
            number += 1

    def page(self, *parts: str, number: int, **params: Any) -> tuple[list[Json], bool]:
        """Return one page of a list and whether there is another."""
        answer = self.get(*parts, page=number, page_size=PAGE_SIZE, **params)
        rows = answer["results"]
        count = (answer.get("meta") or {}).get("count")
        more = number * PAGE_SIZE < count if count is not None else len(rows) == PAGE_SIZE
        return rows, bool(rows) and more

    def _send(
        self, method: str, parts: tuple[str, ...], *, params: Any = None, body: Any = None, writes: bool = False
    ) -> Any:
        return self._plain(self._exchange(method, parts, params or {}, body, writes=writes), writes=writes)

    def _exchange(self, method: str, parts: tuple[str, ...], params: Any, body: Any, *, writes: bool) -> httpx.Response:
        if not all(parts):
            raise NotFound("Prolific has nothing with an empty id.")
        path = "/api/v1/" + "/".join(quote(part, safe="") for part in parts) + "/"
        try:
            response = self._http.request(method, path, params=params, json=body)
        except NOT_REACHED as error:
            raise Unavailable(f"Prolific cannot be reached at {self._http.base_url}.") from error
        except httpx.HTTPError as error:
            raise _broken(f"Prolific's answer did not arrive ({type(error).__name__})", writes=writes) from error
        if not response.is_success:
            raise self._refusal(response, writes=writes)
        return response

    def _plain(self, response: httpx.Response, *, writes: bool) -> Any:
        if response.status_code in {202, 204} or not response.content:
            return None
        try:
            return json.loads(response.content)
        except ValueError as error:
            raise _broken("Prolific answered with something that is not JSON", writes=writes) from error

    def _refusal(self, response: httpx.Response, *, writes: bool) -> PlatformError:
        status, said, label = response.status_code, _said(response), self.account.label
        if status == 429:
            return Throttled(database_now() + _wait(response), "requests")
        if status == 408 or status >= 500:
            return _broken(f"Prolific failed with {status}", writes=writes)
        if status == 400 and any(word in said.lower() for word in MONEY_WORDS):
            return OutOfFunds(BALANCE.format(label=label, said=said))
        kind, sentence = REFUSALS.get(status, (None, ""))
        return kind(sentence.format(label=label, said=said)) if kind else Invalid({"Prolific": said})


@contextmanager
def connected(account: Account) -> Iterator[Client]:
    """Give a client for one chain of calls and close its connections afterwards."""
    token = account.secrets.get("token", "").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise AuthFailed(NOT_ACCEPTED.format(label=account.label))
    with httpx.Client(
        base_url=account.base_url or USUAL_URL,
        headers={"Authorization": f"Token {token}"},
        timeout=TIMEOUT,
        verify=_certificates(),
    ) as http:
        yield Client(account, http)


@cache
def _certificates() -> ssl.SSLContext:
    """Read the authorities once: that takes longer than a call."""
    return httpx.create_ssl_context()


def _broken(what: str, *, writes: bool) -> PlatformError:
    return Unknown(f"{what}; it may have happened all the same.") if writes else Unavailable(f"{what}.")


def _wait(response: httpx.Response) -> timedelta:
    asked = response.headers.get("Retry-After", "")
    return timedelta(seconds=min(int(asked), LONGEST_WAIT)) if asked.isdecimal() else WAIT


def _said(response: httpx.Response) -> str:
    """Return the platform's own words, without its full stop."""
    try:
        error = response.json()["error"]
        told = error.get("detail") or error.get("title") or ""
        text = told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)
    except (ValueError, KeyError, TypeError, AttributeError):
        text = ""
    return text.strip().rstrip(".")[:300] or f"HTTP {response.status_code}"
