"""Aggregate: several answers become one, hard, soft, or not at all; the trace says how."""

from datetime import datetime
from typing import ClassVar

from django.db import transaction

from aggregation import Consensus as Agreement
from curation.models import Asset, Consensus, Decision, Stage
from curation.services import assets
from curation.services.assets import Move
from curation.services.consensus import answers, buying, fits, runs, storing
from curation.services.consensus.agreeing import Way, is_out, reason_of, way_of
from curation.services.consensus.answers import Sheet
from curation.services.consensus.settings import LEARNING, ConsensusSettings
from curation.stages.base import Done, NoCrowd, StageSettings, Work

IMAGES_AT_ONCE = 100  # what the method takes for one image is small beside the way to the database
Verdict = Decision.Verdict


class AggregateSettings(ConsensusSettings, StageSettings):
    """The settings of a stage are those of its current run."""


class Aggregate(NoCrowd):
    slug: ClassVar[str] = "aggregate"
    does: ClassVar[Work] = "machine"
    Settings: ClassVar[type[StageSettings]] = AggregateSettings

    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        """Add up the answers about the images that wait, many at once."""
        size = max(limit, IMAGES_AT_ONCE)
        moved = add_up(stage=stage, now=now, limit=size)
        return Done(moved, more=moved == size)


@transaction.atomic
def add_up(*, stage: Stage, now: datetime, limit: int) -> int:
    """Store the consensus of the next images that wait, and decide: on, out, or one more answer. Returns how many."""
    waiting = {asset.pk: asset for asset in assets.next_waiting(stage=stage, limit=limit)}
    if not waiting:
        return 0
    way = way_of(runs.current_run(stage=stage, now=now))
    sheets = answers.sheets(way.source, list(waiting))
    standing = Consensus.objects.filter(stage=stage, asset_id__in=waiting, is_current=True)
    before = {row.asset_id: row for row in standing}
    agreed = list(zip(sheets, buying.agree_and_advise(way=way, sheets=sheets, before=before), strict=True))
    rows = [storing.row_of(way=way, sheet=sheet, agreement=agreement, now=now) for sheet, agreement in agreed]
    storing.add_versions(stage=stage, rows=rows)
    moves = [_move(waiting[sheet.asset_id], sheet, agreement, way) for sheet, agreement in agreed]
    assets.decide_all(moves=moves, by_kind=Decision.By.RULE, now=now)
    fits.wake(way.source, inline=way.settings.method == LEARNING, now=now)
    return len(waiting)


def _move(asset: Asset, sheet: Sheet, agreement: Agreement, way: Way) -> Move:
    """Say where an image goes: out, on, or back to the source stage, which raises its overlap by one."""
    if agreement.next == "buy":
        because = {"because": reason_of(agreement)}
        return Move(asset, Verdict.RETURNED, "one_more", because, to_stage=way.source)
    evidence = {
        "status": agreement.status,
        "answers": len(sheet.inputs),
        "confidence": round(agreement.confidence, 4),
    }
    if is_out(agreement.status, way.settings):
        return Move(asset, Verdict.DROPPED, reason_of(agreement), evidence)
    return Move(asset, Verdict.PASSED, "", evidence)
