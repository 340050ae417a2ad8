"""`python -m curation.embedded.keeper DATA_DIR`: keeps PostgreSQL and Redis running while anybody uses them.

One keeper per DATA_DIR holds `run/lock`; everybody who needs the services holds `run/users` shared. When the last
user is gone, however he ended, the keeper stops both servers and ends. It holds `run/users` exclusively while it
stops, so that a newcomer waits and then starts a keeper of his own.
"""

import argparse
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import postgres, readiness, redis
from .errors import ServiceError
from .locks import FileLock
from .paths import Paths
from .processes import Child, say

TICK_SECONDS = 0.1
START_SECONDS = 60.0
CONNECTIONS = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """Which of the two servers to keep, whether the data must survive a power cut, and for how many at a time."""

    postgres: bool = True
    redis: bool = True
    durable: bool = True
    connections: int = CONNECTIONS


@dataclass(slots=True)
class Keeper:
    paths: Paths
    plan: Plan
    children: list[Child] = field(default_factory=list)
    asked_to_stop: bool = False

    def run(self) -> None:
        """Serve until nobody is left; the servers end with this call."""
        users = FileLock(self.paths.run / "users")
        try:
            self._start()
            while not self.asked_to_stop and not users.acquire():
                self._tend()
                time.sleep(TICK_SECONDS)
        finally:
            self._stop()
            users.release()

    def _start(self) -> None:
        if self.plan.redis:
            self.children.append(Child(redis.prepare(self.paths)))
        if self.plan.postgres:
            self.children.append(Child(postgres.prepare(self.paths, self.plan.connections, durable=self.plan.durable)))
        self._tend()
        limit = readiness.deadline(START_SECONDS)
        while self.plan.postgres and not readiness.ensure_database(self.paths):
            if time.monotonic() > limit:
                raise ServiceError(f"PostgreSQL did not answer within {START_SECONDS:.0f} s.")
            self._tend()
            time.sleep(0.02)

    def _tend(self) -> None:
        for child in self.children:
            child.tend()

    def _stop(self) -> None:
        for child in self.children:
            child.signal(child.program.stop_signal)
        for child in self.children:
            if not child.wait(10):
                child.signal(signal.SIGQUIT)
            if not child.wait(3):
                child.kill()
        for folder in (self.paths.pg_socket_dir, self.paths.redis_socket.parent):
            if self.paths.data_dir not in folder.parents:  # the short stand-in of a long path
                shutil.rmtree(folder, ignore_errors=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="keeper")
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--without", action="append", choices=["postgres", "redis"], default=[])
    parser.add_argument("--throw-away", action="store_true", help="do not wait for the disk: the data is for a test")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help="of PostgreSQL at most")
    options = parser.parse_args(arguments)
    plan = Plan(
        postgres="postgres" not in options.without,
        redis="redis" not in options.without,
        durable=not options.throw_away,
        connections=options.connections,
    )
    return keep(Paths(options.data_dir), plan)


def acquire_despite_probes(lock: FileLock) -> bool:
    """Try a few times: whoever asks whether the lock is held has it for an instant."""
    for _ in range(5):
        if lock.acquire():
            return True
        time.sleep(0.02)
    return False


def keep(paths: Paths, plan: Plan) -> int:
    """Hold the lock and run; end quietly when another keeper is at work."""
    lock = FileLock(paths.run / "lock")
    if not acquire_despite_probes(lock):
        return 0
    lock.sign()
    keeper = Keeper(paths, plan)

    def stop(*_: object) -> None:
        keeper.asked_to_stop = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        keeper.run()
    except ServiceError as failure:
        say(failure.sentence)
        return failure.status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
