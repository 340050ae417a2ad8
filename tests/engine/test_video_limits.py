"""How long and how large videos may be that are taken in: settings of the checks, refused with a sentence."""

import zipfile

import pytest
from pydantic import ValidationError

from crowd.clock import database_now
from curation.engine import campaigns
from curation.engine.asking import Campaign
from curation.models import Asset
from curation.recipes.loading import load
from curation.services import ingest
from curation.stages.checks import ChecksSettings
from tests.factories import make_user
from tests.preprocessing.clips import clip, steady

pytestmark = pytest.mark.django_db


def project_with(**checks: object):
    asked = Campaign(
        recipe=load("camera-footage"),
        name="Cameras",
        classes=("scene",),
        wanted=10,
        platform="inhouse",
        budget_micro=0,
        settings={"checks": checks},
    )
    return campaigns.ensure_project(asked=asked, by=make_user("Alice"), now=database_now()).project


def taken(project, source):
    return ingest.ingest(project=project, sources=[str(source)], now=database_now())


def test_a_clip_that_is_too_short_too_long_or_too_small_is_refused_by_name_and_leaves_nothing(tmp_path):
    clip(tmp_path / "short.mp4", times=steady(15))
    clip(tmp_path / "long.mp4", times=steady(150))
    clip(tmp_path / "good.mp4", times=steady(60))
    project = project_with(min_seconds=1.5, max_seconds=3)
    receipt = taken(project, tmp_path)
    assert {one.file: one.reason for one in receipt.files_refused} == {
        "short.mp4": "video_too_short",
        "long.mp4": "video_too_long",
    }
    sentences = {one.file: one.sentence for one in receipt.files_refused}
    assert sentences["short.mp4"] == "the video lasts 0.5 s; at least 1.5 s are wanted"
    assert sentences["long.mp4"] == "the video lasts 5.0 s; at most 3 s are wanted"
    assert receipt.new == 6
    assert {video.name for video in Asset.objects.filter(project=project, media="video")} == {"good.mp4"}


def test_a_small_clip_in_an_archive_is_refused_with_both_sizes(tmp_path):
    clip(tmp_path / "small.mp4", times=steady(30))
    with zipfile.ZipFile(tmp_path / "day.zip", "w") as archive:
        archive.write(tmp_path / "small.mp4", "small.mp4")
    project = project_with(video_min_long=1280, video_min_short=720)
    receipt = taken(project, tmp_path / "day.zip")
    (refused,) = receipt.files_refused
    assert (refused.reason, refused.sentence) == (
        "video_too_small",
        "the video is 320x192; at least 1280x720 is wanted",
    )
    assert not Asset.objects.filter(project=project).exists()


def test_limits_that_no_video_can_keep_are_refused_when_they_are_set():
    with pytest.raises(ValidationError, match="at least 60 s and at most 20 s"):
        ChecksSettings(min_seconds=60, max_seconds=20)
