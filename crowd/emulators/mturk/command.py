"""`emulate mturk`: serve until it is interrupted, with a crowd or a script behind it if asked for."""

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from crowd.emulators.mturk.clock import VirtualClock
from crowd.emulators.mturk.emulator import MTurkEmulator
from crowd.emulators.mturk.faults import Fault
from crowd.emulators.mturk.script import Script, load_script
from crowd.emulators.registry import BadOption

ACCESS_KEY: Final = "EMULATOR"
DAY: Final = 86_400
_STEP_SECONDS: Final = 0.2


def serve(options: Mapping[str, Any]) -> None:
    """Serve with these options: port, seed, balance, fault (NAME=RATE, repeatable), people, visits_per_second,
    days_per_second, script; what is missing or None is as usual. BadOption names a value that cannot be used."""
    try:
        emulator, script = prepare(options)
        server = emulator.serve(port=_number(options, "port", 0))
        with server:
            _say(emulator)
            _run(emulator, script, float(options.get("visits_per_second") or 1))
    except OSError as error:
        raise BadOption(f"port {options.get('port')} cannot be used: {error.strerror or error}") from None
    except KeyboardInterrupt:
        return


def prepare(options: Mapping[str, Any]) -> tuple[MTurkEmulator, Script | None]:
    """Make the emulator, its people and its script; BadOption says which value cannot be used."""
    try:
        days = options.get("days_per_second")
        emulator = MTurkEmulator(
            seed=_number(options, "seed", 1),
            clock=VirtualClock(speed=1.0 if days is None else float(days) * DAY),
            balance=str(options.get("balance") or "10000"),
            access_key=ACCESS_KEY,
            faults=tuple(Fault.from_words(words) for words in options.get("fault") or ()),
        )
        emulator.crowd.invite(_number(options, "people", 0))
        path = options.get("script")
        return emulator, Script(emulator.service, load_script(Path(path))) if path else None
    except ValueError as error:
        raise BadOption(str(error)) from None


def _number(options: Mapping[str, Any], name: str, usual: int) -> int:
    given = options.get(name)
    return usual if given is None else int(given)


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
