"""Two versions side by side: how many pictures differ and how, with crops of what changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import Truncator
from django.views.decorators.http import require_safe

from curation.models import Asset, DatasetVersion
from curation.seats import Seat, seat_or_404
from curation.services import version_diff
from curation.services.version_diff import Changed, Kind

SHOWN: Final = 24
MOST_COUNTED: Final = 2_000
ROOM: Final = 0.25
MOST_QUOTED: Final = 80
WORDS: Final[Mapping[str, str]] = {
    Kind.ADDED: "Added",
    Kind.REMOVED: "Removed",
    Kind.CHANGED: "Boxes changed",
    Kind.RECLASSED: "Other class",
    Kind.ANSWERED: "Other answers",
    Kind.RESPLIT: "Other part",
}


@dataclass(frozen=True, slots=True)
class Rect:
    css: str
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Example:
    """A picture that differs, cropped to its boxes, in pixels."""

    public_id: UUID
    width: int
    height: int
    view: str
    rects: Sequence[Rect]
    words: str


@require_safe
@login_required
def compare(request: HttpRequest, public_id: UUID) -> HttpResponse:
    seat = seat_or_404(request, public_id)
    versions = list(DatasetVersion.objects.filter(project=seat.project, frozen_at__isnull=False).order_by("-number"))
    new = _chosen(versions, request.GET.get("new", ""), 0)
    old = _chosen(versions, request.GET.get("old", ""), 1)
    context: dict[str, Any] = {"seat": seat, "versions": versions, "old": old, "new": new}
    if old is not None and new is not None:
        context |= _difference(request, seat, old, new)
    return render(request, "curation/datasets/compare.html", context)


def _chosen(versions: Sequence[DatasetVersion], number: str, usual: int) -> DatasetVersion | None:
    """Return the version that was asked for by its number; the newest, or the one before it, when none was."""
    found = next((one for one in versions if str(one.number) == number), None)
    return found or (versions[usual] if usual < len(versions) else None)


def _difference(request: HttpRequest, seat: Seat, old: DatasetVersion, new: DatasetVersion) -> dict[str, Any]:
    found = version_diff.compare(old=old, new=new)
    counts: dict[Kind, int] = {kind: getattr(found, kind) for kind in Kind}
    kind = _kind(request.GET.get("kind", ""), counts)
    after = request.GET.get("after", "")
    start = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else 0
    has_boxes = kind == Kind.CHANGED and found.changed
    boxes = version_diff.box_changes(old=old, new=new, most=MOST_COUNTED) if has_boxes else None
    rows = version_diff.page(old=old, new=new, kind=kind, after=start, limit=SHOWN + 1) if counts[kind] else []
    asked = {"old": str(old.number), "new": str(new.number)}
    return {
        "found": found,
        "kind": kind,
        "kinds": [(one, WORDS[one], n, _address(asked, kind=one)) for one, n in counts.items()],
        "examples": _examples(seat, rows[:SHOWN]),
        "older": _address(asked, kind=kind, after=str(rows[SHOWN - 1].asset_id)) if len(rows) > SHOWN else "",
        "is_later": start > 0,
        "first": _address(asked, kind=kind),
        "boxes": boxes,
        "relabelled": boxes.relabelled.most_common() if boxes else [],
    }


def _kind(text: str, counts: Mapping[Kind, int]) -> Kind:
    """Return the kind that was asked for, else the first that has something."""
    asked = next((one for one in counts if one == text), None)
    return asked or next((one for one, n in counts.items() if n), Kind.ADDED)


def _address(asked: Mapping[str, str], **more: str) -> str:
    return f"?{urlencode({**asked, **more})}"


def _examples(seat: Seat, rows: Sequence[Changed]) -> list[Example]:
    sizes = {
        public_id: (width or 1, height or 1)
        for public_id, width, height in Asset.objects.filter(
            project=seat.project, public_id__in=[row.public_id for row in rows]
        ).values_list("public_id", "width", "height")
    }
    return [_example(row, *sizes.get(row.public_id, (1, 1))) for row in rows]


def _example(row: Changed, width: int, height: int) -> Example:
    before, after = row.before or [], row.after or []
    rects = [_rect("was", box, width, height) for box in before if row.after is None or box not in after]
    rects += [_rect("now", box, width, height) for box in after]
    return Example(row.public_id, width, height, _view([*before, *after], width, height), rects, _words(row))


def _rect(css: str, box: Mapping[str, Any], width: int, height: int) -> Rect:
    x, y, w, h = (round(box[side] * of, 1) for side, of in (("x", width), ("y", height), ("w", width), ("h", height)))
    return Rect(css, x, y, w, h)


def _view(boxes: Sequence[Mapping[str, Any]], width: int, height: int) -> str:
    """Return what of the picture is shown: all boxes with room around them, or the whole of it without any."""
    if not boxes:
        return f"0 0 {width} {height}"
    left, top = min(box["x"] for box in boxes), min(box["y"] for box in boxes)
    right, bottom = max(box["x"] + box["w"] for box in boxes), max(box["y"] + box["h"] for box in boxes)
    wide, high = ROOM * (right - left), ROOM * (bottom - top)
    x, y = max(0.0, left - wide), max(0.0, top - high)
    across, down = min(1.0, right + wide) - x, min(1.0, bottom + high) - y
    return f"{x * width:.1f} {y * height:.1f} {across * width:.1f} {down * height:.1f}"


def _words(row: Changed) -> str:
    said = []
    if row.before is not None and row.after is not None:
        if row.before != row.after:
            said.append(f"{len(row.before)} → {len(row.after)} boxes, IoU {row.iou:.2f}")
        if row.class_before != row.class_after:
            said.append(f"{row.class_before or 'no class'} → {row.class_after or 'no class'}")
        said += _answers(row.answers_before or {}, row.answers_after or {})
        if row.split_before != row.split_after:
            said.append(f"{row.split_before or 'no part'} → {row.split_after or 'no part'}")
        return "; ".join(said)
    boxes = row.before if row.after is None else row.after
    return f"{row.class_before or row.class_after or 'no class'}, {len(boxes or [])} boxes"


def _answers(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return what each question came to then and now, where it is not the same."""
    asked = dict.fromkeys([*before, *after])
    return [
        f"{name}: {_short(before.get(name))} → {_short(after.get(name))}"
        for name in asked
        if before.get(name) != after.get(name)
    ]


def _short(answer: str | None) -> str:
    return Truncator(answer).chars(MOST_QUOTED) if answer else "no answer"
