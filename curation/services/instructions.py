"""What workers read: Markdown with pictures, for a stage or one of its pools, in versions that never change."""

import difflib
import io
import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from PIL import Image

from crowd.errors import CrowdError
from crowd.links import media_url
from crowd.models import Assignment, Batch
from curation.models import Instruction, Pool, Stage, User
from curation.preprocessing.copies import derivative
from curation.preprocessing.limits import MEGABYTE, PICTURE_LIMITS, Unreadable
from curation.preprocessing.pool import shared_pool
from curation.services import events
from curation.services.markdown import to_html

MOST_LETTERS, MOST_SHOWN, MOST_CAPTION = 20_000, 12, 200
MOST_VIDEO_BYTES = 50 * MEGABYTE
LONGEST_SIDE = 1280
ROLES: Final = {"good": "Good example", "bad": "Bad example", "video": "Example video", "picture": "Picture"}
VIDEOS: Final = {b"ftyp": (4, "mp4"), b"\x1a\x45\xdf\xa3": (0, "webm")}


@dataclass(frozen=True, slots=True)
class Piece:
    """A picture or video beside the text."""

    role: str
    caption: str
    key: str
    width: int = 0
    height: int = 0

    @property
    def url(self) -> str:
        """Return where it is seen, by workers of other platforms as well."""
        return urlsplit(media_url(self.key)).path.replace("/x/media/", "/x/guide/", 1)

    @property
    def is_video(self) -> bool:
        return self.role == "video"


@dataclass(frozen=True, slots=True)
class Guide:
    """A version as it is shown."""

    number: int
    html: SafeString
    pieces: Sequence[Piece]

    def of(self, role: str) -> list[Piece]:
        return [piece for piece in self.pieces if piece.role == role]


def versions(*, stage: Stage, pool: Pool | None) -> QuerySet[Instruction]:
    """Return the versions of a stage's text, or of one pool's own, newest first."""
    return Instruction.objects.filter(stage=stage, pool=pool).order_by("-number")


def pieces_of(version: Instruction | None) -> list[Piece]:
    return [Piece(**one) for one in version.shown] if version else []


def guide_of(version: Instruction | None) -> Guide | None:
    if version is None or not (version.text or version.shown):
        return None
    return Guide(version.number, to_html(version.text), pieces_of(version))


def for_page(page: Assignment) -> Instruction | None:
    """Return the version that was current when the worker got the page; a pool's own goes before its stage's."""
    if not page.batch.spec.get("guide_version"):
        return None
    rows = Instruction.objects.filter(stage_id=page.batch.stage_id)
    if page.issued_at is not None:
        rows = rows.filter(created_at__lte=page.issued_at)
    return _in_force(rows.filter(Q(pool=None) | Q(pool_id=page.batch.pool_id)))


def read_beside(pages: Collection[Assignment]) -> dict[int, Instruction]:
    """Return which version stood beside each of these pages, by the page's id, without its text: one query."""
    stages = {page.batch.stage_id for page in pages if page.batch.spec.get("guide_version")}
    if not stages:
        return {}
    rows = Instruction.objects.filter(stage_id__in=stages).annotate(says_nothing=Q(text="", shown=[]))
    ordered = list(rows.defer("text", "shown").order_by(F("pool").asc(nulls_last=True), "-number"))
    found = {page.pk: _beside(page, ordered) for page in pages if page.batch.spec.get("guide_version")}
    return {pk: version for pk, version in found.items() if version is not None}


def _beside(page: Assignment, ordered: Sequence[Any]) -> Instruction | None:
    """Choose as `for_page` does, among versions with a pool's own first and the newest before."""
    there = [
        row
        for row in ordered
        if row.stage_id == page.batch.stage_id
        and row.pool_id in {None, page.batch.pool_id}
        and (page.issued_at is None or row.created_at <= page.issued_at)
    ]
    if there and there[0].pool_id is not None and there[0].says_nothing:
        there = [row for row in there if row.pool_id is None]
    return there[0] if there else None


def current(*, stage: Stage, pool: Pool | None = None) -> Instruction | None:
    """Return what somebody who begins now would read."""
    rows = Instruction.objects.filter(stage=stage)
    return _in_force(rows.filter(Q(pool=None) | Q(pool=pool) if pool else Q(pool=None)))


def _in_force(rows: QuerySet[Instruction]) -> Instruction | None:
    newest = rows.order_by(F("pool").asc(nulls_last=True), "-number")
    own = newest.first()
    if own is None or own.pool_id is None or own.text or own.shown:
        return own
    return newest.filter(pool=None).first()  # the pool has gone back to what its stage says


