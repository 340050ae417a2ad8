"""Ranges that the service documents in words, beyond what its model says."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from crowd.emulators.mturk.errors import invalid

YEAR: Final = 31_536_000
MONTH: Final = 2_592_000
_NUMBERS: Final = {
    "LifetimeInSeconds": (30, YEAR),
    "AssignmentDurationInSeconds": (30, YEAR),
    "AutoApprovalDelayInSeconds": (0, MONTH),
    "MaxAssignments": (1, 1_000_000_000),
    "NumberOfAdditionalAssignments": (1, 1_000_000_000),
    "TestDurationInSeconds": (1, YEAR),
    "RetryDelayInSeconds": (0, YEAR),
}
_LENGTHS: Final = {
    "Title": 128,
    "Description": 2_000,
    "Keywords": 1_000,
    "RequesterAnnotation": 255,
    "RequesterFeedback": 1_024,
    "Name": 200,
    "Subject": 200,
    "MessageText": 4_096,
}
_NOT_EMPTY: Final = ("Title", "Description", "Name", "Subject", "MessageText", "Reason")


def check_limits(request: Mapping[str, Any]) -> None:
    """Check every member of a request that has a documented range."""
    for name, value in request.items():
        if name in _NUMBERS and not _NUMBERS[name][0] <= value <= _NUMBERS[name][1]:
            raise invalid(f"{name} is {value}; expected {_NUMBERS[name][0]} to {_NUMBERS[name][1]}.")
        if name in _LENGTHS and len(value) > _LENGTHS[name]:
            raise invalid(f"{name} has {len(value)} characters; at most {_LENGTHS[name]} are allowed.")
        if name in _NOT_EMPTY and not value.strip():
            raise invalid(f"{name} is empty.")


def seconds(request: Mapping[str, Any], name: str, default: int = 0) -> timedelta:
    return timedelta(seconds=request.get(name, default))


def optional_seconds(request: Mapping[str, Any], name: str) -> timedelta | None:
    return timedelta(seconds=request[name]) if name in request else None
