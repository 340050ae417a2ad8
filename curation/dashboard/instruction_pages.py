"""Instructions of a stage, or of one pool: written in Markdown, looked at as a worker, kept in versions."""

from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Batch
from curation.dashboard.forms import typed
from curation.models import Instruction, LabelClass, Membership, Pool, Project, Stage
from curation.seats import Seat, person, seat_or_404
from curation.services import class_examples, instructions
from curation.services.instructions import MOST_LETTERS, ROLES, Guide, Piece
from curation.services.markdown import to_html

LEAD = Membership.Role.LEAD
NEW_FILES = ("new-0", "new-1", "new-2")


@require_safe
@login_required
def overview(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """List every stage that people work at, with its text and its pools."""
    seat = seat_or_404(request, public_id)
    texts = Instruction.objects.filter(project=seat.project).select_related("created_by")
    newest = {one.stage_id: one for one in texts.filter(pool=None).order_by("stage_id", "-number").distinct("stage_id")}
    own = set(texts.filter(pool__isnull=False).order_by().values_list("pool_id", flat=True).distinct())
    rows = [
        {"stage": stage, "version": newest.get(stage.pk), "pools": [(pool, pool.pk in own) for pool in pools]}
        for stage, pools in _stages(seat.project)
    ]
    asked = LabelClass.objects.filter(project=seat.project, retired_at=None, is_negative=False)
    classes = list(asked.order_by("index"))
    return render(request, "curation/instructions/list.html", {"seat": seat, "rows": rows, "classes": classes})


@require_POST
@login_required
def set_example(request: HttpRequest, public_id: UUID, name: str) -> HttpResponse:
    """Take a picture as the example of a class."""
    seat = seat_or_404(request, public_id, LEAD)
    label = LabelClass.objects.filter(project=seat.project, name=name, retired_at=None).first()
    if label is None:
        raise Http404
    try:
        data = _picture(request)
        class_examples.set_example(label=label, data=data, by=person(request), now=database_now())
        text = f"Who begins now sees this picture as the example of {label.name}."
        messages.success(request, f"{text} Pages in hand and places other platforms have keep theirs.")
    except CrowdError as error:
        messages.error(request, str(error))
    return redirect("instructions", public_id)


def _picture(request: HttpRequest) -> bytes:
    file = request.FILES.get("file")
    if file is None:
        raise CrowdError("Choose a picture first.")
    _refuse_large(file.name or "The file", file.size or 0)
    return bytes(file.read())


def _stages(project: Project) -> list[tuple[Stage, list[Pool]]]:
    pools = list(Pool.objects.filter(project=project).select_related("account", "stage"))
    stages = {pool.stage_id: pool.stage for pool in pools}
    ordered = sorted(stages.values(), key=lambda stage: stage.position)
    return [(stage, [pool for pool in pools if pool.stage_id == stage.pk]) for stage in ordered]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, public_id: UUID, name: str) -> HttpResponse:
    """Show and save the text of a stage or, with ?pool=, of one of its pools."""
    seat = seat_or_404(request, public_id, LEAD)
    stage, pool = _subject(request, seat, name)
    if request.method != "POST":
        return _page(request, seat, stage, pool)
    newest = instructions.versions(stage=stage, pool=pool).first()
    added: list[Piece] = []
    try:
        added = _added(request)
        version = instructions.save(
            stage=stage,
            pool=pool,
            text=_text(request),
            pieces=[*_kept(request, newest), *added],
            by=person(request),
            now=database_now(),
            note=typed(request, "note", 200),
            based_on=_number(typed(request, "based_on", 9)),
        )
    except CrowdError as error:
        instructions.discard(added)
        return _page(request, seat, stage, pool, str(error))
    same = newest is not None and newest.pk == version.pk
    messages.success(request, "Nothing was changed." if same else f"Version {version.number} is what workers read now.")
    return redirect(_address(seat, stage, pool))


def _address(seat: Seat, stage: Stage, pool: Pool | None) -> str:
    here = reverse("instruction-edit", args=[seat.project.public_id, stage.name])
    return f"{here}?pool={pool.pk}" if pool else here


def _subject(request: HttpRequest, seat: Seat, name: str) -> tuple[Stage, Pool | None]:
    stage = Stage.objects.filter(project=seat.project, name=name, pools__isnull=False).first()
    wanted = request.GET.get("pool", "")
    pool = Pool.objects.filter(stage=stage, pk=_number(wanted)).select_related("account").first() if wanted else None
    if stage is None or (wanted and pool is None):
        raise Http404
    return stage, pool


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _text(request: HttpRequest) -> str:
    return typed(request, "text", 4 * MOST_LETTERS).replace("\r\n", "\n")


