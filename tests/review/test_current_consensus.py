"""Where several stages add up answers, everything goes by the latest stage, however late an earlier one ran again."""

import pytest

from curation.engine.report import with_truth
from curation.models import Asset, Consensus, Stage
from curation.review.documents import documents
from curation.services.reviews import current_consensus
from curation.stages.review import ReviewSettings, reasons_for_a_person

pytestmark = pytest.mark.django_db
NO_SAMPLE = ReviewSettings(sample=0.0)


def added(image: Asset, stage: Stage, *, confidence: float, status: str = "soft", version: int = 1) -> Consensus:
    Consensus.objects.filter(asset=image, stage=stage).update(is_current=False)
    return Consensus.objects.create(
        project_id=image.project_id,
        asset=image,
        stage=stage,
        version=version,
        method="hard-soft-drop",
        status=status,
        confidence=confidence,
        n_answers=3,
    )


def current_boxes(image: Asset) -> Consensus | None:
    ((_, _, boxes),) = with_truth([image])
    return boxes


@pytest.fixture
def last(image: Asset) -> Stage:
    return Stage.objects.create(project=image.project, name="last look", kind="aggregate", position=90)


def test_an_earlier_stage_that_ran_again_does_not_stand_for_the_image(image: Asset, last: Stage):
    earlier = image.consensus.get().stage
    latest = added(image, last, confidence=0.6)
    added(image, earlier, confidence=0.99, version=2)
    assert current_boxes(image) == current_consensus(image) == latest
    assert documents([image])[0]["seen"] == latest.pk
    assert reasons_for_a_person([image], NO_SAMPLE) == {image.pk: "unsure"}


def test_votes_for_a_label_after_the_boxes_do_not_hide_them_from_the_reviewer(image: Asset, last: Stage):
    latest = image.consensus.get()
    added(image, last, confidence=0.99, status="label")
    assert current_boxes(image) == current_consensus(image) == latest
    assert len(documents([image])[0]["consensus"]) == 2
    assert reasons_for_a_person([image], NO_SAMPLE) == {image.pk: "unsure"}
