"""Child processes that are watched: started, restarted after a fall, stopped, never left behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from .errors import ServiceError

PR_SET_PDEATHSIG = 1
FALLS = 3
FALLS_WITHIN_SECONDS = 60.0
PAUSES = (0.1, 1.0, 3.0)  # before the first, the second, the third restart
LARGEST_LOG = 20 * 1024 * 1024
LAST_LINES = 15
START_MARK = "--- started"
_libc = ctypes.CDLL(None, use_errno=True)


def _nothing() -> None: ...


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user that a server runs as when we are root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep running."""

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str]
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    folder: Path | None = None
    account: Account | None = None
    before_start: Callable[[], None] = _nothing
    descriptors: tuple[int, ...] = ()  # of ours, which it uses too


@dataclass(slots=True)
class Child:
    """A program with its present process, when it ended lately, and when it fell by itself."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    ends: deque[float] = field(default_factory=lambda: deque(maxlen=FALLS))
    falls: deque[float] = field(default_factory=lambda: deque(maxlen=FALLS))
    not_before: float = 0.0

    def start(self) -> None:
        self.program.before_start()
        self.process = spawn(self.program)

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def tend(self) -> None:
        """Notice an end and start again after a pause; give up at the third fall within a minute.

        SIGKILL is somebody else's doing, such as the kernel's when memory is short: it is no fall of the program.
        """
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self._record_end(now)
        if self.process is None and now >= self.not_before:
            self.start()
        trim_log(self.program.log)

    def _record_end(self, now: float) -> None:
        assert self.process is not None  # noqa: S101
        status = self.process.returncode
        signal_group(self.process.pid, signal.SIGKILL)
        self.process = None
        self.ends.append(now)
        if status != -signal.SIGKILL:
            self.falls.append(now)
        say(f"{self.program.name} ended ({describe_exit(status)}); starting it again.")
        if len(self.falls) == FALLS and now - self.falls[0] < FALLS_WITHIN_SECONDS:
            raise ServiceError(
                f"{self.program.name} fell {FALLS} times within a minute. Its last lines "
                f"({self.program.log}):\n{last_lines(self.program.log)}"
            )
        recent = sum(1 for end in self.ends if now - end < FALLS_WITHIN_SECONDS)
        self.not_before = now + PAUSES[recent - 1]

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def wait(self, seconds: float) -> bool:
        """Return True when the process has ended within the time."""
        if self.process is None:
            return True
        try:
            self.process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End the process and its group at once."""
        if self.process is not None:
            signal_group(self.process.pid, signal.SIGKILL)
            self.process.wait()


def spawn(program: Program) -> subprocess.Popen[bytes]:
    """Start the program in a session of its own, tied to our life by PDEATHSIG."""
    account = program.account
    with LogFile(program.log) as log:
        return subprocess.Popen(  # noqa: S603
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(program.environment),
            cwd=program.folder,
            start_new_session=True,
            pass_fds=program.descriptors,
            preexec_fn=die_with_parent(program.orphan_signal),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return what the child does before exec: ask Linux for a signal when its parent ends."""
    parent = os.getpid()

    def ask() -> None:
        if not sys.platform.startswith("linux"):
            return
        _libc.prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # the parent ended between fork and prctl
            os._exit(1)

    return ask


@dataclass(slots=True)
class LogFile:
    """A log open for appending, with a line that marks this start."""

    path: Path
    descriptor: int = -1

    def __enter__(self) -> int:
        trim_log(self.path)
        self.descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.write(self.descriptor, f"{START_MARK} {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n".encode())
        return self.descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)


def trim_log(path: Path) -> None:
    """Keep one older log beside the present one; the writer appends, so truncation is safe."""
    try:
        if path.stat().st_size < LARGEST_LOG:
            return
        path.with_suffix(".log.1").write_bytes(path.read_bytes())
        os.truncate(path, 0)
    except OSError:
        return


def last_start(path: Path) -> list[str]:
    """Return the lines that the log received since its program was started last."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(START_MARK)]
    return lines[starts[-1] + 1 :] if starts else lines


def last_lines(path: Path) -> str:
    return "\n".join(f"    {line}" for line in last_start(path)[-LAST_LINES:]) or "    (it said nothing)"


def signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def describe_exit(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def say(sentence: str) -> None:
    """Tell the operator on standard error; standard output belongs to results."""
    sys.stderr.write(f"winnow: {sentence}\n")
    sys.stderr.flush()


def servers_in(folder: Path, names: frozenset[str], pid_file: Path) -> list[int]:
    """Return the ids of the processes of that name that work in the folder, the server itself first."""
    if not Path("/proc/self/exe").exists():
        return _server_by_pid_file(pid_file, names)
    found = [pid for pid in _process_ids() if _works_in(pid, folder, names)]
    recorded = _recorded_pid(pid_file)
    return sorted(found, key=lambda pid: (pid != recorded, pid))


def stop_servers(folder: Path, names: frozenset[str], pid_file: Path, *, politely: signal.Signals) -> None:
    """End what somebody killed left behind in the folder, the hard way when asking does not help.

    Only the server itself is asked. Its orphans are busy with somebody's question, or take the signal for another:
    PostgreSQL's checkpointer would write its last checkpoint.
    """
    left = servers_in(folder, names, pid_file)
    if left and left[0] == _recorded_pid(pid_file):
        _signal_quietly(left[0], politely)
        _gone(folder, names, pid_file, 10.0)
    for number, seconds in ((signal.SIGQUIT, 3.0), (signal.SIGKILL, 5.0)):
        left = servers_in(folder, names, pid_file)
        for pid in left:
            _signal_quietly(pid, number)
        if not left or _gone(folder, names, pid_file, seconds):
            return
    raise ServiceError(f"A server left behind in {folder} cannot be stopped: end process {left[0]} by hand.")


def _gone(folder: Path, names: frozenset[str], pid_file: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not servers_in(folder, names, pid_file):
            return True
        time.sleep(0.05)
    return False


def _signal_quietly(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _process_ids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _works_in(pid: int, folder: Path, names: frozenset[str]) -> bool:
    try:
        process = Path("/proc") / str(pid)
        name = (process / "exe").readlink().name.removesuffix(" (deleted)")
        return name in names and (process / "cwd").readlink() == folder.resolve()
    except OSError:
        return False


def _recorded_pid(pid_file: Path) -> int:
    try:
        return int(pid_file.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _server_by_pid_file(pid_file: Path, names: frozenset[str]) -> list[int]:
    """Ask ps, where there is no /proc."""
    pid = _recorded_pid(pid_file)
    if pid <= 0:
        return []
    listed = subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return [pid] if Path(listed.stdout.strip()).name in names else []
