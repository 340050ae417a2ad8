"""What all stages share that ask a crowd about assets: offering tasks, storing answers, buying one more."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F

from crowd.bulk import insert_values, next_ids
from crowd.models import Answer, Assignment, Batch, Task
from crowd.services import tasks, trust
from crowd.services.publishing import answers_to_come
from curation.models import Annotation, Asset, Box, Consensus, ConsensusRun, Stage
from curation.services import assets, class_examples
from curation.services.consensus.storing import Row
from curation.stages.base import Done

ANNOTATION = (
    "id",
    "project_id",
    "asset_id",
    "stage_id",
    "answer_id",
    "worker_id",
    "kind",
    "label",
    "flags",
    "is_empty",
    "discarded_at",
    "created_at",
)


def offer(*, stage: Stage, now: datetime, limit: int, starts_with: int | None = None) -> Done:
    """Make one task of every asset that waits at the stage, in its main batch.

    A task asks for all the answers of its pool at once, or for `starts_with` at first.
    """
    waiting = Asset.objects.filter(stage=stage, state=Asset.State.WAITING).order_by("id")
    ids = list(waiting.values_list("id", flat=True)[: limit + 1])
    mine = Batch.objects.filter(stage_id=stage.pk, kind=Batch.Kind.MAIN).select_related("account")
    batches = list(mine.order_by("id")) if ids else []
    if not batches:
        return Done(0)
    on_trial = {batch.pool_id for batch in batches if batch.trial_share is not None}
    batches = [batch for batch in batches if batch.trial_id is None]  # arms are dealt to from these
    for batch, some in _shared_out(ids[:limit], batches, on_trial):
        _offer_all(some, stage, batch, batch.overlap if starts_with is None else starts_with)
    return Done(len(ids[:limit]), more=len(ids) > limit)


def _shared_out(
    ids: Sequence[int], batches: Sequence[Batch], on_trial: Collection[int]
) -> Iterator[tuple[Batch, Sequence[int]]]:
    """Give all to the only batch; where several share a stage, each asset to the one that then has the least to do."""
    if len(batches) == 1:
        yield batches[0], ids
        return
    for asset_id in ids:
        yield _least_busy(batches, on_trial), [asset_id]


def _least_busy(batches: Sequence[Batch], on_trial: Collection[int] = ()) -> Batch:
    """Choose among the platforms of a stage: work goes to where the least is waiting, so the faster one does more.

    The batch of a pool whose prices are on trial rests, and its arms work.
    """
    at_work = [batch for batch in batches if batch.state == Batch.State.OPEN or batch.pool_id in on_trial]
    on_offer = at_work or batches[:1]
    return min(on_offer, key=answers_to_come)


@transaction.atomic
def _offer_all(ids: Sequence[int], stage: Stage, batch: Batch, overlap: int) -> None:
    rows = Asset.objects.select_for_update(of=("self",)).filter(pk__in=ids, state=Asset.State.WAITING, stage=stage)
    found = list(rows.select_related("preview").prefetch_related("label_class", "parent").order_by("pk"))
    known = Task.objects.filter(batch__stage_id=stage.pk, item_id__in=[asset.pk for asset in found])
    there = set(known.values_list("item_id", flat=True))
    fresh = [asset for asset in found if asset.pk not in there]
    tasks.add(batch=batch, tasks=_tasks(fresh, batch, overlap))
    if there:
        tasks.want_more(Task.objects.filter(pk__in=known.order_by("item_id", "pk").distinct("item_id").values("pk")))
    for asset in found:
        asset.move_to(Asset.State.WORKING)
    Asset.objects.filter(pk__in=[asset.pk for asset in found]).update(state=Asset.State.WORKING)


def _tasks(fresh: Sequence[Asset], batch: Batch, overlap: int) -> list[Task]:
    examples = class_examples.sent_for(fresh) if fresh else {}
    return [
        Task(
            batch=batch,
            key=f"asset-{asset.pk}",
            project_id=asset.project_id,
            item_id=asset.pk,
            payload=_payload(asset, examples[asset.pk]),
            author_id=asset.worker_id,
            overlap=overlap,
        )
        for asset in fresh
    ]


def _payload(asset: Asset, example_key: str) -> dict[str, Any]:
    return {
        **assets.class_payload(asset.label_class),
        "template_key": example_key,
        "image_key": asset.preview.screen_key,
        "width": asset.width,
        "height": asset.height,
        "sha256": bytes(asset.sha256).hex(),
    }


class Given(NamedTuple):
    """An answer as it is taken in: nothing more is read of it, of its task and of what was sent."""

    pk: int
    assignment_id: int
    worker_id: int
    task_id: int
    item_id: int | None
    payload: Mapping[str, Any]


def real_answers(pages: Sequence[Assignment]) -> list[Given]:
    """The answers of pages that are about assets, not about control tasks, page by page in their order."""
    rows = Answer.objects.filter(assignment__in=pages, task__known_answer__isnull=True)
    read = rows.values_list("pk", "assignment_id", "worker_id", "task_id", "task__item_id", "raw__payload")
    return [Given(*row) for row in read.order_by("assignment_id", "seq")]


@dataclass(frozen=True, slots=True)
class Said:
    """What one answer says about its asset."""

    answer: Given
    kind: str
    label: str = ""
    flags: Sequence[str] = ()
    boxes: Sequence[Mapping[str, Any]] = ()


def annotate(*, stage: Stage, pages: Sequence[Assignment], said: Sequence[Said], now: datetime) -> None:
    """Store answers as annotations, once. Work of somebody banned by a quality rule is kept aside and offered again."""
    about = [one for one in said if one.answer.item_id is not None]
    stored = Annotation.objects.filter(answer_id__in=[one.answer.pk for one in about])
    there = set(stored.values_list("answer_id", flat=True))
    fresh = [one for one in about if one.answer.pk not in there]
    banned = trust.distrusted(pages=pages, now=now)
    ids = next_ids(Annotation, len(fresh))
    rows = [
        _annotation(pk, stage, one, now if one.answer.assignment_id in banned else None, now)
        for pk, one in zip(ids, fresh, strict=True)
    ]
    insert_values(Annotation, ANNOTATION, rows)
    boxes = [
        (pk, seq, *(box[name] for name in ("label", "x", "y", "w", "h")), box.get("points", []))
        for pk, one in zip(ids, fresh, strict=True)
        for seq, box in enumerate(one.boxes)
    ]
    insert_values(Box, ("annotation_id", "seq", "label", "x", "y", "w", "h", "points"), boxes)
    aside = Counter(one.answer.task_id for one in fresh if one.answer.assignment_id in banned)
    for answers in sorted(set(aside.values())):
        again = [pk for pk, n in aside.items() if n == answers]
        tasks.want_more(Task.objects.filter(pk__in=again), answers=answers)


def _annotation(pk: int, stage: Stage, said: Said, discarded_at: datetime | None, now: datetime) -> tuple[Any, ...]:
    """Return what an answer says as a row of ANNOTATION."""
    answer, is_empty = said.answer, said.kind == Annotation.Kind.BOXES and not said.boxes
    about = (pk, stage.project_id, answer.item_id, stage.pk, answer.pk, answer.worker_id)
    return *about, said.kind, said.label, list(said.flags), is_empty, discarded_at, now


def items_of(answers: Sequence[Given]) -> list[int]:
    """Return the assets that answers are about, each once, in the order of their ids."""
    return sorted({answer.item_id for answer in answers if answer.item_id is not None})


def at_work(asset_ids: Sequence[int], stage: Stage) -> list[Asset]:
    """Lock those of the assets that are in the crowd's hands at this stage; the others have moved on."""
    rows = Asset.objects.select_for_update(of=("self",)).select_related("answer").prefetch_related("parent__answer")
    return assets.at_stage(stage, rows.filter(pk__in=asset_ids, state=Asset.State.WORKING).order_by("pk"))


