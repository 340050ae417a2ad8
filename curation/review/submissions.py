"""Submissions that wait for our word: what was sent, what the checks say, and one dialog to judge them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Assignment, Worker
from crowd.money import micro
from curation.downloads import answer_file
from curation.models import Asset, Pool
from curation.review.access import Seat, seat_at, ways
from curation.review.sent import typed
from curation.services import collection, collection_checks
from curation.services.collection import Judgement
from curation.services.collection_checks import Chip
from curation.sessions import now_of

PAGE = 48
CLIP_TYPES: Final = {".webm": "video/webm", ".mov": "video/quicktime", ".mkv": "video/x-matroska"}


@dataclass(frozen=True, slots=True)
class Card:
    """One submission: its pictures or its video, and what the machine says of it."""

    page: Assignment
    photos: Sequence[Asset]
    chips: Sequence[Chip]
    frames: Sequence[Asset]
    stands: str
    hours_left: float | None

    @property
    def title(self) -> str:
        """Return what was asked for: the class, else the task's title."""
        shown = self.photos[0].label_class if self.photos else None
        return shown.name if shown else str(self.page.batch.spec.get("title", "Submission"))

    @property
    def video(self) -> Asset | None:
        return next((one for one in self.photos if one.media == Asset.Media.VIDEO), None)


@dataclass(slots=True)
class Sender:
    """Everything of one worker on this page."""

    worker: Worker
    accepted: int
    rejected: int
    cards: list[Card] = field(default_factory=list)


@require_safe
@login_required
def page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _page(request, seat_at(request, public_id))


