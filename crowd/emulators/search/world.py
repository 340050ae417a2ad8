"""What a simulated web holds: for every query its addresses in a fixed order, and what is behind each."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from crowd.emulators.search.drawing import OTHER, SHAPES, draw
from crowd.rehearsal.pictures.truth import Truth

PICTURE: Final = "picture"
FAULTS: Final = ("page", "gone", "empty", "page", "broken", "private", "page", "dead")
"""What is behind an address that gives no picture; web pages are the commonest."""
USUAL_FOUND: Final = 30
USUAL_FAULTY, USUAL_STRANGE = 0.092, 0.116
LICENCES: Final = ("CC BY 4.0", "CC BY-SA 3.0", "", "All rights reserved")
BODIES: Final = ("car", "suv", "truck", "van")
ENGINE_SEES: Final = 0.7
"""The share of a query's addresses that one engine shows: two engines together know all, some of them both."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What is behind one address: a picture of so many things of a shape, or a fault."""

    kind: str = PICTURE
    shape: str = OTHER
    things: int = 1


@dataclass
class World:
    """`plan` fixes what queries find; any other query finds what chance and its words say."""

    seed: str
    plan: Mapping[str, Sequence[Behind]] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)

    def behind(self, query: str) -> Sequence[Behind]:
        self._texts[digest_of(query)] = query
        if query in self.plan:
            return self.plan[query]
        rng = random.Random(f"{self.seed}-{query}")
        return [_chance(rng, shape_of(query)) for _ in range(rng.randrange(USUAL_FOUND // 2, USUAL_FOUND))]

    def shown_by(self, query: str, engines_before: int) -> list[int]:
        """Return the places an engine shows, best first: the first one from the top, the others from the bottom."""
        whole = range(len(self.behind(query)))
        some = max(1, round(len(whole) * ENGINE_SEES)) if whole else 0
        return list(whole[:some]) if engines_before == 0 else list(reversed(whole[len(whole) - some :]))

    def results(self, query: str) -> int:
        """Return how many results an engine would claim there are: most where the words go together best."""
        words = query.split()
        rng = random.Random(f"{self.seed}-{words[:-1]}")  # one favourite for all that is asked about one thing
        base, favourite = rng.randrange(40_000, 4_000_000), rng.choice(BODIES)
        return base if words[-1:] == [favourite] else round(base * random.Random(query).uniform(0.05, 0.9))

    def picture(self, digest: str, place: int) -> tuple[bytes, Truth] | None:
        """Draw the picture behind an address; None where there is a fault, or no such address."""
        found = self.at(digest, place)
        if found is None or found.kind != PICTURE:
            return None
        query = self._texts[digest]
        return draw(f"{self.seed} {query} {place}", found.shape, found.things, says(found.shape, f"{digest}{place}"))

    def at(self, digest: str, place: int) -> Behind | None:
        query = self._texts.get(digest)
        whole = self.behind(query) if query is not None else ()
        return whole[place] if 0 <= place < len(whole) else None


def digest_of(query: str) -> str:
    return blake2b(query.encode(), digest_size=8).hexdigest()


def shape_of(query: str) -> str:
    """Return the last thing that a query names and that can be drawn."""
    return next((word for word in reversed(query.lower().split()) if word in SHAPES), OTHER)


def says(shape: str, seed: str) -> list[tuple[str, float]]:
    """Return the five surest names a weak model would give: what is shown is among the first four."""
    rng = random.Random(seed)
    others = rng.sample(["tree", "house", "dog", "street", "sky", "bottle", "chair"], 5)
    names = others if shape not in SHAPES else [*others[:4]]
    if shape in SHAPES:
        names.insert(rng.choice((0, 0, 0, 1, 2, 3)), shape)
    return [(name, round(0.8 / 2**place, 2)) for place, name in enumerate(names)]


def _chance(rng: random.Random, shape: str) -> Behind:
    at = rng.random()
    if at < USUAL_FAULTY:
        return Behind(rng.choice(FAULTS))
    if at < USUAL_FAULTY + USUAL_STRANGE * (1 - USUAL_FAULTY):
        return Behind()
    return Behind(shape=shape, things=rng.choice((1, 1, 1, 2, 3)))
