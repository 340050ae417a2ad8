"""What went wrong, in our words: the platform's codes and the kit's exceptions become errors of crowd.errors.

A write that may have happened is Unknown and is read back before it is repeated; a read that failed is Unavailable.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import urllib3.exceptions

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
from crowd.fetching import AddressRefused, FetchError
from crowd.models import Account
from crowd.platforms.toloka import shim
from crowd.services import quotas

NOT_REACHED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
)
BROKEN_OFF = (httpx.HTTPError, urllib3.exceptions.HTTPError, OSError)
UNREADABLE = (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError)

A_MOMENT = timedelta(seconds=3)
UNWELCOME = "Toloka does not accept the token of “{label}”. Make a new one there and enter it for this account."
ACCESS = (
    "The token of “{label}” may not do this on Toloka. Ask the owner of the account there for access, or use theirs."
)
BALANCE = "The balance of “{label}” on Toloka does not cover this. Pay in there."
SENTENCES: Mapping[str, str] = {
    "EMPTY_POOL": "The pool has no tasks on Toloka yet. Add tasks, then open it.",
    "MIXER_CONFIG_REQUIRED": "The pool has no mixer on Toloka, so it cannot make pages of its tasks. Publish it anew.",
    "INAPPROPRIATE_STATUS": "Toloka says that its present state does not allow this. Pull the pool, then look again.",
    "POOL_INAPPROPRIATE_STATUS": "The pool is closed or archived on Toloka. Open it; an archived one stays closed.",
    "PROJECT_INAPPROPRIATE_STATUS": "The project is archived on Toloka. Publish the pool anew, under a new project.",
    "POOL_LOCKED_BY_ANOTHER_OPERATION": "Toloka is busy with another change of this pool. It is tried again.",
    "SKILL_REMOVED": "A skill of this pool was removed on Toloka. It is made anew at the next change of the pool.",
    "POOL_ASSIGNMENTS_COUNT_EXCEEDED": "The pool has reached Toloka's 2,000,000 pages. Go on in a new pool.",
    "POOL_TASKS_COUNT_EXCEEDED": "The pool has as many tasks as Toloka allows. Go on in a new pool.",
    "UNARCHIVED_POOLS_CONFLICT": "The project still has pools that are not archived on Toloka. Archive them first.",
    "THERE_IS_REJECTED_ASSIGNMENT": "A pool with rejected pages can be archived nine days after the last rejection.",
    "SUBMITTED_ASSIGNMENTS_CONFLICT": "Pages of this pool still wait for a verdict. Accept or reject them first.",
    "TRAINING_ARCHIVE_CONFLICT": "Pools that are not archived still ask for this training. Archive them first.",
}
ABOUT_THE_ACCOUNT: Mapping[str, tuple[type[PlatformError], str]] = {
    "AUTHENTICATION_ERROR": (AuthFailed, UNWELCOME),
    "OAUTH_AUTHENTICATION_ERROR": (AuthFailed, UNWELCOME),
    "401": (AuthFailed, UNWELCOME),
    "NOT_ENOUGH_BALANCE": (OutOfFunds, BALANCE),
    "ACCESS_DENIED": (AuthFailed, ACCESS),
    "403": (AuthFailed, ACCESS),
}
BROKEN = frozenset({"INTERNAL_ERROR", "REMOTE_SERVICE_UNAVAILABLE"})
BUSY = frozenset({"POOL_LOCKED_BY_ANOTHER_OPERATION", "BILLING_NOT_SYNCHRONIZED"})
MISSING = frozenset({"ENTITY_DOES_NOT_EXIST", "DOES_NOT_EXIST"})


@contextmanager
def translated(account: Account, *, write: bool, quota: str = "") -> Iterator[None]:
    """Let only errors of ours out. `quota` is what to mark as used up when the platform says "too many"."""
    errors = shim.kit().exceptions
    try:
        yield
    except PlatformError:
        raise
    except FetchError as error:
        hint = " ALLOW_PRIVATE_HOSTS opens a host of your own network." if isinstance(error, AddressRefused) else ""
        raise Unavailable(f"Toloka sends on to an address that is not fetched: {error}{hint}") from error
    except errors.ApiError as error:
        status = int(error.status_code or 0)
        said = error.code or "", error.message or "", error.payload
        raise refusal(account, status, *said, write=write, quota=quota) from error
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        raise refusal(account, status, "", f"HTTP {status}", None, write=write, quota=quota) from error
    except NOT_REACHED as error:
        raise Unavailable(f"Toloka cannot be reached at {account.base_url or 'toloka.dev'}.") from error
    except BROKEN_OFF as error:
        raise in_doubt(f"the connection broke off ({type(error).__name__})", write=write) from error
    except UNREADABLE as error:
        raise in_doubt("its answer cannot be read", write=write) from error


def in_doubt(why: str, *, write: bool) -> PlatformError:
    """Return the error of a call nobody knows the end of."""
    if write:
        return Unknown(f"Nobody knows whether Toloka has done it: {why}. It is looked up before it is repeated.")
    return Unavailable(f"Toloka did not answer: {why}. It is asked again.")


def refusal(
    account: Account, status: int, code: str, message: str, payload: Any, *, write: bool = True, quota: str = ""
) -> PlatformError:
    """Return our error for an error body, or for a status without one."""
    if code == "TOO_MANY_REQUESTS" or status == 429:
        return throttled(account, payload, quota, database_now())
    if status >= 500 or status == 408 or code in BROKEN:
        return in_doubt(f"it answered {status}", write=write)
    plain = ABOUT_THE_ACCOUNT.get(code) or ABOUT_THE_ACCOUNT.get(str(status))
    if plain is not None:
        kind, sentence = plain
        return kind(sentence.format(label=account.label))
    if code in MISSING or status == 404:
        return NotFound(f"Toloka does not know this id. {message}".strip())
    if status == 409:
        conflict = Unavailable if code in BUSY else StateConflict
        return conflict(SENTENCES.get(code, f"Toloka refuses this now: {message or code} ({code})."))
    return Invalid(fields_of(payload) or {code or "request": message or f"refused with status {status}"})


def throttled(account: Account, payload: Any, quota: str, now: datetime) -> Throttled:
    """Return when the platform may be asked again, and remember that this quota is used up.

    Without an interval no quota is meant but too many calls in a moment: that moment is soon over.
    """
    interval = str(payload.get("interval") or "") if isinstance(payload, Mapping) else ""
    if not interval:
        return Throttled(now + A_MOMENT, "fewer requests at once")
    retry_at = quotas.note_full(account=account, name=quota or "requests", interval=interval, now=now)
    words = quotas.window_words(quotas.INTERVALS.get(interval, 60))
    return Throttled(retry_at, f"Toloka allows no more {quota or 'requests'} {words}")


def fields_of(payload: Any) -> dict[str, str]:
    """Return `{field: what is wrong with it}` of a validation error."""
    if not isinstance(payload, Mapping):
        return {}
    return {str(name): sentence_of(problem) for name, problem in payload.items() if problem}


def sentence_of(problem: Any) -> str:
    if not isinstance(problem, Mapping):
        return str(problem)
    message, code = str(problem.get("message") or ""), str(problem.get("code") or "")
    return f"{message.rstrip('.')} ({code})" if message and code else message or code
