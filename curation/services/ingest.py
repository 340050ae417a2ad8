"""Files from outside become assets: gate, store, row. Interrupted and repeated is the same as completed."""

import hashlib
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet

from crowd.errors import CrowdError, StorageRefused
from curation.intake.found import Found, Refused
from curation.intake.sources import open_source
from curation.models import Asset, Decision, LabelClass, Project, Stage, User
from curation.preprocessing.decode import Analysis, analyse
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.pool import shared_pool
from curation.preprocessing.video_wish import ANY, VideoWish
from curation.services import assets, clips, events, previews
from curation.services.clips import Clip

ENTRY_KIND = "checks"
EVERY_SO_MANY = 20


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that was not taken: a stable reason and a sentence."""

    file: str
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """received = new + existing + refused, and the refused ones by reason and by name."""

    received: int
    new: int
    existing: int
    refused: int
    reasons: dict[str, int]
    files_refused: list[RefusedFile]


@dataclass(frozen=True, slots=True)
class Incoming:
    """Bytes on their way in, with what is known about them."""

    name: str
    data: bytes
    source: str = ""
    client_key: str | None = None
    parent: Asset | None = None
    frame_index: int | None = None
    frame_ms: int | None = None
    label_class: LabelClass | None = None
    worker_id: int | None = None
    licence: str = ""
    drawn_on: tuple[int, int] | None = None  # the size on which boxes were drawn that come with it
    kept_at: str = ""  # where it lies already and stays: it is registered, not copied


@dataclass(frozen=True, slots=True)
class Taken:
    """The asset, and whether this call made it."""

    asset: Asset
    is_new: bool


class _Tally:
    """Counts while a run goes on."""

    def __init__(self) -> None:
        self.new = self.existing = 0
        self.refused: list[RefusedFile] = []

    @property
    def received(self) -> int:
        return self.new + self.existing + len(self.refused)

    def receipt(self) -> Receipt:
        reasons = Counter(one.reason for one in self.refused)
        return Receipt(
            self.received, self.new, self.existing, len(self.refused), dict(sorted(reasons.items())), self.refused
        )


def ingest(
    *,
    project: Project,
    sources: Sequence[str],
    stage: Stage | None = None,
    label_class: LabelClass | None = None,
    clip: Clip | None = None,
    by: User | None = None,
    now: datetime,
    progress: Callable[[int], None] | None = None,
) -> Receipt:
    """Take in whatever the sources hold, at a stage (by default the checks); one bad file never stops the others.

    With `label_class` every new picture belongs to that class, as if it had been collected for it; `clip` is what its
    camera says of it.

    Raises UnknownSource before anything is read. A second run over the same files adds nothing.
    """
    entry = stage or entry_stage(project)
    wish = VideoWish.of_checks(entry.settings) if entry.kind == ENTRY_KIND else ANY
    readers = [(Path(source).name, open_source(source, wish=wish)) for source in sources]
    tally, videos = _Tally(), _Videos(project, entry, label_class, clip, now)
    for source, reader in readers:
        for item in reader:
            _take_item(item, source, tally, videos)
            if progress and tally.received % EVERY_SO_MANY == 0:
                progress(tally.received)
    receipt = tally.receipt()
    text = f"{receipt.new} new of {receipt.received} files from {', '.join(name for name, _ in readers)}."
    events.record(kind="assets.ingested", text=text, project=project, by=by, now=now)
    return receipt


def entry_stage(project: Project) -> Stage:
    """Return the stage where imported files start: the checks, else the first after collection."""
    stages = list(project.stages.order_by("position"))
    named = [stage for stage in stages if stage.kind == ENTRY_KIND]
    later = [stage for stage in stages if stage.kind != "collect"]
    for stage in (*named, *later):
        return stage
    raise CrowdError(f"{project.name} has no stage where files could enter.")


def take(*, project: Project, stage: Stage, incoming: Incoming, now: datetime) -> Taken:
    """Take one file in: known bytes are found, new ones gated, stored, then written down. Raises Unreadable."""
    digest = hashlib.sha256(incoming.data).digest()
    known = _known(project, digest, incoming).first()
    if known is not None and (stage.kind == ENTRY_KIND or hasattr(known, "preview")):
        return Taken(known, is_new=False)
    if stage.kind == ENTRY_KIND:  # the checks measure everything themselves
        seen, analysis = None, shared_pool().run(analyse, incoming.data)
    else:
        seen = previews.measure(incoming.data)
        analysis = seen.analysis
    if known is not None and seen is not None:  # an earlier run ended between the row and its copies
        previews.keep(asset=known, seen=seen)
        return Taken(known, is_new=False)
    _require_drawn_on(incoming, analysis)
    key = place_of(incoming)
    asset = _enter(project, stage, incoming, digest=digest, key=key, now=now)
    if asset is None:  # somebody took the same file in meanwhile
        with suppress(OSError):
            default_storage.delete(key)
        return Taken(_known(project, digest, incoming).get(), is_new=False)
    if seen is None:
        _measured(asset, analysis)
    else:
        previews.keep(asset=asset, seen=seen)
    return Taken(asset, is_new=True)


def _require_drawn_on(incoming: Incoming, analysis: Analysis) -> None:
    """Boxes in pixels mean nothing on a picture of another size."""
    size = (analysis.width, analysis.height)
    if incoming.drawn_on not in {None, size}:
        width, height = incoming.drawn_on or size
        sentence = f"the picture is {size[0]}x{size[1]}, but its boxes were drawn on {width}x{height}"
        raise Unreadable("other_size", sentence)


def place_of(incoming: Incoming) -> str:
    """Return the storage key of a file: where it lies outside, or where it is stored now."""
    return incoming.kept_at or store_original(ContentFile(incoming.data))


def store_original(file: "File[bytes]") -> str:
    """Store an original under a random name; a storage that refuses ends the run and leaves nothing half written."""
    name = f"originals/{secrets.token_hex(16)}"
    try:
        return default_storage.save(name, file)
    except OSError as error:
        with suppress(OSError):
            default_storage.delete(name)
        raise StorageRefused(error.strerror or str(error)) from None


def _known(project: Project, digest: bytes, incoming: Incoming) -> QuerySet[Asset]:
    mine = Asset.objects.filter(project=project)
    if incoming.parent is not None:
        return mine.filter(parent=incoming.parent, frame_index=incoming.frame_index)
    if incoming.client_key and mine.filter(client_key=incoming.client_key).exists():
        return mine.filter(client_key=incoming.client_key)
    return mine.filter(sha256=digest, answer=None, parent=None)


@transaction.atomic
def _enter(
    project: Project, stage: Stage, incoming: Incoming, *, digest: bytes, key: str, now: datetime
) -> Asset | None:
    asset = assets.enter(
        project=project,
        stage=stage,
        storage_key=key,
        sha256=digest,
        size=len(incoming.data),
        name=incoming.name,
        media=Asset.Media.IMAGE if incoming.parent is None else Asset.Media.FRAME,
        source=incoming.source,
        parent=incoming.parent,
        frame_index=incoming.frame_index,
        frame_ms=incoming.frame_ms,
        label_class=incoming.label_class,
        worker_id=incoming.worker_id,
        licence=incoming.licence,
        client_key=incoming.client_key,
        now=now,
    )
    if asset is not None and incoming.parent is not None:
        clips.inherit(frame=asset, video=incoming.parent)
    return asset


def _measured(asset: Asset, analysis: Analysis) -> None:
    """Keep the displayed size for whoever asks before the checks."""
    asset.width, asset.height = analysis.width, analysis.height
    asset.save(update_fields=["width", "height"])


def _take_item(item: Found | Refused, source: str, tally: _Tally, videos: "_Videos") -> None:
    if isinstance(item, Refused):
        tally.refused.append(RefusedFile(item.name, item.reason, item.sentence))
        return
    try:
        taken = videos.take(item, source)
    except Unreadable as refusal:
        tally.refused.append(RefusedFile(item.name, refusal.reason_code, refusal.sentence))
    except OSError as error:
        sentence = f"the file cannot be read: {error.strerror or error}"
        tally.refused.append(RefusedFile(item.name, "not_readable", sentence))
    else:
        tally.new += taken.is_new
        tally.existing += not taken.is_new


class _Videos:
    """One run's way in: remembers the row of the video whose frames are coming, which come one after another."""

    def __init__(
        self, project: Project, stage: Stage, label_class: LabelClass | None, clip: Clip | None, now: datetime
    ) -> None:
        self._project, self._stage, self._label_class, self._now = project, stage, label_class, now
        self._clip = clip
        self._path: tuple[str, Path] | None = None
        self._row: Asset | None = None

    def take(self, found: Found, source: str) -> Taken:
        incoming = Incoming(
            name=found.name,
            data=found.data(),
            source=source,
            client_key=found.client_key,
            parent=self._parent(found, source),
            frame_index=found.frame_index,
            frame_ms=found.frame_ms,
            label_class=self._label_class,
        )
        taken = take(project=self._project, stage=self._stage, incoming=incoming, now=self._now)
        if self._clip is not None and incoming.parent is None:
            clips.note(asset=taken.asset, clip=self._clip)
        return taken

    def _parent(self, found: Found, source: str) -> Asset | None:
        if found.parent is None or found.video is None:
            return None
        video = (found.parent, found.video)
        if self._path != video:
            self._row = _video_row(self._project, self._stage, video, source, self._now)
            self._path = video
            if self._clip is not None:
                clips.note(asset=self._row, clip=self._clip)
        return self._row


def _video_row(project: Project, stage: Stage, video: tuple[str, Path], source: str, now: datetime) -> Asset:
    """Store a video once and return its row; its frames hang on it."""
    name, path = video
    digest = _digest(path)
    same = Asset.objects.filter(project=project, sha256=digest, answer=None, parent=None)
    known = same.first()
    if known is not None:
        return known
    with path.open("rb") as file:
        key = store_original(File(file))
    row = assets.enter(
        project=project,
        stage=stage,
        storage_key=key,
        sha256=digest,
        size=path.stat().st_size,
        name=name,
        media=Asset.Media.VIDEO,
        source=source,
        now=now,
    )
    if row is None:
        with suppress(OSError):
            default_storage.delete(key)
        return same.get()
    with transaction.atomic():  # its frames go through the stages; the video itself waits for nothing
        decided = assets.locked(row.pk)
        assets.decide(
            asset=decided, verdict=Decision.Verdict.DROPPED, reason="cut_into_frames", by_kind=Decision.By.RULE, now=now
        )
    return row


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