def _kept(request: HttpRequest, newest: Instruction | None) -> list[Piece]:
    """Return the pieces of the newest version that stay, with what was typed about them."""
    kept = []
    for number, piece in enumerate(instructions.pieces_of(newest)):
        role = typed(request, f"role-{number}", 10)
        if typed(request, f"keep-{number}", 3) == "yes":
            right = role if role in ROLES and (role == "video") == piece.is_video else piece.role
            kept.append(replace(piece, role=right, caption=typed(request, f"caption-{number}", 200)))
    return kept


def _added(request: HttpRequest) -> list[Piece]:
    """Store the files that came along: all of them, or none."""
    found: list[Piece] = []
    try:
        for place in NEW_FILES:
            file = request.FILES.get(f"{place}-file")
            if file is None:
                continue
            _refuse_large(file.name or "The file", file.size or 0)
            role, caption = typed(request, f"{place}-role", 10) or "good", typed(request, f"{place}-caption", 200)
            found.append(instructions.store(data=file.read(), role=role, caption=caption))
    except CrowdError:
        instructions.discard(found)
        raise
    return found


def _refuse_large(name: str, size: int) -> None:
    if size > instructions.MOST_VIDEO_BYTES:
        raise CrowdError(f"{name} is larger than {instructions.MOST_VIDEO_BYTES // 1024**2} MB.")


def _page(request: HttpRequest, seat: Seat, stage: Stage, pool: Pool | None, error: str = "") -> HttpResponse:
    newest = instructions.versions(stage=stage, pool=pool).first()
    text = _text(request) if error else newest.text if newest else ""
    pieces = instructions.pieces_of(newest)
    context = {
        "seat": seat,
        "stage": stage,
        "pool": pool,
        "newest": newest,
        "text": text,
        "pieces": pieces,
        "guide": Guide(newest.number if newest else 0, to_html(text), pieces),
        "note": typed(request, "note", 200) if error else "",
        "conditions": _conditions(stage, pool),
        "roles": ROLES.items(),
        "new_files": NEW_FILES,
        "history": _history(stage, pool),
        "most": MOST_LETTERS,
        "error": error,
    }
    return render(request, "curation/instructions/edit.html", context, status=400 if error else 200)


def _conditions(stage: Stage, pool: Pool | None) -> list[str]:
    """Return the short conditions that stand on every task page already."""
    batches = Batch.objects.filter(stage_id=stage.pk, **({"pool_id": pool.pk} if pool else {}))
    first = batches.order_by("id").first()
    return [str(line) for line in (first.spec.get("instructions", []) if first else [])]


def _history(stage: Stage, pool: Pool | None) -> list[dict[str, Any]]:
    """Return the versions, newest first, each with how many lines it changed."""
    rows = list(instructions.versions(stage=stage, pool=pool).select_related("created_by")[:51])
    return [_change(row, before) for row, before in pairwise([*rows, None]) if row is not None][:50]


def _change(row: Instruction, before: Instruction | None) -> dict[str, Any]:
    lines = instructions.compared(before.text if before else "", row.text)
    count = {kind: sum(line.kind == kind for line in lines) for kind in ("added", "gone")}
    return {"row": row, **count}


@require_POST
@login_required
def preview(request: HttpRequest, public_id: UUID, name: str) -> HttpResponse:
    """Show what is typed as a worker would see it; nothing is stored."""
    seat = seat_or_404(request, public_id, LEAD)
    stage, pool = _subject(request, seat, name)
    newest = instructions.versions(stage=stage, pool=pool).first()
    guide = Guide(0, to_html(_text(request)[:MOST_LETTERS]), _kept(request, newest))
    return render(request, "curation/instructions/_preview.html", {"guide": guide})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def version(request: HttpRequest, public_id: UUID, version_id: int) -> HttpResponse:
    """Show a version beside the one before it; a post makes it the newest again."""
    seat = seat_or_404(request, public_id, LEAD if request.method == "POST" else Membership.Role.VIEWER)
    rows = Instruction.objects.filter(project=seat.project).select_related("stage", "pool", "created_by")
    row = rows.filter(pk=version_id).first()
    if row is None:
        raise Http404
    if request.method == "POST":
        made = instructions.use_again(version=row, by=person(request), now=database_now())
        messages.success(request, f"Version {made.number} is as version {row.number} was.")
        return redirect(_address(seat, row.stage, row.pool))
    before = instructions.versions(stage=row.stage, pool=row.pool).filter(number=row.number - 1).first()
    newest = instructions.versions(stage=row.stage, pool=row.pool).first()
    context = {
        "seat": seat,
        "row": row,
        "before": before,
        "lines": instructions.compared(before.text if before else "", row.text),
        "guide": Guide(row.number, to_html(row.text), instructions.pieces_of(row)),
        "is_newest": newest is not None and newest.pk == row.pk,
        "back": _address(seat, row.stage, row.pool),
    }
    return render(request, "curation/instructions/version.html", context)
