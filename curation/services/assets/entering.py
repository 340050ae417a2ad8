"""A stored file becomes an asset of a project, once."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models.functions import Now

from crowd.bulk import insert_all
from crowd.models import Answer
from curation.models import Asset, Decision, LabelClass, Project, Stage
from curation.services import versions
from curation.services.assets.deciding import Move, append_decisions, wake_stage


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
    worker_id: int | None = None,
    parent: Asset | None = None,
    frame_index: int | None = None,
    frame_ms: int | None = None,
    client_key: str | None = None,
    now: datetime | None = None,
) -> Asset | None:
    """Take a stored file into the project at a stage. None = it is there already (same bytes, key or frame)."""
    if _is_there(project, sha256, (parent, frame_index), client_key):
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
        worker_id=worker_id,
        parent=parent,
        frame_index=frame_index,
        frame_ms=frame_ms,
        client_key=client_key,
        created_at=now or Now(),
    )
    append_decisions([(Move(asset, Decision.Verdict.ENTERED), stage.pk, now)], by_kind=Decision.By.RULE)
    wake_stage(stage)
    versions.bump(project_id=project.pk)
    return asset


@transaction.atomic
def enter_sent(*, sent: Sequence[Asset]) -> list[Asset]:
    """Store assets made of answers, all at one stage, and return them; what is there already is left out."""
    lock([identity(project_id=one.project_id, sha256=bytes(one.sha256), answer=one.answer) for one in sent])
    there = set(Asset.objects.filter(answer__in=[one.answer_id for one in sent]).values_list("answer_id", flat=True))
    fresh = [one for one in sent if one.answer_id not in there]
    insert_all(fresh, numbered=True)
    entered = [(Move(asset, Decision.Verdict.ENTERED), asset.stage_id, asset.created_at) for asset in fresh]
    append_decisions(entered, by_kind=Decision.By.RULE)
    if fresh:
        wake_stage(fresh[0].stage)
        versions.bump(project_id=fresh[0].project_id)
    return fresh


def _is_there(
    project: Project,
    sha256: bytes,
    frame: tuple[Asset | None, int | None],
    client_key: str | None,
) -> bool:
    """Look for the asset under locks on what identifies it, so that two takers of the same file cannot both miss it."""
    parent, frame_index = frame
    mine = identity(project_id=project.pk, sha256=sha256, parent=parent, frame_index=frame_index)
    lock([mine, *([identity_of_key(project.pk, client_key)] if client_key else [])])
    if client_key and Asset.objects.filter(project=project, client_key=client_key).exists():
        return True
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
