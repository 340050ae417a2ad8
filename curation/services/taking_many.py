"""Many files from outside at once: looked up, measured and written down together, each with an answer of its own."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from crowd.errors import StorageRefused
from curation.models import Asset, AssetPreview, Decision, Project, Stage
from curation.preprocessing.copies import Measured, measured
from curation.preprocessing.decode import Analysis, analyse
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.pool import shared_pool
from curation.services import assets, pieces, previews, versions
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


@dataclass(frozen=True, slots=True)
class _Stored:
    """Where its bytes lie, and its copies by their columns unless the checks make them."""

    new: _New
    key: str
    copies: dict[str, str]

    @property
    def files(self) -> list[str]:
        return [self.key, *self.copies.values()]


class _Known:
    """Assets of a project by the caller's key and by their bytes; the key speaks first."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._by_key: dict[str, Asset] = {}
        self._by_digest: dict[bytes, Asset] = {}

    def read(self, files: Sequence[tuple[bytes, Incoming]]) -> None:
        mine = Asset.objects.filter(project=self._project).select_related("preview")
        keys = [one.client_key for _, one in files if one.client_key]
        for asset in mine.filter(client_key__in=keys):
            self._by_key[asset.client_key or ""] = asset
        for asset in mine.filter(sha256__in=[digest for digest, _ in files], answer=None, parent=None):
            self._by_digest[bytes(asset.sha256)] = asset

    def find(self, digest: bytes, incoming: Incoming) -> Asset | None:
        return self._by_key.get(incoming.client_key or "") or self._by_digest.get(digest)

    def lacks_copies(self, digest: bytes) -> Asset | None:
        """Return the asset of these bytes whose measurements and copies an earlier run was cut off before."""
        asset = self._by_digest.get(digest)
        return None if asset is None or hasattr(asset, "preview") else asset

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
    by_checks = stage.kind == ENTRY_KIND  # they measure everything themselves
    fresh = _first_of_each(files, known, mend=not by_checks)
    outcomes: dict[int, Outcome] = {}
    work: Callable[[bytes], Analysis | Measured] = analyse if by_checks else measured
    calls = [(files[place][1].data,) for place in fresh]
    new = []
    for place, seen in zip(fresh, shared_pool().map(work, calls), strict=True):
        half_known = known.lacks_copies(files[place][0])
        if half_known is not None:
            if isinstance(seen, Measured):
                previews.keep(asset=half_known, seen=seen)
        elif isinstance(seen, Unreadable):
            outcomes[place] = seen
        else:
            new.append(_New(place, *files[place], seen))
    outcomes |= _enter(project, stage, new, known, now)
    refused = {files[place][0]: one for place, one in outcomes.items() if isinstance(one, Unreadable)}
    return [outcomes.get(place) or _again(digest, one, known, refused) for place, (digest, one) in enumerate(files)]


def _first_of_each(files: Sequence[tuple[bytes, Incoming]], known: _Known, *, mend: bool) -> list[int]:
    """Return the places of files that are not there (or only half, to `mend`), one for each key and each digest."""
    digests: set[bytes] = set()
    keys: set[str] = set()
    places = []
    for place, (digest, one) in enumerate(files):
        missing = known.find(digest, one) is None or (mend and known.lacks_copies(digest) is not None)
        if missing and digest not in digests and (one.client_key or "") not in keys:
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
    """Store the files, then write all rows in one transaction; what somebody else took in meanwhile is theirs.

    Whatever fails, no stored file is left that no row names. Raises StorageRefused.
    """
    if not new:
        return {}
    with ExitStack() as undo:
        stored = [_store(one, undo) for one in new]
        with transaction.atomic():
            _lock(project, new)
            known.read([(one.new.digest, one.new.incoming) for one in stored])
            mine = [one for one in stored if known.find(one.new.digest, one.new.incoming) is None]
            made = _write(project, stage, mine, now)
            undo.pop_all()
    kept = {one.key for one in mine}
    pieces.forget([key for one in stored if one.key not in kept for key in one.files])
    outcomes: dict[int, Outcome] = {}
    for asset, one in zip(made, mine, strict=True):
        known.add(asset)
        outcomes[one.new.place] = Taken(asset, is_new=True)
    return outcomes


def _store(one: _New, undo: ExitStack) -> _Stored:
    key = place_of(one.incoming)  # what lies outside stays there, and is never deleted
    undo.callback(pieces.forget, [key])
    if not isinstance(one.seen, Measured):
        return _Stored(one, key, {})
    try:
        copies = previews.store_copies(one.seen.copies)
    except OSError as error:
        raise StorageRefused(error.strerror or str(error)) from None
    undo.callback(pieces.forget, list(copies.values()))
    return _Stored(one, key, copies)


def _write(project: Project, stage: Stage, mine: Sequence[_Stored], now: datetime) -> list[Asset]:
    made = Asset.objects.bulk_create([_row(project, stage, one, now) for one in mine])
    if made:
        entered, rule = Decision.Verdict.ENTERED, Decision.By.RULE
        Decision.objects.bulk_create(
            Decision(project_id=project.pk, asset=asset, stage=stage, verdict=entered, by_kind=rule, created_at=now)
            for asset in made
        )
        AssetPreview.objects.bulk_create(
            AssetPreview(asset=asset, **one.copies, camera=previews.camera_of(one.new.analysis))
            for asset, one in zip(made, mine, strict=True)
            if one.copies
        )
        assets.wake_stage(stage)
        versions.bump(project_id=project.pk)
    return made


def _lock(project: Project, new: Sequence[_New]) -> None:
    """Take the locks on what identifies these files, as those who bring one file do."""
    digests = [assets.identity(project_id=project.pk, sha256=one.digest) for one in new]
    keys = [one.incoming.client_key for one in new if one.incoming.client_key]
    assets.lock([*digests, *(assets.identity_of_key(project.pk, key) for key in keys)])


def _row(project: Project, stage: Stage, stored: _Stored, now: datetime) -> Asset:
    one = stored.new
    return Asset(
        project=project,
        stage=stage,
        storage_key=stored.key,
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
        **(previews.columns_of(one.analysis) if stored.copies else {}),
    )
