"""The HTTP side: the service's wire format, the worker's pages and the control door behind one port."""

import asyncio
import json
import re
from datetime import datetime
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from crowd.emulators.mturk.contract import TARGET
from crowd.emulators.mturk.control import Control
from crowd.emulators.mturk.errors import Refusal
from crowd.emulators.mturk.pages import PAGE, PREVIEW, SUBMIT, external_submit, form_page, read_form
from crowd.emulators.mturk.service import Service

DOOR: Final = "/_emulator"
WIRE: Final = "application/x-amz-json-1.1"
_CREDENTIAL: Final = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/")
# What an application returns beside None makes uvicorn close the connection without an answer: ASGI has no other way.
HANG_UP: Final = "hang up"


class Http:
    """An ASGI application; whatever prefix an address has belongs to the emulator's base address."""

    def __init__(self, service: Service, control: Control, access_key: str | None) -> None:
        self._service, self._control, self._access_key = service, control, access_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> str | None:
        request = Request(scope, receive)
        answer = await self._answer(request)
        if answer is None:
            return HANG_UP
        await answer(scope, receive, send)
        return None

    async def _answer(self, request: Request) -> Response | None:
        path = request.url.path
        if DOOR in path:
            return await self._door(request)
        if path.endswith(SUBMIT) and request.method == "POST":
            return await self._submit(request)
        if path.endswith(PAGE) and request.method == "GET":
            return self._page(request)
        if request.method == "POST" and "x-amz-target" in request.headers:
            return await self._operation(request)
        return PlainTextResponse("The MTurk emulator. Its API is POST with X-Amz-Target; see docs/emulators.md.\n", 404)

    async def _operation(self, request: Request) -> Response | None:
        """Answer one operation of the service, or nothing if the reply is to be lost."""
        name = request.headers["x-amz-target"].removeprefix(TARGET)
        faults = self._service.faults
        try:
            self._admit(request.headers.get("authorization", ""))
            body = _json_object(await request.body())
            if fault := faults.strikes("hang", name):
                await asyncio.sleep(fault.seconds)
            answer = self._service.call(name, body)
        except Refusal as refusal:
            return self._reply(refusal.body(self._service.market.clock.now()), refusal.status)
        return None if faults.strikes("drop_reply", name) else self._reply(answer, 200)

    def _admit(self, authorization: str) -> None:
        """Check the access key, and nothing but the key, when one is asked for."""
        if self._access_key is None:
            return
        found = _CREDENTIAL.match(authorization)
        if found is None:
            raise Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
        if found[1] != self._access_key:
            raise Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")

    def _reply(self, answer: Any, status: int) -> Response:
        request_id = self._service.market.ids.document()
        headers = {"x-amzn-RequestId": request_id}
        return Response(json.dumps(answer, default=_timestamp), status, headers, media_type=WIRE)

    async def _submit(self, request: Request) -> Response:
        form = read_form(request.url.query, request.headers.get("content-type", ""), await request.body())
        try:
            assignment_id = external_submit(self._service, form)
        except Refusal as refusal:
            return PlainTextResponse(f"Your answer was not taken: {refusal.message}\n", refusal.status)
        return HTMLResponse(f"<!DOCTYPE html><title>Submitted</title><p>Assignment {assignment_id} was submitted.</p>")

    def _page(self, request: Request) -> Response:
        try:
            hit = self._service.market.hit(request.query_params.get("hitId", ""))
        except Refusal as refusal:
            return PlainTextResponse(f"{refusal.message}\n", 404)
        base = _base(request, PAGE)
        return HTMLResponse(form_page(hit, base, request.query_params.get("assignmentId", PREVIEW)))

    async def _door(self, request: Request) -> Response:
        path = request.url.path.partition(DOOR)[2]
        try:
            body = _json_object(await request.body() or b"{}")
        except Refusal as refusal:
            return JSONResponse({"message": refusal.message}, 400)
        status, answer = await run_in_threadpool(self._control.answer, request.method, path, body, _base(request, DOOR))
        return JSONResponse(answer, status)


def _base(request: Request, part: str) -> str:
    """Return the address of this emulator as the caller wrote it, with its prefix and without the slash."""
    prefix = request.url.path.partition(part)[0]
    return f"{request.url.scheme}://{request.url.netloc}{prefix}".rstrip("/")


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        raise Refusal("SerializationException", "The body is not JSON.") from None
    if not isinstance(found, dict):
        raise Refusal("SerializationException", "The body is not a JSON object.")
    return found


def _timestamp(value: object) -> float:
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    raise TypeError(f"{value!r} has no form on the wire")