def annotations_of(found: Sequence[Asset], stage: Stage) -> dict[int, list[Annotation]]:
    """Return what people said about each of the assets at a stage, without what was set aside."""
    rows = Annotation.objects.filter(asset__in=found, stage=stage, discarded_at__isnull=True)
    said: dict[int, list[Annotation]] = {asset.pk: [] for asset in found}
    for row in rows.order_by("id"):
        said[row.asset_id].append(row)
    return said


def buy_one_more(*, stage: Stage, about: Sequence[Asset]) -> None:
    """Ask one more worker about each. May be called again for the same count of answers."""
    mine = Task.objects.filter(batch__stage_id=stage.pk, item_id__in=[asset.pk for asset in about])
    short = mine.filter(done__lte=F("overlap")).exclude(issued__lt=F("overlap"))
    ids = list(short.values_list("pk", flat=True))
    Task.objects.filter(pk__in=ids).update(overlap=F("issued") + 1)
    tasks.mark_changed(ids)


def withdraw_places(*, stage: Stage, about: Sequence[Asset]) -> None:
    """Offer nobody what has been decided; a page already in somebody's hands is still taken in and paid."""
    mine = Task.objects.filter(batch__stage_id=stage.pk, item_id__in=[asset.pk for asset in about])
    ids = list(mine.filter(issued__lt=F("overlap"), issued__gt=0).values_list("pk", flat=True))
    Task.objects.filter(pk__in=ids).update(overlap=F("issued"))
    tasks.mark_changed(ids)


def new_consensus(
    *,
    asset: Asset,
    run: ConsensusRun,
    inputs: Sequence[int],
    next_step: str,
    status: str,
    label: str,
    confidence: float,
    trace: Sequence[str],
    now: datetime,
) -> Row:
    """Return what these annotations come to under a run, for `add_versions`."""
    row = Consensus(
        project_id=asset.project_id,
        asset=asset,
        stage=run.stage,
        run=run,
        inputs=list(inputs),
        method=run.method,
        settings=run.settings,
        next_step=next_step,
        status=status,
        label=label,
        confidence=confidence,
        n_answers=len(inputs),
        trace=list(trace),
        created_at=now,
    )
    return Row(row)
