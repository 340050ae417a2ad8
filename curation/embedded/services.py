"""What a command calls: `with running_services(paths)` joins the servers of this DATA_DIR or starts them."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import readiness
from .errors import ServiceError
from .keeper import Plan
from .locks import FileLock, is_held, make_private, shared
from .paths import Paths
from .processes import LogFile, last_start, say

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0
STOP_SECONDS = 30.0
LEAST_FREE_BYTES = 200 * 1024 * 1024
EVERYTHING = Plan()


@dataclass(slots=True)
class Services:
    """The servers as seen by one of their users."""

    paths: Paths
    plan: Plan
    keeper: subprocess.Popen[bytes] | None = None

    def answer(self) -> bool:
        """Say whether every server of the plan answers a real question."""
        if self.plan.redis and not readiness.redis_answers(self.paths):
            return False
        return not self.plan.postgres or readiness.postgres_answers(self.paths)

    def ensure(self) -> None:
        """Wait until the servers answer; start a keeper when there is none."""
        limit = time.monotonic() + START_SECONDS
        while not (self.kept() and self.answer()):
            self._keep()
            if time.monotonic() > limit:
                raise ServiceError(
                    f"The embedded services did not answer within {START_SECONDS:.0f} s; see {self.paths.log}."
                )
            time.sleep(0.02)

    def kept(self) -> bool:
        return is_held(self.paths.run / "lock")

    def tend(self) -> None:
        """Start a new keeper after somebody killed ours; pass on its last words when it gave up."""
        if self.kept():
            return
        say("the keeper of PostgreSQL and Redis ended; starting it again.")
        self.ensure()

    def wait_for_end(self) -> None:
        """Wait for the keeper to stop the servers, unless other commands still use them."""
        limit = time.monotonic() + STOP_SECONDS
        while self.kept() and not in_use(self.paths) and time.monotonic() < limit:
            time.sleep(0.02)
        if self.keeper is not None and not in_use(self.paths):
            self.keeper.wait(STOP_SECONDS)

    def _keep(self) -> None:
        status = self.keeper.poll() if self.keeper is not None else 0
        if status is None:
            return
        if status > 0:
            raise ServiceError(last_words(self.paths), status=status)
        if not self.kept():
            self.keeper = spawn_keeper(self.paths, self.plan)


@contextmanager
def running_services(paths: Paths, plan: Plan = EVERYTHING) -> Iterator[Services]:
    """Have PostgreSQL and Redis answer for the length of the block; the last user's end stops them."""
    make_folders(paths)
    services = Services(paths, plan)
    try:
        with shared(paths.run / "users"):
            services.ensure()
            yield services
    finally:
        services.wait_for_end()


def spawn_keeper(paths: Paths, plan: Plan) -> subprocess.Popen[bytes]:
    """Start the keeper apart from us: it outlives a command while other commands use the services."""
    left_out = [name for name, wanted in (("postgres", plan.postgres), ("redis", plan.redis)) if not wanted]
    options = ["--connections", str(plan.connections)]
    options += [part for name in left_out for part in ("--without", name)]
    if not plan.durable:
        options.append("--throw-away")
    with LogFile(paths.log / "keeper.log") as log:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "curation.embedded.keeper", str(paths.data_dir), *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=ROOT,
            start_new_session=True,
        )


def last_words(paths: Paths) -> str:
    lines = last_start(paths.log / "keeper.log")
    return "\n".join(line.removeprefix("winnow: ") for line in lines) or f"The services fell; see {paths.log}."


def in_use(paths: Paths) -> bool:
    """Say whether some command uses the servers (a keeper that is stopping does not count)."""
    probe = FileLock(paths.run / "users")
    try:
        return not probe.acquire() and probe.acquire(shared=True)
    finally:
        probe.release()


def make_folders(paths: Paths) -> None:
    """Create the private folders, or say in one sentence why DATA_DIR cannot be used."""
    try:
        paths.data_dir.mkdir(parents=True, exist_ok=True)
        for folder in (paths.run, paths.log, paths.web_counts):
            make_private(folder)
        free = shutil.disk_usage(paths.data_dir).free
        (paths.run / "users").touch(mode=0o600)
    except OSError as error:
        raise ServiceError(f"DATA_DIR={paths.data_dir} cannot be written: {error.strerror}.", status=2) from None
    if free < LEAST_FREE_BYTES:
        raise ServiceError(
            f"The disk of DATA_DIR={paths.data_dir} has {free // 2**20} MB left; Winnow needs at least "
            f"{LEAST_FREE_BYTES // 2**20} MB."
        )
