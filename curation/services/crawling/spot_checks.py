"""A person looks at a small random sample of what a search brought; what share is right, and how sure that is.

A verdict is a tag with a person as its source, beside what search and models said: nothing is overwritten.
"""

import math
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import NormalDist
from typing import Final

from django.db import transaction
from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import MD5, Cast, Concat

from curation.datasets.scenarios import wilson
from curation.models import Asset, AssetTag, Crawl, CrawlLink, TagRun, User
from curation.services import events, versions

TAGGER: Final = "spot check"
RIGHT, WRONG = "right", "wrong"
SAMPLE: Final = 100
WISHED: Final = 0.02  # half the width of the interval that is worth having
Z: Final = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Precision:
    """How many of the judged are right, with Wilson's 95 % interval."""

    judged: int
    right: int

    @property
    def share(self) -> float | None:
        return self.right / self.judged if self.judged else None

    @property
    def interval(self) -> tuple[float, float] | None:
        if not self.judged:
            return None
        return wilson(self.right, self.judged)

    @property
    def more(self) -> int | None:
        """Return how many more to judge until the share is known to two points, if it stays as it is."""
        if not self.judged:
            return None
        p = (self.right + 2) / (self.judged + 4)  # never taken for certain
        return max(0, math.ceil(Z * Z * p * (1 - p) / WISHED**2) - self.judged)


def sample(crawl: Crawl, *, size: int = SAMPLE) -> QuerySet[Asset]:
    """Return the pictures drawn by chance from those that were not dropped; a larger sample holds a smaller one."""
    taken = CrawlLink.objects.filter(crawl=crawl, asset__isnull=False)
    drawn = Asset.objects.filter(pk__in=taken.values("asset")).exclude(state=Asset.State.DROPPED)
    key = MD5(Concat(Value(f"{crawl.public_id}-"), Cast("pk", CharField())))
    return drawn.annotate(drawn=key).order_by("drawn")[:size]


def to_judge(crawl: Crawl, *, size: int = SAMPLE, at_once: int) -> list[Asset]:
    """Return the next pictures of the sample that nobody has judged."""
    ids = list(sample(crawl, size=size).values_list("pk", flat=True))
    done = set(_verdicts(crawl).filter(asset__in=ids).values_list("asset_id", flat=True))
    left = [pk for pk in ids if pk not in done][:at_once]
    found = Asset.objects.select_related("label_class", "preview").in_bulk(left)
    return [found[pk] for pk in left if pk in found]


def precision(crawl: Crawl) -> Precision:
    values = list(_verdicts(crawl).values_list("value", flat=True))
    return Precision(len(values), values.count(RIGHT))


@transaction.atomic
def judge(*, crawl: Crawl, seen: Collection[uuid.UUID], wrong: Collection[uuid.UUID], by: User, now: datetime) -> int:
    """Write the verdicts about the pictures that somebody has seen; returns how many are new."""
    locked = Asset.objects.select_for_update(no_key=True).order_by("pk")
    known = CrawlLink.objects.filter(crawl=crawl, asset__isnull=False).values("asset")
    rows = list(locked.filter(project_id=crawl.project_id, public_id__in=seen, pk__in=known))
    judged = set(_verdicts(crawl).filter(asset__in=rows).values_list("asset_id", flat=True))
    fresh = [row for row in rows if row.pk not in judged]
    _write(crawl, fresh, {row.pk for row in fresh if row.public_id in set(wrong)})
    if fresh:
        text = f"{by.name} looked at {len(fresh)} pictures of the search “{crawl.name}”."
        events.record(kind="crawl.checked", text=text, project=crawl.project, subject=crawl, by=by, now=now)
        versions.bump(project_id=crawl.project_id)
    return len(fresh)


def _write(crawl: Crawl, fresh: Sequence[Asset], wrong: Collection[int]) -> None:
    TagRun.objects.filter(asset__in=fresh, tagger=TAGGER, is_current=True).update(is_current=False)
    runs = TagRun.objects.bulk_create(
        TagRun(project_id=crawl.project_id, asset=asset, tagger=TAGGER, version=_version(crawl)) for asset in fresh
    )
    AssetTag.objects.bulk_create(
        AssetTag(
            run=run,
            project_id=crawl.project_id,
            asset_id=run.asset_id,
            key=TAGGER,
            value=WRONG if run.asset_id in wrong else RIGHT,
            source=AssetTag.Source.PERSON,
        )
        for run in runs
    )


def _verdicts(crawl: Crawl) -> QuerySet[AssetTag]:
    return AssetTag.objects.filter(project_id=crawl.project_id, run__tagger=TAGGER, run__version=_version(crawl))


def _version(crawl: Crawl) -> str:
    return f"crawl-{crawl.pk}"
