"""Tags in the asset browser: as filters in the address, and as a facet with counts."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote

from curation.models import AssetTag, Project
from curation.models.asset import AssetQuerySet
from curation.services.tagging import ValueCount, counts

MOST_VALUES = 40
MOST_OF_A_KEY = 6


def encoded(key: str, value: str) -> str:
    """Write a tag as one word of an address: commas part words there, the first colon parts key and value."""
    return f"{quote(key, safe=' ')}:{quote(value, safe=' :')}"


def decoded(text: str) -> tuple[str, str]:
    key, _, value = text.partition(":")
    return unquote(key), unquote(value)


def words(text: str) -> str:
    key, value = decoded(text)
    return f"{key}: {value}"


def having(assets: AssetQuerySet, chosen: Iterable[str]) -> AssetQuerySet:
    """Keep assets that have, for each key that is named, one of its chosen values."""
    by_key: dict[str, list[str]] = {}
    for key, value in map(decoded, chosen):
        by_key.setdefault(key, []).append(value)
    for key, values in by_key.items():
        tagged = AssetTag.objects.filter(run__is_current=True, key=key, value__in=values)
        assets = assets.filter(pk__in=tagged.values("asset"))
    return assets


def offered(project: Project, chosen: Sequence[str]) -> list[tuple[str, int]]:
    """Return the commonest values of each key with how many assets of the project have them, and all chosen ones."""
    found: list[tuple[str, int]] = []
    of_key: dict[str, int] = {}
    for one in counts(project):
        of_key[one.key] = of_key.get(one.key, 0) + 1
        if _is_shown(one, of_key[one.key], len(found), chosen):
            found.append((encoded(one.key, one.value), one.n))
    missing = set(chosen) - {text for text, _ in found}
    return [*found, *((text, 0) for text in sorted(missing))]


def _is_shown(one: ValueCount, place: int, shown: int, chosen: Sequence[str]) -> bool:
    return encoded(one.key, one.value) in chosen or (place <= MOST_OF_A_KEY and shown < MOST_VALUES)
