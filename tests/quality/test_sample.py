"""The random sample of sure images: stable, of the right size, and hidden from those who send the images."""

import hashlib

import pytest

from curation.models import Asset, Project
from curation.stages.review import ReviewSettings, reasons_for_a_person
from tests import scenes

pytestmark = pytest.mark.django_db
HALF = ReviewSettings(sample=0.5)


def drawn(project: Project) -> set[str]:
    images = list(Asset.objects.filter(project=project).select_related("project"))
    why = reasons_for_a_person(images, HALF)
    return {asset.name for asset in images if why[asset.pk] == "sample"}


def with_images(project: Project) -> Project:
    boxes = scenes.batch(project, "boxes")
    for n in range(40):
        image = scenes.image_at_review(project, boxes, seed=f"sure-{n}", confidence=0.98)
        Asset.objects.filter(pk=image.pk).update(sha256=hashlib.sha256(b"sure %d" % n).digest())
    return project


def test_who_has_the_bytes_cannot_tell_whether_an_image_is_in_the_sample(settings):
    project = with_images(scenes.project())
    first = drawn(project)
    assert 8 <= len(first) <= 32
    assert drawn(project) == first
    settings.SECRET_KEY = "another secret of at least fifty characters, for this test alone"
    assert drawn(project) != first


def test_two_projects_draw_different_samples_of_the_same_images():
    assert drawn(with_images(scenes.project())) != drawn(with_images(scenes.project()))


def test_a_rehearsal_draws_the_same_sample_on_every_machine(settings):
    project = with_images(scenes.project())
    Project.objects.filter(pk=project.pk).update(is_rehearsal=True)
    first = drawn(project)
    settings.SECRET_KEY = "another secret of at least fifty characters, for this test alone"
    assert drawn(project) == first
