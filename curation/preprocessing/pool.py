"""Child processes with limits for files of strangers: a file that kills its process costs a sentence, not the run."""

from __future__ import annotations

import atexit
import io
import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, is_dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

from .child import READY
from .limits import MEGABYTE, Unreadable

log = logging.getLogger(__name__)

Result = TypeVar("Result")

WAITING_PER_CHILD = 2
_CRASHED = ("crashed", "the file makes the program that reads it crash; it was left out")
_ROOT = Path(__file__).resolve().parents[2]
_ARRAY_PARTS = frozenset(
    {
        ("builtins", "bytearray"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy._core.numeric", "_frombuffer"),
    }
)
_KEPT_FROM_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """Bounds of one child: memory beyond what it starts with; processor and wall-clock time of one call."""

    memory_bytes: int = 272 * MEGABYTE
    cpu_seconds: int = 20
    seconds: float = 60.0


FULL_SIZE = ChildLimits(memory_bytes=1536 * MEGABYTE, cpu_seconds=60, seconds=180.0)


class ChildFailed(RuntimeError):
    """No child can be started."""


class Pool:
    """Calls functions of bytes or paths in limited child processes, which are started when first needed.

    A function is named by reference (it must stand at the top of a module); a result is made of numbers, text, bytes,
    arrays and dataclasses of this package. A child inherits no secret, neither open files nor the environment, and
    ends when its parent does.
    """

    def __init__(self, processes: int | None = None, limits: ChildLimits = ChildLimits()) -> None:
        self.processes = processes or os.cpu_count() or 1
        self._limits = limits
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(self.processes)
        self._logged: set[str] = set()
        self._turns = tempfile.TemporaryFile()  # noqa: SIM115 - held as long as the pool

    def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Call `work(*arguments)` in a child.

        Raises Unreadable, also when the child had to be stopped or our own code failed on the file, and ChildFailed
        when no child can be started.
        """
        with self._places:
            child = self._taken()
            try:
                answer = child.ask(work, arguments)
            except BaseException:
                self._end(child)
                raise
            with self._lock:
                if child in self._all:  # the pool may have been closed meanwhile
                    self._idle.append(child)
        result: Result = self._opened(answer)
        return result

    def map(self, work: Callable[..., Result], calls: Iterable[tuple[Any, ...]]) -> Iterator[Result | Unreadable]:
        """Yield the result or the refusal of each call, in order; takes calls no faster than results are taken."""
        with ThreadPoolExecutor(self.processes) as threads:
            waiting: deque[Future[Result | Unreadable]] = deque()
            try:
                for arguments in calls:
                    waiting.append(threads.submit(self._outcome, work, arguments))
                    if len(waiting) >= WAITING_PER_CHILD * self.processes:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            except BaseException:  # whoever asked has gone: nobody waits for what is under way
                threads.shutdown(wait=False, cancel_futures=True)
                self.close()
                raise

    def close(self) -> None:
        """End all children at once. A closed pool may be used again."""
        with self._lock:
            children, self._all, self._idle = self._all, set(), []
        for child in children:
            child.end()

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _outcome(self, work: Callable[..., Result], arguments: tuple[Any, ...]) -> Result | Unreadable:
        try:
            return self.run(work, *arguments)
        except Unreadable as refusal:
            return refusal

    def _opened(self, answer: tuple[str, Any]) -> Any:
        how, what = answer
        if how == "done":
            return what
        if how == "failed":
            self._log(what)
            raise Unreadable(*_CRASHED)
        raise Unreadable(*what)

    def _log(self, trail: str) -> None:
        """Log a failure of our own code once for each place it happens in, however many files meet it."""
        place = trail.rstrip().rpartition("\n")[0]
        with self._lock:
            is_new = place not in self._logged
            self._logged.add(place)
        if is_new:
            log.error("reading a file failed; it was refused as crashed\n%s", trail)

    def _taken(self) -> _Child:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        child = _Child(self._limits, self._turns.fileno())
        with self._lock:
            self._all.add(child)
        return child

    def _end(self, child: _Child) -> None:
        with self._lock:
            self._all.discard(child)
        child.end()


class _Child:
    def __init__(self, limits: ChildLimits, turns: int) -> None:
        self._limits = limits
        ours, theirs = socket.socketpair()
        with theirs:
            settings = {**asdict(limits), "connection": theirs.fileno(), "turns": turns}
            self._process = subprocess.Popen(  # noqa: S603 - our own module, numbers as arguments
                [sys.executable, "-m", "curation.preprocessing.child", *(f"{k}={v}" for k, v in settings.items())],
                pass_fds=(theirs.fileno(), turns),
                env=child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the parent, which then ends its children
            )
        self._connection = Connection(ours.detach())
        self._is_ready = False

    def ask(self, work: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[str, Any]:
        """Return how the call ended and what it gave. Raises Unreadable when the child had to be stopped."""
        self._await_ready()
        try:
            self._connection.send_bytes(pickle.dumps((work, arguments), pickle.HIGHEST_PROTOCOL))
            if not self._connection.poll(self._limits.seconds):
                raise _too_slow(self._limits.seconds)
            return _read(self._connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise self._refusal() from error

    def _await_ready(self) -> None:
        """Let the start, which may be slow, count for no file. Raises ChildFailed."""
        if self._is_ready:
            return
        try:
            self._is_ready = self._connection.recv_bytes() == READY
        except (EOFError, OSError) as error:
            raise ChildFailed(
                "the process that reads files ended while it started; its last words are above"
            ) from error

    def _refusal(self) -> Unreadable:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        if self._process.returncode == -signal.SIGXCPU:
            return _too_slow(self._limits.cpu_seconds)
        return Unreadable(*_CRASHED)

    def end(self) -> None:
        with suppress(OSError):
            self._process.kill()
        self._process.wait()
        self._connection.close()


class _Answer(pickle.Unpickler):
    """Reads numbers, text, arrays and our own records only: a decoder that was taken over can tell lies, no more."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ARRAY_PARTS:
            return super().find_class(module, name)
        found = super().find_class(module, name) if module.startswith("curation.preprocessing.") else None
        if isinstance(found, type) and is_dataclass(found) and found.__module__ == module:
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is no answer")


def _read(answer: bytes) -> tuple[str, Any]:
    try:
        return _checked(*_Answer(io.BytesIO(answer)).load())
    except Exception as error:  # whatever these bytes do to their reader, they are no answer
        log.exception("a process that reads files answered with something else than a result")
        raise Unreadable(*_CRASHED) from error


def _checked(how: str, what: Any) -> tuple[str, Any]:
    if how == "refused":
        code, sentence = what
        return how, (str(code), str(sentence))
    if how == "failed":
        return how, str(what)
    if how != "done":
        raise ValueError(f"{how!r} is no way for a call to end")
    return how, what


def _too_slow(seconds: float) -> Unreadable:
    return Unreadable("too_slow", f"the file takes more than {seconds:g} s to read; it was left out")


_GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": str(8 * MEGABYTE), "MALLOC_TRIM_THRESHOLD_": str(32 * MEGABYTE)}
"""A child gives the memory of a large picture back when it is done; glibc would raise both bounds and keep it."""


def child_environment() -> dict[str, str]:
    """Return the environment a child starts in: nothing of ours but what finds its libraries, and one thread."""
    kept = {name: os.environ[name] for name in _KEPT_FROM_ENVIRONMENT if name in os.environ}
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    return {**kept, **one_thread, **_GIVES_BACK, "PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


MOST_THAT_DRAW: Final = 2  # each holds some 100 MB
_shared: dict[tuple[int, str], Pool] = {}


def shared_pool() -> Pool:
    """Return this process's own pool of one child per processor, which ends with the process."""
    return _pool_of_this_process("measuring", Pool)


def drawing_pool() -> Pool:
    """Return this process's own children that draw what is rehearsed: as many as keep up with the crowd's own work."""
    return _pool_of_this_process("drawing", lambda: Pool(min(MOST_THAT_DRAW, os.cpu_count() or 1)))


def full_size_pool() -> Pool:
    """Return this process's own child for re-encoding pictures at full size, which takes several copies of a pixel."""
    return _pool_of_this_process("full size", lambda: Pool(1, FULL_SIZE))


def _pool_of_this_process(what: str, make: Callable[[], Pool]) -> Pool:
    key = os.getpid(), what  # a forked process makes one of its own
    pool = _shared.get(key)
    if pool is None:
        pool = _shared.setdefault(key, make())
        atexit.register(pool.close)
    return pool
