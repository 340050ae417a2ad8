"""Finding the earlier picture that a new one repeats, the example that it copies, the held-out one that it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from django.core.files.storage import default_storage
from django.db.models import Count

from curation.models import Asset, FormerExample, HeldOutPicture, LabelClass
from curation.preprocessing.colours import Hues
from curation.preprocessing.copies import Measured
from curation.preprocessing.corner_index import CornerIndex
from curation.preprocessing.decode import Analysis
from curation.preprocessing.in_colour import colours_may_tell, compare_in_colour
from curation.preprocessing.templates import TemplateFeatures, Templates, template_features
from curation.preprocessing.verify import SAME_FILE, SAME_PHOTO, SAME_SCENE, PairVerdict, compare, compare_voted
from curation.services import corners, sightings
from curation.services.sightings import IDENTICAL, Index
from curation.stages.earlier import MOST_COMPARED, Candidates, Earlier, earlier_than

MOST_IN_COLOUR = 3
MOST_INDEXES = 16
RANK = {"same_file": 0, "same_photo": 1, "same_scene": 2}


class Comparing(Protocol):
    """What comparing asks of a stage's settings."""

    @property
    def templates(self) -> bool: ...

    @property
    def duplicates(self) -> bool: ...

    @property
    def radius(self) -> int: ...

    @property
    def near_distance(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Hit:
    """An earlier asset and what the comparison with it says."""

    asset: Asset
    pair: PairVerdict


@dataclass(frozen=True, eq=False, slots=True)
class Known:
    """What pictures of a project are compared with, as it was read before the first of them.

    `repeated`: the files among them that the project has more than once.
    """

    hashes: Index
    held_out: Index | None
    examples: Mapping[str, str]
    templates: Templates
    repeated: frozenset[bytes]
    earlier: Earlier

    def may_meet(self, asset: Asset, other: Asset, settings: Comparing) -> bool:
        """Tell whether what is decided about another picture may say something about this one."""
        same_file = bytes(asset.sha256) == bytes(other.sha256)
        return same_file or settings.near_distance is not None or self.earlier.may_show(asset, other)


def known_of(project_id: int, pictures: Sequence[tuple[Asset, Measured]], settings: Comparing) -> Known:
    """Read what is new in a project since it was last read, and what these pictures are compared with.

    Examples are read only where pictures are compared with them: one that is lost must not stop a stage without.
    """
    examples = examples_of(project_id) if settings.templates else {}
    files = [bytes(asset.sha256) for asset, _ in pictures]
    here = Asset.objects.filter(project_id=project_id, sha256__in=files).values("sha256")
    repeated = here.annotate(n=Count("id")).filter(n__gt=1).values_list("sha256", flat=True)
    hashes, newest = _index(project_id), corners.newest(project_id)
    return Known(
        hashes=hashes,
        held_out=_index_of_sets(project_id),
        examples=examples,
        templates=_templates(tuple(examples)),
        repeated=frozenset(bytes(one) for one in repeated),
        earlier=Earlier(_candidates(pictures, hashes, newest, settings.radius) if settings.duplicates else {}),
    )


def _candidates(
    pictures: Sequence[tuple[Asset, Measured]], hashes: Index, newest: CornerIndex, radius: int
) -> dict[Asset, Candidates]:
    cornered = [(asset, seen.corners) for asset, seen in pictures if seen.corners is not None]
    voted = corners.near(pictures=cornered, newest=newest)
    found = {}
    for asset, seen in pictures:
        near = [neighbour.id for neighbour in hashes.near(seen.analysis, radius)]
        by_hash = set(near)
        others = {one.id: one.mirrored for one in voted.get(asset.pk, ()) if one.id not in by_hash}
        found[asset] = Candidates(near, others)
    return found


def lookalikes_of(asset: Asset, seen: Measured, known: Known, radius: int, threshold: float) -> list[Hit]:
    """Return the project's earlier pictures that this one repeats or resembles, the strongest first.

    Candidates are near by hash; where none of them is proven, those that share corners, as a crop does. What is alike
    but unproven then gets a second look in colour.
    """
    analysis = seen.analysis
    if bytes(asset.sha256) in known.repeated:
        same_bytes = earlier_than(asset).filter(sha256=asset.sha256).order_by("id").first()
        if same_bytes is not None:
            return [Hit(same_bytes, IDENTICAL)]
    if analysis.low_information:
        return []
    hits = _found(known.earlier.near(asset), analysis, radius, threshold)
    if not _is_proven(hits):
        hits += _voted(known.earlier.voted(asset), analysis, threshold)
    if hits and not _is_proven(hits):
        hits = _looked_at_again(asset, analysis, _ranked(hits), radius=radius, threshold=threshold)
    return _ranked(hits)


def _found(others: Iterable[Asset], analysis: Analysis, radius: int, threshold: float) -> list[Hit]:
    return [hit for other in others if (hit := _compared(other, analysis, radius, threshold)) is not None]


def _compared(other: Asset, analysis: Analysis, radius: int, threshold: float) -> Hit | None:
    sighting = sightings.of_asset(other)
    pair = None if sighting is None else compare(analysis, sighting, radius=radius, threshold=threshold)
    return None if pair is None else Hit(other, pair)


def _voted(others: Iterable[tuple[Asset, bool]], analysis: Analysis, threshold: float) -> list[Hit]:
    """Judge the pictures that share most corners with this one and were not near by hash."""
    hits = []
    for other, mirrored in others:
        sighting = sightings.of_asset(other)
        if sighting is not None:
            pair = compare_voted(analysis, sighting, mirrored=mirrored, threshold=threshold)
            hits += [] if pair is None else [Hit(other, pair)]
    return hits


def _looked_at_again(asset: Asset, analysis: Analysis, hits: list[Hit], *, radius: int, threshold: float) -> list[Hit]:
    """Compare the likest in colour, where colours may tell what grey does not."""
    mine = sightings.hues_of(asset)
    again = {}
    for hit in hits[:MOST_IN_COLOUR]:
        if mine is not None and _colours_may_tell(mine, hit):
            again[hit.asset.pk] = _in_colour(asset, analysis, hit, radius=radius, threshold=threshold)
    return [again.get(hit.asset.pk, hit) for hit in hits]


def _colours_may_tell(mine: Hues, hit: Hit) -> bool:
    theirs = sightings.hues_of(hit.asset)
    return theirs is not None and colours_may_tell(hit.pair, mine, theirs)


def _in_colour(asset: Asset, analysis: Analysis, hit: Hit, *, radius: int, threshold: float) -> Hit:
    colours, others = sightings.colours_of(asset), sightings.colours_of(hit.asset)
    earlier = sightings.of_asset(hit.asset)
    if colours is None or others is None or earlier is None:
        return hit
    pair = compare_in_colour(analysis, earlier, (colours, others), hit.pair, radius=radius, threshold=threshold)
    return Hit(hit.asset, pair)


def _is_proven(hits: Iterable[Hit]) -> bool:
    return any(hit.pair.verdict != SAME_SCENE for hit in hits)


def _ranked(hits: Iterable[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: (RANK[hit.pair.verdict], hit.pair.distance, hit.asset.pk))


def near_duplicate_of(asset: Asset, analysis: Analysis, known: Known, distance: int) -> tuple[Asset, int] | None:
    """Return the nearest earlier picture of the class that the project has kept, and the bits between the two."""
    near = {one.id: one.distance for one in known.hashes.near(analysis, distance) if one.orientation == "none"}
    kept = Asset.objects.filter(pk__in=list(near), pk__lt=asset.pk, label_class_id=asset.label_class_id)
    found = list(kept.exclude(state=Asset.State.DROPPED))
    nearest = min(found, key=lambda other: (near[other.pk], other.pk), default=None)
    return None if nearest is None else (nearest, near[nearest.pk])


@lru_cache(maxsize=MOST_INDEXES)
def _index_of(key: tuple[int, ...]) -> Index:
    """Return what this process has read of a project's hashes, or of the sets held out of it; seldom used ones go."""
    return Index()


def _index(project_id: int) -> Index:
    """Return the hashes of all that the project has ever measured."""
    known = _index_of((project_id,))
    known.read_on(Asset.objects.filter(project_id=project_id, hash256__isnull=False))
    return known


def held_out_match(asset: Asset, analysis: Analysis, known: Known) -> tuple[HeldOutPicture, PairVerdict] | None:
    """Return the held-out picture that this one is, with the proof; a mere likeness is no match."""
    if known.held_out is None:
        return None
    pictures = HeldOutPicture.objects.select_related("held_out").filter(
        held_out__project_id=asset.project_id, held_out__retired_at__isnull=True
    )
    same_bytes = pictures.filter(sha256=asset.sha256).first()
    if same_bytes is not None:
        return same_bytes, IDENTICAL
    near = known.held_out.near(analysis)[:MOST_COMPARED]
    for picture in pictures.filter(pk__in=[one.id for one in near]).order_by("id"):
        sighting = sightings.of_held_out(picture)
        pair = None if sighting is None else compare(analysis, sighting)
        if pair is not None and pair.verdict in {SAME_FILE, SAME_PHOTO}:
            return picture, pair
    return None


def _index_of_sets(project_id: int) -> Index | None:
    """Return the hashes of the project's held-out sets, if it has any; a retired set makes another index."""
    held = HeldOutPicture.objects.filter(held_out__project_id=project_id, held_out__retired_at__isnull=True)
    sets = tuple(held.order_by("held_out").values_list("held_out", flat=True).distinct())
    if not sets:
        return None
    known = _index_of((project_id, *sets))
    known.read_on(held)
    return known


def examples_of(project_id: int) -> dict[str, str]:
    """Return storage key and class name of every example picture the project has and ever had."""
    now = LabelClass.objects.filter(project_id=project_id).exclude(example_key="").order_by("index")
    former = FormerExample.objects.filter(label_class__project_id=project_id)
    return dict([*now.values_list("example_key", "name"), *former.values_list("key", "label_class__name")])


@lru_cache(maxsize=MOST_INDEXES)
def _templates(keys: tuple[str, ...]) -> Templates:
    """Examples never change under their keys, so what is asked of all of a project is worked out once in a process."""
    return Templates((key, _features(key)) for key in keys)


@lru_cache(maxsize=256)
def _features(storage_key: str) -> TemplateFeatures:
    """Return an example's picture and corners; projects share them."""
    with default_storage.open(storage_key, "rb") as file:
        return template_features(file.read())
