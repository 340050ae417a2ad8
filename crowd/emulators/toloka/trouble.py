"""What a bad network and a tired server do to requests, as the fault switches ask for it."""

import asyncio
import json
import uuid
from collections import deque
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crowd.emulators.toloka.faults import Fault
from crowd.emulators.toloka.market import Market

REMEMBERED = 10_000
_HTML = b"<html><head><title>503 Service Temporarily Unavailable</title></head><body><h1>503</h1></body></html>"


class Trouble:
    """Wraps the application: errors before or after the work, lost and late answers. The control door is spared."""

    def __init__(self, app: ASGIApp, market: Market) -> None:
        self._app, self._market = app, market
        self.requests: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["request_id"] = str(uuid.uuid4())
        scope["requests"] = self.requests
        if "/_emulator" in scope["path"]:
            await self._app(scope, receive, send)
            return
        await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        struck = self._strike(scope["method"], scope["path"])
        error = next((name for name in _ERRORS if name in struck), None)
        if error is not None and not struck[error].after:
            self._note(scope, error)
            await _send_error(error, struck[error], scope, send)
            return
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self._app(scope, receive, keep)
        self._note(scope, kept[0]["status"], *struck)
        await _send_on(kept, error, struck, scope, send)

    def _strike(self, method: str, path: str) -> Mapping[str, Fault]:
        names = [*_ERRORS, "drop_reply", "hang"]
        if path.endswith("/download"):
            names.append("truncated_download")
        with self._market.lock:
            found = {name: self._market.faults.hit(name, method, path) for name in names}
        return {name: fault for name, fault in found.items() if fault is not None}

    def _note(self, scope: Scope, *outcome: object) -> None:
        said = " ".join(str(word) for word in outcome)
        self.requests.append({"method": scope["method"], "path": scope["path"], "outcome": said})


async def _send_on(
    kept: list[Message], error: str | None, struck: Mapping[str, Fault], scope: Scope, send: Send
) -> None:
    if "hang" in struck:
        await asyncio.sleep(struck["hang"].seconds)
    if "drop_reply" in struck:
        await _break_off(send)
    elif error is not None:
        await _send_error(error, struck[error], scope, send)
    elif "truncated_download" in struck:
        body = kept[1].get("body", b"")
        await send(kept[0])
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await _break_off(send)
    else:
        for message in kept:
            await send(message)


async def _break_off(send: Send) -> None:
    """Close the connection under the answer; uvicorn's `send` belongs to the connection that it writes to."""
    cycle = getattr(send, "__self__", None)
    if cycle is None:
        raise RuntimeError("Only uvicorn's connections can be broken off.")
    cycle.transport.close()
    await asyncio.sleep(0)  # so that uvicorn knows before the application returns


_ERRORS = ("throttle", "error_500", "error_502", "error_503")


async def _send_error(name: str, fault: Fault, scope: Scope, send: Send) -> None:
    status, media_type, body = _error(name, fault, scope["request_id"])
    headers = [(b"content-type", media_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _error(name: str, fault: Fault, request_id: str) -> tuple[int, bytes, bytes]:
    if name == "error_502":
        return 502, b"text/plain", b"502 Bad Gateway"
    if name == "error_503":
        return 503, b"text/html", _HTML
    told: dict[str, Any] = {"request_id": request_id, "message": "A fault that was switched on."}
    if name == "throttle":
        payload = {"interval": fault.interval} if fault.interval else None
        return 429, b"application/json", json.dumps({**told, "code": "TOO_MANY_REQUESTS", "payload": payload}).encode()
    return 500, b"application/json", json.dumps({**told, "code": "INTERNAL_ERROR", "payload": None}).encode()
