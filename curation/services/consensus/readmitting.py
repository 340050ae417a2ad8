"""When a ban is lifted before its end, the answers that were set aside because of it count again.

A ban that ran out says nothing of the answers: they stay aside. What a person decided or a frozen version holds stays
as it is; the answers come back for whatever is added up later.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet

from crowd.models import Batch, Restriction, Task
from crowd.services.tasks import mark_changed
from crowd.services.trust import ABOUT_QUALITY
from curation.models import Annotation, Asset, Decision, Job, Stage
from curation.services import assets, jobs
from curation.services.assets import Move
from curation.services.consensus.answers import sliced
from curation.services.consensus.reopening import (
    IMAGES_AT_ONCE,
    by_image,
    closed_images,
    covers,
    looks_again,
    own_batches,
)
from curation.services.consensus.settings import source_if_there

KIND = "readmit"
COUNTS_AGAIN = "answer_counts_again"
State, Verdict = Asset.State, Decision.Verdict


def ask(restriction: Restriction) -> None:
    """Have a job look at every project that a lifted restriction was about."""
    batches = Batch.objects.filter(project_id__isnull=False)
    match restriction.scope:
        case Restriction.Scope.PROJECT:
            ids = {restriction.scope_id}
        case Restriction.Scope.BATCH:
            ids = set(batches.filter(pk=restriction.scope_id).values_list("project_id", flat=True))
        case _:
            ids = set(batches.filter(account_id=restriction.scope_id).values_list("project_id", flat=True))
    for project_id in sorted(ids):
        ask_in(project_id)


def ask_in(project_id: int) -> None:
    jobs.wake(kind=KIND, key=str(project_id), project_id=project_id)


def run_readmit(job: Job, now: datetime) -> None:
    """Job: let answers count again in a project."""
    if job.project_id is not None:
        readmit(project_id=job.project_id, now=now)


def readmit(*, project_id: int, now: datetime) -> int:
    """Let answers count again whose author was forgiven, and open the images they are about. Returns how many."""
    if not _forgiven(covers(project_id, Batch.objects.filter(project_id=project_id))).exists():
        return 0
    stages = Stage.objects.filter(project_id=project_id, kind="aggregate")
    pairs = ((stage, source) for stage in stages if (source := source_if_there(stage)) is not None)
    return sum(_readmit_stage(stage, source, now) for stage, source in pairs)


def _forgiven(covering: Q) -> QuerySet[Restriction]:
    """Return restrictions that were lifted before their time was over."""
    early = Q(until__isnull=True) | Q(until__gt=F("lifted_at"))
    return Restriction.objects.no_work().filter(covering, early, lifted_at__isnull=False)


def _readmit_stage(stage: Stage, source: Stage, now: datetime) -> int:
    mine = by_image(Annotation.objects.filter(pk__in=_forgiven_answers(source)))
    slices = sliced(sorted(mine), IMAGES_AT_ONCE)
    return sum(_readmit_slice(stage, source, {pk: mine[pk] for pk in some}, now) for some in slices)


def _forgiven_answers(source: Stage) -> list[int]:
    """Return answers set aside before a ban was lifted, of people whom no other ban about quality speaks against."""
    covering = covers(source.project_id, own_batches(source))
    rows = _forgiven(covering).order_by("lifted_at").values_list("worker_id", "lifted_at")
    lifted = {worker_id: at for worker_id, at in rows if at is not None}
    aside = Annotation.objects.filter(stage=source, worker_id__in=lifted, discarded_at__isnull=False)
    stands = _standing(covering, lifted)
    return [
        pk
        for pk, worker_id, at in aside.values_list("pk", "worker_id", "discarded_at")
        if at is not None
        and at <= lifted[worker_id]
        and not any(_speaks_against(until, at) for until in stands[worker_id])
    ]


def _standing(covering: Q, worker_ids: Iterable[int]) -> dict[int, list[datetime | None]]:
    """Return the ends of bans about quality that nobody lifted, or only when their time was over, by worker."""
    ends: dict[int, list[datetime | None]] = {pk: [] for pk in worker_ids}
    not_early = Q(lifted_at__isnull=True) | Q(until__lte=F("lifted_at"))
    rows = Restriction.objects.no_work().filter(covering, not_early, worker_id__in=ends, by_rule__in=ABOUT_QUALITY)
    for worker_id, until in rows.values_list("worker_id", "until"):
        ends[worker_id].append(until)
    return ends


def _speaks_against(until: datetime | None, set_aside_at: datetime) -> bool:
    return until is None or until > set_aside_at


@transaction.atomic
def _readmit_slice(stage: Stage, source: Stage, answers: Mapping[int, list[int]], now: datetime) -> int:
    found = assets.all_locked(answers)
    again = [pk for ids in answers.values() for pk in ids]
    if not Annotation.objects.filter(pk__in=again, discarded_at__isnull=False).update(discarded_at=None):
        return 0
    closed = closed_images(stage, found.values())
    open_images = [asset for pk, asset in found.items() if pk not in closed]
    _withdraw_places(source, {asset.pk: len(answers[asset.pk]) for asset in open_images})
    moves = [
        Move(asset, verdict, COUNTS_AGAIN, {"answers": answers[asset.pk]}, to_stage=stage)
        for asset in open_images
        if (verdict := _way(asset, stage, source))
    ]
    assets.decide_all(moves=moves, by_kind=Decision.By.RULE, now=now)
    return len(open_images)


def _way(asset: Asset, stage: Stage, source: Stage) -> str:
    """Say how an image comes to the stage that adds it up: back, or on as it has enough answers now."""
    if looks_again(asset, stage):
        return Verdict.RETURNED
    return Verdict.PASSED if asset.stage_id == source.pk and _has_enough(asset, source) else ""


def _has_enough(asset: Asset, source: Stage) -> bool:
    task = Task.objects.filter(batch__stage_id=source.pk, item_id=asset.pk).values_list("overlap", "issued").first()
    if task is None or task[0] is None:
        return False
    have = Annotation.objects.filter(asset=asset, stage=source).count()
    return have >= task[0] and asset.state in {State.WAITING, State.WORKING}


def _withdraw_places(source: Stage, images: Mapping[int, int]) -> None:
    """Take back places that were offered in the stead of so many answers, where nobody has begun them."""
    offered = Task.objects.filter(batch__stage_id=source.pk, item_id__in=images, issued__lt=F("overlap"))
    changed = list(offered.select_for_update(of=("self",)).order_by("pk"))
    for task in changed:
        task.overlap = max(task.issued, (task.overlap or 0) - images[task.item_id or 0])
    Task.objects.bulk_update(changed, ["overlap"])
    mark_changed([task.pk for task in changed])
