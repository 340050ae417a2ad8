"""Checks that need no server: Python, packages, environment, disk, files, secrets, programs."""

import os
import platform
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from django.conf import settings
from packaging.version import Version

from crowd.quality.wording import whole_percent

from .binaries import postgres_program, redis_server, version_line
from .errors import ServiceError
from .findings import Finding, judged

FLOORS = {"django": "5.2.19", "djangorestframework": "3.17.2", "pillow": "13.0.0"}  # older ones have known holes
GIGABYTE = 2**30
LEAST_FREE = 5 * GIGABYTE
LEAST_OPEN_FILES = 1024


def machine_findings() -> Iterator[Finding]:
    yield judged(
        "python",
        good=sys.version_info >= (3, 11),
        text=f"{platform.python_version()} at {sys.executable}",
        mend="install Python 3.11 or newer",
    )
    yield from _packages()
    yield from _environment()
    yield _disk()
    yield _open_files()
    yield from _storage()
    yield from _secrets()
    yield from _programs()


def _packages() -> Iterator[Finding]:
    for name, floor in FLOORS.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "0"
        good = Version(found) >= Version(floor)
        yield judged("package", good=good, text=f"{name} {found}, at least {floor}", mend="run `make setup`")


def _environment() -> Iterator[Finding]:
    whose = {True: "embedded", False: "yours"}
    yield Finding(
        "environment",
        "ok",
        f"{os.environ.get('DJANGO_SETTINGS_MODULE')}, database {whose[settings.EMBEDDED_DATABASE]}, "
        f"Redis {whose[settings.EMBEDDED_REDIS]}, DATA_DIR {settings.DATA_DIR}",
    )
    if settings.DEBUG:
        yield Finding("environment", "warn", "DEBUG is on", "use curation.settings.local or production")
    if _filesystem(settings.DATA_DIR) == "tmpfs":
        yield Finding("environment", "warn", "DATA_DIR is in memory and gone after a restart", "set DATA_DIR to a disk")


def _filesystem(folder: Path) -> str:
    """Return the type of the file system that holds the folder, as Linux tells it."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ""
    holding = [(place, kind) for place, kind in mounts if folder.is_relative_to(place)]
    return max(holding, key=lambda mount: len(mount[0]), default=("", ""))[1]


def _disk() -> Finding:
    usage = shutil.disk_usage(_existing(settings.DATA_DIR))
    share = usage.free / usage.total
    return judged(
        "disk",
        good=usage.free >= LEAST_FREE and share >= 0.1,
        text=f"{usage.free / GIGABYTE:.1f} GB free ({whole_percent(share)})",
        mend="free some space: 5 GB and a tenth of the disk should be free",
        otherwise="warn" if usage.free >= GIGABYTE else "fail",
    )


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _open_files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    good = soft == resource.RLIM_INFINITY or soft >= LEAST_OPEN_FILES
    return judged("limits", good=good, text=f"{soft} open files", mend="raise `ulimit -n` to 1024", otherwise="warn")


def _storage() -> Iterator[Finding]:
    """Do what "Test this storage" does in the browser."""
    from curation.services.system.storage import probe

    for step in probe():
        otherwise: Literal["warn", "fail"] = "warn" if step.is_optional else "fail"
        text = f"{step.what.lower()}: {step.says}"
        mend = "see docs/storage.md" if step.is_optional else "check STORAGE_URL, its keys and permissions"
        yield judged("storage", good=step.is_well, text=text, mend=mend, otherwise=otherwise)


def _secrets() -> Iterator[Finding]:
    folder = settings.PATHS.secrets
    if not folder.exists():
        yield Finding("secrets", "ok", "SECRET_KEY comes from the environment")
        return
    loose = [path for path in (folder, *folder.iterdir()) if path.stat().st_mode & 0o077]
    names = ", ".join(str(path) for path in loose)
    yield judged(
        "secrets",
        good=not loose,
        text=f"others may read {names}" if loose else f"{folder} is closed to others",
        mend=f"run `chmod -R go= {folder}`",
    )


def _programs() -> Iterator[Finding]:
    if settings.EMBEDDED_DATABASE:
        yield _program("postgres", lambda: postgres_program("postgres"))
    if settings.EMBEDDED_REDIS:
        yield _program("redis-server", redis_server)


def _program(name: str, find: Callable[[], Path]) -> Finding:
    try:
        program = find()
    except ServiceError as failure:
        return Finding("program", "fail", failure.sentence)
    return Finding("program", "ok", f"{name}: {version_line(program)} at {program}")
