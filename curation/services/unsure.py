"""What a model is unsure of: the queue, how it is spread over tags, and sending it to people in one click."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import QuerySet

from crowd.errors import CrowdError
from curation.models import Asset, AssetTag, Consensus, Decision, Prediction, Predictions, Project, Stage, User
from curation.services import assets as moves
from curation.services import events, locked_parts, tagging, versions
from curation.services.assets import Move
from curation.services.bulk_actions import ASKED

LABELLING: Final = ("boxes", "describe")
MOST_SENT: Final = 5_000
LEAST_SHOWN: Final = 5
"""Values that fewer images have say nothing about a model."""
State, Verdict = Asset.State, Decision.Verdict


@dataclass(frozen=True, slots=True)
class TagShare:
    """Of the images with this tag that were predicted, how many the model is unsure of."""

    key: str
    value: str
    unsure: int
    images: int

    @property
    def share(self) -> float:
        return self.unsure / self.images


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of images that were to be labelled; `left` waits in the pipeline already, or cannot be moved."""

    to_label: int
    to_review: int
    left: int


def queue(predictions: Predictions, *, below: float, tag: tuple[str, str] | None = None) -> QuerySet[Prediction]:
    """Return what the model is less sure of than `below`, the least sure first."""
    rows = Prediction.objects.filter(predictions=predictions, confidence__lt=below).order_by("confidence", "asset_id")
    if tag is None:
        return rows
    tagged = AssetTag.objects.filter(
        project_id=predictions.project_id, key=tag[0], value=tag[1], run__is_current=True
    ).values("asset")
    return rows.filter(asset__in=tagged)


def by_tag(predictions: Predictions, *, below: float) -> list[TagShare]:
    """Return for each tag how much the model is unsure of, the worst first: what to collect and sample more of."""
    query = """
        SELECT t.key, t.value, count(DISTINCT p.asset_id) FILTER (WHERE p.confidence < %(below)s),
               count(DISTINCT p.asset_id)
        FROM curation_prediction p JOIN curation_assettag t ON t.asset_id = p.asset_id
        JOIN curation_tagrun r ON r.id = t.run_id AND r.is_current
        WHERE p.predictions_id = %(predictions)s GROUP BY 1, 2 HAVING count(DISTINCT p.asset_id) >= %(least)s
    """
    with connection.cursor() as cursor:
        cursor.execute(query, {"below": below, "predictions": predictions.pk, "least": LEAST_SHOWN})
        found = [TagShare(*row) for row in cursor.fetchall()]
    return sorted((one for one in found if one.unsure), key=lambda one: (-one.share, -one.images, one.key, one.value))


@transaction.atomic
def send(*, project: Project, asset_ids: Sequence[int], why: str, by: User, now: datetime) -> Sent:
    """Send images to the people who label: new ones to the boxes, labelled ones to review. Each keeps the reason."""
    if not asset_ids:
        raise CrowdError("No image is among these, so there is nothing to send.")
    if len(asset_ids) > MOST_SENT:
        raise CrowdError(f"At most {MOST_SENT:,} images are sent at once, not {len(asset_ids):,}; narrow them down.")
    locked_parts.refuse(project=project, asset_ids=asset_ids, what="for labelling")
    stages = list(project.stages.order_by("position"))
    label = next((stage for stage in stages if stage.kind in LABELLING), None)
    review = next((stage for stage in stages if stage.kind == "review"), None)
    if label is None and review is None:
        raise CrowdError(f"{project.name} has no stage in which people label or review, so nothing can be sent.")
    rows = Asset.objects.select_for_update(of=("self",)).select_related("stage", "project")
    mine = list(rows.filter(project=project, pk__in=asset_ids).order_by("pk"))
    answered = set(Consensus.objects.current().of_boxes().filter(asset__in=mine).values_list("asset_id", flat=True))
    evidence = {"selected": why}
    wanted = [
        _for_review(asset, review, evidence)
        if review is not None and (label is None or asset.pk in answered)
        else _for_labels(asset, label if asset.pk not in answered else None, evidence)
        for asset in mine
    ]
    done = [move for move in wanted if move is not None]
    if done:
        moves.decide_all(moves=done, by_kind=Decision.By.PERSON, by_id=by.pk, now=now)
    to_review = sum(move.verdict == Verdict.HELD for move in done)
    text = f"{by.name} sent {len(done):,} images to labelling: {why}."
    events.record(kind="assets.sent_to_label", text=text, project=project, by=by, data={"why": why}, now=now)
    versions.bump(project_id=project.pk)
    return Sent(len(done) - to_review, to_review, len(asset_ids) - len(done))


def _for_review(asset: Asset, review: Stage, evidence: dict[str, str]) -> Move | None:
    """Hold a published image at the review; what is there already, or on its way, is left."""
    if asset.media == Asset.Media.VIDEO or asset.state != State.PUBLISHED:
        return None
    asset.stage = review
    return Move(asset, Verdict.HELD, ASKED, evidence)


def _for_labels(asset: Asset, label: Stage | None, evidence: dict[str, str]) -> Move | None:
    """Bring an image nobody has labelled to the stage that does; what is on its way there, or out, is left."""
    if label is None or asset.media == Asset.Media.VIDEO:
        return None
    if asset.state == State.DROPPED and asset.reason == tagging.NOT_SELECTED:
        return Move(asset, Verdict.RESTORED, evidence=evidence, to_stage=label)
    if asset.state == State.PUBLISHED:
        return Move(asset, Verdict.RETURNED, evidence=evidence, to_stage=label)
    return None