@require_POST
@login_required
def judge(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_at(request, public_id)
    ids = [int(text) for text in request.POST.getlist("page") if text.isdecimal() and len(text) < 19]
    try:
        done = collection.judge(
            project=seat.project, page_ids=ids, judgement=_judgement(request, seat), by=seat.user, now=database_now()
        )
    except CrowdError as error:
        return _page(request, seat, error=str(error))
    said = collection.WORDS[typed(request, "verdict")]
    messages.success(request, f"{done:,} submission{'' if done == 1 else 's'} {said}.")
    query = urlencode({name: typed(request, name, 20) for name in ("worker", "pool") if typed(request, name, 20)})
    return redirect(f"{reverse('submissions', args=[public_id])}{f'?{query}' if query else ''}")


def _judgement(request: HttpRequest, seat: Seat) -> Judgement:
    amount = typed(request, "bonus", 20)
    if amount and not seat.leads:
        raise CrowdError("Only a lead may pay a bonus.")
    try:
        bonus = micro(amount) if amount else 0
    except ValueError as error:
        raise CrowdError(str(error)) from None
    verdict, reason = typed(request, "verdict"), typed(request, "reason", 40)
    return Judgement(
        verdict=verdict,
        reason="" if verdict == collection.ACCEPT else reason,
        note=typed(request, "note", collection.LONGEST_NOTE),
        bonus_micro=bonus,
    )


@require_safe
@login_required
def clip(request: HttpRequest, public_id: UUID, asset_id: UUID) -> HttpResponseBase:
    """Play a video that waits for our word; afterwards its original is for leads alone."""
    seat = seat_at(request, public_id)
    waiting = collection.waiting(seat.project).values("pk")
    videos = Asset.objects.filter(project=seat.project, media=Asset.Media.VIDEO, answer__assignment__in=waiting)
    video = videos.filter(public_id=asset_id).first()
    if video is None or not default_storage.exists(video.storage_key):
        raise Http404
    suffix = PurePosixPath(video.name or video.storage_key).suffix.lower()
    kind = CLIP_TYPES.get(suffix, "video/mp4")
    return answer_file(request, video.storage_key, name=f"{video.public_id}{suffix or '.mp4'}", content_type=kind)


def _page(request: HttpRequest, seat: Seat, error: str = "") -> HttpResponse:
    wanted = request.POST if error else request.GET
    worker_id, pool_id = _number(wanted.get("worker", "")), _number(wanted.get("pool", ""))
    every = collection.waiting(seat.project)
    rows = every.filter(worker_id=worker_id) if worker_id else every
    rows = rows.filter(batch__pool_id=pool_id) if pool_id else rows
    shown = list(rows.select_related("worker__account", "batch", "account")[:PAGE])
    found = ways(seat)
    waiting = next(way.waiting for way in found if way.name == "submissions")
    context = {
        "project": seat.project,
        "seat": seat,
        "mode": "submissions",
        "ways": found,
        "currency": " or ".join(sorted({page.account.currency for page in shown})),
        "senders": _senders(seat, shown, now_of(request)),
        "found": rows.count() if worker_id or pool_id else waiting,
        "waiting": waiting,
        "shown": len(shown),
        "only_worker": Worker.objects.filter(pk=worker_id).first() if worker_id else None,
        "only_pool": pool_id,
        "pools": _pools(seat),
        "reasons": collection.REASONS.items(),
        "longest_note": collection.LONGEST_NOTE,
        "error": error,
        "typed": wanted if error else {},
        "chosen": set(request.POST.getlist("page")) if error else set(),
    }
    return render(request, "review/submissions.html", context, status=400 if error else 200)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and 0 < len(text) < 19 else None


def _pools(seat: Seat) -> list[Pool]:
    ids = collection.waiting(seat.project).order_by().values_list("batch__pool_id", flat=True).distinct()
    return list(Pool.objects.filter(project=seat.project, pk__in=list(ids)).order_by("title"))


def _senders(seat: Seat, pages: Sequence[Assignment], now: datetime) -> list[Sender]:
    """Gather the pages by who sent them; senders come in the order of their first page."""
    photos = _photos(pages)
    said = collection_checks.last_words([one for rows in photos.values() for one in rows])
    before = _before(seat, {one.worker_id for one in pages})
    senders: dict[int, Sender] = {}
    for one in pages:
        accepted, rejected = before.get(one.worker_id, (0, 0))
        sender = senders.setdefault(one.worker_id, Sender(one.worker, accepted, rejected))
        mine = photos.get(one.pk, [])
        chips = [chip for photo in mine for chip in collection_checks.chips(photo, said.get(photo.pk))]
        sender.cards.append(Card(one, mine, chips, _frames(mine), _stands(mine), _hours(one, now)))
    return list(senders.values())


def _photos(pages: Sequence[Assignment]) -> dict[int, list[Asset]]:
    rows = Asset.objects.filter(answer__assignment__in=pages).select_related(
        "answer", "stage", "label_class", "preview"
    )
    found: dict[int, list[Asset]] = defaultdict(list)
    for photo in rows.prefetch_related("frames__preview").order_by("pk"):
        if photo.answer is not None:
            found[photo.answer.assignment_id].append(photo)
    return found


def _frames(photos: Sequence[Asset]) -> list[Asset]:
    """Return some frames of a video, from all over it."""
    frames = [frame for photo in photos for frame in photo.frames.all() if hasattr(frame, "preview")]
    frames.sort(key=lambda frame: frame.frame_index or 0)
    return frames[:: max(1, len(frames) // 8)][:8]


def _before(seat: Seat, worker_ids: set[int]) -> dict[int, tuple[int, int]]:
    State = Assignment.State  # noqa: N806
    rows: Any = (
        Assignment.objects.filter(project_id=seat.project.pk, worker_id__in=worker_ids)
        .order_by()
        .values("worker_id")
        .annotate(
            accepted=Count("pk", filter=Q(state=State.ACCEPTED)), rejected=Count("pk", filter=Q(state=State.REJECTED))
        )
    )
    return {row["worker_id"]: (row["accepted"], row["rejected"]) for row in rows}


def _stands(photos: Sequence[Asset]) -> str:
    """Say where the submission stands."""
    if not photos:
        return "being taken in"
    photo = photos[0]
    if photo.media == Asset.Media.VIDEO:
        return "cut into frames" if photo.state == Asset.State.DROPPED else "being cut into frames"
    return f"{photo.stage.title}: {photo.get_state_display()}"


def _hours(one: Assignment, now: datetime) -> float | None:
    return None if one.review_until is None else (one.review_until - now).total_seconds() / 3600
