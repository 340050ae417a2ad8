"""The platform over HTTP: authorisation, JSON in and out, errors as the platform words them."""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from crowd.emulators.toloka import control, courier, webhooks
from crowd.emulators.toloka.batches import Reply
from crowd.emulators.toloka.errors import ApiError, invalid_field
from crowd.emulators.toloka.market import REQUESTER_ID, Market
from crowd.emulators.toloka.routes import ROUTES, Call, Handler, Raw
from crowd.emulators.toloka.trouble import Trouble

logger = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


def application(market: Market, tokens: frozenset[str], prefix: str = "") -> ASGIApp:
    """Return the whole emulator as an ASGI application, below a prefix when there is one."""
    api: list[BaseRoute] = [
        Route(path, _endpoint(market, tokens, handler), methods=[method]) for method, path, handler in ROUTES
    ]
    api.append(Route("/v1/webhook-subscriptions/{id}/test", _tester(market, tokens), methods=["POST"]))
    rooms: list[BaseRoute] = [Mount("/api", routes=api), Mount("/_emulator", routes=control.routes(market))]
    routes = [Mount(prefix, routes=rooms)] if prefix else rooms
    return Trouble(Starlette(routes=routes, exception_handlers={HTTPException: _no_such_path}), market)


def _endpoint(market: Market, tokens: frozenset[str], handler: Handler) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        request_id = request.scope["request_id"]
        try:
            _authorise(request, tokens)
            call = await _call(request)
            with market.entered():
                market.quotas.spend_request()
                reply = handler(market, call)
            return answered(reply, request_id)
        except ApiError as refusal:
            return refused(refusal, request_id)
        except Exception:
            logger.exception("%s %s failed in the emulator", request.method, request.url.path)
            return refused(ApiError(500, "INTERNAL_ERROR", "The emulator has a fault of its own."), request_id)

    return endpoint


def _tester(market: Market, tokens: frozenset[str]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            _authorise(request, tokens)
            with market.entered():
                subscription = market.subscriptions.get(request.path_params["id"])
                pool = market.pool(subscription.form["pool_id"])
                letter = webhooks.letter_of(market, "TEST_EVENT", subscription, pool, {})
            told = await run_in_threadpool(courier.result_of_test, letter)
        except ApiError as refusal:
            return refused(refusal, request.scope["request_id"])
        return answered(Reply(201, told), request.scope["request_id"])

    return endpoint


def _authorise(request: Request, tokens: frozenset[str]) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme not in ("OAuth", "ApiKey") or token not in tokens:
        raise ApiError(401, "AUTHENTICATION_ERROR", "The token is missing, unknown, or its scheme is not known.")
    acting = request.headers.get("X-Act-Under-Account-ID", REQUESTER_ID)
    if acting != REQUESTER_ID:
        raise ApiError(403, "ACCESS_DENIED", f"The account {acting} is not shared with you.")


async def _call(request: Request) -> Call:
    raw = await request.body()
    try:
        body = json.loads(raw) if raw else None
    except ValueError:
        raise invalid_field("body", "JSON_EXPECTED", "JSON is expected.") from None
    return Call(request.path_params.get("id", ""), dict(request.query_params), body, len(raw))


def answered(reply: Reply, request_id: str) -> Response:
    headers = {"X-Request-Id": request_id}
    if reply.body is None:
        return Response(status_code=reply.status, headers=headers)
    if isinstance(reply.body, Raw):
        return Response(reply.body.data, reply.status, headers, reply.body.media_type)
    return Response(as_json(reply.body), reply.status, headers, "application/json")


def refused(refusal: ApiError, request_id: str) -> Response:
    body = {
        "request_id": request_id,
        "code": refusal.code,
        "message": refusal.message,
        "payload": refusal.payload,
    }
    return Response(as_json(body), refusal.status, {"X-Request-Id": request_id}, "application/json")


def as_json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


async def _no_such_path(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = "DOES_NOT_EXIST" if status == 404 else "METHOD_NOT_ALLOWED"
    told = ApiError(status, code, f"{request.method} {request.url.path} is no operation of the platform.")
    return refused(told, request.scope["request_id"])
