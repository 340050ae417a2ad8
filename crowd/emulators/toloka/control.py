"""The control door, `/_emulator/`: clock, money, people, faults, and the workers' side of the market.

It stands outside of `/api` and asks for no token: it belongs to the tests and scripts that run the emulator.
"""

import base64
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sized
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crowd.emulators.crowd import File, Page, visit
from crowd.emulators.toloka import issuing, messages, moments, restrictions, submissions, views, workers
from crowd.emulators.toloka.errors import ApiError
from crowd.emulators.toloka.floor import Floor
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.players import RandomPlayer, Script
from crowd.money import micro, plain

Json = dict[str, Any]
Answerer = Callable[[Market, str, Any], Any]
_WAIT = 10.0


def routes(market: Market) -> list[Route]:
    made = [
        Route(path, _door(market, answer), methods=[method])
        for path, methods in _DOORS.items()
        for method, answer in methods.items()
    ]
    waiting = Route("/webhooks/wait", _waiter(market), methods=["POST"])
    return [*made, Route("/requests", _requests), waiting, Route("/visits", _visitor(market), methods=["POST"])]


def _door(market: Market, answer: Answerer) -> Callable[[Request], Awaitable[Response]]:
    async def door(request: Request) -> Response:
        raw = await request.body()
        try:
            body = json.loads(raw) if raw else {}
            with market.entered():
                told = answer(market, request.path_params.get("id", ""), body)
        except ApiError as refusal:
            told = {"code": refusal.code, "message": refusal.message, "payload": refusal.payload}
            return JSONResponse(told, refusal.status)
        except (ValueError, KeyError, TypeError, InvalidOperation) as error:
            return JSONResponse({"code": "BAD_CONTROL", "message": f"{type(error).__name__}: {error}"}, 400)
        return JSONResponse(told)

    return door


async def _requests(request: Request) -> Response:
    """What was asked of the platform, oldest first, with what became of it."""
    return JSONResponse(list(request.scope["requests"]))


def _waiter(market: Market) -> Callable[[Request], Awaitable[Response]]:
    async def wait(_request: Request) -> Response:
        market.mailbox.release_held()
        is_empty = await run_in_threadpool(market.mailbox.wait_until_empty, _WAIT)
        return JSONResponse({"is_empty": is_empty, "webhooks": market.mailbox.history})

    return wait


def _visitor(market: Market) -> Callable[[Request], Awaitable[Response]]:
    """`{"n": 6}`: so many people of the crowd come by, one after the other; others are served between two of them."""

    async def visits(request: Request) -> Response:
        try:
            wanted = int(json.loads(await request.body() or b"{}").get("n", 1))
        except (ValueError, TypeError, AttributeError):
            return JSONResponse({"code": "BAD_CONTROL", "message": 'Say how many: {"n": 6}.'}, 400)
        if market.crowd is None:
            told = {"code": "NO_CROWD", "message": "Nobody is here to come by: start the emulator with --crowd."}
            return JSONResponse(told, 409)
        outcomes = Counter([await run_in_threadpool(market.crowd) for _ in range(wanted)])
        return JSONResponse({"outcomes": dict(sorted(outcomes.items()))})

    return visits


def _overview(market: Market, _ident: str, _body: Json) -> Json:
    shelves: dict[str, Sized] = {
        "projects": market.projects, "pools": market.pools, "trainings": market.trainings, "tasks": market.tasks,
        "assignments": market.assignments, "workers": market.workers, "operations": market.operations,
    }  # fmt: skip
    return {
        "now": moments.written(market.now),
        "seed": market.seed,
        **market.books.to_json(),
        **{name: len(shelf) for name, shelf in shelves.items()},
        "pages": dict(Counter(page.status for page in market.assignments)),
    }


def _clock(market: Market, _ident: str, _body: Json) -> Json:
    return {"now": moments.written(market.now), "speed": market.clock.speed}


def _set_clock(market: Market, ident: str, body: Json) -> Json:
    market.clock.set(moments.read(body["now"]))
    market.settle()
    return _clock(market, ident, body)


def _advance(market: Market, ident: str, body: Json) -> Json:
    market.clock.advance(timedelta(**{name: float(value) for name, value in body.items()}))
    market.settle()
    return _clock(market, ident, body)


def _seed(market: Market, _ident: str, body: Json) -> Json:
    if "seed" in body:
        market.seed = str(body["seed"])
        market.faults.reseed(market.seed)
    return {"seed": market.seed}


def _settings(market: Market, _ident: str, body: Json) -> Json:
    if "operation_delay" in body:
        market.operation_delay = timedelta(seconds=float(body["operation_delay"]))
    if "quotas" in body:
        market.quotas.enabled = bool(body["quotas"])
    if "requests_per_second" in body:
        market.quotas.requests_per_second = body["requests_per_second"]
    return {
        "operation_delay": market.operation_delay.total_seconds(),
        "quotas": market.quotas.enabled,
        "requests_per_second": market.quotas.requests_per_second,
    }


def _balance(market: Market, _ident: str, body: Json) -> Json:
    if "balance" in body:
        market.books.set_balance(micro(Decimal(str(body["balance"]))), market.now)
    return market.books.to_json()


def _books(market: Market, _ident: str, _body: Json) -> Json:
    lines = [
        {**asdict(line), "at": moments.written(line.at), "amount": plain(line.amount_micro)}
        for line in market.books.lines
    ]
    return {**market.books.to_json(), "adds_up": market.books.adds_up(), "lines": lines}


