"""Assets move: a decision is appended, and they go on, out, aside or back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from crowd.bulk import bulk_change, insert_values
from curation.models import Asset, Decision, Stage
from curation.services import jobs, notices, versions

State = Asset.State
Verdict = Decision.Verdict
COLUMNS = ("project_id", "asset_id", "stage_id", "verdict", "reason", "evidence", "by_kind", "by_id")
PEOPLES_KINDS = ("collect", "validate", "boxes", "describe")  # stages in which people work


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
    append_decisions([(move, move.asset.stage_id, now) for move in moves], by_kind=by_kind, by_id=by_id)
    told = {project_id: notices.heard(project_id) for project_id in {move.asset.project_id for move in moves}}
    done = [(move, move.asset.stage) for move in moves if told[move.asset.project_id]]
    left = {move.asset.stage for move in moves if move.verdict == Verdict.PASSED and move.to_stage is None}
    following = {stage: next_stage(stage) for stage in left}
    for move in moves:
        _move(move, following.get(move.asset.stage))
    rows = [(move.asset.pk, move.asset.state, move.asset.reason, move.asset.stage_id) for move in moves]
    bulk_change(model=Asset, columns=["state", "reason", "stage_id"], rows=rows)
    arrived = {move.asset.stage for move in moves if move.asset.state == State.WAITING}
    for stage in sorted(arrived, key=lambda stage: stage.position):
        wake_stage(stage)
    for project_id, topics in told.items():
        versions.bump(project_id=project_id)
        for topic, about in _news([pair for pair in done if pair[0].asset.project_id == project_id]).items():
            if topic in topics:
                notices.note(project_id=project_id, topic=topic, about=about)


@transaction.atomic
def repeat_all(*, stage: Stage, moves: Sequence[Move], by_kind: str, now: datetime) -> None:
    """Append what a stage says once more of assets that are where it sent them: nothing moves, nobody is told."""
    append_decisions([(move, stage.pk, now) for move in moves], by_kind=by_kind)


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


def append_decisions(
    said: Sequence[tuple[Move, int, datetime | None]], *, by_kind: str, by_id: int | None = None
) -> None:
    """Append decisions, each made at a stage at its time; without one they are made now, all or none."""
    rows: list[tuple[Any, ...]] = [
        (move.asset.project_id, move.asset.pk, stage_id, move.verdict, move.reason, dict(move.evidence), by_kind, by_id)
        for move, stage_id, _ in said
    ]
    times = [at for _, _, at in said if at is not None]
    if not times:
        insert_values(Decision, COLUMNS, rows)
        return
    insert_values(Decision, (*COLUMNS, "created_at"), [(*row, at) for row, at in zip(rows, times, strict=True)])


def wake_stage(stage: Stage) -> None:
    jobs.wake(kind="work_stage", key=str(stage.pk), project_id=stage.project_id, payload={"stage_id": stage.pk})
