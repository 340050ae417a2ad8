"""Assets move: they enter, are decided on, are restored. Every move appends a decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from crowd.errors import CrowdError, IllegalTransition
from crowd.models import Answer, Task
from crowd.services import judging, ledger
from curation.models import Asset, Decision, LabelClass, Project, Stage, User
from curation.services import events, jobs, notices, versions

State = Asset.State
Verdict = Decision.Verdict
FLAG = "flag"  # a person took the picture out of whatever stage it stood at
GENERATED = "generated"  # a detector says so, and a person has confirmed it
PEOPLES_KINDS = ("collect", "validate", "boxes", "describe")  # stages in which people work
JUDGING_KINDS = ("validate",)  # stages that pay or refuse what was sent
SENTENCES = {
    "unreadable": "The file cannot be read as a picture.",
    "same_file": "The same file was sent before.",
    "same_photo": "The same photo was sent before.",
    "scene_again": "Enough photos of this scene were sent; take the next one somewhere else.",
    "same_scene": "The photo shows the same scene as an earlier one.",
    "held_out": "This picture is known from elsewhere; send photos of your own.",
    "near_duplicate": "A picture like this one is there already.",
    "blurred": "The photo is blurred.",
    "too_dark": "The photo is too dark.",
    "too_bright": "The photo is too bright.",
    "flag": "The photo was generated or changed by a program.",
    "generated": "The photo was generated or changed by a program.",
    "low_resolution": "The photo is smaller than asked for.",
    "template_copy": "This is the example picture, not your own photo.",
    "incorrect": "The photo does not show what was asked for.",
    "rotated": "The photo is turned.",
    "third_party": "The photo is not your own.",
    "not_loaded": "The photo could not be opened.",
    "undecided": "The checkers could not agree.",
    "cut_into_frames": "The video was cut into frames.",
    "video_not_asked": "This is a video; a photo was asked for.",
    "unreadable_video": "The file cannot be read as a video.",
    "not_selected": "The automatic selection left this picture out.",
    "video_too_short": "The video is shorter than asked for.",
    "video_too_long": "The video is longer than asked for.",
    "video_too_small": "The picture of the video is smaller than asked for.",
}


@transaction.atomic
def enter(
    *,
    project: Project,
    stage: Stage,
    storage_key: str,
    sha256: bytes,
    size: int,
    name: str = "",
    media: str = Asset.Media.IMAGE,
    source: str = "",
    licence: str = "",
    label_class: LabelClass | None = None,
    answer: Answer | None = None,
    worker_id: int | None = None,
    parent: Asset | None = None,
    frame_index: int | None = None,
    frame_ms: int | None = None,
    client_key: str | None = None,
    now: datetime | None = None,
) -> Asset | None:
    """Take a stored file into the project at a stage. None = it is there already (same bytes, key or frame)."""
    if _is_there(project, sha256, answer, (parent, frame_index), client_key):
        return None
    asset = Asset.objects.create(
        project=project,
        stage=stage,
        storage_key=storage_key,
        sha256=sha256,
        bytes=size,
        name=name[-255:],
        media=media,
        source=source[:200],
        licence=licence[:120],
        label_class=label_class,
        answer=answer,
        worker_id=worker_id,
        parent=parent,
        frame_index=frame_index,
        frame_ms=frame_ms,
        client_key=client_key,
        created_at=now or Now(),
    )
    _decision(Move(asset, Verdict.ENTERED), Decision.By.RULE, None, now).save()
    wake_stage(stage)
    versions.bump(project_id=project.pk)
    return asset


def _is_there(
    project: Project,
    sha256: bytes,
    answer: Answer | None,
    frame: tuple[Asset | None, int | None],
    client_key: str | None,
) -> bool:
    """Look for the asset under locks on what identifies it, so that two takers of the same file cannot both miss it."""
    parent, frame_index = frame
    mine = identity(project_id=project.pk, sha256=sha256, answer=answer, parent=parent, frame_index=frame_index)
    lock([mine, *([identity_of_key(project.pk, client_key)] if client_key else [])])
    if client_key and Asset.objects.filter(project=project, client_key=client_key).exists():
        return True
    if answer is not None:
        return Asset.objects.filter(answer=answer).exists()
    if parent is not None:
        return Asset.objects.filter(parent=parent, frame_index=frame_index).exists()
    return Asset.objects.filter(project=project, sha256=sha256, answer=None, parent=None).exists()


def identity(
    *,
    project_id: int,
    sha256: bytes,
    answer: Answer | None = None,
    parent: Asset | None = None,
    frame_index: int | None = None,
) -> str:
    """Return the text whose lock whoever takes a file in holds while it looks and writes."""
    return f"{project_id}:{answer.pk if answer else ''}:{parent.pk if parent else sha256.hex()}:{frame_index}"


def identity_of_key(project_id: int, client_key: str) -> str:
    """Return the text whose lock whoever takes a file in under a caller's key holds as well."""
    return f"{project_id}:key:{client_key}"


