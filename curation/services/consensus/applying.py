"""Applying a run: every image with a consensus gets one more version, and moves where its outcome has changed.

Each slice is one transaction in which rows, moves and counts are written; an image that has a result of the run is
done. So an interrupted job that starts again comes to the same end.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from aggregation import Consensus as Agreement
from curation.models import Annotation, Asset, Consensus, ConsensusRun, Decision, Job, Stage
from curation.services import assets, events, versions
from curation.services.consensus import answers, buying, fits, storing
from curation.services.consensus.agreeing import Way, way_of
from curation.services.consensus.answers import Sheet
from curation.services.consensus.moving import MOVES, Image, count, looked_up, move, where_to
from curation.services.consensus.settings import LEARNING
from curation.services.consensus.storing import Row
from curation.services.jobs import Again

IMAGES_A_SLICE = 100  # a reviewer who decides about one of them waits for the slice
State = ConsensusRun.State


def run_reaggregate(job: Job, now: datetime) -> Again | None:
    """Job: add up one slice of images under a run that is being applied; after the last one the run is current."""
    run = ConsensusRun.objects.select_related("stage__project", "back_to").get(pk=job.payload["run_id"])
    if run.state != State.APPLYING:
        return None
    if not job.cursor:
        _learn_first(run, now)
    way = way_of(run)
    after, done = int(job.cursor.get("after", 0)), int(job.cursor.get("done", 0))
    ids = list(answered_results(way).filter(asset_id__gt=after).values_list("asset_id", flat=True)[:IMAGES_A_SLICE])
    if not ids:
        finish(run=run, now=now)
        return None
    apply_slice(way=way, asset_ids=ids, now=now)
    done += len(ids)
    left = answered_results(way).filter(asset_id__gt=ids[-1]).count()
    return Again(cursor={"after": ids[-1], "done": done}, done_n=done, total_n=done + left)


def _learn_first(run: ConsensusRun, now: datetime) -> None:
    """A method that learns starts with what all answers of today say; a run that comes back does not."""
    if run.method == LEARNING and run.back_to_id is None:
        source = way_of(run).source
        if fits.is_due(source):
            fits.refit(source=source, now=now)


def answered_results(way: Way) -> QuerySet[Consensus]:
    """Return the current results of images with an answer that counts; boxes from a file may have none."""
    said = Annotation.objects.filter(stage=way.source, asset=OuterRef("asset"), discarded_at__isnull=True)
    return Consensus.objects.filter(Exists(said), stage=way.stage, is_current=True).order_by("asset_id")


@transaction.atomic
def apply_slice(*, way: Way, asset_ids: Sequence[int], now: datetime) -> None:
    """Add versions for these images and move those whose outcome asks for it; count what became of them."""
    locked = Asset.objects.select_for_update(of=("self",)).select_related("stage", "project").order_by("id")
    there = {asset.pk: asset for asset in locked.filter(pk__in=asset_ids)}
    done = set(Consensus.objects.filter(run=way.run, asset_id__in=asset_ids).values_list("asset_id", flat=True))
    todo = [pk for pk in there if pk not in done and not _waits_here(there[pk], way.stage)]
    before = {row.asset_id: row for row in answered_results(way).filter(asset_id__in=todo).prefetch_related("boxes")}
    images = looked_up([(there[pk], before[pk]) for pk in todo if pk in before])
    after = _versions(way, images, now)
    counts: Counter[str] = Counter()
    moves = []
    for image in images:
        row = after[image.asset.pk]
        new = row.consensus
        where = where_to(image, new, way.stage, way.settings)
        counts.update(count(image, row, where))
        if where in MOVES:
            moves.append(move(where, image.asset, new, way))
    assets.decide_all(moves=moves, by_kind=Decision.By.RULE, now=now)
    _count(way.run, counts)
    versions.bump(project_id=way.run.project_id)


def _waits_here(asset: Asset, stage: Stage) -> bool:
    """An image that the stage is about to add up anyway, under this run."""
    return asset.stage_id == stage.pk and asset.state == Asset.State.WAITING


def _versions(way: Way, images: Sequence[Image], now: datetime) -> dict[int, Row]:
    """Store what the answers add up to under the run; of a run that comes back, what it had stored for them."""
    of_asset = {image.asset.pk: image for image in images}
    sheets = answers.sheets(way.source, list(of_asset))
    earlier = stored_of(way.run.back_to, list(of_asset)) if way.run.back_to else {}
    again = [sheet for sheet in sheets if not _same(earlier.get(sheet.asset_id), sheet)]
    before = {pk: image.before for pk, image in of_asset.items()}
    agreed = buying.agree_and_advise(way=way, sheets=again, before=before)
    rows = [
        storing.copied(row, run=way.run, current=of_asset[row.asset_id].takes(row.status), now=now)
        for sheet in sheets
        if (row := earlier.get(sheet.asset_id)) is not None and _same(row, sheet)
    ]
    rows += [
        _row(way, sheet, result, of_asset[sheet.asset_id], now) for sheet, result in zip(again, agreed, strict=True)
    ]
    storing.add_versions(stage=way.stage, rows=rows)
    return {row.consensus.asset_id: row for row in rows}


def _row(way: Way, sheet: Sheet, agreement: Agreement, image: Image, now: datetime) -> Row:
    return storing.row_of(way=way, sheet=sheet, agreement=agreement, current=image.takes(agreement.status), now=now)


def stored_of(run: ConsensusRun, asset_ids: Sequence[int]) -> Mapping[int, Consensus]:
    """Return the latest results of a run about these images."""
    rows = Consensus.objects.filter(run=run, asset_id__in=asset_ids).order_by("version")
    return {row.asset_id: row for row in rows.prefetch_related("boxes")}


def _same(earlier: Consensus | None, sheet: Sheet) -> bool:
    return earlier is not None and list(earlier.inputs) == list(sheet.inputs)


def _count(run: ConsensusRun, counts: Mapping[str, int]) -> None:
    """Add to the run's counts, in the transaction of the rows that are counted."""
    row = ConsensusRun.objects.select_for_update().get(pk=run.pk)
    row.counts = {name: row.counts.get(name, 0) + counts.get(name, 0) for name in {*row.counts, *counts}}
    row.save(update_fields=["counts"])


