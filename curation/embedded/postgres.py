"""The embedded PostgreSQL: its data folder, its command line, its first words."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .binaries import postgres_program
from .errors import ServiceError
from .locks import make_private
from .paths import POSTGRES_SOCKET_NAME, Paths
from .processes import Account, Program, servers_in, stop_servers

USER = "winnow"
DATABASE = "winnow"
NAMES = frozenset({"postgres"})
NOBODY = 65534  # exists in every passwd, which initdb insists on
# PostgreSQL refuses user id 0, and looks at the id only: inside a user namespace files stay root's and nothing
# needs another owner or wider permissions.
NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
INITDB = ("-U", USER, "-A", "trust", "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
SETTINGS = (
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "shared_buffers=256MB",
    "jit=off",
    "random_page_cost=1.1",
    "timezone=UTC",
    "log_timezone=UTC",
)
THROW_AWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True, slots=True)
class Identity:
    """How to run a program that refuses to be root."""

    prefix: tuple[str, ...] = ()
    account: Account | None = None


def prepare(paths: Paths, connections: int, *, durable: bool) -> Program:
    """Make the data folder when there is none and return the server's program."""
    paths.pg_data.parent.mkdir(exist_ok=True)
    make_private(paths.pg_socket_dir)
    who = identity(paths)
    _own(paths.pg_socket_dir, who)
    if not (paths.pg_data / "PG_VERSION").exists():
        create_cluster(paths, who, durable=durable)
    check_version(paths)
    return Program(
        name="postgres",
        command=(*who.prefix, str(postgres_program("postgres")), *arguments(paths, connections, durable=durable)),
        log=paths.log / "postgres.log",
        environment=environment(),
        stop_signal=signal.SIGINT,  # "fast": SIGTERM would wait for every session
        orphan_signal=signal.SIGINT,
        account=who.account,
        before_start=lambda: clear_the_way(paths),
    )


def arguments(paths: Paths, connections: int, *, durable: bool) -> list[str]:
    """Return the server's command line: a socket for its owner alone, no TCP."""
    settings = [*SETTINGS, f"max_connections={connections}", *(() if durable else THROW_AWAY)]
    if sys.platform.startswith("linux"):
        settings.append("recovery_init_sync_method=syncfs")
    options = [part for setting in settings for part in ("-c", setting)]
    return ["-D", str(paths.pg_data), "-k", str(paths.pg_socket_dir), *options]


def environment() -> dict[str, str]:
    """Return our environment without PG* variables, which would speak of another server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C"}


def clear_the_way(paths: Paths) -> None:
    """Stop servers left behind and delete the notes of who runs, on which PostgreSQL would not start.

    Both notes name a process by its number, which after a restart of the machine may be anybody's.
    """
    pid_file = paths.pg_data / "postmaster.pid"
    stop_servers(paths.pg_data, NAMES, pid_file, politely=signal.SIGINT)
    if not servers_in(paths.pg_data, NAMES, pid_file):
        pid_file.unlink(missing_ok=True)
        (paths.pg_socket_dir / f"{POSTGRES_SOCKET_NAME}.lock").unlink(missing_ok=True)


def create_cluster(paths: Paths, who: Identity, *, durable: bool) -> None:
    """Run initdb beside the final place and rename, so that a killed first start leaves nothing half made."""
    fresh = paths.pg_data.with_name("data.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    _own(fresh, who)
    options = [*INITDB, "--no-instructions", *([] if durable else ["--no-sync"]), "-D", str(fresh)]
    finished = run_as(who, [*who.prefix, postgres_program("initdb"), *options])
    if finished.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise ServiceError(f"PostgreSQL could not create its files in {paths.pg_data}: {last_line(finished.stderr)}")
    if paths.pg_data.exists():  # empty or half made by something else: without PG_VERSION it is no database
        paths.pg_data.rmdir()
    fresh.rename(paths.pg_data)


def run_as(who: Identity, command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    account = who.account
    return subprocess.run(  # noqa: S603
        command,
        capture_output=True,
        text=True,
        env=environment(),
        cwd="/",
        check=False,
        stdin=subprocess.DEVNULL,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def identity(paths: Paths) -> Identity:
    """Return how to run the server: as ourselves, in a user namespace, or as an unprivileged user."""
    if os.geteuid() != 0:
        _refuse_foreign(paths.pg_data)
        return Identity()
    owner = paths.pg_data.stat().st_uid if paths.pg_data.exists() else 0
    if owner == 0 and _works(Identity(prefix=NAMESPACE)):
        return Identity(prefix=NAMESPACE)
    dropped = Identity(account=_account(owner or NOBODY))
    if _works(dropped) and _reaches(dropped, paths.pg_data.parent):
        return dropped
    raise ServiceError(
        "PostgreSQL refuses to run as root and this machine allows neither a user namespace nor another user to reach "
        f"{paths.data_dir}: run Winnow as an ordinary user, or set DATABASE_URL.",
        status=2,
    )


def last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing")


def _works(who: Identity) -> bool:
    try:
        return run_as(who, [*who.prefix, postgres_program("postgres"), "--version"]).returncode == 0
    except OSError:
        return False


def _reaches(who: Identity, folder: Path) -> bool:
    try:
        return run_as(who, ["ls", "-d", folder / "."]).returncode == 0
    except OSError:
        return False


def _account(uid: int) -> Account:
    try:
        return Account(uid=uid, gid=pwd.getpwuid(uid).pw_gid)
    except KeyError:
        return Account(uid=uid, gid=uid)


def _own(folder: Path, who: Identity) -> None:
    if who.account is not None:
        os.chown(folder, who.account.uid, who.account.gid)


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and folder.stat().st_uid != os.geteuid():
        raise ServiceError(f"{folder} belongs to another user: run Winnow as that user, or set DATA_DIR.", status=2)


def check_version(paths: Paths) -> None:
    """Refuse data of another major version with the way out."""
    try:
        data = (paths.pg_data / "PG_VERSION").read_text(encoding="ascii").strip()
    except OSError as error:
        raise ServiceError(f"{paths.pg_data} cannot be read: {error.strerror}.", status=2) from None
    server = postgres_program("postgres").parents[1].name.removeprefix("pginstall")
    if data != server:
        raise ServiceError(
            f"{paths.pg_data} was written by PostgreSQL {data}, this release brings {server}: "
            f"upgrade it with {postgres_program('pg_upgrade')}, or restore a backup into a new DATA_DIR."
        )
