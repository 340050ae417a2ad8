"""What is known to be true of images because a person decided: for fitting, for comparing methods."""

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from aggregation import Box
from curation.models import Decision, Review, Stage
from curation.services.consensus.settings import read
from curation.services.reviews.verdicts import JUDGING, SAMPLED, boxes_of, last_words

Verdict = Review.Verdict
IMAGE_FAULTS = ("cut_off", "third_party")  # reasons that speak against the picture, not against its boxes


def known_boxes(stage: Stage) -> dict[str, tuple[Box, ...]]:
    """Return the true boxes of images, by public id, in pixels: those a person accepted as they were, or drew.

    `stage` is the stage whose answers are added up, or the one that adds them up. What was undone does not count; a
    rejection says that the boxes are wrong, not which ones are right: see `refuted_images`.
    """
    verdicts = list(_verdicts(stage).exclude(verdict=Verdict.REJECT).select_related("asset"))
    accepted = boxes_of([row.consensus_id for row in verdicts if row.verdict == Verdict.ACCEPT and row.consensus_id])
    known = {}
    for row in verdicts:
        boxes = row.boxes if row.verdict == Verdict.FIX else accepted.get(row.consensus_id or 0, [])
        width, height = float(row.asset.width or 1), float(row.asset.height or 1)
        known[str(row.asset.public_id)] = tuple(
            Box(box["x"] * width, box["y"] * height, box["w"] * width, box["h"] * height, box["label"])
            for box in boxes or []
        )
    return known


def refuted_images(stage: Stage) -> frozenset[str]:
    """Return public ids of images whose boxes a person rejected and did not mend."""
    rows = _verdicts(stage).filter(verdict=Verdict.REJECT).exclude(reason__in=IMAGE_FAULTS)
    return frozenset(str(public_id) for public_id in rows.values_list("asset__public_id", flat=True))


def sampled_images(stage: Stage) -> frozenset[str]:
    """Return public ids of judged images that came to a person by chance, not because they were doubtful."""
    drawn = Decision.objects.filter(stage__kind="review", by_kind=Decision.By.RULE, reason=SAMPLED)
    drawn = drawn.filter(asset=OuterRef("asset"), verdict=Decision.Verdict.HELD)
    return frozenset(
        str(one) for one in _verdicts(stage).filter(Exists(drawn)).values_list("asset__public_id", flat=True)
    )


def known_since(stage: Stage, moment: datetime) -> int:
    """Count images whose boxes a person judged after this moment."""
    return _verdicts(stage).exclude(reason__in=IMAGE_FAULTS).filter(created_at__gt=moment).count()


def _verdicts(stage: Stage) -> QuerySet[Review]:
    """Return the verdicts over what came of this stage's answers."""
    adding_up = Stage.objects.filter(project_id=stage.project_id, kind="aggregate")
    about = [stage.pk, *(one.pk for one in adding_up if read(one.settings).source == stage.name)]
    return last_words(stage.project_id).filter(consensus__stage__in=about, verdict__in=JUDGING).order_by("asset_id")
