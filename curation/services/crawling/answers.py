"""What servers have answered lies in the storage until it is taken in: a process that is killed asks none again.

The name of a file says whose answer it is, of which try, and the digest of what is in it: half a file is no answer.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Final

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crowd.fetching import AnswerRefused
from curation.models import CrawlLink
from curation.services import pieces

FOLDER: Final = "crawls"
TAKEN, REFUSED, LATER = "file", "refused", "later"

Answer = bytes | AnswerRefused


class Answers:
    """The answers of one search that are not taken in yet. Threads may share it, each with addresses of its own."""

    def __init__(self, crawl_id: int) -> None:
        self._folder = f"{FOLDER}/{crawl_id}"
        self._names = {name.partition(".")[0]: name for name in _names_in(self._folder)}

    def read(self, link: CrawlLink) -> Answer | None:
        """Return what came of this try before its process died, if all of it was kept."""
        name = self._names.get(_whose(link))
        if name is None:
            return None
        try:
            with default_storage.open(f"{self._folder}/{name}") as file:
                data = file.read()
        except FileNotFoundError:  # a process that was taken for dead has taken it in meanwhile
            return None
        _, kind, digest = name.split(".")
        if sha256(data).hexdigest() != digest:
            self.forget([link])
            return None
        return data if kind == TAKEN else AnswerRefused(data.decode(), permanent=kind == REFUSED)

    def keep(self, link: CrawlLink, answer: Answer) -> None:
        """Keep an answer until it is forgotten. Where the storage refuses it, it is only in memory."""
        if isinstance(answer, AnswerRefused):
            kind, data = REFUSED if answer.permanent else LATER, str(answer).encode()
        else:
            kind, data = TAKEN, answer
        name = f"{_whose(link)}.{kind}.{sha256(data).hexdigest()}"
        with suppress(OSError):
            default_storage.save(f"{self._folder}/{name}", ContentFile(data))
            self._names[_whose(link)] = name

    def forget(self, links: Sequence[CrawlLink]) -> None:
        names = [self._names.pop(_whose(link), None) for link in links]
        pieces.forget([f"{self._folder}/{name}" for name in names if name])

    def clear(self) -> None:
        """Delete what nobody has asked for: of addresses that were given up meanwhile."""
        pieces.forget([f"{self._folder}/{name}" for name in self._names.values()])
        self._names.clear()


def files_of(crawl_id: int) -> Iterator[str]:
    """Return the files of answers that a search has left."""
    folder = f"{FOLDER}/{crawl_id}"
    return (f"{folder}/{name}" for name in _names_in(folder))


def _names_in(folder: str) -> list[str]:
    try:
        return default_storage.listdir(folder)[1]
    except FileNotFoundError:
        return []


def _whose(link: CrawlLink) -> str:
    return f"{bytes(link.digest).hex()}-{link.tries}"
