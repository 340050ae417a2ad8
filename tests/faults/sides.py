"""The two sides of a campaign under faults: the real product under `up`, and an emulator in a process of its own."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import psycopg

from curation.embedded.paths import Paths
from tests.embedded.observe import eventually
from tests.embedded.running import LOCAL, ROOT, _environ, environment, family, start

COMMISSION = "0.2"
FAULTS = ("drop_reply=0.05", "error_500=0.05")
# Too many calls in a moment; a full quota would be waited for until its minute, hour or day is over.
THROTTLE = {"throttle": {"rate": 0.05, "interval": ""}}
# A page of a proxy in HTML, and an answer that comes when nobody waits for it any more: the work was done.
RARE = {"error_503": {"rate": 0.01}, "hang": {"rate": 0.01, "seconds": 30}}
RARE_IN_SHORT = {"error_503": {"rate": 0.05, "times": 3}, "hang": {"rate": 0.05, "seconds": 30, "times": 2}}
WORKER_MARK = b"WINNOW_ROLE=worker\0"


AWAY_FOR = 60.0  # seconds within which a database that was killed answers again
_connections: dict[Path, psycopg.Connection[tuple[Any, ...]]] = {}


def database(data_dir: Path) -> psycopg.Connection[tuple[Any, ...]]:
    """Return a connection that is kept, or a new one where the database has ended it."""
    known = _connections.get(data_dir)
    if known is None or known.closed:
        where = str(Paths(data_dir).pg_socket_dir)
        known = _connections[data_dir] = psycopg.connect(host=where, user="winnow", dbname="winnow", autocommit=True)
    return known


@cache
def client() -> httpx.Client:
    """Return one client for all calls: making one costs more than most calls do."""
    return httpx.Client(timeout=120, trust_env=False)


@dataclass(frozen=True, slots=True)
class Product:
    """A product under `up`, looked at through its database and its command line."""

    data_dir: Path
    port: int
    settings: str = LOCAL

    def manage(self, *words: str, may_fail: bool = False) -> str:
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", *words],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert may_fail or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def environment(self) -> dict[str, str]:
        return {**environment(self.data_dir, self.settings), "PORT": str(self.port)}

    def shell(self, code: str) -> Any:
        """Run a piece of code inside of the product; its last line of output is JSON."""
        return json.loads(self.manage("shell", "-v", "0", "-c", code).splitlines()[-1])

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database, again while it is away."""
        end = time.monotonic() + AWAY_FOR
        while True:
            try:
                return database(self.data_dir).execute(query, values).fetchall()
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def one(self, query: str, *values: Any) -> int:
        return int(self.rows(query, *values)[0][0] or 0)

    def workers(self) -> list[int]:
        """Return every process of the worker: the one that the supervisor started, and its children."""
        return [pid for pid in family(self.data_dir) if WORKER_MARK in _environ(pid) + b"\0"]

    def kill_a_worker(self, rng: random.Random) -> int:
        """Kill any one of them as the kernel would, and return which."""
        while not (found := self.workers()):
            assert eventually(self.workers, seconds=60), "no worker came back"
        pid = rng.choice(found)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return pid


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def product(data_dir: Path, settings: str = LOCAL) -> Iterator[Product]:
    with running(data_dir, settings) as (ours, _):
        yield ours


@contextlib.contextmanager
def running(data_dir: Path, settings: str = LOCAL) -> Iterator[tuple[Product, subprocess.Popen[str]]]:
    """Have a product that serves, and the process of its `up`."""
    port = free_port()
    process = start(data_dir, port, settings)
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("Winnow is ready"), process.stderr.read()
        yield Product(data_dir, port, settings), process
    finally:
        process.kill()
        process.communicate()
        assert eventually(lambda: family(data_dir) == [], seconds=60)


def asked_again(call: Callable[[], httpx.Response], times: int = 20) -> httpx.Response:
    """Read something, again where a fault breaks the call."""
    for _ in range(times):
        with contextlib.suppress(httpx.TransportError):
            answer = call()
            if answer.is_success:
                return answer
    raise AssertionError(f"no answer in {times} calls")


@dataclass(frozen=True, slots=True)
class Emulator:
    """The platform's side: its control door, and its own books."""

    url: str
    token: str

    def door(self, method: str, path: str, body: Any = None) -> Any:
        answer = client().request(method, f"{self.url}/_emulator{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def visits(self, n: int) -> int:
        """Let so many people come by; return how many pages were handed in."""
        return int(self.door("POST", "/visits", {"n": n})["outcomes"].get("page", 0))

    def pages(self, pool_id: str) -> dict[str, str]:
        """Return the state of every page of a pool."""
        found: dict[str, str] = {}
        params: dict[str, Any] = {"pool_id": pool_id, "sort": "id", "limit": 10_000}
        with httpx.Client(headers={"Authorization": f"OAuth {self.token}"}, timeout=60, trust_env=False) as api:
            while True:
                answer = asked_again(lambda: api.get(f"{self.url}/api/v1/assignments", params=params))
                items = answer.json()["items"]
                found |= {one["id"]: one["status"] for one in items}
                if not answer.json()["has_more"]:
                    return found
                params["id_gt"] = items[-1]["id"]


@contextlib.contextmanager
def emulator(*, seed: str, population: int, faults: Sequence[str] = ()) -> Iterator[Emulator]:
    words = ["--port", "0", "--seed", seed, "--crowd", seed, "--population", str(population)]
    words += ["--visits-per-second", "0", "--commission", COMMISSION, "--balance", "100000"]
    for fault in faults:
        words += ["--fault", fault]
    process = subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "emulate", "toloka", *words],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "curation.settings.local"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address, token = process.stdout.readline(), process.stdout.readline()
        yield Emulator(address.split()[3].rstrip(","), token.split()[3])
    finally:
        process.kill()
        process.wait()
