"""What the query says of a picture: class, attributes and licence, each with the query as its source."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from curation.models import (
    Asset,
    AssetTag,
    Crawl,
    CrawlHit,
    CrawlLink,
    DataSource,
    LabelClass,
    SourcedPicture,
    TagRun,
)
from curation.services import versions

TAGGER = "query"
MOST_SHOWN = 20


@dataclass(slots=True)
class Known:
    """What the best-placed hit says, and every attribute that any query gave."""

    label_class: LabelClass | None = None
    licence: str = ""
    attributes: set[tuple[str, str]] = field(default_factory=set)


def known(*, links: Sequence[CrawlLink]) -> dict[int, Known]:
    """Return what is known of each address from the queries that found it, the best rank first."""
    found: dict[int, Known] = defaultdict(Known)
    hits = CrawlHit.objects.filter(link__in=links).select_related("call__query__label_class").order_by("rank", "pk")
    for hit in hits:
        query, one = hit.call.query, found[hit.link_id]
        one.label_class = one.label_class or query.label_class
        one.licence = one.licence or hit.licence
        one.attributes |= {(key, str(value)) for key, value in query.attributes.items()}
    return found


def found_at(asset: Asset) -> list[CrawlHit]:
    """Return where search engines have shown a picture, the best rank first; as many as a person reads."""
    if asset.worker_id or asset.parent_id:
        return []  # somebody sent it
    hits = CrawlHit.objects.filter(link__asset=asset).select_related("link__crawl", "call__query", "call__engine")
    return list(hits.order_by("rank", "pk")[:MOST_SHOWN])


@transaction.atomic
def keep(*, crawl: Crawl, taken: Sequence[tuple[CrawlLink, Asset]], known: Mapping[int, Known]) -> None:
    """Write down where each asset was found, and tag it with its queries' attributes; repeated, it changes nothing."""
    if not taken:
        return
    pairs = sorted(taken, key=lambda pair: pair[1].pk)
    list(Asset.objects.select_for_update().filter(pk__in=[one.pk for _, one in pairs]).order_by("pk").values("pk"))
    source, _ = DataSource.objects.get_or_create(project=crawl.project, name=crawl.name, defaults={"format": "search"})
    SourcedPicture.objects.bulk_create(
        (
            SourcedPicture(source=source, asset=asset, reference=link.url[:300], licence=known[link.pk].licence[:120])
            for link, asset in pairs
        ),
        ignore_conflicts=True,
    )
    for link, asset in pairs:
        _tag(asset, f"crawl-{crawl.pk}", known[link.pk].attributes)
    versions.bump(project_id=crawl.project_id)


def _tag(asset: Asset, version: str, attributes: set[tuple[str, str]]) -> None:
    mine = TagRun.objects.filter(asset=asset, tagger=TAGGER)
    run = mine.filter(version=version).first()
    if run is None:
        mine.filter(is_current=True).update(is_current=False)
        run = TagRun.objects.create(project_id=asset.project_id, asset=asset, tagger=TAGGER, version=version)
    have = set(run.tags.values_list("key", "value"))
    AssetTag.objects.bulk_create(
        AssetTag(run=run, project_id=asset.project_id, asset=asset, key=key, value=value, source=AssetTag.Source.QUERY)
        for key, value in sorted({(key[:40], value[:120]) for key, value in attributes} - have)
    )
