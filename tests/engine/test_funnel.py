"""The funnel of a report counts every image once at a stage, whatever was done to it again."""

import pytest

from curation.engine.report import funnel_of
from curation.models import Project
from tests.engine import answered
from tests.engine.answered import ALIKE, LOOSE

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return answered.project(max_answers=3)


def row(project: Project, stage: str) -> tuple[int, int, int, dict[str, int]]:
    found = next(one for one in funnel_of(project) if one["stage"] == stage)
    return found["in"], found["passed"], found["dropped"], found["reasons"]


def test_an_image_that_is_added_up_again_and_leaves_counts_as_dropped_alone(project):
    answered.aggregated(project, ALIKE, ALIKE)
    answered.apply(project, iou=0.999)
    assert row(project, "aggregate") == (2, 0, 2, {"disagree_iou": 2})
    assert row(project, "review") == (0, 0, 0, {})
    assert row(project, "publish") == (0, 0, 0, {})


def test_an_image_that_comes_back_counts_as_passed_alone(project):
    answered.aggregated(project, ALIKE, LOOSE)
    assert row(project, "aggregate") == (2, 1, 1, {"disagree_iou": 1})
    answered.apply(project, iou=0.5)
    answered.work(project)
    assert row(project, "aggregate") == (2, 2, 0, {})
    assert row(project, "publish") == (2, 2, 0, {})


def test_an_image_that_waits_for_one_more_answer_is_not_counted_further_on():
    project = answered.project(max_answers=5)
    answered.aggregated(project, LOOSE)
    assert row(project, "boxes") == (1, 0, 0, {})
    assert row(project, "aggregate") == (0, 0, 0, {})