def lock(identities: Sequence[str]) -> None:
    """Take the locks on what identifies files, always in the same order, until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(x, 7)) FROM unnest(%s::text[]) AS t (x) "
            "ORDER BY hashtextextended(x, 7)",
            [list(identities)],
        )


@transaction.atomic
def decide(
    *,
    asset: Asset,
    verdict: str,
    by_kind: str,
    by_id: int | None = None,
    reason: str = "",
    evidence: Mapping[str, Any] | None = None,
    to_stage: Stage | None = None,
    now: datetime | None = None,
) -> Asset:
    """Append a decision about an asset and move it: on to the next stage, out, aside, or to `to_stage`.

    The caller holds the row's lock.
    """
    move = Move(asset, verdict, reason, evidence or {}, to_stage)
    decide_all(moves=[move], by_kind=by_kind, by_id=by_id, now=now)
    return asset


@dataclass(frozen=True, slots=True)
class Move:
    """One decision about one asset."""

    asset: Asset
    verdict: str
    reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    to_stage: Stage | None = None


@transaction.atomic
def decide_all(*, moves: Sequence[Move], by_kind: str, by_id: int | None = None, now: datetime | None = None) -> None:
    """Append decisions about several assets and move each as `decide` does. The caller holds the rows' locks."""
    Decision.objects.bulk_create(_decision(move, by_kind, by_id, now) for move in moves)
    told = {move.asset.project_id: notices.heard(move.asset.project_id) for move in moves}
    done = [(move, move.asset.stage) for move in moves if told[move.asset.project_id]]
    left = {move.asset.stage for move in moves if move.verdict == Verdict.PASSED and move.to_stage is None}
    following = {stage: next_stage(stage) for stage in left}
    for move in moves:
        _move(move, following.get(move.asset.stage))
    Asset.objects.bulk_update([move.asset for move in moves], ["state", "reason", "stage"])
    arrived = {move.asset.stage for move in moves if move.asset.state == State.WAITING}
    for stage in sorted(arrived, key=lambda stage: stage.position):
        wake_stage(stage)
    for project_id, topics in told.items():
        versions.bump(project_id=project_id)
        for topic, about in _news([pair for pair in done if pair[0].asset.project_id == project_id]).items():
            if topic in topics:
                notices.note(project_id=project_id, topic=topic, about=about)


def _news(done: Sequence[tuple[Move, Stage]]) -> dict[str, list[dict[str, str]]]:
    """Return what other teams may be told of these moves, each with the stage that was decided at."""
    news: dict[str, list[dict[str, str]]] = {}
    for move, stage in done:
        about = {"asset": str(move.asset.public_id), "client_key": move.asset.client_key or "", "stage": stage.name}
        if move.asset.state == State.PUBLISHED:
            news.setdefault("asset.accepted", []).append(about)
        elif move.asset.state == State.DROPPED:
            news.setdefault("asset.rejected", []).append({**about, "reason": move.asset.reason})
        if move.verdict == Verdict.PASSED and stage.kind in PEOPLES_KINDS:
            news.setdefault("task.completed", []).append(about)
    return news


def _move(move: Move, following: Stage | None) -> None:
    asset, target = move.asset, move.to_stage
    asset.reason = ""
    if move.verdict in {Verdict.DROPPED, Verdict.HELD}:
        asset.reason = move.reason
        asset.move_to(State.DROPPED if move.verdict == Verdict.DROPPED else State.HELD)
        return
    if target is None:
        target = following if move.verdict == Verdict.PASSED else asset.stage
    asset.move_to(State.PUBLISHED if target is None else State.WAITING)
    asset.stage = target or asset.stage


def next_stage(stage: Stage) -> Stage | None:
    return Stage.objects.filter(project_id=stage.project_id, position__gt=stage.position).order_by("position").first()


def way_back(asset: Asset) -> Stage | None:
    """Return where a dropped picture goes on: after the stage that dropped it, or where people took it out.

    A report and a bulk drop take it from a stage that has not decided on it.
    """
    return asset.stage if asset.reason == FLAG or _was_taken_out(asset) else next_stage(asset.stage)


