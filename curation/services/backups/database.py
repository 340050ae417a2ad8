"""The database's side of a backup: one snapshot, its sums, pg_dump of it, and psql to bring it back in one piece."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import IO, Any

from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from curation.embedded.binaries import postgres_program
from curation.embedded.errors import ServiceError

LEDGER = """
SELECT currency || ' ' || kind || ' ' || source || ' > ' || target, count(*), sum(amount_micro)
FROM public.crowd_ledgerentry GROUP BY 1 ORDER BY 1
"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
# The scripts of pg_restore 17 and newer begin with a setting that PostgreSQL 16 does not know.
WITHOUT_NEW_SETTINGS = "1,60{/^SET transaction_timeout = 0;$/d;}"
PATIENT = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
OF_ENVIRONMENT = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD", "NAME": "PGDATABASE"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of the database. `rows` counts every table, `ledger` sums each kind of movement."""

    id: str
    postgres: str
    migrations: list[str]
    rows: dict[str, int]
    ledger: dict[str, list[int]]


@contextmanager
def snapshot() -> Iterator[Snapshot]:
    """Hold one moment of the database for the length of the block; the product goes on beside it."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(PATIENT)
        rows = row_counts()
        if "django_migrations" not in rows:
            raise ServiceError("There is nothing to back up yet: the database has no tables.", status=2)
        yield Snapshot(
            id=str(_rows("SELECT pg_export_snapshot()")[0][0]),
            postgres=str(_rows("SHOW server_version")[0][0]),
            migrations=[f"{app}.{name}" for app, name in _rows("SELECT app, name FROM django_migrations ORDER BY id")],
            rows=rows,
            ledger=ledger_sums() if "crowd_ledgerentry" in rows else {},
        )


def row_counts() -> dict[str, int]:
    names = [name for (name,) in _rows(TABLES)]
    return {name: _rows(sql.SQL("SELECT count(*) FROM {}").format(_table(name)))[0][0] for name in names}


def ledger_sums() -> dict[str, list[int]]:
    return {movement: [n, int(amount)] for movement, n, amount in _rows(LEDGER)}


def is_empty() -> bool:
    return not _rows(TABLES)


def size() -> int:
    return int(_rows("SELECT pg_database_size(current_database())")[0][0])


def columns_there(wanted: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return which of these (table, column) this database has: an older release has fewer."""
    known = set(_rows("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"))
    return [one for one in wanted if one in known]


