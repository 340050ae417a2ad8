"""`emulate prolific`: serve a workspace until it is interrupted. People come by the control door, or by themselves."""

import sys
import threading
from collections.abc import Mapping
from typing import Any, Final

from crowd.emulators.prolific import ProlificEmulator
from crowd.emulators.prolific.clock import RunningClock
from crowd.emulators.prolific.crowd import Crowd
from crowd.emulators.registry import BadOption

PORT: Final = 8400
BALANCE: Final = 10_000
POPULATION: Final = 40
KNOWN: Final = frozenset({"port", "balance", "crowd", "guests", "population", "visits_per_second"})


def serve(options: Mapping[str, Any]) -> None:
    """Serve until Ctrl-C. Options are port and balance; BadOption names a value that cannot be used.

    With guests, crowd.emulators.guests.People, population of them come by, visits_per_second in all.
    """
    given = {name: value for name, value in options.items() if value not in (None, [])}
    if strange := sorted(set(given) - KNOWN):
        raise BadOption(f"{strange[0]} means nothing to the stand-in for Prolific; it knows port, balance and crowd.")
    port = _number(given, "port", PORT, most=65_535)
    emulator = ProlificEmulator(RunningClock())
    workspace = emulator.market.open_workspace(deposit=100 * _number(given, "balance", BALANCE, most=10**9))
    try:
        with emulator.serve(port=port):
            sys.stdout.write(
                f"Prolific stand-in at {emulator.url}, control door {emulator.url}/_emulator/\n"
                f"Token {workspace.token}, workspace {workspace.id}, project {workspace.project}, USD. "
                "Ctrl-C ends it.\n"
            )
            sys.stdout.flush()
            _run(_crowd(emulator, given), _visits(given))
    except OSError as error:
        raise BadOption(f"port {port} cannot be used: {error.strerror or error}.") from None
    except KeyboardInterrupt:
        return


def _crowd(emulator: ProlificEmulator, given: Mapping[str, Any]) -> Crowd | None:
    if "guests" not in given:
        return None
    population = _number(given, "population", POPULATION, most=10_000)
    return Crowd(emulator.market, given["guests"], population, str(given.get("crowd", "")))


def _visits(given: Mapping[str, Any]) -> float:
    asked = given.get("visits_per_second", 1)
    try:
        found = float(asked)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise BadOption(f"visits_per_second is {asked!r}; expected a number above 0.")
    return found


def _run(crowd: Crowd | None, visits_per_second: float) -> None:
    """Let people come by, if there are any, until Ctrl-C."""
    stop = threading.Event()
    if crowd is not None:
        crowd.keep_coming(visits_per_second, stop)
    stop.wait()


def _number(options: Mapping[str, Any], name: str, usual: int, most: int) -> int:
    given = str(options.get(name, usual))
    if not (given.isascii() and given.isdecimal()) or int(given) > most:
        raise BadOption(f"{name} is {given!r}; expected a whole number from 0 to {most}.")
    return int(given)
