"""Things by id, kept in the order of their ids."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from crowd.emulators.toloka.errors import missing


class HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=HasId)


class Shelf(Generic[T]):
    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._by_id: dict[str, T] = {}
        self._ids: list[str] = []

    def add(self, thing: T) -> T:
        if self._ids and self._ids[-1] > thing.id:
            insort(self._ids, thing.id)
        else:
            self._ids.append(thing.id)
        self._by_id[thing.id] = thing
        return thing

    def get(self, ident: str) -> T:
        """Return the thing, or refuse with the platform's 404."""
        found = self._by_id.get(ident)
        if found is None:
            raise missing(self.kind, ident)
        return found

    def find(self, ident: object) -> T | None:
        return self._by_id.get(ident) if isinstance(ident, str) else None

    def remove(self, ident: str) -> T:
        found = self.get(ident)
        del self._by_id[ident]
        del self._ids[bisect_left(self._ids, ident)]
        return found

    def after(self, ident: str) -> Iterator[T]:
        """Give what has a greater id, in order; an empty id gives everything."""
        for index in range(bisect_right(self._ids, ident), len(self._ids)):
            yield self._by_id[self._ids[index]]

    def __iter__(self) -> Iterator[T]:
        return (self._by_id[ident] for ident in tuple(self._ids))

    def __len__(self) -> int:
        return len(self._ids)


def after(things: Sequence[T], ident: str) -> Iterator[T]:
    """Give what has a greater id of a sequence in the order of ids."""
    start = bisect_right(things, ident, key=lambda thing: thing.id)
    return (things[index] for index in range(start, len(things)))
