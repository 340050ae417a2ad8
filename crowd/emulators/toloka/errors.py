"""Refusals as the platform words them: an HTTP status, a code, a message and a payload."""

from collections.abc import Iterable
from typing import Any

FieldErrors = dict[str, Any]
"""Path of a field to `{"code", "message", "params"}`."""


class ApiError(Exception):
    def __init__(self, status: int, code: str, message: str, payload: Any = None) -> None:
        self.status, self.code, self.message, self.payload = status, code, message, payload
        super().__init__(f"{code}: {message}")


def field_error(code: str, message: str, *params: Any) -> dict[str, Any]:
    return {"code": code, "message": message, "params": list(params)}


def invalid(payload: FieldErrors) -> ApiError:
    return ApiError(400, "VALIDATION_ERROR", "Validation failed", payload)


def invalid_field(path: str, code: str, message: str, *params: Any) -> ApiError:
    return invalid({path: field_error(code, message, *params)})


def missing(kind: str, ident: str) -> ApiError:
    return ApiError(404, "DOES_NOT_EXIST", f"There is no {kind} {ident}.")


def conflict(code: str, message: str, payload: Any = None) -> ApiError:
    return ApiError(409, code, message, payload)


def wrong_status(subject: str, status: str, appropriate: Iterable[str], code: str = "INAPPROPRIATE_STATUS") -> ApiError:
    return conflict(code, f"{subject} is {status}.", {"appropriate_statuses": list(appropriate)})


def throttled(quota: str, interval: str | None) -> ApiError:
    payload = None if interval is None else {"interval": interval}
    return ApiError(429, "TOO_MANY_REQUESTS", f"The quota of {quota} is used up.", payload)
