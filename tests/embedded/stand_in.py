"""A tiny product under the real supervisor: `python stand_in.py DATA_DIR PORT web|worker|stubborn|faller …`."""

import http.server
import os
import signal
import socket
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from curation.embedded import processes, supervisor  # noqa: E402
from curation.embedded.door import Question, listening  # noqa: E402
from curation.embedded.errors import ServiceError  # noqa: E402
from curation.embedded.keeper import Plan  # noqa: E402
from curation.embedded.paths import Paths  # noqa: E402
from curation.embedded.processes import Program, say  # noqa: E402
from curation.embedded.services import make_folders, running_services  # noqa: E402
from curation.embedded.supervisor import Supervisor, only_supervisor  # noqa: E402


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def web(door: int) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page, bind_and_activate=False)
    server.socket = socket.socket(fileno=door)
    server.serve_forever()


def worker() -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("at work", flush=True)  # noqa: T201
    stop.wait()
    sys.stdout.write("finished what it had begun\n")


def stubborn() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Event().wait()


def faller() -> None:
    sys.stdout.write("the reason of the fall\n")
    sys.exit(7)


def program(paths: Paths, role: str, door: int) -> Program:
    return Program(
        name=role,
        command=(sys.executable, __file__, str(paths.data_dir), str(door), role),
        log=paths.log / f"{role}.log",
        environment=dict(os.environ),
        descriptors=(door,),
    )


def up(paths: Paths, port: int, roles: list[str]) -> int:
    # Where others work too, three starts may take more than a minute, and so may a stop.
    processes.FALLS_WITHIN_SECONDS = supervisor.ASK_AGAIN_AFTER = supervisor.END_AFTER = 3600.0
    try:
        make_folders(paths)
        with (
            only_supervisor(paths),
            listening("127.0.0.1", port) as door,
            running_services(paths, Plan(durable=False)) as services,
        ):
            Supervisor(
                programs=[program(paths, role, door.fileno()) for role in roles],
                services=services,
                is_ready=Question("127.0.0.1", port).is_answered,
                announce=lambda: print("ready", flush=True),  # noqa: T201
                close_the_door=door.close,
            ).run()
    except ServiceError as failure:
        say(failure.sentence)
        return failure.status
    return 0


def main(data_dir: str, port_or_door: str, *roles: str) -> int:
    if roles == ("web",):
        web(int(port_or_door))
    if roles == ("worker",):
        worker()
    if roles == ("stubborn",):
        stubborn()
    if roles == ("faller",):
        faller()
    return up(Paths(Path(data_dir)), int(port_or_door), list(roles)) if len(roles) > 1 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
