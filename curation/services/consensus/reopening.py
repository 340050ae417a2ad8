"""Answers of somebody banned for their quality do not count: images nobody has reviewed are added up without them.

What is set aside here comes back when the ban is lifted: see `readmitting`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from crowd.models import Batch, Restriction, Task
from crowd.services import tasks
from crowd.services.trust import ABOUT_QUALITY
from curation.models import Annotation, Asset, Consensus, Decision, Stage
from curation.services import assets
from curation.services.assets import Move
from curation.services.consensus.answers import sliced
from curation.services.consensus.moving import looked_up
from curation.services.consensus.settings import source_if_there

State = Asset.State
IMAGES_AT_ONCE = 200
SET_ASIDE = "answer_discarded"


def reopen(*, project_id: int, now: datetime) -> int:
    """Set aside the answers of people banned since, and open the images they were counted for. Returns how many."""
    if not _bans(project_id, now).exists():
        return 0
    return sum(_reopen_stage(stage, now) for stage in Stage.objects.filter(project_id=project_id, kind="aggregate"))


def _bans(project_id: int, now: datetime) -> QuerySet[Restriction]:
    """Return what keeps workers from this project because of the quality of their answers."""
    batches = Batch.objects.filter(project_id=project_id)
    covering = covers(project_id, batches)
    return Restriction.objects.in_force(now).no_work().filter(covering, by_rule__in=ABOUT_QUALITY)


def covers(project_id: int, batches: QuerySet[Batch]) -> Q:
    """Return the condition that a restriction keeps workers from these batches of the project."""
    return (
        Q(scope=Restriction.Scope.PROJECT, scope_id=project_id)
        | Q(scope=Restriction.Scope.BATCH, scope_id__in=batches.values("pk"))
        | Q(scope=Restriction.Scope.ACCOUNT, scope_id__in=batches.values("account"))
    )


def _reopen_stage(stage: Stage, now: datetime) -> int:
    source = source_if_there(stage)
    banned = _banned_from(source, now) if source is not None else set()
    if source is None or not banned:
        return 0
    slices = sliced(_open(stage, source, banned), IMAGES_AT_ONCE)
    return sum(_reopen_slice(stage, source, some, banned, now) for some in slices)


def _open(stage: Stage, source: Stage, banned: set[int]) -> list[int]:
    """Return the images that count an answer of theirs and may still change."""
    counted = Annotation.objects.filter(stage=source, worker_id__in=banned, discarded_at__isnull=True)
    images = list(Asset.objects.filter(pk__in=counted.values("asset_id")).select_related("stage").order_by("id"))
    closed = closed_images(stage, images)
    return [asset.pk for asset in images if asset.pk not in closed]


def _banned_from(source: Stage, now: datetime) -> set[int]:
    """Return workers whose ban covers the pools of this very stage."""
    bans = _bans(source.project_id, now).filter(covers(source.project_id, own_batches(source)))
    return set(bans.values_list("worker_id", flat=True))


def own_batches(source: Stage) -> QuerySet[Batch]:
    return Batch.objects.filter(stage_id=source.pk, kind=Batch.Kind.MAIN)


@transaction.atomic
def _reopen_slice(stage: Stage, source: Stage, asset_ids: Sequence[int], banned: set[int], now: datetime) -> int:
    found = assets.all_locked(asset_ids)
    closed = closed_images(stage, found.values())
    open_ids = [pk for pk in found if pk not in closed]
    mine = Annotation.objects.filter(stage=source, asset_id__in=open_ids, worker_id__in=banned)
    theirs = by_image(mine.filter(discarded_at__isnull=True))
    mine.filter(discarded_at__isnull=True).update(discarded_at=now)
    again = [found[pk] for pk in open_ids if looks_again(found[pk], stage)]
    moves = [
        Move(asset, Decision.Verdict.RETURNED, SET_ASIDE, {"answers": theirs.get(asset.pk, [])}, to_stage=stage)
        for asset in again
    ]
    assets.decide_all(moves=moves, by_kind=Decision.By.RULE, now=now)
    under_way = [pk for pk in open_ids if found[pk].stage_id == source.pk and found[pk].state == State.WORKING]
    tasks.want_more(Task.objects.filter(batch__stage_id=source.pk, item_id__in=under_way))
    return len(open_ids)


def by_image(rows: QuerySet[Annotation]) -> Mapping[int, list[int]]:
    """Return the ids of these answers by the image they are about."""
    found: dict[int, list[int]] = defaultdict(list)
    for asset_id, pk in rows.order_by("id").values_list("asset_id", "pk"):
        found[asset_id].append(pk)
    return found


def closed_images(stage: Stage, images: Iterable[Asset]) -> set[int]:
    """Return images that a person has decided about or that a frozen version holds."""
    by_id = {asset.pk: asset for asset in images}
    current = Consensus.objects.filter(stage=stage, asset_id__in=by_id, is_current=True)
    known = looked_up([(by_id[row.asset_id], row) for row in current])
    return {image.asset.pk for image in known if image.is_decided or image.is_frozen}


def looks_again(asset: Asset, stage: Stage) -> bool:
    """Whether an image is added up again: it was dropped here, or has passed on and nobody is at work on it."""
    if asset.stage_id == stage.pk:
        return asset.state == State.DROPPED
    return asset.stage.position > stage.position and asset.state not in {State.WORKING, State.DROPPED}
