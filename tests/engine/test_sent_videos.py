"""Videos that workers send: stored whole, cut into frames, paid when a frame of theirs is taken."""

import hashlib
import uuid
from pathlib import Path

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crowd.errors import CrowdError
from crowd.models import Assignment, Evidence, LedgerEntry, RemoteFile, Worker
from crowd.services import claims, files, handing_in
from curation.engine import flow
from curation.models import Asset, Project
from curation.recipes.loading import BadRecipe, parse
from curation.services import assets
from curation.stages import sent_videos
from tests.crowd import market
from tests.crowd.fetching.servers import Site
from tests.crowd.fetching.servers import page as a_page
from tests.crowd.market import NOON
from tests.engine import world
from tests.preprocessing.clips import audio_only, clip, steady

pytestmark = pytest.mark.django_db
SMALL = {"min_long": 300, "min_short": 200}
Media, State = Asset.Media, Assignment.State


@pytest.fixture
def project() -> Project:
    return world.campaign(wanted=4, collect={"media": "video", "every": 10}, checks=SMALL)


def blocks(number: int, seed: int = 0) -> np.ndarray:
    """Draw a picture of large blocks; every ten frames it is another one."""
    rng = np.random.default_rng((seed, number // 10))
    tiles = rng.integers(0, 255, (6, 8, 3)).astype(np.uint8)
    return np.kron(tiles, np.ones((40, 40, 1), np.uint8))


def video(path: Path, *, frames: int = 30, seed: int = 0) -> bytes:
    return clip(path / f"{uuid.uuid4().hex}.mp4", times=steady(frames), draw=lambda n: blocks(n, seed)).read_bytes()


def send(project: Project, data: bytes, who: Worker | None = None) -> Assignment:
    """A worker sends a file, which is taken in."""
    page = market.claim(world.batch(project, "collect"), who or world.worker(project))
    key = default_storage.save(f"uploads/{uuid.uuid4().hex}", ContentFile(data))
    digest = hashlib.sha256(data).hexdigest()
    market.submit(page, file={"key": key, "sha256": digest, "bytes": len(data), "name": "me.mp4"})
    flow.take_in(project_id=project.pk, now=NOON)
    return page


def cut(project: Project) -> None:
    world.work(project, "collect")


def of(page: Assignment) -> Asset:
    return Asset.objects.get(answer__assignment=page)


def state(page: Assignment) -> tuple[str, str]:
    page.refresh_from_db()
    return page.state, page.reason


def test_a_video_is_kept_whole_and_its_frames_go_on_in_its_place(project, tmp_path):
    page = send(project, video(tmp_path))
    parent = of(page)
    assert (parent.media, *world.stands(parent)) == (Media.VIDEO, "collect", "waiting", "")
    cut(project)
    assert world.stands(parent) == ("collect", "dropped", "cut_into_frames")
    frames = Asset.objects.filter(parent=parent).order_by("frame_index")
    assert [(one.media, one.frame_index, one.frame_ms) for one in frames] == [
        (Media.FRAME, 0, 0),
        (Media.FRAME, 10, 333),
        (Media.FRAME, 20, 667),
    ]
    assert {(one.worker_id, one.label_class.name, one.source) for one in frames} == {
        (page.worker_id, world.SIGN, parent.source)
    }
    world.work(project, "checks")
    assert {world.stands(one)[0] for one in frames} == {"validate"}
    assert state(page)[0] == State.SUBMITTED


def test_the_first_frame_that_is_found_right_pays_the_video_once(project, tmp_path):
    page = send(project, video(tmp_path))
    world.work(project)
    world.validate(project, *["correct"] * 9)
    assert state(page)[0] == State.ACCEPTED
    assert world.totals(project).paid_micro >= 30_000
    assert Asset.objects.filter(parent=of(page), stage__name="boxes").count() == 3
    assert LedgerEntry.objects.filter(ref=f"assignment:{page.pk}", kind="charge").count() == 1


def test_a_video_none_of_whose_frames_is_right_is_rejected_with_the_reason(project, tmp_path):
    page = send(project, video(tmp_path))
    world.work(project)
    world.validate(project, *["incorrect"] * 5)
    assert state(page)[0] == State.SUBMITTED
    world.validate(project, "incorrect")
    said = "No frame of the video can be used. The photo does not show what was asked for."
    assert state(page) == (State.REJECTED, said)


def test_frames_that_are_dropped_while_the_rest_is_being_cut_do_not_reject_the_video(tmp_path, monkeypatch):
    monkeypatch.setattr(sent_videos, "FRAMES_A_SLICE", 1)
    project = world.campaign(collect={"media": "video"}, checks={"min_long": 4000})
    page = send(project, video(tmp_path, frames=20))
    stage = project.stages.get(name="collect")
    assert flow.work_stage(stage=stage, now=NOON)
    world.work(project, "checks")
    assert state(page)[0] == State.SUBMITTED
    cut(project)
    world.work(project, "checks")
    assert state(page) == (
        State.REJECTED,
        "No frame of the video can be used. The photo is smaller than asked for.",
    )


def test_cutting_goes_on_where_it_was_broken_off(project, tmp_path, monkeypatch):
    monkeypatch.setattr(sent_videos, "FRAMES_A_SLICE", 2)
    page = send(project, video(tmp_path, frames=50))
    stage = project.stages.get(name="collect")
    flow.work_stage(stage=stage, now=NOON)
    assert list(Asset.objects.filter(parent=of(page)).values_list("frame_index", flat=True)) == [0, 10]
    cut(project)
    assert Asset.objects.filter(parent=of(page)).count() == 5


def test_look_alike_frames_of_one_video_are_dropped_and_accuse_nobody(project, tmp_path):
    still = clip(tmp_path / "still.mp4", times=steady(30), draw=lambda _: blocks(0)).read_bytes()
    page = send(project, still)
    world.work(project, "collect", "checks")
    reasons = list(Asset.objects.filter(parent=of(page)).order_by("frame_index").values_list("reason", flat=True))
    assert reasons[0] == ""
    assert set(reasons[1:]) <= {"same_photo", "same_file"}
    assert not Evidence.objects.exists()
    assert state(page)[0] == State.SUBMITTED


def test_the_same_video_again_is_rejected_with_evidence_and_not_cut(project, tmp_path):
    data = video(tmp_path)
    first, second = send(project, data), send(project, data, world.worker(project, "will"))
    cut(project)
    assert state(second) == (State.REJECTED, "The same file was sent before.")
    assert not Asset.objects.filter(parent=of(second)).exists()
    evidence = Evidence.objects.get()
    assert (evidence.worker_id, evidence.item_id, evidence.other_item_id) == (
        second.worker_id,
        of(second).pk,
        of(first).pk,
    )


@pytest.mark.parametrize("what", ["a photo", "sound alone", "rubbish"])
def test_what_is_no_video_is_rejected_with_a_sentence(project, tmp_path, what):
    data = {
        "a photo": lambda: world.photo("one"),
        "sound alone": lambda: audio_only(tmp_path / "sound.mp4").read_bytes(),
        "rubbish": lambda: b"%PDF-1.7",
    }[what]()
    page = send(project, data)
    cut(project)
    assert state(page) == (State.REJECTED, "The file cannot be read as a video.")
    assert world.stands(of(page)) == ("collect", "dropped", "unreadable_video")
    assert world.totals(project).free_micro == world.totals(project).limit_micro


def test_a_video_that_ends_early_keeps_the_frames_that_could_be_read(project, tmp_path):
    path = clip(tmp_path / "a.mkv", times=steady(120), draw=blocks)
    page = send(project, path.read_bytes()[: path.stat().st_size * 6 // 10])
    cut(project)
    assert world.stands(of(page))[2] == "cut_into_frames"
    assert 0 < Asset.objects.filter(parent=of(page)).count() < 12
    assert state(page)[0] == State.SUBMITTED


def test_where_photos_are_asked_for_a_video_is_rejected_and_told_so(tmp_path):
    project = world.campaign()
    page = send(project, video(tmp_path))
    world.work(project)
    assert state(page) == (State.REJECTED, "This is a video; a photo was asked for.")
    assert world.stands(of(page)) == ("checks", "dropped", "video_not_asked")
    assert not Evidence.objects.exists()


def test_a_video_behind_a_link_is_fetched_and_cut(tmp_path):
    project = world.campaign(collect={"media": "video", "sends": "link"}, checks=SMALL)
    batch = world.batch(project, "collect")
    assert batch.spec["most_megabytes"] == 500
    page = market.claim(batch, world.worker(project))
    answers = {task.answer_id: {"link": "https://files.example/v.mp4"} for task in claims.page_tasks(page)}
    handing_in.submit_page(
        assignment_id=page.pk, worker_id=page.worker_id, answers=answers, duration_ms=60_000, now=NOON
    )
    with Site() as site:
        site.pages["/v.mp4"] = a_page(video(tmp_path))
        RemoteFile.objects.filter(assignment=page).update(ref=site.url("/v.mp4"), next_at=NOON)
        files.fetch_due(now=NOON, allow=site.allow)
    flow.take_in(project_id=project.pk, now=NOON)
    world.work(project, "collect", "checks")
    assert Asset.objects.filter(parent=of(page), stage__name="validate").count() == 3


def test_a_video_itself_is_not_restored_its_frames_are(project, tmp_path):
    page = send(project, video(tmp_path))
    cut(project)
    with pytest.raises(CrowdError, match="as its frames"):
        assets.restore(asset_id=of(page).pk, by=world.person("Alice"), now=NOON)


def test_a_recipe_whose_collecting_stage_takes_other_media_than_it_says_is_refused():
    text = """
name: feet
title: Feet
media: video
classes: {foot: A foot}
stages:
  - {name: collect, kind: collect, title: Collected}
  - {name: publish, kind: publish, title: Published}
"""
    with pytest.raises(BadRecipe, match="collect must say media: video"):
        parse(text, origin="feet.yaml")


@pytest.mark.parametrize(
    ("wish", "reason", "said"),
    [
        ({"min_seconds": 20, "max_seconds": 60}, "video_too_short", "The video is shorter than asked for."),
        (
            {"min_long": 1920, "min_short": 1080},
            "video_too_small",
            "The picture of the video is smaller than asked for.",
        ),
    ],
)
def test_a_video_that_is_not_as_asked_for_is_rejected_and_told_why(tmp_path, wish, reason, said):
    project = world.campaign(collect={"media": "video", **wish})
    page = send(project, video(tmp_path))
    cut(project)
    assert world.stands(of(page)) == ("collect", "dropped", reason)
    assert state(page) == (State.REJECTED, said)
    assert not Asset.objects.filter(parent=of(page)).exists()
