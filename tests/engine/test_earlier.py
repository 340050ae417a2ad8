"""Which earlier pictures take part for many new ones: read together, and one again when it was decided on."""

import pytest

from crowd.models import Assignment
from curation.models import Asset, AssetPreview, Project
from curation.stages import earlier
from curation.stages.earlier import Candidates, Earlier
from tests.factories import make_answer, make_asset, make_pool, make_project, make_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


def measured(project: Project, **fields: object) -> Asset:
    asset = make_asset(project, "waiting", **fields)
    AssetPreview.objects.create(asset=asset, thumb_key="", screen_key="", grey_key="", camera={})
    return asset


def decided(asset: Asset, reason: str) -> None:
    Asset.objects.filter(pk=asset.pk).update(state=Asset.State.DROPPED, reason=reason)


def test_only_the_one_that_was_decided_on_is_read_again(project):
    one, two, new = (measured(project) for _ in range(3))
    part = Earlier({new: Candidates([one.pk, two.pk])})
    assert part.near(new) == [one, two]
    for asset in (one, two):
        decided(asset, "template_copy")
    part.forget(one)
    assert part.near(new) == [two]
    part.forget(two)
    assert part.near(new) == []


def test_the_state_of_one_that_was_decided_on_is_read_again(project):
    one, two, new = (measured(project) for _ in range(3))
    part = Earlier({new: Candidates([one.pk], {two.pk: True})})
    part.near(new)
    for asset in (one, two):
        decided(asset, "same_photo")
        part.forget(asset)
    assert [one.state for one in part.near(new)] == ["dropped"]
    assert [(other.state, mirrored) for other, mirrored in part.voted(new)] == [("dropped", True)]


def test_the_next_likest_takes_the_place_of_one_that_takes_no_part_any_more(project, monkeypatch):
    monkeypatch.setattr(earlier, "MOST_COMPARED", 1)
    one, two, new = (measured(project) for _ in range(3))
    part = Earlier({new: Candidates([one.pk, two.pk])})
    assert part.near(new) == [one]
    decided(one, "unreadable")
    part.forget(one)
    assert part.near(new) == [two]


def test_frames_of_a_video_are_read_again_together_as_they_are_rejected_together(project):
    wanda = make_worker("Wanda")
    answer = make_answer(make_pool(project, "Videos"), wanda, Assignment.State.SUBMITTED)
    video = make_asset(project, "dropped", worker=wanda, answer=answer)
    first, last = (measured(project, worker=wanda, parent=video, frame_index=at, frame_ms=at) for at in range(2))
    decided(first, "blurred")
    new = measured(project, worker=wanda)
    part = Earlier({new: Candidates([first.pk, last.pk])})
    assert part.near(new) == [first, last], "the page is not rejected yet"
    decided(last, "blurred")
    Assignment.objects.filter(pk=answer.assignment_id).update(state=Assignment.State.REJECTED)
    part.forget(last)
    assert part.near(new) == []
