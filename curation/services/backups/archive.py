"""The file of a backup: one tar that is written, and read, from the front to the back. Pure: bytes in, words out.

`winnow-backup.json` says what was there at one moment, `database.dump` is pg_dump's file of the same moment. Then come
`secrets/…` (only when asked for), `media/…`, the list `media.jsonl`, and `end.json` with the checksums: a file without
its end was cut off.
"""

import hashlib
import json
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final, Literal, Self, cast

from curation.embedded.errors import ServiceError

FORMAT: Final = 1
HEADER, DUMP, LIST, END = "winnow-backup.json", "database.dump", "media.jsonl", "end.json"
SECRETS, MEDIA = "secrets/", "media/"
SECRET_NAMES: Final = ("secret_key", "field_keys")
PLAIN = re.compile(r"[a-z_][a-z0-9_]{0,62}")
LARGEST_HEADER: Final = 4 << 20
PIECE: Final = 1 << 20

MediaMode = Literal["copied", "noted"]
Feed = Callable[[bytes], None]


class BadArchive(ServiceError):
    """What is wrong with the file, in one sentence."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} {why}", status=2)


@dataclass(frozen=True, slots=True)
class Header:
    """What was there when the backup was made. `noted` files stay where they lie; only name and size are in here."""

    id: str
    made_at: str
    release: str
    postgres: str
    migrations: list[str]
    rows: dict[str, int]
    ledger: dict[str, list[int]]
    media: MediaMode
    storage: str
    key_marks: list[str]
    format: int = FORMAT


@dataclass(slots=True)
class Contents:
    """What an archive holds, once all of it was read and found sound."""

    header: Header
    files: int = 0
    size: int = 0
    secrets: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    size: int
    stream: IO[bytes]


class Counted:
    """A stream of which size and SHA-256 are known when it has been read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.size, self.digest = stream, 0, hashlib.sha256()

    def read(self, n: int = -1) -> bytes:
        piece = self.stream.read(n)
        self.size += len(piece)
        self.digest.update(piece)
        return piece

    def drain(self, feed: Feed | None = None) -> Self:
        while piece := self.read(PIECE):
            if feed:
                feed(piece)
        return self


def line(name: str, size: int, sha256: str) -> bytes:
    told = {"path": name, "size": size, **({"sha256": sha256} if sha256 else {})}
    return (json.dumps(told, ensure_ascii=False) + "\n").encode()


class Writer:
    """Writes the parts in their order; the list of files is kept on disk until it is their turn."""

    def __init__(self, file: IO[bytes]) -> None:
        self.tar = tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self.sums: dict[str, str] = {}
        self.lines = tempfile.TemporaryFile()  # noqa: SIM115  closed by `end`
        self.files = self.size = 0

    def add_bytes(self, name: str, content: bytes) -> None:
        self._add(name, BytesIO(content), len(content))

    def add_header(self, header: Header) -> None:
        self.add_bytes(HEADER, json.dumps(asdict(header), indent=1).encode())

    def add_file(self, name: str, stream: IO[bytes], size: int) -> None:
        """Add one file of the storage under its own name."""
        counted = self._add(MEDIA + name, stream, size, is_listed=True)
        self._note(name, size, counted.digest.hexdigest())

    def note_file(self, name: str, size: int) -> None:
        """Say that there is such a file, which stays where it is."""
        self._note(name, size, "")

    def add_dump(self, stream: IO[bytes], size: int) -> None:
        self._add(DUMP, stream, size)

    def end(self, *, missing: list[str]) -> None:
        size = self.lines.tell()
        self.lines.seek(0)
        self._add(LIST, self.lines, size)
        self.lines.close()
        told = {"files": self.files, "size": self.size, "missing": missing, "sha256": self.sums}
        self.add_bytes(END, json.dumps(told, indent=1).encode())
        self.tar.close()

    def _add(self, name: str, stream: IO[bytes], size: int, *, is_listed: bool = False) -> Counted:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, int(datetime.now(UTC).timestamp())
        counted = Counted(stream)
        self.tar.addfile(member, cast("IO[bytes]", counted))  # only `read` is asked of it
        if not is_listed:
            self.sums[name] = counted.digest.hexdigest()
        return counted

    def _note(self, name: str, size: int, sha256: str) -> None:
        self.lines.write(line(name, size, sha256))
        self.files += 1
        self.size += size


# --- reading -------------------------------------------------------------------------------------------------------
@contextmanager
def opened(path: Path) -> Iterator[Iterator[Part]]:
    """Give the parts one after the other; each must be read before the next is asked for."""
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|") as tar:
            yield _parts(path, tar)
    except (tarfile.TarError, EOFError) as error:
        raise BadArchive(path, "is no backup of Winnow, or was cut off.") from error
    except FileNotFoundError:
        raise BadArchive(path, "does not exist.") from None
    except (IsADirectoryError, PermissionError) as error:
        raise BadArchive(path, f"cannot be read: {error.strerror}.") from None


