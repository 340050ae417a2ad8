"""The control door: what a test or a script does as a person, with the clock, and with the emulator's own books."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crowd.emulators.prolific import money, submissions
from crowd.emulators.prolific.market import Market
from crowd.emulators.prolific.nouns import Json

Move = Callable[[Market, Json], Any]


def routes(market: Market) -> list[Route]:
    return [Route(f"/{name}", _endpoint(market, move), methods=["POST"]) for name, move in MOVES.items()]


def _endpoint(market: Market, move: Move) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            with market.lock:
                answer = move(market, json.loads(raw or b"{}"))
        except (KeyError, ValueError, TypeError) as error:
            return Response(json.dumps({"error": str(error)}), 400, media_type="application/json")
        return Response(json.dumps(answer, default=str), media_type="application/json")

    return endpoint


def _workspace(market: Market, told: Json) -> Json:
    made = market.open_workspace(deposit=int(told.get("deposit", 100_000)), currency=str(told.get("currency", "USD")))
    return {"id": made.id, "token": made.token, "project": made.project}


def _clock(market: Market, told: Json) -> Json:
    if "at" in told:
        market.clock.set(datetime.fromisoformat(told["at"]))
    market.clock.advance(timedelta(seconds=float(told.get("seconds", 0))))
    return {"now": market.clock.now().isoformat()}


def _take(market: Market, told: Json) -> Json:
    one = submissions.take(market, told["study"], str(told.get("participant", "")))
    return {"submission": one.id, "participant": one.participant, "url": submissions.address(market, one)}


def _end(market: Market, told: Json) -> Json:
    return submissions.shown(market, submissions.end(market, told["submission"], told["how"], told.get("code")))


def _eligible(market: Market, told: Json) -> Json:
    study = market.studies[told["study"]]
    return {"eligible": study.status == "ACTIVE" and submissions.is_eligible(market, study, told["participant"])}


def _books(market: Market, told: Json) -> Json:
    workspace = market.workspaces[told["workspace"]]
    return {**money.books(market, workspace), "lines": [asdict(line) for line in workspace.lines]}


def _letters(market: Market, _told: Json) -> Any:
    return [{"url": one.url, "headers": one.headers, "body": one.body.decode()} for one in market.letters]


MOVES: dict[str, Move] = {
    "workspaces": _workspace,
    "clock": _clock,
    "take": _take,
    "end": _end,
    "eligible": _eligible,
    "books": _books,
    "letters": _letters,
}
