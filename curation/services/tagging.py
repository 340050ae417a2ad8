"""What taggers said of assets: kept once per asset, tagger and version, read as tags."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet, Sum

from curation.models import Asset, AssetTag, Decision, Stage, TagRun
from curation.preprocessing.cascade import layers_of
from curation.preprocessing.taggers import registry
from curation.preprocessing.taggers.base import Tag, Tagger
from curation.services import versions

NOT_SELECTED = "not_selected"


@lru_cache
def setups() -> Mapping[str, registry.Setup]:
    """Return the operator's own taggers; read once a process."""
    return registry.read_setups(settings.TAGGERS_FILE) if settings.TAGGERS_FILE else {}


@lru_cache
def tagger(name: str) -> Tagger:
    """Return a tagger, made once a process: a model is loaded once. Raises BadTagger."""
    return registry.load([name], setups())[name]


def known(*, asset_ids: Iterable[int], taggers: Iterable[str]) -> dict[tuple[int, str], list[Tag]]:
    """Return what the present versions of these taggers have said, in one query for the runs and one for the tags."""
    found: dict[tuple[int, str], list[Tag]] = {}
    runs = TagRun.objects.filter(asset__in=list(asset_ids), tagger__in=list(taggers)).prefetch_related("tags")
    for run in runs:
        if run.version == tagger(run.tagger).version:
            found[run.asset_id, run.tagger] = [_tag(row) for row in sorted(run.tags.all(), key=lambda row: row.pk)]
    return found


def _tag(row: AssetTag) -> Tag:
    box = (row.box[0], row.box[1], row.box[2], row.box[3]) if row.box else None
    return Tag(row.key, row.value, row.source, row.score, row.number, box)


@transaction.atomic
def keep(*, asset: Asset, name: str, tags: Sequence[Tag], seconds: float) -> TagRun:
    """Store what a tagger said; repeated, it changes nothing. An older version's word stays, not as the current."""
    Asset.objects.select_for_update().only("pk").get(pk=asset.pk)
    version = tagger(name).version
    run = TagRun.objects.filter(asset=asset, tagger=name, version=version).first()
    if run is not None:
        return run
    TagRun.objects.filter(asset=asset, tagger=name, is_current=True).update(is_current=False)
    run = TagRun.objects.create(project_id=asset.project_id, asset=asset, tagger=name, version=version, seconds=seconds)
    AssetTag.objects.bulk_create(_row(run, tag) for tag in tags)
    versions.bump(project_id=asset.project_id)
    return run


def _row(run: TagRun, tag: Tag) -> AssetTag:
    return AssetTag(
        run=run,
        project_id=run.project_id,
        asset_id=run.asset_id,
        key=tag.key[:40],
        value=tag.value[:120],
        source=tag.source,
        score=min(1.0, max(0.0, tag.score)),
        number=tag.number,
        box=list(tag.box) if tag.box else None,
    )


def current(asset: Asset) -> QuerySet[AssetTag]:
    """Return an asset's tags by the latest versions of their taggers, in the order they were said."""
    return AssetTag.objects.filter(asset=asset, run__is_current=True).select_related("run").order_by("run_id", "id")


@dataclass(frozen=True, slots=True)
class LayerCount:
    """One layer of a stage's cascade: how many reached it and passed, the calls it made and saved, their seconds."""

    tagger: str
    rule: str
    reached: int
    passed: int
    calls: int
    seconds: float
    saved_seconds: float

    @property
    def stopped(self) -> int:
        return self.reached - self.passed


def funnel(stage: Stage) -> list[LayerCount]:
    """Return the layers of a tag stage as its decisions tell; calls and time are of the runs that were made."""
    decided = Decision.objects.filter(stage=stage, evidence__has_key="layer").exclude(
        verdict__in=[Decision.Verdict.ENTERED, Decision.Verdict.RESTORED, Decision.Verdict.RETURNED]
    )
    last = decided.order_by("asset_id", "-id").distinct("asset_id").values("pk")  # a filter may have decided again
    ends = dict(
        Decision.objects.filter(pk__in=last).order_by().values_list("evidence__layer").annotate(n=Count("asset"))
    )
    total = reached = sum(ends.values())
    spent = _spent(stage)
    found = []
    for number, layer in enumerate(layers_of(stage.settings)):
        name = layer.tagger
        passed = reached - ends.get(number, 0)
        calls, seconds = spent.get(name, (0, 0.0))
        each = seconds / calls if calls else 0.0
        rule = f"{layer.keep.key}: {', '.join(layer.keep.any_of)}"
        found.append(LayerCount(name, rule, reached, passed, calls, seconds, each * (total - reached)))
        reached = passed
    return found


def _spent(stage: Stage) -> dict[str, tuple[int, float]]:
    rows = TagRun.objects.filter(project_id=stage.project_id).order_by().values_list("tagger")
    return {name: (n, seconds) for name, n, seconds in rows.annotate(n=Count("id"), seconds=Sum("seconds"))}
