"""The different pictures of a folder: looked at in limited child processes, kept on disk, light in memory."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import tee
from pathlib import Path
from types import TracebackType

from . import colours, looks, verify
from .arrivals import CHEAP, PASSING, Arrival
from .cache import Cache
from .catalogue import NEW, SETTLED, TWIN, Catalogue
from .colours import Colour, Colours, Traits
from .hash_file import HashFile
from .limits import Unreadable
from .looks import Look
from .pictures import Pictures
from .pool import Pool
from .verify import Sighting
from .voting import KeyFile

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, of how much."""


@dataclass(slots=True)
class Album:
    """The different pictures of a catalogue; what is large about them lies in the cache in `folder`.

    `hashes`: of those that may be compared; `corners`: keys of those of them that may share corners with others, which
    `cornered` names by position. `may_be_read_later`: something could not be read for want of time, memory or access.
    """

    folder: Path
    pool: Pool
    files: Catalogue
    templates: Sequence[str] = ()
    fast: bool = False
    hashes: HashFile = field(init=False)
    cornered: array[int] = field(default_factory=lambda: array("I"))
    corners: KeyFile = field(init=False)
    may_be_read_later: bool = False
    pictures: Pictures = field(init=False)
    _looks: Cache = field(init=False)
    _colours: Cache = field(init=False)
    pairs: Cache = field(init=False)

    def __post_init__(self) -> None:
        self.hashes, self.corners = HashFile(self.folder), KeyFile(self.folder)
        self.pictures = Pictures(self.files.database)

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
        told = sha256(os.fsencode("\n".join(digests))).hexdigest()[:16]
        return f"{looks.VERSION}-{'fast' if self.fast else 'full'}-{told}"

    def read(self, progress: Progress) -> None:
        """Look at all files that are not in the cache yet, then list the pictures by name."""
        for done, _ in enumerate(self._settled(), start=1):
            progress("looking", done, len(self.files))
        for digest, first, copies in self.files.different():
            seen = self.look(digest)
            position = self.pictures.add(seen, first, copies)
            if seen.template is None and not seen.low_information:
                self.hashes.append(position, seen.turns, seen.trimmed_turns)
                if seen.keys is not None:
                    self.cornered.append(position)
                    self.corners.append(*seen.keys)

    def _settled(self) -> Iterator[Arrival]:
        """Yield each file once it is known by the digest of a picture that was looked at, or refused."""
        for one in self.files.arrivals(SETTLED):  # cannot be reached
            self.may_be_read_later = True
            yield one
        for one in self.files.arrivals(NEW):
            digest = self._looks.digest_of(one.path, one)
            kept = None if digest is None else self._looks.head_of(digest)
            if digest is not None and kept is not None:
                self._tell(one, digest, kept)
                yield one
        self._tell_apart()
        yield from self._looked_at(self.files.arrivals(NEW))
        for one in self.files.arrivals(TWIN):
            digest = _held(one.known)
            kept = self._looks.head_of(digest)
            if kept is None:  # the file it equals changed meanwhile, or could not be read to its end
                yield from self._looked_at([one])
            else:
                self._looks.name(one.path, one, digest)
                self._tell(one, digest, kept)
                yield one

    def _tell_apart(self) -> None:
        """Name those that need no look: their bytes are in the cache or among the others. Equal bytes, equal sizes."""
        for one in self.files.of_shared_sizes(self._looks.sizes()):
            digest = one.digest()
            if digest is not None:
                is_known = self.files.holds(digest) or self._looks.head_of(digest) is not None
                self.files.settle(one, digest, TWIN if is_known else NEW)

    def _looked_at(self, new: Iterable[Arrival]) -> Iterator[Arrival]:
        arrivals, asked = tee(new)
        calls = ((str(one.path), tuple(self.templates), self.fast) for one in asked)
        for one, found in zip(arrivals, self.pool.map(looks.look, calls), strict=True):
            if isinstance(found, Unreadable):
                self._keep_refusal(one, found)
                self.files.refuse(one, found.sentence)
            else:
                self._looks.keep(one.path, one, found.sha256, found.packed())
                self.files.settle(one, found.sha256)
            yield one

    def _keep_refusal(self, one: Arrival, refusal: Unreadable) -> None:
        """Remember why these bytes are refused, unless that was for want of time, memory or access."""
        self.may_be_read_later |= refusal.reason_code in PASSING
        digest = None if refusal.reason_code in PASSING | CHEAP else one.digest()
        if digest is not None:
            self._looks.keep(one.path, one, digest, looks.packed_refusal(refusal.sentence))

    def _tell(self, one: Arrival, digest: bytes, kept: bytes) -> None:
        refused = looks.refusal_of(kept)
        if refused is None:
            self.files.settle(one, digest)
        else:
            self.files.refuse(one, refused)

    def look(self, digest: bytes) -> Look:
        return looks.unpacked(_held(self._looks.value_of(digest)))

    def sighting(self, position: int) -> Sighting:
        return self.look(self.pictures.at(position).sha256).sighting()

    def colours(self, position: int) -> Colour:
        """Return the preview in colour of a picture whose traits were asked for."""
        return colours.unpacked(_held(self._colours.value_of(self.pictures.at(position).sha256))).pixels()

    def traits(self, positions: Sequence[int], progress: Progress) -> dict[int, Traits]:
        """Look a second time at some pictures, for their colours; what is gone, changed or unreadable is left out."""
        found: dict[int, Traits] = {}
        new = []
        for position in positions:
            kept = self._colours.head_of(self.pictures.at(position).sha256)
            if kept is None:
                new.append((position, self.pictures.first_file(position)))
            else:
                found[position] = colours.traits_of(kept)
        seen = self.pool.map(colours.colours_of, ((str(file.path),) for _, file in new))
        for done, ((position, file), one) in enumerate(zip(new, seen, strict=True), start=1):
            if isinstance(one, Colours) and file.is_unchanged():  # else these may be other bytes than were compared
                self._colours.remember(self.pictures.at(position).sha256, one.packed())
                found[position] = one.traits
            else:
                self.may_be_read_later = True
            progress("looking at relatives", done, len(new))
        return found


def _held(value: bytes | None) -> bytes:
    if value is None:
        raise OSError("the cache was emptied while it was in use; run the command again")
    return value
