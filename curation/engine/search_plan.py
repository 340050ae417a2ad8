"""What the simulated web of a rehearsal holds: the published counts of a recipe's search, scaled, fault by fault."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from crowd.emulators.search.drawing import MOST
from crowd.emulators.search.world import FAULTS, Behind, shape_of
from curation.recipes.search import PublishedClass, PublishedSearch

T = TypeVar("T")
USUAL = PublishedSearch(source="nobody", addresses=100, pictures=91, kept=80)


@dataclass(frozen=True, slots=True)
class ClassShare:
    """How many images of a class come from search engines and from public sets, and how many boxes are in them all."""

    name: str
    crawled: int
    public: int
    boxes: int

    @property
    def things(self) -> list[int]:
        """Return how many things each image shows, the crawled ones first; no image shows none."""
        images = self.crawled + self.public
        return [min(MOST, max(1, _part(self.boxes, n, images))) for n in range(images)]


def web_of(queries: Sequence[str], published: PublishedSearch | None, size: int) -> dict[str, list[Behind]]:
    """Share so many addresses out to the queries; as many of them as published give no picture, or a strange one."""
    counts = published if published is not None and published.addresses else USUAL
    kinds = iter(_kinds(counts, size))
    return {
        query: [_behind(kind, shape_of(query)) for kind in _take(kinds, _part(size, n, len(queries)))]
        for n, query in enumerate(queries)
    }


def scaled(published: PublishedSearch, size: int) -> list[ClassShare]:
    """Return the published classes for about so many images in all."""
    whole = sum(one.crawled + one.public for one in published.classes.values())
    return [_scaled(name, one, size / whole) for name, one in published.classes.items()]


def web_of_classes(queries: Sequence[tuple[str, str]], shares: Sequence[ClassShare]) -> dict[str, list[Behind]]:
    """Share the crawled images of each class out to its queries, a fault after every eleventh."""
    found: dict[str, list[Behind]] = {}
    for share in shares:
        mine = [text for text, name in queries if name == share.name]
        things = iter(share.things[: share.crawled])
        for n, text in enumerate(mine):
            shown = [Behind(shape=share.name, things=k) for k in _take(things, _part(share.crawled, n, len(mine)))]
            found[text] = [one for k, each in enumerate(shown) for one in _with_fault(k, each)]
    return found


def _scaled(name: str, one: PublishedClass, by: float) -> ClassShare:
    crawled, public = max(1, round(one.crawled * by)), max(1, round(one.public * by))
    return ClassShare(name, crawled, public, max(crawled + public, round(one.boxes * by)))


def _kinds(counts: PublishedSearch, size: int) -> list[str]:
    """Return what each address is, evenly mixed: a fault, `strange`, or empty for what was looked for."""
    pictures = round(size * counts.pictures / counts.addresses)
    kept = round(size * counts.kept / counts.addresses)
    kinds, faults = list[str](), 0
    for n in range(size):
        if _part(size - pictures, n, size):
            kinds.append(FAULTS[faults % len(FAULTS)])
            faults += 1
        elif _part(pictures - kept, n - faults, pictures):
            kinds.append("strange")
        else:
            kinds.append("")
    return kinds


def _behind(kind: str, shape: str) -> Behind:
    if kind == "strange":
        return Behind()
    return Behind(kind) if kind else Behind(shape=shape)


def _with_fault(number: int, one: Behind) -> list[Behind]:
    return [one, Behind(FAULTS[number // 11 % len(FAULTS)])] if number % 11 == 10 else [one]


def _part(whole: int, number: int, parts: int) -> int:
    """Return the number-th of `parts` nearly equal parts of a whole."""
    return (number + 1) * whole // parts - number * whole // parts if 0 <= number < parts else 0


def _take(things: Iterator[T], n: int) -> list[T]:
    return list(islice(things, n))
