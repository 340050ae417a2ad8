"""Stored answers as the library takes them."""

import pytest
from django.db import DatabaseError, transaction

from curation.models import (
    Annotation,
    Asset,
    Box,
    Stage,
)
from curation.services.consensus import answers
from tests.crowd.market import NOON
from tests.engine import answered
from tests.engine.answered import ALIKE

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return answered.project(max_answers=3)


def sheet_of(asset: Asset) -> answers.Sheet:
    (sheet,) = answers.sheets(answered.stage(asset.project, "boxes"), [asset.pk])
    return sheet


def test_the_answers_to_twenty_images_take_one_query(project, django_assert_num_queries):
    for _ in range(20):
        answered.image(project)
    source = answered.stage(project, "boxes")
    ids = answers.sample(answers.answered(source), 20)
    with django_assert_num_queries(1):
        assert len(answers.sheets(source, ids)) == 20


def test_raw_answers_cannot_be_changed_and_discarded_ones_do_not_count(project):
    (asset,) = answered.aggregated(project, ALIKE)
    for refused in (
        lambda: Annotation.objects.update(label="palm"),
        lambda: Box.objects.update(x=0.1),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            refused()
    Annotation.objects.filter(pk=Annotation.objects.first().pk).update(discarded_at=NOON)
    assert len(sheet_of(asset).image.annotations) == 2


def test_stored_answers_carry_pixels_pseudonyms_and_the_public_id(project):
    asset = answered.image(project, (0.4, None, 0.4))
    image = sheet_of(asset).image
    assert image.image == str(asset.public_id)
    assert (image.annotations[0].boxes[0].x, image.annotations[1].boxes) == (pytest.approx(400), ())
    assert all(one.annotator.startswith("w_") for one in image.annotations)


def test_a_sample_is_the_same_again_and_grows_with_its_size():
    ids = range(100, 108)
    small, large = answers.sample(ids, 3), answers.sample(ids, 6)
    assert small == answers.sample(ids[::-1], 3)
    assert set(small) < set(large)


def test_the_database_draws_the_same_sample(project):
    ids = [answered.image(project).pk for _ in range(8)]
    for size in (0, 3, 8, 9):
        drawn = answers.sample_of(Asset.objects.all(), "pk", size)
        assert sorted(asset.pk for asset in drawn) == answers.sample(ids, size)


def test_labels_and_flags_of_the_box_stage_reach_the_library(project):
    Stage.objects.filter(project=project, kind="boxes").update(
        settings={
            "labels": [{"name": "a"}, {"name": "b"}, {"name": "c"}],
            "flags": [{"value": "dark", "label": "Dark"}],
        }
    )
    answered.image(project, (None, None, None, 0.4))
    flagged = Annotation.objects.last()
    Annotation.objects.filter(pk=flagged.pk).delete()
    asset = Asset.objects.latest("id")
    answered.answer(asset, 0.4, by="w3", flags=["dark"])
    answered.work(project, "aggregate")
    row = answered.current(asset)
    assert (row.status, len(row.dropped)) == ("soft", 1)  # a box beside “nothing there” contradicts itself
