"""`emulate prolific`: serve a workspace until it is interrupted. People come by the control door only."""

import sys
import threading
from collections.abc import Mapping
from typing import Any, Final

from crowd.emulators.prolific import ProlificEmulator
from crowd.emulators.prolific.clock import RunningClock
from crowd.emulators.registry import BadOption

PORT: Final = 8400
BALANCE: Final = 10_000
KNOWN: Final = frozenset({"port", "balance"})


def serve(options: Mapping[str, Any]) -> None:
    """Serve until Ctrl-C. Options are port and balance; BadOption names a value that cannot be used."""
    given = {name: value for name, value in options.items() if value not in (None, [])}
    if strange := sorted(set(given) - KNOWN):
        raise BadOption(f"{strange[0]} means nothing to the stand-in for Prolific; it knows port and balance.")
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
            threading.Event().wait()
    except OSError as error:
        raise BadOption(f"port {port} cannot be used: {error.strerror or error}.") from None
    except KeyboardInterrupt:
        return


def _number(options: Mapping[str, Any], name: str, usual: int, most: int) -> int:
    given = str(options.get(name, usual))
    if not (given.isascii() and given.isdecimal()) or int(given) > most:
        raise BadOption(f"{name} is {given!r}; expected a whole number from 0 to {most}.")
    return int(given)
