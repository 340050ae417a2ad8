"""`emulate mturk`: serve until it is interrupted, with a crowd or a script behind it if asked for."""

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from crowd.emulators.mturk.clock import VirtualClock
from crowd.emulators.mturk.emulator import MTurkEmulator
from crowd.emulators.mturk.faults import Fault
from crowd.emulators.mturk.players import CrowdPlayer
from crowd.emulators.mturk.script import Script, load_script
from crowd.emulators.registry import BadOption

PORT: Final = 8300
POPULATION: Final = 40
ACCESS_KEY: Final = "EMULATOR"
DAY: Final = 86_400
_STEP_SECONDS: Final = 0.2


def serve(options: Mapping[str, Any]) -> None:
    """Serve until Ctrl-C; what is missing or None is as usual, BadOption names a value that cannot be used.

    Options, as words or as numbers: port, seed, balance, script, people, visits_per_second, days_per_second and fault,
    a list of NAME=RATE. With guests, crowd.emulators.guests.People, population of them work on pages of Winnow's own.
    """
    given = {name: value for name, value in options.items() if value is not None}
    emulator, script = prepare(given)
    port, visits = _number(given, "port", PORT, most=65_535), _share(given, "visits_per_second", 1.0)
    try:
        with emulator.serve(port=port):
            _say(emulator)
            _run(emulator, script, visits)
    except OSError as error:
        raise BadOption(f"port {port} cannot be used: {error.strerror or error}") from None
    except KeyboardInterrupt:
        return


def prepare(options: Mapping[str, Any]) -> tuple[MTurkEmulator, Script | None]:
    """Make the emulator, its people and its script; BadOption says which value cannot be used."""
    if "commission" in options:
        raise BadOption("commission is fixed by MTurk (20 %, 40 % from ten assignments on); leave it out")
    try:
        emulator = MTurkEmulator(
            seed=_number(options, "seed", 1),
            clock=VirtualClock(speed=_share(options, "days_per_second", 1 / DAY) * DAY),
            balance=str(options.get("balance", "10000")),
            access_key=ACCESS_KEY,
            faults=tuple(Fault.from_words(words) for words in options.get("fault", ())),
        )
        emulator.crowd.invite(_number(options, "people", 0))
        if "guests" in options:
            emulator.crowd.players["ExternalQuestion"] = CrowdPlayer(options["guests"])
            emulator.crowd.invite(_number(options, "population", POPULATION))
        path = options.get("script")
        return emulator, Script(emulator.service, load_script(Path(path))) if path else None
    except BadOption:
        raise
    except ValueError as error:
        raise BadOption(str(error)) from None


def _number(options: Mapping[str, Any], name: str, usual: int, most: int = 10**9) -> int:
    given = str(options.get(name, usual))
    if not given.isdecimal() or int(given) > most:
        raise BadOption(f"{name} is {given!r}; expected a whole number from 0 to {most}")
    return int(given)


def _share(options: Mapping[str, Any], name: str, usual: float) -> float:
    given = options.get(name, usual)
    try:
        found = float(given)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise BadOption(f"{name} is {given!r}; expected a number above 0")
    return found


def _say(emulator: MTurkEmulator) -> None:
    sys.stdout.write(
        f"MTurk emulator at {emulator.url}, control door {emulator.url}/_emulator/\n"
        f"Use the access key {ACCESS_KEY} with any secret and the region us-east-1. Ctrl-C ends it.\n"
    )
    sys.stdout.flush()


def _run(emulator: MTurkEmulator, script: Script | None, visits_per_second: float) -> None:
    """Let people come by and time pass until Ctrl-C."""
    stop = threading.Event()
    crowd = threading.Thread(target=emulator.crowd.keep_coming, args=(visits_per_second, stop), daemon=True)
    crowd.start()
    try:
        while True:
            emulator.service.catch_up()
            if script:
                script.step()
            stop.wait(_STEP_SECONDS)
    finally:
        stop.set()
        crowd.join()
