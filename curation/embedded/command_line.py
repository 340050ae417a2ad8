"""Run a management command with the services it needs, and turn failures into sentences and exit statuses."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import ServiceError
from .processes import say
from .services import running_services

# These need no database. Everything else gets the services for its duration.
WITHOUT_SERVICES = frozenset(
    {
        *("check", "collectstatic", "compilemessages", "emulate", "find_duplicates", "findstatic", "help"),
        *("makemessages", "spectacular", "startapp", "startproject", "storyboard", "version"),
    }
)
# Start the services themselves: to say more about it, or only when what they are given is sound.
BY_THEMSELVES = frozenset({"doctor", "restore", "up", "upgrade"})
WITHOUT_MIGRATING = frozenset({"backup", "makemigrations", "migrate", "showmigrations", "sqlmigrate"})


def run(argv: list[str]) -> int:
    """Carry out `manage.py COMMAND …` and return its exit status."""
    try:
        return _run(argv)
    except ServiceError as failure:
        say(failure.sentence)
        return failure.status
    except KeyboardInterrupt:
        say("interrupted.")
        return 130


def _run(argv: list[str]) -> int:
    name = argv[1] if len(argv) > 1 else "help"
    if name == "up":
        _set_port(argv)
    if not name.startswith("-") and not _known(name):
        say(f"there is no command {name!r}: `./winnow help` lists them.")
        return 2
    with _services_for(name, argv):
        return _execute(argv)


def _known(name: str) -> bool:
    import django
    from django.core.management import get_commands

    django.setup()
    return name in {"help", "version"} or name in get_commands()


@contextmanager
def _services_for(name: str, argv: list[str]) -> Iterator[None]:
    if name in BY_THEMSELVES or not needs_services(name, argv):
        yield
        return
    from django.conf import settings

    from .plan import embedded_plan

    plan = embedded_plan(settings)
    if (plan is None or not plan.postgres) and name not in WITHOUT_MIGRATING:
        _require_migrated()
    if plan is None:
        yield
        return
    with running_services(settings.PATHS, plan):
        if plan.postgres and name not in WITHOUT_MIGRATING:
            _migrate()
        yield


def needs_services(name: str, argv: list[str]) -> bool:
    """Say whether the command talks to the database or to Redis."""
    if name.startswith("-") or name in WITHOUT_SERVICES or {"-h", "--help", "--version"} & set(argv[1:]):
        return False
    return not (name == "makemigrations" and "--check" in argv)


def _require_migrated() -> None:
    """A database of yours is migrated when you say so; until then one sentence, not a traceback."""
    from django.db import InterfaceError, OperationalError

    from .schema import pending_migrations

    try:
        missing = pending_migrations()
    except (InterfaceError, OperationalError) as error:
        raise ServiceError(f"The database cannot be used: {first_line(error)}. `./winnow doctor` says more.") from None
    if missing:
        raise ServiceError(f"{len(missing)} migrations are not applied to your database; run `./winnow migrate` first.")


def _migrate() -> None:
    from .schema import apply_pending_migrations

    apply_pending_migrations()


def _set_port(argv: list[str]) -> None:
    """Let `up --port N` be heard by the settings, which derive the base address from it."""
    for position, word in enumerate(argv):
        if word.startswith("--port="):
            os.environ["PORT"] = word.removeprefix("--port=")
        elif word == "--port" and position + 1 < len(argv):
            os.environ["PORT"] = argv[position + 1]


def _execute(argv: list[str]) -> int:
    from django.core.management import CommandError, execute_from_command_line
    from django.db import InterfaceError, OperationalError

    asked_for_traceback = "--traceback" in argv
    try:
        execute_from_command_line(_raising(argv))
    except (CommandError, InterfaceError, OperationalError) as error:
        if asked_for_traceback:
            raise
        return _explain(error)
    except SystemExit as end:
        return _status(end)
    return 0


def _raising(argv: list[str]) -> list[str]:
    """Ask Django to raise CommandError to us instead of printing it with its class name."""
    if len(argv) < 2 or argv[1].startswith("-") or argv[1] in {"help", "version"}:
        return argv
    return [*argv[:2], "--traceback", *argv[2:]]


def _explain(error: Exception) -> int:
    from django.core.management import CommandError
    from django.core.management.base import SystemCheckError

    if isinstance(error, SystemCheckError):
        sys.stderr.write(f"{error}\n")
    elif isinstance(error, CommandError):
        say(str(error))
    else:
        say(f"the database cannot be used: {first_line(error)}. `./winnow doctor` says more.")
        return 1
    return int(error.returncode)


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".")


def _status(end: SystemExit) -> int:
    if isinstance(end.code, str):
        sys.stderr.write(f"{end.code}\n")
        return 1
    return int(end.code or 0)
