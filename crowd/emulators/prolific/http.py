"""The platform over HTTP, and the control door beside it."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from crowd.emulators.prolific import control, hooks, money, people, studies, submissions
from crowd.emulators.prolific.errors import Refusal, invalid
from crowd.emulators.prolific.market import Market, paged
from crowd.emulators.prolific.nouns import Json, Workspace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in. `id` is the one in its path."""

    market: Market
    workspace: Workspace
    id: str
    query: Mapping[str, str]
    body: Json


Handler = Callable[[Call], Any]


def application(market: Market) -> Starlette:
    api = [Route(path, _endpoint(market, handler), methods=[method]) for method, path, handler in ROUTES]
    return Starlette(routes=[Mount("/api/v1", routes=api), Mount("/_emulator", routes=control.routes(market))])


def _endpoint(market: Market, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            raw = await request.body()
            with market.lock:
                workspace, one = _workspace(market, request), str(request.path_params.get("id", ""))
                answer = handler(Call(market, workspace, one, dict(request.query_params), _body(raw)))
        except Refusal as refusal:
            return _json(refusal.body(), refusal.status)
        except Exception:
            log.exception("%s %s failed in the emulator", request.method, request.url.path)
            return _json(Refusal(500, "Error", "The emulator has a fault of its own.").body(), 500)
        if answer is None:
            return Response(status_code=202)
        body, headers = answer if isinstance(answer, tuple) else (answer, {})
        return _json(body, 201 if request.method == "POST" else 200, headers)

    return endpoint


def _workspace(market: Market, request: Request) -> Workspace:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Token":
        raise Refusal(401, "Authentication error", "Authentication credentials were not provided.")
    return market.workspace_of_token(token)


def _body(raw: bytes) -> Json:
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        raise invalid("JSON is expected.") from None
    if not isinstance(body, dict):
        raise invalid("An object is expected.")
    return body


def _json(body: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status, headers, "application/json")


def _studies(call: Call) -> Any:
    mine = (one for one in call.market.studies.values() if one.workspace == call.workspace.id)
    return paged((studies.shown(call.market, one) for one in mine), call.query)


def _submissions(call: Call) -> Any:
    study = call.market.study(call.workspace, call.query.get("study", ""))
    rows = (submissions.listed(call.market, one) for one in call.market.submissions_of(study))
    return paged(rows, call.query)


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/users/me/", lambda c: {"id": c.workspace.id, "email": "researcher@example.org"}),
    ("GET", "/workspaces/{id}/balance/", lambda c: money.balance(c.market, c.workspace, c.id)),
    ("POST", "/study-cost-calculator/", lambda c: money.calculated(c.market, c.workspace, c.body)),
    ("GET", "/studies/", _studies),
    ("POST", "/studies/", lambda c: studies.create(c.market, c.workspace, c.body)),
    ("GET", "/studies/{id}/", lambda c: studies.shown(c.market, c.market.study(c.workspace, c.id))),
    ("PATCH", "/studies/{id}/", lambda c: studies.change(c.market, c.workspace, c.id, c.body)),
    ("GET", "/studies/{id}/cost/", lambda c: studies.cost(c.market, c.workspace, c.id)),
    ("POST", "/studies/{id}/transition/", lambda c: studies.move(c.market, c.workspace, c.id, c.body)),
    ("GET", "/submissions/", _submissions),
    ("POST", "/submissions/bulk-approve/", lambda c: submissions.approve_many(c.market, c.workspace, c.body)),
    ("POST", "/submissions/bonus-payments/", lambda c: money.set_up_bonuses(c.market, c.workspace, c.body)),
    ("GET", "/submissions/{id}/", lambda c: submissions.shown(c.market, c.market.submission(c.workspace, c.id))),
    ("POST", "/submissions/{id}/transition/", lambda c: submissions.decide(c.market, c.workspace, c.id, c.body)),
    ("POST", "/bulk-bonus-payments/{id}/pay/", lambda c: money.pay_bonuses(c.market, c.workspace, c.id)),
    ("GET", "/filters/", lambda c: paged(people.filters(c.market, c.workspace), c.query)),
    ("GET", "/participant-groups/", lambda c: paged(people.groups(c.market, c.workspace), c.query)),
    ("POST", "/participant-groups/", lambda c: people.create(c.market, c.workspace, c.body)),
    ("GET", "/participant-groups/{id}/participants/", lambda c: people.members(c.market, c.workspace, c.id)),
    ("POST", "/participant-groups/{id}/participants/", lambda c: people.add(c.market, c.workspace, c.id, c.body)),
    ("DELETE", "/participant-groups/{id}/participants/", lambda c: people.remove(c.market, c.workspace, c.id, c.body)),
    ("POST", "/hooks/secrets/", lambda c: hooks.make_secret(c.market, c.workspace, c.body)),
    ("GET", "/hooks/subscriptions/", lambda c: paged(hooks.subscriptions(c.market, c.workspace), c.query)),
    ("POST", "/hooks/subscriptions/", lambda c: hooks.subscribe(c.market, c.workspace, c.body)),
    ("POST", "/hooks/subscriptions/{id}/", lambda c: hooks.confirm(c.market, c.workspace, c.id, c.body)),
]
