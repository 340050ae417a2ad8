"""How many results there are for a thing with each of some words: a vector with a date, and the word it points to.

A counting search asks `{model} {body}` and looks at no picture. What it finds are tags of the pictures that were found
by that model: `body` is the commonest word unless the counts are nearly even, `body results` keeps them all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import transaction
from django.db.models import Max, Q, Sum

from curation.intake.queries import PLACE
from curation.models import Asset, AssetTag, Crawl, CrawlCall, LabelClass, TagRun
from curation.services import versions
from curation.services.crawling.running import Running

TAGGER = "search counts"
EVEN = 1.25  # the commonest word must be so many times as common as the next one
AT_ONCE = 500

State = CrawlCall.State


@dataclass(frozen=True, slots=True)
class Vector:
    """The results of one thing by word, the commonest first."""

    thing: str
    counts: tuple[tuple[str, int], ...]
    asked_at: datetime | None

    @property
    def whole(self) -> int:
        return sum(n for _, n in self.counts)

    @property
    def shares(self) -> list[tuple[str, int, float]]:
        return [(word, n, n / self.whole if self.whole else 0.0) for word, n in self.counts]

    @property
    def is_even(self) -> bool:
        """Whether no word stands out."""
        numbers = [n for _, n in self.counts]
        return not numbers or numbers[0] == 0 or (len(numbers) > 1 and numbers[0] < EVEN * numbers[1])

    @property
    def label(self) -> str:
        """Return the word it points to; none where the counts are nearly even."""
        return "" if self.is_even else self.counts[0][0]


def names_of(crawl: Crawl) -> tuple[str, str]:
    """Return the list of things and the list of words of a counting search."""
    names = list(dict.fromkeys(PLACE.findall(crawl.pattern)))
    return names[0], names[-1]


def vectors(crawl: Crawl) -> list[Vector]:
    """Return a vector for each thing that is asked about in full, in the order of the list.

    Summed over the engines that gave a number for every word of it: of one that was given up half-way, or names no
    number for a word, the words would not be compared with each other.
    """
    thing, word = names_of(crawl)
    key = f"query__attributes__{thing}"
    calls = CrawlCall.objects.filter(query__crawl=crawl)
    waits = set(calls.filter(state=State.PLANNED).values_list(key, flat=True).distinct())
    silent = calls.filter(Q(state=State.REFUSED) | Q(state=State.DONE, results=None))
    half = set(silent.values_list(key, "engine").distinct())
    rows = calls.filter(state=State.DONE).values_list(key, f"query__attributes__{word}", "engine")
    found: dict[str, Counter[str]] = defaultdict(Counter)
    asked: dict[str, datetime] = {}
    for of, said, engine, n, at in rows.annotate(n=Sum("results"), at=Max("answered_at")):
        if (of, engine) not in half:
            found[of][said] += n
            asked[of] = max(at, asked.get(of, at))
    return [
        Vector(of, tuple(sorted(found[of].items(), key=lambda pair: (-pair[1], pair[0]))), asked[of])
        for of in crawl.lists[thing]
        if of in found and of not in waits
    ]


def apply(*, crawl: Crawl, run: Running) -> bool:
    """Tag the pictures that were found by each thing; False when the time did not suffice and it must go on."""
    thing, word = names_of(crawl)
    classes = {one.name: one for one in crawl.project.classes.filter(retired_at=None)} if crawl.class_from else {}
    for vector in vectors(crawl):
        left = _missing(crawl, thing, vector.thing)
        while part := list(islice(left, AT_ONCE)):
            if not run.left:
                return False
            _tag(crawl, part, word, vector, classes.get(vector.label))
    versions.bump(project_id=crawl.project_id)
    return True


def _missing(crawl: Crawl, key: str, value: str) -> Iterator[int]:
    tagged = AssetTag.objects.filter(
        project_id=crawl.project_id, key=key, value=value, source=AssetTag.Source.QUERY, run__is_current=True
    )
    mine = TagRun.objects.filter(tagger=TAGGER, version=_version(crawl), asset__in=tagged.values("asset"))
    done = set(mine.values_list("asset_id", flat=True))
    yield from (pk for pk in tagged.order_by("asset").values_list("asset_id", flat=True).distinct() if pk not in done)


@transaction.atomic
def _tag(crawl: Crawl, asset_ids: Sequence[int], word: str, vector: Vector, label: LabelClass | None) -> None:
    """Write the vector down; a class that somebody gave stays."""
    rows = list(Asset.objects.select_for_update(no_key=True).filter(pk__in=asset_ids).order_by("pk"))
    TagRun.objects.filter(asset__in=rows, tagger=TAGGER, is_current=True).update(is_current=False)
    runs = TagRun.objects.bulk_create(
        TagRun(project_id=crawl.project_id, asset=asset, tagger=TAGGER, version=_version(crawl)) for asset in rows
    )
    AssetTag.objects.bulk_create(tag for run in runs for tag in _tags(run, word, vector))
    if label is not None:
        Asset.objects.filter(pk__in=asset_ids, label_class=None).update(label_class=label)


def _tags(run: TagRun, word: str, vector: Vector) -> Iterator[AssetTag]:
    said = [(word, one, n, share) for one, n, share in vector.shares if one == vector.label]
    for key, value, n, share in [*said, *((f"{word} results"[:40], *one) for one in vector.shares)]:
        yield AssetTag(
            run=run,
            project_id=run.project_id,
            asset_id=run.asset_id,
            key=key,
            value=value[:120],
            source=AssetTag.Source.QUERY,
            score=share,
            number=n,
        )


def _version(crawl: Crawl) -> str:
    return f"crawl-{crawl.pk}"
