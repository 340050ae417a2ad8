"""One call to MTurk at a time: sent once, its errors sorted into ours. boto3 is imported on first use.

https://docs.aws.amazon.com/AWSMechTurk/latest/AWSMturkAPI/Welcome.html
"""

import os
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

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
USUAL_URL: Final = "https://mturk-requester.us-east-1.amazonaws.com"
REGION: Final = "us-east-1"
ENTITY: Final = re.compile(r"[A-Z0-9]{1,64}")
WORKER: Final = re.compile(r"A[A-Z0-9]{1,63}")
MOST_RESULTS: Final = 100
PAUSE: Final = timedelta(seconds=5)
READS: Final = ("get_", "list_")
STRANGER: Final = frozenset(
    {
        "UnrecognizedClientException",
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
        "InvalidSignatureException",
        "InvalidClientTokenId",
        "IncompleteSignature",
        "AccessDeniedException",
        "SignatureDoesNotMatch",
        "ExpiredTokenException",
    }
)
NOT_REACHED: Final = ("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError")
TOLD_AT: Final = re.compile(r" \(\d+ s\)$")  # every message of the service ends with the time


class Repeated(StateConflict):
    """The token of this call was used within the last day: what it was for is done."""


NOT_ACCEPTED = (
    "MTurk does not accept the keys of “{label}” ({said}). Make new ones in AWS and enter them for this account."
)


class Client:
    """MTurk as one account sees it."""

    def __init__(self, account: Account, boto: Any) -> None:
        self.account, self._boto = account, boto

    def call(self, operation: str, **request: Any) -> Json:
        """Send one operation, once."""
        try:
            answer: Json = getattr(self._boto, operation)(**request)
        except Exception as error:
            raise self._sorted(error, writes=not operation.startswith(READS)) from error
        return answer

    def each(self, operation: str, member: str, **request: Any) -> Iterator[Json]:
        """Give a list item by item; one short page is not its end, only a missing token is."""
        more: Json = {}
        while True:
            answer = self.call(operation, MaxResults=MOST_RESULTS, **request, **more)
            yield from answer.get(member, [])
            if not answer.get("NextToken") or not answer.get(member):
                return
            more = {"NextToken": answer["NextToken"]}

    def _sorted(self, error: Exception, *, writes: bool) -> Exception:
        said = getattr(error, "response", None)
        if isinstance(said, Mapping):
            return self._refusal(said, writes=writes)
        name = type(error).__name__
        if name in NOT_REACHED:
            return Unavailable(f"MTurk cannot be reached at {self.account.base_url or USUAL_URL}.")
        if name in {"ParamValidationError", "NoCredentialsError"}:
            return Invalid({"request": str(error)[:300]})
        if isinstance(error, import_module("botocore.exceptions").BotoCoreError):
            return _broken(f"MTurk's answer did not arrive ({name})", writes=writes)
        return error

    def _refusal(self, said: Mapping[str, Any], *, writes: bool) -> PlatformError:
        kind = str(said.get("Error", {}).get("Code", ""))
        words = TOLD_AT.sub("", str(said.get("Error", {}).get("Message", "") or said.get("Message", ""))).strip(" .")
        status = int(said.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if "throttling" in kind.lower() or status == 429:
            return Throttled(database_now() + PAUSE, "requests")
        if kind in STRANGER or status in {401, 403}:
            return AuthFailed(NOT_ACCEPTED.format(label=self.account.label, said=words or kind))
        if status >= 500 or "servicefault" in kind.lower():
            return _broken(f"MTurk failed: {words or kind}", writes=writes)
        return by_code(str(said.get("TurkErrorCode", "")) or kind, words or kind)


def by_code(code: str, words: str) -> PlatformError:
    """Sort a refusal by its TurkErrorCode; their case is not always the same."""
    name, sentence = code.lower().removeprefix("aws.mechanicalturk."), words.rstrip(".")
    if name in {"hitalreadyexists", "duplicaterequest"}:
        return Repeated(f"{sentence}.")
    if name.endswith("doesnotexist"):
        return NotFound(f"{sentence}.")
    if "insufficientfunds" in name:
        return OutOfFunds(f"{sentence}. Put money on the MTurk account.")
    if "state" in name or name.endswith("alreadyexists") or name == "permissiondeniedexception":
        return StateConflict(f"{sentence}.")
    return Invalid({"MTurk": sentence})


def _broken(what: str, *, writes: bool) -> PlatformError:
    return Unknown(f"{what}; it may have happened all the same.") if writes else Unavailable(f"{what}.")


def connected(account: Account) -> Client:
    """Return a client for this account. Raises AuthFailed when its keys cannot be keys."""
    keys = [account.secrets.get(name, "").strip() for name in ("access_key", "secret_key")]
    if not all(key and key.isascii() and key.isprintable() for key in keys):
        raise AuthFailed(f"“{account.label}” has no access key and secret key for MTurk. Enter them on its page.")
    return Client(account, _boto(account.base_url or USUAL_URL, *keys, os.getpid()))


@lru_cache(maxsize=16)
def _boto(url: str, access_key: str, secret_key: str, _process: int) -> Any:
    """Make the official client, which never repeats a call: the outbox does that. A fork makes its own."""
    config = import_module("botocore.config").Config(
        retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=5, read_timeout=15
    )
    return import_module("boto3").client(
        "mturk",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=config,
    )


def entity(entity_id: str, noun: str) -> str:
    """Return an id that could be one of MTurk's; anything else is not found, without asking."""
    if not ENTITY.fullmatch(entity_id):
        raise NotFound(f"MTurk has no {noun} {entity_id!r}.")
    return entity_id


def worker_id(ext_id: str) -> str:
    if not WORKER.fullmatch(ext_id):
        raise NotFound(f"MTurk has no worker {ext_id!r}.")
    return ext_id