@transaction.atomic
def save(
    *,
    stage: Stage,
    pool: Pool | None,
    text: str,
    pieces: Sequence[Piece],
    by: User,
    now: datetime,
    note: str = "",
    based_on: int | None = None,
) -> Instruction:
    """Add a version. Nothing is added when nothing changed; a version saved by somebody meanwhile is not lost."""
    Stage.objects.select_for_update().get(pk=stage.pk)
    newest = versions(stage=stage, pool=pool).first()
    number = newest.number if newest else 0
    if based_on is not None and based_on != number:
        raise CrowdError(f"Version {number} was saved meanwhile. Look at it, then save yours again.")
    _check(text, pieces, pool)
    shown = [asdict(piece) for piece in pieces]
    if newest is not None and (newest.text, newest.shown) == (text, shown):
        return newest
    version = Instruction.objects.create(
        project_id=stage.project_id,
        stage=stage,
        pool=pool,
        number=number + 1,
        text=text,
        shown=shown,
        note=note[:200],
        created_by=by,
        created_at=now,
    )
    _hand_out(stage, pool)
    what = pool.title if pool else stage.title
    said = f"{by.name} saved version {version.number} of the instructions of {what}. {note}".strip()
    events.record(kind="instructions.saved", text=said, project=stage.project, subject=version, by=by, now=now)
    return version


def _check(text: str, pieces: Sequence[Piece], pool: Pool | None) -> None:
    if len(text) > MOST_LETTERS:
        raise CrowdError(f"Instructions have at most {MOST_LETTERS:,} letters, not {len(text):,}.")
    if len(pieces) > MOST_SHOWN:
        raise CrowdError(f"At most {MOST_SHOWN} pictures and videos stand beside the text, not {len(pieces)}.")
    if pool is None and not text and not pieces:
        raise CrowdError("Write what workers shall read, or add a picture.")


def _hand_out(stage: Stage, pool: Pool | None) -> None:
    """Let the task pages know; platforms with pages of their own get the text when a pool is published there."""
    batches = Batch.objects.select_for_update(no_key=True).filter(stage_id=stage.pk).order_by("id")
    for batch in batches.filter(pool_id=pool.pk) if pool else batches:
        spec = batch.spec | in_spec(Pool.objects.get(pk=batch.pool_id))
        Batch.objects.filter(pk=batch.pk).update(spec=spec)


def in_spec(pool: Pool) -> dict[str, int | str]:
    """Return what a batch says about the text of its pool; nothing as long as nobody has written one."""
    version = current(stage=pool.stage, pool=pool)
    guide = guide_of(version)
    return {"guide_version": guide.number if guide else 0, "guide_html": _as_html(guide)} if version else {}


def _as_html(guide: Guide | None) -> str:
    """Return text and pictures in one piece, with whole addresses."""
    if guide is None:
        return ""
    pictures = format_html_join(
        "",
        '<p><img src="{}" alt="{}"><br>{}</p>',
        (
            (media_url(one.key), ROLES[one.role], one.caption or ROLES[one.role])
            for one in guide.pieces
            if not one.is_video
        ),
    )
    return format_html("{}{}", guide.html, pictures)


def use_again(*, version: Instruction, by: User, now: datetime) -> Instruction:
    """Add an old version as the newest one."""
    return save(
        stage=version.stage,
        pool=version.pool,
        text=version.text,
        pieces=pieces_of(version),
        by=by,
        now=now,
        note=f"as in version {version.number}",
    )


def store(*, data: bytes, role: str, caption: str) -> Piece:
    """Store a picture or video for instructions: pictures are drawn anew, without what rides along."""
    if role not in ROLES:
        raise CrowdError(f"{role!r} is no kind of example; known are {', '.join(ROLES)}.")
    if role == "video":
        return Piece(role, caption[:MOST_CAPTION], _save(data, _video_kind(data)))
    try:
        drawn = shared_pool().run(derivative, data, LONGEST_SIDE, 84, "JPEG", PICTURE_LIMITS)
    except Unreadable as error:
        raise CrowdError(f"The picture cannot be read: {error}") from None
    width, height = Image.open(io.BytesIO(drawn)).size
    return Piece(role, caption[:MOST_CAPTION], _save(drawn, "jpg"), width, height)


def _video_kind(data: bytes) -> str:
    if len(data) > MOST_VIDEO_BYTES:
        raise CrowdError(f"An example video has at most {MOST_VIDEO_BYTES // MEGABYTE} MB.")
    kind = next((kind for sign, (at, kind) in VIDEOS.items() if data[at : at + 4] == sign), "")
    if not kind:
        raise CrowdError("An example video must be MP4 or WebM: phones and browsers play nothing else.")
    return kind


def _save(data: bytes, suffix: str) -> str:
    return default_storage.save(f"instructions/{uuid.uuid4().hex}.{suffix}", ContentFile(data))


def discard(pieces: Sequence[Piece]) -> None:
    """Delete stored files that stand in no version."""
    for piece in pieces:
        default_storage.delete(piece.key)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a comparison; `kind` is same, added or gone."""

    kind: str
    text: str


def compared(before: str, after: str) -> list[Line]:
    """Return both texts line by line."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[Line] = []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            lines += [Line("same", text) for text in old[i:j]]
        else:
            lines += [Line("gone", text) for text in old[i:j]] + [Line("added", text) for text in new[k:m]]
    return lines
