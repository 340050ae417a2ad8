"""Faults that can be switched on: errors before or after the work, lost answers. Each strikes so many times."""

import asyncio
import json
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAMES = {
    "drop_reply": "do the work and break the connection off",
    "error_500": "answer 500 with the platform's error body",
    "error_502": "answer 502 with an HTML page",
    "not_json": "do the work and answer 200 with something that is not JSON",
    "throttle": "answer 429",
}


@dataclass(slots=True)
class Fault:
    """`path` and `method` narrow it down; `after` lets an error come after the work was done."""

    times: int = 1
    path: str = ""
    method: str = ""
    after: bool = False


class Trouble:
    """Wraps the application; the control door is spared. `requests` remembers what came in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.faults: dict[str, Fault] = {}
        self.requests: list[tuple[str, str]] = []

    def switch(self, name: str, **fault: object) -> None:
        if name not in NAMES:
            raise ValueError(f"{name!r} is not a fault; there are: {', '.join(NAMES)}.")
        self.faults[name] = Fault(**fault)  # type: ignore[arg-type]  # the fields of Fault, from JSON

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "/_emulator" in scope["path"]:
            await self._app(scope, receive, send)
            return
        self.requests.append((scope["method"], scope["path"]))
        name = self._struck(scope["method"], scope["path"])
        if name is None:
            await self._app(scope, receive, send)
        elif name in {"drop_reply", "not_json"} or self.faults[name].after:
            await self._app(scope, receive, _swallow)
            await _spoil(name, send)
        else:
            await _spoil(name, send)

    def _struck(self, method: str, path: str) -> str | None:
        for name, fault in self.faults.items():
            if fault.times > 0 and fault.path in path and fault.method in {"", method}:
                fault.times -= 1
                return name
        return None


async def _swallow(_message: Message) -> None:
    """The work was done and nobody hears of it."""


async def _spoil(name: str, send: Send) -> None:
    if name == "drop_reply":
        await asyncio.sleep(0)
        getattr(send, "__self__").transport.abort()  # noqa: B009  uvicorn's `send` belongs to its connection
        return
    status, media_type, body = _answers(name)
    headers = [(b"content-type", media_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _answers(name: str) -> tuple[int, bytes, bytes]:
    if name == "error_502":
        return 502, b"text/html", b"<html><h1>502 Bad Gateway</h1></html>"
    if name == "not_json":
        return 200, b"text/html", b"<html>Welcome</html>"
    status = 429 if name == "throttle" else 500
    error = {"error": {"status": status, "title": "A fault", "detail": "A fault that was switched on."}}
    return status, b"application/json", json.dumps(error).encode()