def _faults(market: Market, _ident: str, _body: Json) -> Json:
    return market.faults.to_json()


def _set_faults(market: Market, ident: str, body: Mapping[str, Any]) -> Json:
    for name, spec in body.items():
        market.faults.set(name, spec)
    return _faults(market, ident, {})


def _clear_faults(market: Market, ident: str, _body: Json) -> Json:
    market.faults.clear()
    return _faults(market, ident, {})


def _people(market: Market, _ident: str, _body: Json) -> list[Json]:
    return [{**views.worker(worker), "quality": worker.quality} for worker in market.workers]


def _let_in(market: Market, _ident: str, body: Json) -> Any:
    """`{"worker": {profile}}` makes one person, `{"people": n}` draws some from the seed."""
    if "people" in body:
        return [views.worker(workers.draw(market)) for _ in range(int(body["people"]))]
    return views.worker(workers.add(market, body["worker"]))


def _offers(market: Market, ident: str, _body: Json) -> list[Json]:
    return [asdict(offer) for offer in Floor(market).offers(ident)]


def _ban(market: Market, ident: str, body: Json) -> Json:
    """Ban somebody from everything, as only the platform can."""
    form = {"scope": "SYSTEM", "user_id": market.workers.get(ident).id, **body}
    return views.restriction(restrictions.put(market, market.workers.get(ident), form))


def _take(market: Market, ident: str, body: Json) -> Json:
    return _page(Floor(market).page(issuing.take(market, ident, str(body["pool_id"]))))


def _page(page: Page) -> Json:
    return {
        **asdict(page),
        "taken_at": moments.written(page.taken_at),
        "due_at": moments.written(page.due_at),
    }


def _submit(market: Market, ident: str, body: Json) -> Json:
    """`{"answers": [{field: value}…]}`; the value of a file is `{"$file": {"name", "media_type", "base64"}}`."""
    answers = [{name: _value(value) for name, value in answer.items()} for answer in body["answers"]]
    try:
        return views.assignment(submissions.submit(market, ident, answers))
    except submissions.NeedsCorrection as wrong:
        return {"hints": {str(index): text for index, text in wrong.hints.items()}}


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(one) for one in value]
    if isinstance(value, dict) and "$file" in value:
        sent = value["$file"]
        return File(sent["name"], sent.get("media_type", "image/jpeg"), base64.b64decode(sent["base64"]))
    return value


def _skip(market: Market, ident: str, _body: Json) -> Json:
    return views.assignment(submissions.skip(market, ident))


def _expire(market: Market, ident: str, _body: Json) -> Json:
    Floor(market).expire(ident)
    return views.assignment(market.assignments.get(ident))


def _play(market: Market, ident: str, body: Json) -> Json:
    """Let the plain player visit once for a worker; `patience: 0` hands in at once."""
    rng_seed = f"{market.seed}-{len(market.assignments)}-{market.ids.uuid()}"
    player = RandomPlayer(rng_seed, patience=float(body.get("patience", 0)))
    return {"outcome": visit(Floor(market), player, market.workers.get(ident).id)}


def _script(market: Market, _ident: str, body: Json) -> Json:
    """Play a script: its workers come by in turn until nobody has anything left that can be done."""
    script = Script(json.dumps(body))
    for profile in script.workers:
        workers.add(market, profile)
    return {"outcomes": play_script(market, script), "is_done": script.player.is_done()}


def play_script(market: Market, script: Script) -> list[str]:
    floor, outcomes = Floor(market), []
    while True:
        came = [visit(floor, script.player, worker_id) for worker_id in script.player.worker_ids()]
        done = [outcome for outcome in came if outcome != "nothing"]
        outcomes += done
        if not done:
            return outcomes


def _webhooks(market: Market, _ident: str, _body: Json) -> list[Json]:
    return market.mailbox.history


def _reply(market: Market, ident: str, body: Json) -> Json:
    """Let a worker answer in a message thread: `{"worker_id", "text": {"EN": …}}`."""
    return views.thread(messages.answer(market, ident, str(body["worker_id"]), body["text"]))


_DOORS: dict[str, dict[str, Answerer]] = {
    "/": {"GET": _overview},
    "/clock": {"GET": _clock, "PUT": _set_clock},
    "/clock/advance": {"POST": _advance},
    "/seed": {"GET": _seed, "PUT": _seed},
    "/settings": {"GET": _settings, "PUT": _settings},
    "/balance": {"GET": _balance, "PUT": _balance},
    "/books": {"GET": _books},
    "/faults": {"GET": _faults, "PUT": _set_faults, "DELETE": _clear_faults},
    "/workers": {"GET": _people, "POST": _let_in},
    "/workers/{id}/offers": {"GET": _offers},
    "/workers/{id}/take": {"POST": _take},
    "/workers/{id}/play": {"POST": _play},
    "/workers/{id}/ban": {"POST": _ban},
    "/assignments/{id}/submit": {"POST": _submit},
    "/assignments/{id}/skip": {"POST": _skip},
    "/assignments/{id}/expire": {"POST": _expire},
    "/script": {"POST": _script},
    "/webhooks": {"GET": _webhooks},
    "/message-threads/{id}/answer": {"POST": _reply},
}
