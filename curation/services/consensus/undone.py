"""When a person takes a decision back, the image follows the run again that it had stayed out of."""

from datetime import datetime

from curation.models import Asset, Consensus, ConsensusRun, Decision
from curation.services import assets
from curation.services.consensus.agreeing import way_of
from curation.services.consensus.moving import MOVES, looked_up, move, where_to

State = ConsensusRun.State


def follow_run(*, asset: Asset, now: datetime) -> None:
    """Make the result that was kept beside a person's word the current one, and move the image as the run would have.

    Nothing changes where no run came in between or another person's word still stands. The caller holds the asset's
    lock and has taken the decision back.
    """
    kept = _kept(asset)
    if kept is None or kept.run is None:
        return
    before = Consensus.objects.filter(asset=asset, stage=kept.stage, is_current=True).first()
    if before is None or before.pk == kept.pk:
        return
    (image,) = looked_up([(asset, before)])
    if not image.takes(kept.status):
        return
    Consensus.objects.filter(pk=before.pk).update(is_current=False)
    Consensus.objects.filter(pk=kept.pk).update(is_current=True)
    way = way_of(kept.run)
    where = where_to(image, kept, way.stage, way.settings)
    if where in MOVES:
        assets.decide_all(moves=[move(where, asset, kept, way)], by_kind=Decision.By.RULE, now=now)


def _kept(asset: Asset) -> Consensus | None:
    """Return what the latest run that stands has stored for the image."""
    stands = [State.APPLYING, State.CURRENT]
    rows = Consensus.objects.filter(asset=asset, stage__kind="aggregate", run__state__in=stands)
    return rows.select_related("stage", "run__stage").order_by("-stage__position", "-run__number", "-version").first()