def _rows(query: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def _table(name: str) -> sql.Composed:
    return sql.SQL("public.{}").format(sql.Identifier(name))


# --- pg_dump, pg_restore, psql ---------------------------------------------------------------------------------------
def dump(*, of: Snapshot, into: IO[bytes]) -> None:
    """Write pg_dump's custom format of the snapshot."""
    command = [program("pg_dump"), "-Fc", "--no-owner", "--no-privileges", f"--snapshot={of.id}"]
    with tempfile.TemporaryFile() as said:
        finished = subprocess.run(command, stdout=into, stderr=said, env=environment(), check=False)  # noqa: S603
        if finished.returncode != 0:
            raise ServiceError(f"The database could not be dumped: {_last_words(said)}")


class Loading:
    """pg_restore turns the dump into a script and psql carries it out in one transaction.

    Whatever breaks off before `commit`, this process too, leaves the database as it was.
    """

    def __init__(self) -> None:
        self.said = tempfile.TemporaryFile()  # noqa: SIM115  closed with us
        self.into = _start([program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"], self.said)
        self._say("BEGIN;\n")
        self.sieve = (
            None if server_major() >= 17 else _start([_sed(), WITHOUT_NEW_SETTINGS], self.said, self.into.stdin)
        )
        as_text = [program("pg_restore"), "--no-owner", "--no-privileges", "--no-comments", "--file=-"]
        self.script = _start(as_text, self.said, (self.sieve or self.into).stdin)

    def feed(self, piece: bytes) -> None:
        _feed(self.script, piece)

    def commit(self, *, after: Sequence[str]) -> None:
        """End the transaction with these statements, or with nothing at all."""
        if _finished(self.script) == 0 and (self.sieve is None or _finished(self.sieve) == 0):
            self._say("".join(f"{statement};\n" for statement in after))
            self._say("COMMIT;\n")
            if _finished(self.into) == 0:
                return
        raise ServiceError(f"The database could not be restored, and is as it was: {_last_words(self.said)}")

    def close(self) -> None:
        """End both programs: before `commit` that undoes everything."""
        for process in (self.script, self.sieve, self.into):
            if process is not None:
                _end(process)
        self.said.close()

    def _say(self, text: str) -> None:
        assert self.into.stdin is not None  # noqa: S101
        with suppress(BrokenPipeError):
            self.into.stdin.write(text.encode())
            self.into.stdin.flush()


class Reading:
    """pg_restore reads a dump from its beginning to its end and writes nothing."""

    def __init__(self) -> None:
        self.said = tempfile.TemporaryFile()  # noqa: SIM115  closed with us
        self.process = _start([program("pg_restore"), "--file=/dev/null"], self.said)

    def feed(self, piece: bytes) -> None:
        _feed(self.process, piece)

    def finish(self) -> None:
        if _finished(self.process) != 0:
            raise ServiceError(f"The dump in this backup cannot be read: {_last_words(self.said)}", status=2)

    def close(self) -> None:
        _end(self.process)
        self.said.close()


def _start(command: list[str], said: IO[bytes], into: IO[bytes] | None = None) -> "subprocess.Popen[bytes]":
    """Start a program that no Ctrl-C on the terminal reaches: how it ends is ours to decide."""
    return subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.PIPE,
        stdout=into or subprocess.DEVNULL,
        stderr=said,
        env=environment(),
        start_new_session=True,
    )


def _feed(process: "subprocess.Popen[bytes]", piece: bytes) -> None:
    """Hand bytes over; a program that has all it needs, or has failed, ends before the last of them."""
    assert process.stdin is not None  # noqa: S101
    with suppress(BrokenPipeError):
        process.stdin.write(piece)


def _finished(process: "subprocess.Popen[bytes]") -> int:
    assert process.stdin is not None  # noqa: S101
    with suppress(BrokenPipeError):
        process.stdin.close()
    return process.wait()


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.kill()
    process.wait()


def same_rows(rows: Mapping[str, int], ledger: Mapping[str, Sequence[int]]) -> str:
    """Return a statement that fails unless every table has as many rows, and the ledger the same sums, as then."""
    counts = [
        sql.SQL(
            "SELECT count(*) INTO n FROM {table}; IF n <> {wanted} THEN "
            "RAISE EXCEPTION 'table {name} has % rows instead of {wanted}', n; END IF;"
        ).format(table=_table(name), wanted=sql.Literal(n), name=sql.SQL(name))
        for name, n in rows.items()
    ]
    sums = [
        sql.SQL(
            "SELECT coalesce(sum(amount_micro), 0) INTO n FROM public.crowd_ledgerentry WHERE currency || ' ' || kind "
            "|| ' ' || source || ' > ' || target = {movement}; IF n <> {wanted} THEN "
            "RAISE EXCEPTION 'the ledger adds up to % micro-units instead of {wanted} in one of its sums', n; END IF;"
        ).format(movement=sql.Literal(movement), wanted=sql.Literal(amount))
        for movement, (_, amount) in ledger.items()
    ]
    body = sql.SQL("\n").join([*counts, *sums]).as_string(None)
    quote = f"$same_{token_hex(8)}$"  # nothing that a file says can end it
    return f"DO {quote} DECLARE n numeric; BEGIN\n{body}\nEND {quote}"


def program(name: str) -> str:
    """Return a client program at least as new as the server, and no newer than needs be; ours for our own server."""
    if settings.EMBEDDED_DATABASE:
        return str(postgres_program(name))
    server = server_major()
    found = {path: _major(path) for path in (shutil.which(name), _of_the_wheel(name)) if path}
    fitting = [path for path, major in found.items() if major >= server]
    if fitting:
        return min(fitting, key=lambda path: found[path])
    raise ServiceError(
        f"Your PostgreSQL is {server}, and there is no {name} {server} or newer here: "
        f"install postgresql-client-{server}."
    )


def server_major() -> int:
    return int(_rows("SHOW server_version_num")[0][0]) // 10_000


def _sed() -> str:
    found = shutil.which("sed")
    if found is None:
        raise ServiceError("There is no sed here, which a restore into PostgreSQL 16 needs.")
    return found


def _of_the_wheel(name: str) -> str | None:
    try:
        return str(postgres_program(name))
    except ServiceError:
        return None


def _major(found: str) -> int:
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    number = re.search(r"\d+", said)
    return int(number[0]) if number else 0


def environment() -> dict[str, str]:
    """Return how the client programs reach the product's database, without any other PG* variable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    told: dict[str, Any] = dict(connection.settings_dict)
    ours = {variable: str(told[name]) for name, variable in OF_ENVIRONMENT.items() if told.get(name)}
    options: Mapping[str, Any] = told.get("OPTIONS", {})
    secure = {f"PG{name.upper()}": str(options[name]) for name in ("sslmode", "sslrootcert") if name in options}
    return {**kept, **ours, **secure, "LC_ALL": "C", "PGCONNECT_TIMEOUT": "10"}


def _last_words(said: IO[bytes]) -> str:
    said.seek(0)
    lines = [text.strip() for text in said.read().decode(errors="replace").splitlines() if text.strip()]
    errors = [text for text in lines if "ERROR" in text or "error:" in text]
    return (errors or lines or ["it said nothing."])[0][:300]


def folder_free(folder: Path) -> int:
    return shutil.disk_usage(folder).free
