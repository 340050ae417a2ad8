"""Many files from outside at once: looked up, measured and written down together, each with an answer of its own."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.files.storage import default_storage
from django.db import connection, transaction

from curation.models import Asset, Decision, Project, Stage
from curation.preprocessing.copies import Measured, measured
from curation.preprocessing.decode import Analysis, analyse
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.pool import shared_pool
from curation.services import assets, previews, versions
from curation.services.ingest import ENTRY_KIND, Incoming, Taken, place_of

Outcome = Taken | Unreadable


@dataclass(frozen=True, slots=True)
class _New:
    """A file that is not there yet: where it stands among the others, and what was seen of it."""

    place: int
    digest: bytes
    incoming: Incoming
    seen: Measured | Analysis

    @property
    def analysis(self) -> Analysis:
        return self.seen.analysis if isinstance(self.seen, Measured) else self.seen


class _Known:
    """Assets of a project by the caller's key and by their bytes; the key speaks first."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._by_key: dict[str, Asset] = {}
        self._by_digest: dict[bytes, Asset] = {}

    def read(self, files: Sequence[tuple[bytes, Incoming]]) -> None:
        mine = Asset.objects.filter(project=self._project)
        keys = [one.client_key for _, one in files if one.client_key]
        for asset in mine.filter(client_key__in=keys):
            self._by_key[asset.client_key or ""] = asset
        for asset in mine.filter(sha256__in=[digest for digest, _ in files], answer=None, parent=None):
            self._by_digest[bytes(asset.sha256)] = asset

    def find(self, digest: bytes, incoming: Incoming) -> Asset | None:
        return self._by_key.get(incoming.client_key or "") or self._by_digest.get(digest)

    def add(self, asset: Asset) -> None:
        self._by_digest[bytes(asset.sha256)] = asset
        if asset.client_key:
            self._by_key[asset.client_key] = asset


def take_many(*, project: Project, stage: Stage, incoming: Sequence[Incoming], now: datetime) -> list[Outcome]:
    """Take pictures in at a stage and answer each: the asset it is now, or why it is refused.

    What is there already, by the caller's key or by its bytes, is found and not stored again, also inside the list.
    """
    files = [(hashlib.sha256(one.data).digest(), one) for one in incoming]
    known = _Known(project)
    known.read(files)
    fresh = _first_of_each(files, known)
    outcomes: dict[int, Outcome] = {}
    work: Callable[[bytes], Analysis | Measured] = analyse if stage.kind == ENTRY_KIND else measured
    calls = [(files[place][1].data,) for place in fresh]
    new = []
    for place, seen in zip(fresh, shared_pool().map(work, calls), strict=True):
        if isinstance(seen, Unreadable):
            outcomes[place] = seen
        else:
            new.append(_New(place, *files[place], seen))
    outcomes |= _enter(project, stage, new, known, now)
    refused = {files[place][0]: one for place, one in outcomes.items() if isinstance(one, Unreadable)}
    return [outcomes.get(place) or _again(digest, one, known, refused) for place, (digest, one) in enumerate(files)]


def _first_of_each(files: Sequence[tuple[bytes, Incoming]], known: _Known) -> list[int]:
    """Return the places of files that are not there, one for each key and each digest."""
    digests: set[bytes] = set()
    keys: set[str] = set()
    places = []
    for place, (digest, one) in enumerate(files):
        if known.find(digest, one) is None and digest not in digests and (one.client_key or "") not in keys:
            places.append(place)
            digests.add(digest)
            keys |= {one.client_key} if one.client_key else set()
    return places


def _again(digest: bytes, one: Incoming, known: _Known, refused: dict[bytes, Unreadable]) -> Outcome:
    asset = known.find(digest, one)
    if asset is not None:
        return Taken(asset, is_new=False)
    return refused.get(digest) or Unreadable("twin", "another line with this key was refused; send this one again")


def _enter(project: Project, stage: Stage, new: Sequence[_New], known: _Known, now: datetime) -> dict[int, Outcome]:
    """Store the files, then write all rows in one transaction; what somebody else took in meanwhile is theirs."""
    if not new:
        return {}
    keys = [place_of(one.incoming) for one in new]
    with transaction.atomic():
        _lock(project, new)
        known.read([(one.digest, one.incoming) for one in new])
        mine = [(one, key) for one, key in zip(new, keys, strict=True) if known.find(one.digest, one.incoming) is None]
        rows = [_row(project, stage, one, key, now) for one, key in mine]
        made = Asset.objects.bulk_create(rows)
        entered = Decision.Verdict.ENTERED
        Decision.objects.bulk_create(
            Decision(
                project_id=project.pk,
                asset=asset,
                stage=stage,
                verdict=entered,
                by_kind=Decision.By.RULE,
                created_at=now,
            )
            for asset in made
        )
        if made:
            assets.wake_stage(stage)
            versions.bump(project_id=project.pk)
    for key in {*keys} - {key for _, key in mine}:
        default_storage.delete(key)  # of a file outside nothing is deleted
    outcomes: dict[int, Outcome] = {}
    for asset, (one, _) in zip(made, mine, strict=True):
        known.add(asset)
        outcomes[one.place] = Taken(asset, is_new=True)
        if isinstance(one.seen, Measured):
            previews.keep(asset=asset, seen=one.seen)
    return outcomes


def _lock(project: Project, new: Sequence[_New]) -> None:
    """Take the locks on what identifies these files, as those who bring one file do, always in the same order."""
    identities = sorted(assets.identity(project_id=project.pk, sha256=one.digest) for one in new)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(x, 7)) FROM unnest(%s::text[]) WITH ORDINALITY AS t (x, n) "
            "ORDER BY hashtextextended(x, 7)",
            [identities],
        )


def _row(project: Project, stage: Stage, one: _New, key: str, now: datetime) -> Asset:
    return Asset(
        project=project,
        stage=stage,
        storage_key=key,
        sha256=one.digest,
        bytes=len(one.incoming.data),
        name=one.incoming.name[-255:],
        source=one.incoming.source[:200],
        licence=one.incoming.licence[:120],
        client_key=one.incoming.client_key,
        label_class=one.incoming.label_class,
        width=one.analysis.width,
        height=one.analysis.height,
        created_at=now,
    )
