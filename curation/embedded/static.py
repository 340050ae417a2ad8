"""Collect the static files again only when one of their sources changed: a warm start should be quick."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def collect_changed() -> bool:
    """Collect when needed and say whether it was."""
    stamp = Path(settings.STATIC_ROOT) / ".sources"
    present = signature()
    if stamp.exists() and stamp.read_text(encoding="ascii") == present:
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(present, encoding="ascii")
    return True


def signature() -> str:
    """Return a hash over the names, sizes and times of all sources."""
    digest = hashlib.sha256(str(settings.STORAGES["staticfiles"]).encode())
    for line in sorted(_sources()):
        digest.update(line.encode())
    return digest.hexdigest()


def _sources() -> Iterator[str]:
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            yield f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n"
