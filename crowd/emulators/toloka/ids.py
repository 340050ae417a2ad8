"""Ids in the platform's shapes, of constant width, so that the order of strings is the order of creation."""

from datetime import datetime

from crowd.emulators.toloka.chance import chance

FIRST = {
    "project": 91_001,
    "pool": 41_000_101,
    "skill": 60_001,
    "user skill": 500_000_001,
    "restriction": 600_000_001,
    "bonus": 700_000_001,
}


class Ids:
    """Counters of one market."""

    def __init__(self, seed: str, start: datetime) -> None:
        self._seed = seed
        self._next = dict(FIRST)
        self._item, self._uuid = 0, 0
        self._birth = f"{int(start.timestamp()) & 0xFFFFFFFF:08x}"

    def number(self, kind: str) -> str:
        found = self._next[kind]
        self._next[kind] = found + 1
        return str(found)

    def in_pool(self, pool_id: str) -> str:
        """Return an id for a task, a suite or an assignment: pool 41000123 gives `0002719cbb--…`."""
        self._item += 1
        return f"{int(pool_id):010x}--{self._birth}{self._item:016x}"

    def uuid(self) -> str:
        """Return a UUID whose beginning counts."""
        self._uuid += 1
        tail = chance(self._seed, "uuid", self._uuid).getrandbits(76)
        low = f"{tail:019x}"
        return f"{self._uuid:08x}-{low[:4]}-4{low[4:7]}-8{low[7:10]}-{low[10:]}{self._uuid % 4096:03x}"

    def worker(self, number: int) -> str:
        return f"{chance(self._seed, 'worker', number).getrandbits(96):024x}{number:08x}"
