"""Finding the earlier picture that a new one repeats, the example that it copies, the held-out one that it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.core.files.storage import default_storage

from curation.models import Asset, HeldOutPicture, LabelClass
from curation.models.asset import AssetQuerySet
from curation.preprocessing.decode import Analysis
from curation.preprocessing.templates import TemplateCopy, TemplateFeatures, best_template, template_features
from curation.preprocessing.verify import SAME_FILE, SAME_PHOTO, PairVerdict, compare
from curation.services import sightings
from curation.services.sightings import Index

MOST_COMPARED = 12
RANK = {"same_file": 0, "same_photo": 1, "same_scene": 2}
IDENTICAL = PairVerdict("same_file", 0, "none", 0.0, 0, 1.0)


@dataclass(frozen=True, slots=True)
class Hit:
    """An earlier asset and what the comparison with it says."""

    asset: Asset
    pair: PairVerdict


def lookalikes_of(asset: Asset, analysis: Analysis, radius: int, threshold: float) -> list[Hit]:
    """Return the project's earlier pictures that this one repeats or resembles, the strongest first."""
    same_bytes = _earlier(asset).filter(sha256=asset.sha256).order_by("id").first()
    if same_bytes is not None:
        return [Hit(same_bytes, IDENTICAL)]
    if analysis.low_information:
        return []
    near = _index(asset).near(analysis, radius)
    ids = [neighbour.id for neighbour in near if neighbour.id < asset.pk][:MOST_COMPARED]
    others = Asset.objects.select_related("preview").filter(pk__in=ids).order_by("pk")
    pairs = [
        (other, compare(analysis, sightings.of_asset(other), radius=radius, threshold=threshold)) for other in others
    ]
    hits = [Hit(other, pair) for other, pair in pairs if pair is not None]
    return sorted(hits, key=lambda hit: (RANK[hit.pair.verdict], hit.pair.distance, hit.asset.pk))


def near_duplicate_of(asset: Asset, analysis: Analysis, distance: int) -> tuple[Asset, int] | None:
    """Return the nearest earlier picture of the class that the project has kept, and the bits between the two."""
    near = {one.id: one.distance for one in _index(asset).near(analysis, distance) if one.orientation == "none"}
    kept = Asset.objects.filter(pk__in=list(near), pk__lt=asset.pk, label_class_id=asset.label_class_id)
    found = list(kept.exclude(state=Asset.State.DROPPED))
    nearest = min(found, key=lambda other: (near[other.pk], other.pk), default=None)
    return None if nearest is None else (nearest, near[nearest.pk])


def _earlier(asset: Asset) -> AssetQuerySet:
    """Pictures sent before this one; unreadable ones and copies of an example take no part."""
    others = Asset.objects.filter(project_id=asset.project_id, pk__lt=asset.pk)
    return others.exclude(reason__in=["unreadable", "template_copy"])


_indexes: dict[int, Index] = {}
_held_out: dict[tuple[int, ...], Index] = {}


def _index(asset: Asset) -> Index:
    """Return the project's hashes, read on from the last one seen. A stage checks its pictures in order of id."""
    known = _indexes.setdefault(asset.project_id, Index())
    known.read_on(_earlier(asset).filter(hash256__isnull=False))
    return known


def held_out_match(asset: Asset, analysis: Analysis) -> tuple[HeldOutPicture, PairVerdict] | None:
    """Return the held-out picture that this one is, with the proof; a mere likeness is no match."""
    pictures = HeldOutPicture.objects.select_related("held_out").filter(
        held_out__project_id=asset.project_id, held_out__retired_at__isnull=True
    )
    same_bytes = pictures.filter(sha256=asset.sha256).first()
    if same_bytes is not None:
        return same_bytes, IDENTICAL
    near = _index_of_sets(asset.project_id).near(analysis)[:MOST_COMPARED]
    for picture in pictures.filter(pk__in=[one.id for one in near]).order_by("id"):
        pair = compare(analysis, sightings.of_held_out(picture))
        if pair is not None and pair.verdict in {SAME_FILE, SAME_PHOTO}:
            return picture, pair
    return None


def _index_of_sets(project_id: int) -> Index:
    """Return the hashes of the project's held-out sets; a retired set makes another index."""
    held = HeldOutPicture.objects.filter(held_out__project_id=project_id, held_out__retired_at__isnull=True)
    sets = tuple(held.order_by("held_out").values_list("held_out", flat=True).distinct())
    known = _held_out.setdefault((project_id, *sets), Index())
    if sets:
        known.read_on(held)
    return known


def examples_of(project_id: int) -> list[tuple[str, str]]:
    """Return class name and storage key of every example picture of the project."""
    rows = LabelClass.objects.filter(project_id=project_id).exclude(example_key="").order_by("index")
    return list(rows.values_list("name", "example_key"))


def template_of(analysis: Analysis, examples: Iterable[tuple[str, str]]) -> tuple[str, TemplateCopy] | None:
    return best_template(analysis, ((name, _features(key)) for name, key in examples))


@lru_cache(maxsize=256)
def _features(storage_key: str) -> TemplateFeatures:
    """An example never changes under its key, so its corners are found once in a process."""
    with default_storage.open(storage_key, "rb") as file:
        return template_features(file.read())