def _was_taken_out(asset: Asset) -> bool:
    newest = Decision.objects.filter(asset=asset, verdict=Verdict.DROPPED).order_by("-id").first()
    return newest is not None and not {"bulk_drop", "bulk_change"}.isdisjoint(newest.evidence)


def _decision(move: Move, by_kind: str, by_id: int | None, now: datetime | None) -> Decision:
    return Decision(
        project_id=move.asset.project_id,
        asset=move.asset,
        stage=move.asset.stage,
        verdict=move.verdict,
        reason=move.reason,
        evidence=dict(move.evidence),
        by_kind=by_kind,
        by_id=by_id,
        created_at=now or Now(),
    )


def wake_stage(stage: Stage) -> None:
    jobs.wake(kind="work_stage", key=str(stage.pk), project_id=stage.project_id, payload={"stage_id": stage.pk})


@transaction.atomic
def set_class(*, asset_id: int, label_class: LabelClass | None, by: User) -> Asset:
    """Say which class a picture belongs to; tasks about it that are still open ask for that class from now on."""
    asset = locked(asset_id)
    if label_class is not None and (label_class.project_id != asset.project_id or label_class.retired_at):
        raise CrowdError("This class does not belong to the project.")
    asset.label_class = label_class
    asset.save(update_fields=["label_class"])
    for task in Task.objects.select_for_update().filter(project_id=asset.project_id, item_id=asset.pk).order_by("pk"):
        task.payload = {**task.payload, **class_payload(label_class)}
        task.save(update_fields=["payload"])
    text = f"{by.name} put an asset into the class {label_class.name if label_class else '(none)'}."
    events.record(kind="asset.class", text=text, project=asset.project, subject=asset, by=by)
    versions.bump(project_id=asset.project_id)
    return asset


def class_payload(label: LabelClass | None) -> dict[str, str]:
    """Return what a task says about its class."""
    return {
        "class": label.name if label else "",
        "prompt": label.prompt if label else "",
        "template_key": label.example_key if label else "",
    }


def is_judged_later(asset: Asset) -> bool:
    """Whether a stage that accepts or rejects submissions is still before this asset."""
    ahead = Stage.objects.filter(project_id=asset.project_id, position__gte=asset.stage.position)
    return ahead.filter(kind__in=JUDGING_KINDS).exists()


def lock_purse(*asset_ids: int) -> None:
    """Take the locks of the budgets that pay what was sent, if any, before one of these assets is locked.

    Whoever may move money and wake stages in one transaction locks in this order: the worker, the budget, evidence and
    pictures, pages, jobs.
    """
    was_sent = Q(answer__isnull=False) | Q(parent__answer__isnull=False)
    sent = Asset.objects.filter(was_sent, pk__in=asset_ids).order_by("project_id")
    for project_id in sent.values_list("project_id", flat=True).distinct():
        ledger.lock_project(project_id=project_id)


def locked(asset_id: int) -> Asset:
    return Asset.objects.select_for_update(of=("self",)).select_related("stage", "project").get(pk=asset_id)


@transaction.atomic
def restore(*, asset_id: int, by: User, note: str = "", now: datetime) -> Asset:
    """Bring a dropped asset back to the stage after the one that dropped it: a false alarm costs it nothing.

    What people took out goes back to the stage it was taken from, which has not decided on it yet.

    Its submission is accepted after all where no later stage would say so: what is used is paid.
    """
    lock_purse(asset_id)
    asset = bring_back(asset=locked(asset_id), by=by, note=note, now=now)
    events.record(
        kind="asset.restored", text=f"{by.name} restored an asset.", project=asset.project, subject=asset, by=by
    )
    return asset


@transaction.atomic
def bring_back(*, asset: Asset, by: User, note: str = "", now: datetime) -> Asset:
    """Do what `restore` says with an asset whose lock the caller holds."""
    if asset.state != State.DROPPED:
        raise IllegalTransition("This asset", asset.state, "restored")
    if asset.reason in {"unreadable", "video_not_asked"}:
        raise CrowdError("This file cannot be read as a picture, so no later stage could do anything with it.")
    if asset.media == Asset.Media.VIDEO:
        raise CrowdError("A video goes through the stages as its frames; restore those.")
    target = way_back(asset)
    if target is None:
        raise CrowdError("There is no stage after the one that dropped it.")
    decide(
        asset=asset,
        verdict=Verdict.RESTORED,
        by_kind=Decision.By.PERSON,
        by_id=by.pk,
        evidence={"note": note} if note else None,
        to_stage=target,
        now=now,
    )
    if asset.answer is not None and not is_judged_later(asset):
        judging.accept(assignment_id=asset.answer.assignment_id, now=now)
    return asset
