"""What `up` does: one supervisor per DATA_DIR keeps every process running until it is asked to stop."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from .errors import ServiceError
from .locks import FileLock, is_held
from .paths import Paths
from .processes import Child, Program, last_lines
from .services import Services

TICK_SECONDS = 0.1
READY_SECONDS = 300.0  # a busy machine needs minutes; a process that falls is told at once
ASK_AGAIN_AFTER = 18.0  # seconds after the first request to stop: SIGQUIT, Celery's cold stop
END_AFTER = 24.0  # SIGKILL; PostgreSQL and Redis have the rest of the 30 seconds
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Heard = Callable[[int, FrameType | None], object]


@contextmanager
def only_supervisor(paths: Paths) -> Iterator[None]:
    """Refuse a second supervisor on the same DATA_DIR."""
    lock = FileLock(paths.run / "up")
    if not lock.acquire():
        raise ServiceError(
            f"Winnow already runs on {paths.data_dir} (process {lock.signature()}): "
            "stop that one first, or set another DATA_DIR and PORT.",
            status=2,
        )
    lock.sign()
    try:
        yield
    finally:
        lock.release()


def note_address(paths: Paths, address: str) -> None:
    """Say where the product of this DATA_DIR is found as long as its supervisor runs."""
    (paths.run / "address").write_text(address, encoding="utf-8")


def running_at(paths: Paths, *, otherwise: str) -> str:
    """Return where the product of this DATA_DIR runs: this shell may know nothing of its port."""
    try:
        address = (paths.run / "address").read_text(encoding="utf-8")
    except OSError:
        return otherwise
    return address if is_held(paths.run / "up") else otherwise


@dataclass(slots=True)
class Supervisor:
    """The product's processes and, when they are embedded, the services below them.

    The first process has the processors to itself until it answers: so people see their pages sooner.
    """

    programs: Sequence[Program]
    services: Services | None
    is_ready: Callable[[], bool]
    announce: Callable[[], None]
    close_the_door: Callable[[], None]
    children: list[Child] = field(default_factory=list)
    requests_to_stop: int = 0
    announced: bool = False

    def run(self) -> None:
        """Start everything, announce once it answers, keep it running, stop it in order."""
        with hearing(STOP_SIGNALS, self._ask_to_stop):
            try:
                self._serve()
            finally:
                self._stop()

    def _serve(self) -> None:
        self._start(self.programs[:1])
        limit = time.monotonic() + READY_SECONDS
        while not self.requests_to_stop:
            self._tend()
            if not self.announced:
                self._announce_when_ready(limit)
            time.sleep(TICK_SECONDS)

    def _start(self, programs: Sequence[Program]) -> None:
        for program in programs:
            child = Child(program)
            self.children.append(child)
            child.start()

    def _tend(self) -> None:
        if self.services is not None:
            self.services.tend()
        for child in self.children:
            child.tend()

    def _announce_when_ready(self, limit: float) -> None:
        if self.is_ready():
            self._start(self.programs[1:])
            self.announced = True
            self.announce()
        elif time.monotonic() > limit:
            log = self.programs[0].log
            raise ServiceError(
                f"The web process did not answer within {READY_SECONDS:.0f} s. Its last lines ({log}):\n"
                f"{last_lines(log)}"
            )

    def _ask_to_stop(self, *_: object) -> None:
        self.requests_to_stop += 1

    def _stop(self) -> None:
        """Refuse who comes now; ask, ask again, end: within 24 seconds, at once on a second request."""
        self.close_the_door()
        began = time.monotonic()
        asked = self.requests_to_stop
        for child in self.children:
            child.signal(child.program.stop_signal)
        asked_again = False
        while any(child.running() for child in self.children):
            passed = time.monotonic() - began
            if passed > END_AFTER or self.requests_to_stop > max(asked, 1):
                break
            if passed > ASK_AGAIN_AFTER and not asked_again:
                asked_again = True
                for child in self.children:
                    child.signal(signal.SIGQUIT)
            time.sleep(0.05)
        for child in self.children:
            child.kill()


@contextmanager
def hearing(numbers: Sequence[signal.Signals], heard: Heard) -> Iterator[None]:
    """Answer signals with a call for the length of the block."""
    before = {number: signal.signal(number, heard) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
