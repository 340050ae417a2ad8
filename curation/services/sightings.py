"""Stored pictures as comparisons want them, and an index of their hashes that reads on from where it was."""

from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from django.core.files.storage import default_storage
from django.db import models
from django.db.models import Count, Sum

from curation.models import Asset, AssetPreview, HeldOutPicture
from curation.preprocessing import hashes
from curation.preprocessing.colours import Colour, Hues, seen_in
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.neighbours import HashIndex, Neighbour
from curation.preprocessing.preview import Preview
from curation.preprocessing.verify import RADIUS, SAME_FILE, PairVerdict, Sighting

A_BATCH = 5000
MOST_KEPT = 128
"""Pictures that a process keeps to compare the next with: 0.2 MB each."""
IDENTICAL = PairVerdict(SAME_FILE, 0, "none", 0.0, 0, 1.0)


class Turned(Protocol):
    """What an Analysis and a Sighting have in common."""

    @property
    def low_information(self) -> bool: ...

    @property
    def all_turns(self) -> Any: ...


@dataclass(slots=True)
class Index:
    """The hashes of some rows as this process has read them; the database is the truth.

    Ids are given out before they can be seen: a row may appear after one with a higher id. What has left the rows
    stays in the hashes, so whoever asks looks the neighbours up.
    """

    hashes: HashIndex = field(default_factory=HashIndex)
    ids: set[int] = field(default_factory=set)
    last_id: int = 0
    total: int = 0

    def read_on(self, rows: "models.QuerySet[Any]") -> None:
        """Append the rows that are new; flat pictures have no meaningful hash."""
        sharp = rows.filter(contrast__gte=hashes.LOW_CONTRAST)
        self._append(sharp.filter(pk__gt=self.last_id))
        found = sharp.aggregate(n=Count("pk"), total=Sum("pk"))
        if (found["n"], int(found["total"] or 0)) != (len(self.ids), self.total):
            self._catch_up(sharp)

    def _append(self, rows: "models.QuerySet[Any]") -> None:
        read = rows.order_by("id").values_list("id", "hash256", "hash256_trimmed").iterator(5000)
        new = [(pk, bytes(plain or b""), bytes(cut) if cut else None) for pk, plain, cut in read]
        self.hashes.add_many(new)
        ids = [pk for pk, _, _ in new]
        self.ids.update(ids)
        self.total += sum(ids)
        self.last_id = max([self.last_id, *ids])

    def _catch_up(self, rows: "models.QuerySet[Any]") -> None:
        """Append what appeared late, forget what has gone."""
        there = set(rows.values_list("pk", flat=True).iterator(20_000))
        late = sorted(there - self.ids)
        self.ids &= there
        self.total = sum(self.ids)
        for start in range(0, len(late), A_BATCH):
            self._append(rows.filter(pk__in=late[start : start + A_BATCH]))

    def near(self, seen: Turned, radius: int = RADIUS) -> list[Neighbour]:
        if seen.low_information:
            return []
        turns = seen.all_turns
        return self.hashes.near(turns[0], turns[1] if len(turns) > 1 else None, radius)


def of_asset(asset: Asset) -> Sighting | None:
    """Return what is compared; nothing when its small grey copy is lost."""
    return _sighting(asset, asset.preview.grey_key)


def of_held_out(picture: HeldOutPicture) -> Sighting | None:
    """Return what is compared; nothing when its small grey copy is lost."""
    return _sighting(picture, picture.grey_key)


def _sighting(row: Asset | HeldOutPicture, grey_key: str) -> Sighting | None:
    try:
        preview = _preview(grey_key)
    except (FileNotFoundError, Unreadable):
        return None
    return Sighting(
        sha256=bytes(row.sha256),
        hash256=bytes(row.hash256 or b""),
        low_information=(row.contrast or 0.0) < hashes.LOW_CONTRAST,
        preview=preview,
    )


@lru_cache(maxsize=MOST_KEPT)
def _preview(grey_key: str) -> Preview:
    """Return a small grey copy, which never changes under its key, with the corners once they were asked for."""
    with default_storage.open(grey_key, "rb") as file:
        return Preview.from_bytes(file.read())


def hues_of(asset: Asset) -> Hues | None:
    """Return the picture's hues, from its thumbnail; nothing when that is lost."""
    found = _coloured(asset, "thumb_key")
    return None if found is None else found[0]


def colours_of(asset: Asset) -> Colour | None:
    """Return the picture in colour as comparisons want it, from the copy for screens; nothing when that is lost."""
    found = _coloured(asset, "screen_key")
    return None if found is None else found[1]


def _coloured(asset: Asset, copy: str) -> tuple[Hues, Colour] | None:
    try:
        with default_storage.open(getattr(asset.preview, copy), "rb") as file:
            return seen_in(file.read())
    except (AssetPreview.DoesNotExist, FileNotFoundError, IsADirectoryError, Unreadable):
        return None


def evidence(pair: PairVerdict, picture: HeldOutPicture, name: str) -> dict[str, Any]:
    """Return what is kept of a match with a held-out picture."""
    return {**rounded(pair), "held_out": name, "held_out_picture": picture.pk, "held_out_file": picture.name}


def rounded(values: Any) -> dict[str, Any]:
    """Return a measured value object as JSON with four decimals."""
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(values).items()}
