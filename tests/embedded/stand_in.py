"""A tiny product under the real supervisor: `python stand_in.py DATA_DIR PORT [web|worker|faller]`."""

import http.server
import os
import signal
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from curation.embedded import processes  # noqa: E402
from curation.embedded.errors import ServiceError  # noqa: E402
from curation.embedded.keeper import Plan  # noqa: E402
from curation.embedded.paths import Paths  # noqa: E402
from curation.embedded.processes import Program, say  # noqa: E402
from curation.embedded.services import make_folders, running_services  # noqa: E402
from curation.embedded.supervisor import Supervisor, answers_http, only_supervisor, require_free_port  # noqa: E402


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def web(port: int) -> None:
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Page).serve_forever()


def worker() -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("at work", flush=True)  # noqa: T201
    stop.wait()
    sys.stdout.write("finished what it had begun\n")


def faller() -> None:
    sys.stdout.write("the reason of the fall\n")
    sys.exit(7)


def program(paths: Paths, role: str, port: int) -> Program:
    command = (sys.executable, __file__, str(paths.data_dir), str(port), role)
    return Program(name=role, command=command, log=paths.log / f"{role}.log", environment=dict(os.environ))


def up(paths: Paths, port: int, roles: list[str]) -> int:
    processes.FALLS_WITHIN_SECONDS = 3600.0  # where others work too, three starts may take more than a minute
    try:
        make_folders(paths)
        with only_supervisor(paths):
            require_free_port("127.0.0.1", port)
            with running_services(paths, Plan(durable=False)) as services:
                Supervisor(
                    programs=[program(paths, role, port) for role in roles],
                    services=services,
                    is_ready=lambda: answers_http("127.0.0.1", port),
                    announce=lambda: print("ready", flush=True),  # noqa: T201
                ).run()
    except ServiceError as failure:
        say(failure.sentence)
        return failure.status
    return 0


def main(data_dir: str, port: str, *roles: str) -> int:
    if roles == ("web",):
        web(int(port))
    if roles == ("worker",):
        worker()
    if roles == ("faller",):
        faller()
    return up(Paths(Path(data_dir)), int(port), list(roles)) if len(roles) > 1 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
