"""`emulate search`: serve a simulated web with a searx instance before it until it is interrupted."""

import sys
import threading
from collections.abc import Mapping
from typing import Any, Final

from crowd.emulators.registry import BadOption
from crowd.emulators.search.server import SearchEmulator
from crowd.emulators.search.world import World

PORT: Final = 8888
KNOWN: Final = frozenset({"port", "seed"})


def serve(options: Mapping[str, Any]) -> None:
    """Serve until Ctrl-C. Options are port and seed; BadOption names a value that cannot be used."""
    given = {name: value for name, value in options.items() if value not in (None, [])}
    if strange := sorted(set(given) - KNOWN):
        raise BadOption(f"{strange[0]} means nothing to the simulated search; it knows port and seed.")
    port = str(given.get("port", PORT))
    if not (port.isascii() and port.isdecimal()) or int(port) > 65_535:
        raise BadOption(f"port is {port!r}; expected a whole number from 0 to 65535.")
    emulator = SearchEmulator(World(str(given.get("seed", "1"))), patient=False)
    try:
        with emulator.serve(int(port)):
            hosts = ",".join(sorted(emulator.hosts))
            sys.stdout.write(
                f"Simulated searx at {emulator.url}, any names of engines\n"
                f"Start Winnow with ALLOW_PRIVATE_HOSTS={hosts}. Ctrl-C ends it.\n"
            )
            sys.stdout.flush()
            threading.Event().wait()
    except OSError as error:
        raise BadOption(f"port {port} cannot be used: {error.strerror or error}.") from None
    except KeyboardInterrupt:
        return
