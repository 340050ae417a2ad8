"""A project with an image at review, and who reviews."""

import pytest

from crowd.models import Batch
from curation.models import Asset, Project, User
from tests import scenes


@pytest.fixture
def world() -> Project:
    return scenes.project(Rita="reviewer", Rob="reviewer")


@pytest.fixture
def boxes(world: Project) -> Batch:
    return scenes.batch(world, "boxes")


@pytest.fixture
def image(world: Project, boxes: Batch) -> Asset:
    return scenes.image_at_review(world, boxes)


@pytest.fixture
def rita() -> User:
    return scenes.person("Rita")