def _parts(path: Path, tar: tarfile.TarFile) -> Iterator[Part]:
    seen: set[str] = set()
    for member in tar:
        why = _unsound(member)
        if member.name in seen:
            why = "is in it twice"
        if why:
            raise BadArchive(path, f"is no backup that Winnow made: {member.name[:200]!r} {why}.")
        seen.add(member.name)
        stream = tar.extractfile(member)
        assert stream is not None  # noqa: S101  a regular file has one
        yield Part(member.name, member.size, stream)


def _unsound(member: tarfile.TarInfo) -> str:
    name = member.name
    if not member.isreg() or member.issparse():
        return "is not a plain file"
    if name in {HEADER, DUMP, LIST, END} or name in {SECRETS + one for one in SECRET_NAMES}:
        return ""
    inside = name.removeprefix(MEDIA)
    if inside == name:
        return "does not belong there"
    return "" if is_plain_name(inside) else "leads out of the folder of files"


def is_plain_name(name: str) -> bool:
    """Say whether a name stays inside the storage, whoever reads it."""
    return not {"", ".", ".."} & {*name.split("/")} and not set(name) & {"\\", "\0", ":"}


def header_of(path: Path, part: Part | None) -> Header:
    """Read the first part, or say that this file is something else."""
    if part is None or part.name != HEADER or part.size > LARGEST_HEADER:
        raise BadArchive(path, "is no backup of Winnow.")
    try:
        told = json.loads(part.stream.read())
        version = int(told["format"])
    except (ValueError, KeyError, TypeError):
        raise BadArchive(path, "is no backup of Winnow: its first page cannot be read.") from None
    if version > FORMAT:
        raise BadArchive(
            path, f"was made by a newer release ({told.get('release', 'unknown')!s:.20}): install that one."
        )
    try:
        header = Header(**told)
    except TypeError:
        raise BadArchive(path, "is no backup of Winnow: its first page lacks something.") from None
    if not isinstance(header.rows, dict) or not isinstance(header.ledger, dict):
        raise BadArchive(path, "is no backup of Winnow: its first page cannot be read.")
    if not all(PLAIN.fullmatch(name) and isinstance(n, int) for name, n in header.rows.items()):
        raise BadArchive(path, "is no backup that Winnow made: it names tables that cannot be.")
    return header


def look_through(path: Path, *, dump: Feed, show: Callable[[int, int], None]) -> Contents:
    """Read all of an archive and compare it with its own checksums; `dump` is given the database's part."""
    whole = path.stat().st_size if path.is_file() else 0
    sums: dict[str, str] = {}
    done, end = 0, None
    with opened(path) as parts, tempfile.TemporaryFile() as lines:
        contents = Contents(header_of(path, first := next(parts, None)))
        assert first is not None  # noqa: S101
        for part in parts:
            if part.name == END:
                end = _end_of(path, part)
                break
            counted = Counted(part.stream).drain(dump if part.name == DUMP else None)
            if counted.size != part.size:
                raise BadArchive(path, "was cut off: copy it again, or take another backup.")
            if part.name.startswith(MEDIA):
                lines.write(line(part.name.removeprefix(MEDIA), counted.size, counted.digest.hexdigest()))
                contents.files, contents.size = contents.files + 1, contents.size + counted.size
            else:
                sums[part.name] = counted.digest.hexdigest()
            contents.secrets += [part.name.removeprefix(SECRETS)] if part.name.startswith(SECRETS) else []
            done += part.size
            show(done, whole)
        _compare(path, contents, sums, end, _digest(lines))
    return contents


def _end_of(path: Path, part: Part) -> Mapping[str, Any]:
    try:
        told: Mapping[str, Any] = json.loads(part.stream.read())
        _ = (told["sha256"].items(), int(told["files"]), int(told["size"]), list(told["missing"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadArchive(path, "was cut off: copy it again, or take another backup.") from None
    return told


def _digest(lines: IO[bytes]) -> str:
    lines.seek(0)
    return Counted(lines).drain().digest.hexdigest()


def _compare(
    path: Path, contents: Contents, sums: Mapping[str, str], end: Mapping[str, Any] | None, listed: str
) -> None:
    if end is None:
        raise BadArchive(path, "was cut off: copy it again, or take another backup.")
    packed = {name: digest for name, digest in end["sha256"].items() if name != HEADER}
    for name in (DUMP, LIST):
        if name not in packed:
            raise BadArchive(path, f"is no backup that Winnow made: it has no {name}.")
    for name, digest in packed.items():
        if sums.get(name) != digest:
            raise BadArchive(path, f"is damaged: {name} is not what was packed. Copy it again, or take another backup.")
    if contents.header.media == "copied" and listed != packed[LIST]:
        raise BadArchive(
            path, "is damaged: a file in it is not what was packed. Copy it again, or take another backup."
        )
    contents.files, contents.size = int(end["files"]), int(end["size"])
    contents.missing = [str(name) for name in end["missing"]]


def noted_files(stream: IO[bytes]) -> Iterator[tuple[str, int]]:
    """Yield name and size of every file that a backup lists."""
    for text in stream:
        told = json.loads(text)
        yield told["path"], int(told["size"])
