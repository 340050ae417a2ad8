"""Strangers' videos are read in a child with limits; frames come one at a time and what came before damage counts."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from curation.preprocessing import video, video_child, video_pictures
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.video_child import Bounds, Order, reading
from curation.preprocessing.video_wish import VideoWish

from .clips import audio_only, clip, rotated, steady, taken


def indices(path: Path, order: Order) -> list[int]:
    with reading(path, order) as found:
        return [frame.index for frame in found.frames]


def cut_short(path: Path, share: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def test_the_child_gives_the_same_frames_as_reading_here(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(45))
    with reading(path, Order(every=10)) as found:
        assert list(found.frames) == list(taken(path, every=10))
        assert (found.source_frames, found.wanted, found.missing) == (45, 5, 5)
        assert (found.info.width, found.info.height) == (320, 192)


def test_a_video_held_upright_is_described_as_it_is_displayed(tmp_path: Path) -> None:
    with reading(rotated(clip(tmp_path / "a.mp4", times=steady(12)), 90), Order()) as found:
        assert (found.info.width, found.info.height) == (192, 320)


def test_frames_that_are_there_are_left_out_and_a_slice_is_no_longer_than_asked(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(60))
    assert indices(path, Order(every=10, there=[0, 20], most=2)) == [10, 30]
    assert indices(path, Order(every=10, first=30)) == [30, 40, 50]


def test_key_frames_alone_are_those_the_encoder_made(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(60))
    keys = indices(path, Order(keyframes=True))
    assert keys[0] == 0
    assert len(keys) < 60
    wanted = video.plan(path, keyframes=True).wanted
    assert sorted(wanted.values()) == keys


@pytest.mark.parametrize("what", ["page", "sound", "nothing"])
def test_what_is_no_video_is_refused_before_a_frame(tmp_path: Path, what: str) -> None:
    path = tmp_path / "a.mp4"
    if what == "sound":
        audio_only(path)
    else:
        path.write_bytes({"page": b"<html>no</html>", "nothing": b""}[what])
    with pytest.raises(Unreadable) as caught, reading(path, Order()):
        pass
    assert caught.value.reason_code == {"page": "not_a_video", "sound": "no_video", "nothing": "empty"}[what]


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_video_that_breaks_off_gives_its_first_half_and_says_so(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 255, (200, 192, 320, 3), np.uint8)
    path = clip(tmp_path / name, times=steady(200), draw=lambda number: noise[number])
    if name.endswith(".mp4"):
        moved_index_first(path)
    cut_short(path, 0.5)
    seen: list[int] = []
    with pytest.raises(Unreadable) as caught, reading(path, Order(every=10)) as found:
        seen.extend(frame.index for frame in found.frames)
    assert seen[0] == 0
    assert 5 <= len(seen) < 20
    assert any(word in caught.value.sentence for word in ("early", "damaged"))


def moved_index_first(path: Path) -> None:
    """Write the clip anew with its index in front, as streaming services do."""
    import av

    data = path.with_name("first.mp4")
    with av.open(str(path)) as old, av.open(str(data), "w", options={"movflags": "faststart"}) as new:
        source = old.streams.video[0]
        target = new.add_stream_from_template(source)
        for packet in old.demux(source):
            if packet.dts is not None:
                packet.stream = target
                new.mux(packet)
    data.replace(path)


def test_a_slice_of_a_broken_video_complains_only_with_its_last_frames(tmp_path: Path) -> None:
    path = cut_short(clip(tmp_path / "a.mkv", times=steady(200)), 0.5)
    assert len(indices(path, Order(every=10, most=3))) == 3


def test_a_video_that_needs_too_much_time_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(5))
    monkeypatch.setattr(video_child, "_MODULE", "tests.preprocessing.busy_child")
    with pytest.raises(Unreadable) as caught, reading(path, Order(every=1), bounds=Bounds(cpu_seconds=1)) as found:
        list(found.frames)
    assert caught.value.reason_code == "too_expensive"


def test_a_child_that_hangs_is_killed_at_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(5))
    monkeypatch.setattr(video_child, "_MODULE", "tests.preprocessing.sleeping_child")
    with pytest.raises(Unreadable) as caught, reading(path, Order(), bounds=Bounds(deadline_seconds=0.5)):
        pass
    assert caught.value.reason_code == "too_expensive"


def test_leaving_half_way_leaves_no_process(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(60))
    before = children()
    with reading(path, Order(every=1)) as found:
        next(iter(found.frames))
        assert children() - before
    assert children() == before


def children() -> set[str]:
    task = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return set(task.read_text().split())


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_planes_and_colours_give_the_same_picture(
    tmp_path: Path, degrees: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("simplejpeg", reason="the extra `video` is not installed")
    path = clip(tmp_path / "a.mp4", times=steady(12))
    if degrees:
        rotated(path, degrees)
    straight = pixels(next(taken(path)))
    monkeypatch.setattr(video_pictures, "simplejpeg", None)
    usual = pixels(next(taken(path)))
    assert straight.shape == usual.shape
    assert np.abs(straight - usual).mean() < 4
    assert np.abs((straight - usual).mean(axis=(0, 1))).max() < 2


def pixels(frame: video.Frame) -> np.ndarray:
    import cv2

    return cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR).astype(int)


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (VideoWish(min_seconds=20, max_seconds=60), "video_too_short"),
        (VideoWish(max_seconds=1), "video_too_long"),
        (VideoWish(min_long=1920, min_short=1080), "video_too_small"),
        (VideoWish(min_seconds=1, max_seconds=2, min_long=320, min_short=192), ""),
        (VideoWish(), ""),
    ],
)
def test_a_video_is_held_against_what_was_asked_for(tmp_path: Path, wish: VideoWish, reason: str) -> None:
    info = video.plan(clip(tmp_path / "a.mp4", times=steady(60))).info
    if not reason:
        wish.require(info)
        return
    with pytest.raises(Unreadable) as caught:
        wish.require(info)
    assert caught.value.reason_code == reason
