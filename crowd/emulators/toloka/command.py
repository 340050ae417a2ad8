"""`emulate toloka`: serve until it is interrupted, with people or a script behind it if asked for."""

import logging
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import httpx

from crowd.emulators.crowd import visit
from crowd.emulators.registry import BadOption
from crowd.emulators.toloka import workers
from crowd.emulators.toloka.chance import chance
from crowd.emulators.toloka.clock import VirtualClock
from crowd.emulators.toloka.courier import Courier
from crowd.emulators.toloka.errors import ApiError
from crowd.emulators.toloka.market import Crowd, Market
from crowd.emulators.toloka.players import RandomPlayer, Script
from crowd.emulators.toloka.server import API_KEY, BALANCE, COMMISSION, TOKEN, TolokaEmulator, listening
from crowd.emulators.toloka.visitors import Visitors

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
PORT = 8200
DELAY = 0.5
POPULATION = 40
PICTURE_WITHIN = 5.0
PICTURES_KEPT = 64
_DAY = 86_400
_TICK = 0.2


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options, read."""

    port: int
    seed: str
    commission: Decimal
    balance: Decimal
    people: int
    crowd: str | None
    population: int
    visits_per_second: float
    days_per_second: float | None
    faults: Mapping[str, float]
    script: Script | None


def serve(options: Mapping[str, Any]) -> None:
    """Serve with these options; what is missing or None is as usual. BadOption names a value that cannot be used.

    They are port, seed, script, commission, balance, fault (NAME=RATE, repeatable), people, crowd, population,
    visits_per_second and days_per_second.
    """
    wishes = read(options)
    emulator = prepared(wishes)
    try:
        door = listening(HOST, wishes.port)
    except OSError as error:
        raise BadOption(f"Port {wishes.port} cannot be used: {error.strerror or error}.") from None
    courier, street = Courier(emulator.market.mailbox), Street(emulator, wishes)
    with door:
        _say(f"http://{HOST}:{door.getsockname()[1]}")
        courier.start()
        street.start()
        try:
            emulator.server().run(sockets=[door])
        except KeyboardInterrupt:
            return
        finally:
            street.stop()
            courier.stop()


def _say(url: str) -> None:
    sys.stdout.write(
        f"Toloka emulator at {url}, control door {url}/_emulator/\n"
        f"Use the token {TOKEN} (OAuth) or {API_KEY} (ApiKey). Ctrl-C ends it.\n"
    )
    sys.stdout.flush()


def read(options: Mapping[str, Any]) -> Wishes:
    return Wishes(
        port=int(_number(options, "port", PORT)),
        seed=str(options.get("seed") or "emulator"),
        commission=_number(options, "commission", COMMISSION),
        balance=_number(options, "balance", BALANCE),
        people=int(_number(options, "people", 0)),
        crowd=None if options.get("crowd") is None else str(options["crowd"]),
        population=max(1, int(_number(options, "population", POPULATION))),
        visits_per_second=float(_number(options, "visits_per_second", 1)),
        days_per_second=None if options.get("days_per_second") is None else float(_number(options, "days_per_second")),
        faults=dict(_fault(text) for text in options.get("fault") or ()),
        script=None if options.get("script") is None else _script(Path(options["script"])),
    )


def _number(options: Mapping[str, Any], name: str, usual: Decimal | int = 0) -> Decimal:
    given = options.get(name)
    try:
        number = Decimal(str(usual if given is None else given))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise BadOption(f"--{name.replace('_', '-')} {given!r} is not a number; give one that is not negative.")
    return number


def _fault(text: str) -> tuple[str, float]:
    name, _, rate = text.partition("=")
    try:
        return name, float(rate)
    except ValueError:
        raise BadOption(f"--fault {text!r} is not NAME=RATE, such as drop_reply=0.1.") from None


def _script(path: Path) -> Script:
    try:
        return Script(path.read_text(encoding="utf-8"), path.parent)
    except OSError as error:
        raise BadOption(f"--script {path} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        raise BadOption(f"--script {path} is no script: {error}.") from None


def prepared(wishes: Wishes) -> TolokaEmulator:
    """Return the emulator with its people let in."""
    speed = 1.0 if wishes.days_per_second is None else wishes.days_per_second * _DAY
    try:
        emulator = TolokaEmulator(
            seed=wishes.seed,
            clock=VirtualClock(datetime.now(UTC), speed=speed),
            commission=wishes.commission,
            balance=wishes.balance,
            operation_delay=DELAY * speed,
            faults=wishes.faults,
        )
    except ValueError as error:
        raise BadOption(str(error)) from None
    try:
        with emulator.market.entered() as market:
            for profile in wishes.script.workers if wishes.script else ():
                workers.add(market, profile)
            for _ in range(wishes.people):
                workers.draw(market)
    except ApiError as refusal:
        raise BadOption(f"The script's workers cannot be let in: {refusal} {refusal.payload or ''}") from None
    if wishes.crowd is not None:
        emulator.market.crowd = _crowd(emulator.market, wishes.crowd, wishes.population)
    return emulator


def _crowd(market: Market, seed: str, population: int) -> Crowd:
    """Return the people of a rehearsal as visitors of the market, one at a time."""
    visitors, one_at_a_time = Visitors(market, seed, population, pictures=_Pictures().at), threading.Lock()

    def come_by() -> str:
        with one_at_a_time:
            visitors.fresh.clear()  # the truth is for a report, and nobody writes one here
            return visitors.visit()[0]

    return come_by


class _Pictures:
    """The pictures of tasks, read as a worker's page would, and kept for a while."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def at(self, url: str) -> bytes | None:
        """Return the picture, or None when it cannot be had now: a visitor does without."""
        if url not in self._kept:
            try:
                answer = httpx.get(url, timeout=PICTURE_WITHIN, follow_redirects=True).raise_for_status()
            except (httpx.HTTPError, httpx.InvalidURL):
                return None
            while len(self._kept) >= PICTURES_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[url] = answer.content
        return self._kept[url]


class Street:
    """Lets time pass, and people come by."""

    def __init__(self, emulator: TolokaEmulator, wishes: Wishes) -> None:
        self._emulator, self._wishes, self._crowd = emulator, wishes, emulator.market.crowd
        self._player = RandomPlayer(wishes.seed)
        self._visits = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._live, name="toloka-street", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _live(self) -> None:
        owed = 0.0
        while not self._stopping.wait(_TICK):
            try:
                self._emulator.market.settle()
                self._play_script()
                owed += _TICK * self._wishes.visits_per_second if self._wishes.people or self._crowd else 0
                while owed >= 1 and not self._stopping.is_set():
                    owed -= 1
                    self._visit()
            except Exception:
                logger.exception("a visit to the emulator failed")

    def _play_script(self) -> None:
        if self._wishes.script is None or self._wishes.script.player.is_done():
            return
        player = self._wishes.script.player
        for worker_id in player.worker_ids():
            visit(self._emulator.floor, player, worker_id)

    def _visit(self) -> None:
        if self._crowd is not None:
            self._crowd()
        if not self._wishes.people:
            return
        self._visits += 1
        everybody = self._emulator.floor.worker_ids()
        visit(self._emulator.floor, self._player, chance(self._wishes.seed, "visit", self._visits).choice(everybody))
