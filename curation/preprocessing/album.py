"""The different pictures of a folder: looked at in limited child processes, kept on disk, light in memory."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import TracebackType

from . import colours, looks, verify
from .arrivals import CHEAP, PASSING, Arrival, told_apart
from .cache import Cache
from .colours import Colour, Colours, Traits
from .hashes import Turns
from .limits import Unreadable
from .looks import Look
from .pool import Pool
from .report import Broken
from .templates import TemplateCopy
from .verify import Sighting
from .voting import KeyFile

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, of how much."""


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """What stays in memory of one different picture, and the names of all files with its bytes."""

    files: list[str]
    path: Path
    sha256: bytes
    low_information: bool
    width: int
    height: int
    sharpness: float
    detail: float
    template: tuple[str, TemplateCopy] | None

    @property
    def comparable(self) -> bool:
        return self.template is None and not self.low_information


@dataclass(slots=True)
class Album:
    """Pictures in order of their first file; what is large about them lies in the cache in `folder`.

    `corners`: keys of those that may share corners with others, which `cornered` names by position.
    `may_be_read_later`: something could not be read for want of time, memory or access.
    """

    folder: Path
    pool: Pool
    templates: Sequence[str] = ()
    fast: bool = False
    pictures: list[Picture] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    cornered: array[int] = field(default_factory=lambda: array("L"))
    corners: KeyFile = field(default_factory=KeyFile)
    may_be_read_later: bool = False
    _looks: Cache = field(init=False)
    _colours: Cache = field(init=False)
    pairs: Cache = field(init=False)

    def __enter__(self) -> Album:
        self._looks = Cache(self.folder, self._version())
        self._colours = Cache(self.folder, colours.VERSION)
        self.pairs = Cache(self.folder, verify.VERSION)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._looks.close()
        self._colours.close()
        self.pairs.close()

    def _version(self) -> str:
        """Name all that decides what a look says: other templates give other looks."""
        digests = [name + sha256(Path(name).read_bytes()).hexdigest() for name in self.templates]
        told = sha256("\n".join(digests).encode()).hexdigest()[:16]
        return f"{looks.VERSION}-{'fast' if self.fast else 'full'}-{told}"

    def read(self, files: Sequence[tuple[str, Path]], progress: Progress) -> None:
        """Look at all files that are not in the cache yet, then list the pictures by name."""
        digests: dict[str, bytes] = {}
        refused: dict[str, str] = {}
        for done, (name, digest, reason) in enumerate(self._digests(files), start=1):
            if digest is None:
                refused[name] = reason
            else:
                digests[name] = digest
            progress("looking", done, len(files))
        self.broken = [Broken(name, refused[name]) for name, _ in files if name in refused]
        by_digest: dict[bytes, Picture] = {}
        for name, path in files:
            digest = digests.get(name)
            if digest is None:
                continue
            if digest in by_digest:
                by_digest[digest].files.append(name)
                continue
            seen = self.look(digest)
            picture = _picture(name, path, seen)
            by_digest[digest] = picture
            if picture.comparable and seen.keys is not None:
                self.cornered.append(len(self.pictures))
                self.corners.append(*seen.keys)
            self.pictures.append(picture)

    def _digests(self, files: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, bytes | None, str]]:
        """Yield each file's name with the digest of a picture that was looked at, or with why it is refused."""
        new = []
        for name, path in files:
            try:
                digest = self._looks.digest_of(path)
                kept = None if digest is None else self._looks.head_of(digest)
                if digest is None or kept is None:
                    new.append(Arrival.of(name, path))
                else:
                    yield _told(name, digest, kept)
            except OSError as error:
                self.may_be_read_later = True
                yield name, None, f"the file cannot be read: {error.strerror}"
        first, twins = told_apart(new, self._looks)
        yield from self._looked_at(first)
        for one, digest in twins:
            kept = self._looks.value_of(digest)
            if kept is None:  # the file it equals changed meanwhile, or could not be read to its end
                yield from self._looked_at([one])
            else:
                self._looks.keep(one.path, one, digest, kept)
                yield _told(one.name, digest, kept)

    def _looked_at(self, new: Sequence[Arrival]) -> Iterator[tuple[str, bytes | None, str]]:
        calls = ((str(one.path), tuple(self.templates), self.fast) for one in new)
        for one, found in zip(new, self.pool.map(looks.look, calls), strict=True):
            if isinstance(found, Unreadable):
                self._keep_refusal(one, found)
                yield one.name, None, found.sentence
            else:
                self._looks.keep(one.path, one, found.sha256, found.packed())
                yield one.name, found.sha256, ""

    def _keep_refusal(self, one: Arrival, refusal: Unreadable) -> None:
        """Remember why these bytes are refused, unless that was for want of time, memory or access."""
        self.may_be_read_later |= refusal.reason_code in PASSING
        digest = None if refusal.reason_code in PASSING | CHEAP else one.digest()
        if digest is not None:
            self._looks.keep(one.path, one, digest, looks.packed_refusal(refusal.sentence))

    def look(self, digest: bytes) -> Look:
        return looks.unpacked(_held(self._looks.value_of(digest)))

    def turns(self, position: int) -> tuple[Turns, Turns | None]:
        """Return the hashes of a picture, and of what is left of it without borders if it has any."""
        return looks.turns_in(_held(self._looks.head_of(self.pictures[position].sha256)))

    def sighting(self, position: int) -> Sighting:
        return self.look(self.pictures[position].sha256).sighting()

    def colours(self, position: int) -> Colour:
        """Return the preview in colour of a picture whose traits were asked for."""
        return colours.unpacked(_held(self._colours.value_of(self.pictures[position].sha256))).pixels()

    def traits(self, positions: Sequence[int], progress: Progress) -> dict[int, Traits]:
        """Look a second time at some pictures, for their colours; what cannot be read now is left out."""
        found: dict[int, Traits] = {}
        new = []
        for position in positions:
            kept = self._colours.head_of(self.pictures[position].sha256)
            if kept is None:
                new.append((position, self.pictures[position].path.stat()))
            else:
                found[position] = colours.traits_of(kept)
        calls = ((str(self.pictures[position].path),) for position, _ in new)
        seen = self.pool.map(colours.colours_of, calls)
        for done, ((position, status), one) in enumerate(zip(new, seen, strict=True), start=1):
            if isinstance(one, Colours):
                picture = self.pictures[position]
                self._colours.keep(picture.path, status, picture.sha256, one.packed())
                found[position] = one.traits
            else:
                self.may_be_read_later = True
            progress("looking at relatives", done, len(new))
        return found


def _told(name: str, digest: bytes, kept: bytes) -> tuple[str, bytes | None, str]:
    refused = looks.refusal_of(kept)
    return (name, digest, "") if refused is None else (name, None, refused)


def _held(value: bytes | None) -> bytes:
    if value is None:
        raise OSError("the cache was emptied while it was in use; run the command again")
    return value


def _picture(name: str, path: Path, seen: Look) -> Picture:
    return Picture(
        files=[name],
        path=path,
        sha256=seen.sha256,
        low_information=seen.low_information,
        width=seen.width,
        height=seen.height,
        sharpness=seen.sharpness,
        detail=seen.detail,
        template=seen.template,
    )