@transaction.atomic
def finish(*, run: ConsensusRun, now: datetime) -> None:
    """Make an applied run the current one; what arrives next is added up by its settings."""
    stage = Stage.objects.select_for_update().get(pk=run.stage_id)
    row = ConsensusRun.objects.select_for_update().get(pk=run.pk)
    if row.state != State.APPLYING:
        return
    ConsensusRun.objects.filter(stage=stage, state=State.CURRENT).update(state=State.PAST)
    row.state, row.applied_at = State.CURRENT, now
    row.save(update_fields=["state", "applied_at"])
    stage.settings = {**row.settings, "method": row.method}
    stage.save(update_fields=["settings"])
    text = f"Version {row.number} of {stage.title} ({row.method}) is applied: {in_words(row.counts)}."
    events.record(
        kind="consensus.applied", text=text, project=run.stage.project, subject=row, by=row.by, data=row.counts, now=now
    )
    versions.bump(project_id=row.project_id)


def in_words(counts: Mapping[str, int]) -> str:
    said = [
        f"{counts.get('changed', 0):,} of {counts.get('images', 0):,} images changed",
        f"{counts.get('came_back', 0):,} came back",
        f"{counts.get('left', 0):,} left",
    ]
    if kept := counts.get("kept_person", 0):
        said.append(f"{kept:,} kept as a person decided")
    if frozen := counts.get("kept_frozen", 0):
        said.append(f"{frozen:,} kept as a frozen version holds them")
    return ", ".join(said)
