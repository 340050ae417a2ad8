"""Where the embedded services keep their files. Pure: no Django, nothing is created here."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

LONGEST_SOCKET_PATH = 107  # bytes, sun_path of Linux without its final NUL
POSTGRES_SOCKET_NAME = ".s.PGSQL.5432"
# Not XDG_RUNTIME_DIR or TMPDIR: a command from cron must find the sockets that a login shell's command opened.
SHORT_BASE = Path("/tmp")  # noqa: S108 - what is made there is for its owner alone, see locks.make_private


@dataclass(frozen=True, slots=True)
class Paths:
    """All paths below one DATA_DIR."""

    data_dir: Path

    @property
    def pg_data(self) -> Path:
        return self.data_dir / "pg" / "data"

    @property
    def pg_socket_dir(self) -> Path:
        return self._short(self.data_dir / "pg" / "s", POSTGRES_SOCKET_NAME)

    @property
    def redis_dir(self) -> Path:
        return self.data_dir / "redis"

    @property
    def redis_socket(self) -> Path:
        return self._short(self.redis_dir / "s", "redis.sock") / "redis.sock"

    @property
    def media(self) -> Path:
        return self.data_dir / "media"

    @property
    def secrets(self) -> Path:
        return self.data_dir / "secrets"

    @property
    def log(self) -> Path:
        return self.data_dir / "log"

    @property
    def run(self) -> Path:
        return self.data_dir / "run"

    @property
    def web_counts(self) -> Path:
        return self.run / "web-counts"

    def _short(self, wanted: Path, socket_name: str) -> Path:
        """Return the folder, or a short stand-in with a stable name when the socket's path would be too long."""
        if len(os.fsencode(wanted / socket_name)) <= LONGEST_SOCKET_PATH:
            return wanted
        mark = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
        return SHORT_BASE / f"winnow-{os.getuid()}-{mark}"
