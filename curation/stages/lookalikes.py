"""Finding the earlier picture that a new one repeats, and the example that it copies."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.core.files.storage import default_storage

from curation.models import Asset, LabelClass
from curation.models.asset import AssetQuerySet
from curation.preprocessing import hashes
from curation.preprocessing.decode import Analysis
from curation.preprocessing.neighbours import HashIndex
from curation.preprocessing.preview import Preview
from curation.preprocessing.templates import TemplateCopy, TemplateFeatures, best_template, template_features
from curation.preprocessing.verify import PairVerdict, Sighting, compare

MOST_COMPARED = 12
RANK = {"same_file": 0, "same_photo": 1, "same_scene": 2}


@dataclass(frozen=True, slots=True)
class Hit:
    """An earlier asset and what the comparison with it says."""

    asset: Asset
    pair: PairVerdict


def lookalike_of(asset: Asset, analysis: Analysis, radius: int, threshold: float) -> Hit | None:
    """Return the strongest hit among the project's earlier pictures, or None."""
    same_bytes = _earlier(asset).filter(sha256=asset.sha256).order_by("id").first()
    if same_bytes is not None:
        return Hit(same_bytes, PairVerdict("same_file", 0, "none", 0.0, 0, 1.0))
    if analysis.low_information:
        return None
    turns = analysis.all_turns
    near = _index(asset).near(turns[0], turns[1] if len(turns) > 1 else None, radius)
    ids = [neighbour.id for neighbour in near if neighbour.id < asset.pk][:MOST_COMPARED]
    others = Asset.objects.select_related("preview").filter(pk__in=ids).order_by("pk")
    pairs = [(other, compare(analysis, _sighting(other), radius=radius, threshold=threshold)) for other in others]
    hits = [Hit(other, pair) for other, pair in pairs if pair is not None]
    return min(hits, key=lambda hit: (RANK[hit.pair.verdict], hit.pair.distance, hit.asset.pk), default=None)


def _earlier(asset: Asset) -> AssetQuerySet:
    """Pictures sent before this one; unreadable ones and copies of an example take no part."""
    others = Asset.objects.filter(project_id=asset.project_id, pk__lt=asset.pk)
    return others.exclude(reason__in=["unreadable", "template_copy"])


@dataclass(slots=True)
class _ProjectIndex:
    """The hashes of one project as this process has read them; the database is the truth."""

    index: HashIndex
    last_id: int = 0


_indexes: dict[int, _ProjectIndex] = {}


def _index(asset: Asset) -> HashIndex:
    """Return the project's hashes, read on from the last one seen. A stage checks its pictures in order of id."""
    known = _indexes.setdefault(asset.project_id, _ProjectIndex(HashIndex()))
    rows = (
        _earlier(asset)
        .filter(pk__gt=known.last_id, hash256__isnull=False, contrast__gte=hashes.LOW_CONTRAST)
        .order_by("id")
        .values_list("id", "hash256", "hash256_trimmed")
    )
    new = [(pk, bytes(plain or b""), bytes(cut) if cut else None) for pk, plain, cut in rows.iterator(5000)]
    known.index.add_many(new)
    known.last_id = max([known.last_id, *(pk for pk, _, _ in new)])
    return known.index


def _sighting(other: Asset) -> Sighting:
    with default_storage.open(other.preview.grey_key, "rb") as file:
        preview = Preview.from_bytes(file.read())
    return Sighting(
        sha256=bytes(other.sha256),
        hash256=bytes(other.hash256 or b""),
        hash256_trimmed=bytes(other.hash256_trimmed) if other.hash256_trimmed else None,
        low_information=False,
        preview=preview,
    )


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
