"""What a server sent, counted while it streams."""

import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import httpcore
import httpx

from crowd.fetching.errors import AnswerRefused, NotReached
from crowd.fetching.limits import Limits

PIECE = 64 * 1024
WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})


class Fetched:
    """A body to be read once, as an iterator of pieces of at most 64 KiB or by `read`."""

    def __init__(self, *, url: str, host: str, headers: httpx.Headers, body: Iterable[bytes], limits: Limits) -> None:
        self.url, self.host = url, host
        self.content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        self._limits = limits
        self._refuse_by(headers)
        self._pieces = self._counted(self._decoded(self._counted(_unbroken(body, host)), headers))

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def read(self) -> bytes:
        return b"".join(self._pieces)

    def _refuse_by(self, headers: httpx.Headers) -> None:
        """Refuse by what the head says, before a byte of the body is read."""
        wanted = self._limits.content_types
        if wanted is not None and self.content_type not in wanted:
            kinds = ", ".join(sorted(wanted))
            raise AnswerRefused(f"{self.host} sent “{self.content_type[:80]}” where {kinds} is expected.")
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._limits.most_bytes:
            raise self._too_large()

    def _too_large(self) -> AnswerRefused:
        return AnswerRefused(f"The file at {self.host} is larger than {self._limits.most_bytes:,} bytes.")

    def _counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        received = 0
        for piece in pieces:
            received += len(piece)
            if received > self._limits.most_bytes:
                raise self._too_large()
            yield piece

    def _decoded(self, pieces: Iterable[bytes], headers: httpx.Headers) -> Iterator[bytes]:
        coding = headers.get("content-encoding", "identity").strip().lower()
        if coding in {"identity", ""}:
            return iter(pieces)
        if coding not in WINDOWS:
            raise AnswerRefused(f"{self.host} sent its file packed as “{coding[:80]}”, which it was not asked for.")
        return self._unpacked(pieces, zlib.decompressobj(WINDOWS[coding]))

    def _unpacked(self, pieces: Iterable[bytes], unpacker: "zlib._Decompress") -> Iterator[bytes]:
        """Unpack step by step, so that a bomb never stands in memory."""
        began = False
        for piece in pieces:
            began = True
            yield from self._steps(unpacker, piece)
            if unpacker.unused_data:
                raise self._damaged()
        if began and not unpacker.eof:
            raise self._damaged()

    def _steps(self, unpacker: "zlib._Decompress", packed: bytes) -> Iterator[bytes]:
        while packed:
            try:
                yield unpacker.decompress(packed, PIECE)
            except zlib.error:
                raise self._damaged() from None
            packed = unpacker.unconsumed_tail

    def _damaged(self) -> AnswerRefused:
        return AnswerRefused(f"The packed file from {self.host} is damaged.")


@contextmanager
def failures_of(host: str) -> Iterator[None]:
    """Say in a sentence what goes wrong between us and a server."""
    try:
        yield
    except httpcore.RemoteProtocolError:
        raise NotReached(f"{host} broke off, or does not speak HTTP.") from None
    except httpcore.NetworkError:
        raise NotReached(f"The connection to {host} broke off.") from None


def _unbroken(body: Iterable[bytes], host: str) -> Iterator[bytes]:
    with failures_of(host):
        yield from body


def refuse_unless_ok(host: str, status: int) -> None:
    if status != 200:
        raise AnswerRefused(f"{host} answered {status} instead of a file.", permanent=status not in TEMPORARY)
