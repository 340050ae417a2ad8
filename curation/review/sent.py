"""What browsers send to the review screens, read and checked."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from curation.models import Review
from curation.services.reviews import Decided, Refused


def body_of(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def typed(request: HttpRequest, name: str, most: int = 300) -> str:
    """Return a posted text without NUL (PostgreSQL refuses it) and surrounding blanks, cut to a length."""
    return request.POST.get(name, "").replace("\x00", "").strip()[:most]


def decisions_of(request: HttpRequest) -> tuple[list[Decided], list[dict[str, Any]]]:
    """Return the decisions that can be read, and the others with what is wrong with them."""
    rows = body_of(request).get("decisions")
    sent: list[Decided] = []
    refused: list[dict[str, Any]] = []
    for raw in rows if isinstance(rows, list) else []:
        try:
            sent.append(decision_of(raw))
        except Refused as error:
            key = raw.get("key", "") if isinstance(raw, dict) else ""
            refused.append({"key": str(key), "why": str(error)})
    return sent, refused


def decision_of(raw: object) -> Decided:
    """Read one decision as it was sent; Refused says what is wrong with it."""
    if not isinstance(raw, Mapping):
        raise Refused("A decision must be an object.")
    ms, boxes = raw.get("ms"), raw.get("boxes")
    if boxes is not None and not isinstance(boxes, list):
        raise Refused("The boxes of a decision must be a list.")
    return Decided(
        key=uuid_of(raw.get("key"), "key"),
        asset=uuid_of(raw.get("id"), "id"),
        verdict=str(raw.get("verdict") or ""),
        reason=str(raw.get("reason") or "")[:40],
        boxes=boxes,
        ms=ms if isinstance(ms, int) and not isinstance(ms, bool) else None,
        undoes=uuid_of(raw["undoes"], "undoes") if raw.get("undoes") else None,
        seen=_seen(raw),
        in_grid=raw.get("in_grid") is True,
    )


def _seen(raw: Mapping[str, Any]) -> int | None:
    seen = raw.get("seen")
    if raw.get("verdict") == Review.Verdict.UNDO:
        return None
    if not isinstance(seen, int) or isinstance(seen, bool):
        raise Refused("A decision must say which boxes were seen; load the page again.")
    return seen


def uuid_of(value: object, name: str) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise Refused(f"{value!r} is no {name}: it must be a UUID.") from None
