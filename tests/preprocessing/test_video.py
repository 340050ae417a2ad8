"""Frames by time stamp, upright, from nothing but real videos."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curation.preprocessing import video
from curation.preprocessing.limits import Unreadable, VideoLimits
from curation.preprocessing.storyboard import choose, shot_of

from .clips import audio_only, clip, moving, rotated, steady, taken


def number_of(frame: video.Frame) -> int:
    """Read the frame's number back from its red level (lower left, away from the bar)."""
    picture = np.asarray(Image.open(io.BytesIO(frame.jpeg))).astype(int)
    rows = picture[-40:, :, 0]
    return round(float(np.median(rows)) / 4)


@pytest.mark.parametrize(("name", "b_frames"), [("a.mp4", 2), ("a.mp4", 0), ("a.mkv", 2), ("a.mov", 0)])
def test_a_steady_clip_gives_exactly_every_tenth_frame(tmp_path: Path, name: str, b_frames: int) -> None:
    path = clip(tmp_path / name, times=steady(60), b_frames=b_frames)
    found = list(taken(path, every=10))
    assert [frame.index for frame in found] == [0, 10, 20, 30, 40, 50]
    assert [frame.time_seconds for frame in found] == pytest.approx([n / 3 for n in range(6)], abs=0.002)
    assert all(abs(number_of(frame) - frame.index) <= 1 for frame in found)


def test_leaving_out_unwanted_pictures_changes_none_of_the_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(60))
    quick = list(taken(path, every=7))
    monkeypatch.setattr(video, "_SKIPPABLE", frozenset())
    assert quick == list(taken(path, every=7))


def test_a_phone_that_records_unevenly_is_read_by_time(tmp_path: Path) -> None:
    gaps = [1 / 30, 1 / 15, 1 / 60, 1 / 10] * 15
    times = [0.0, *itertools.accumulate(gaps)]
    plan = video.plan(clip(tmp_path / "a.mp4", times=times), every=10)
    step = 10 / plan.info.rate
    for target, index in enumerate(sorted(plan.wanted.values())):
        assert times[index] >= target * step - 0.005
        assert index == 0 or times[index - 1] < target * step


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_phone_held_another_way_gives_upright_frames(tmp_path: Path, degrees: int) -> None:
    path = rotated(clip(tmp_path / "a.mp4", times=steady(12)), degrees)
    info = video.plan(path).info
    frame = next(taken(path, every=10))
    shown = np.asarray(Image.open(io.BytesIO(frame.jpeg)))
    upright = np.rot90(moving(0), {90: -1, 180: 2, 270: 1}[degrees])
    assert shown.shape == upright.shape
    assert (info.height, info.width) == upright.shape[:2]
    assert np.abs(shown.astype(int) - upright).mean() < 15


def test_what_stands_still_is_left_out_when_asked(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(60), draw=lambda number: moving(min(number, 25)))
    assert len(list(taken(path, every=10))) == 6
    assert [frame.index for frame in taken(path, every=10, skip_still=True)] == [0, 10, 20, 30]


def test_the_container_is_described(tmp_path: Path) -> None:
    info = video.plan(clip(tmp_path / "a.mp4", times=steady(45))).info
    assert info.seconds == pytest.approx(1.5, abs=0.05)
    assert (info.width, info.height, info.codec) == (320, 192, "h264")
    assert info.rate == pytest.approx(30, abs=0.5)


def refusal(path: Path, limits: VideoLimits = video.VIDEO_LIMITS) -> str:
    with pytest.raises(Unreadable) as caught:
        list(video.frames_of(video.plan(path, limits=limits)))
    return caught.value.reason_code


def test_other_files_are_refused_with_a_reason(tmp_path: Path) -> None:
    files = {
        "empty": b"",
        "not_a_video": b"<html>no</html>" * 40,
        "damaged": b"\0\0\0\x18ftypisom" + bytes(400),
    }
    for reason, data in files.items():
        path = tmp_path / f"{reason}.mp4"
        path.write_bytes(data)
        assert refusal(path) == reason


def test_a_playlist_never_opens_another_file(tmp_path: Path) -> None:
    target = clip(tmp_path / "secret.mp4", times=steady(5))
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"#EXTM3U\n#EXTINF:1,\nfile://{target}\n")
    assert refusal(playlist) == "not_a_video"


def test_a_cut_video_is_refused(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(30))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert refusal(path) == "damaged"


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    assert refusal(audio_only(tmp_path / "a.mp4")) == "no_video"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (VideoLimits(max_bytes=100), "too_large"),
        (VideoLimits(max_seconds=0.5), "too_long"),
        (VideoLimits(max_long_side=200), "too_many_pixels"),
        (VideoLimits(max_frames=2), "too_many_frames"),
    ],
)
def test_limits_hold(tmp_path: Path, limits: VideoLimits, reason: str) -> None:
    assert refusal(clip(tmp_path / "a.mp4", times=steady(60)), limits) == reason


def test_a_step_below_one_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        taken(clip(tmp_path / "a.mp4", times=steady(5)), every=0)


def test_the_sharpest_of_look_alikes_is_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    texture = [np.kron(rng.integers(0, 255, (12, 20, 3)), np.ones((16, 16, 1))).astype(np.uint8) for _ in range(2)]
    path = clip(tmp_path / "a.mp4", times=steady(60), draw=lambda number: texture[number // 30])
    shots = [shot_of(frame) for frame in taken(path, every=10)]
    verdicts = choose(shots, skip_blurred=False, distinct=True)
    kept = [index for index, verdict in verdicts.items() if verdict == "kept"]
    assert len(kept) == 2
    assert kept[0] < 30 <= kept[1]
    assert set(verdicts.values()) == {"kept", "duplicate"}


def test_real_clips_give_frames(sample_data: Path) -> None:
    clips = sorted((sample_data / "videos").glob("*.mkv"))
    if not clips:
        pytest.skip(f"no clips in {sample_data / 'videos'}")
    found = list(taken(clips[0], every=10))
    assert found
    assert [frame.index for frame in found] == sorted({frame.index for frame in found})


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_frames_read_piece_by_piece_are_those_of_one_reading(tmp_path: Path, name: str) -> None:
    path = clip(tmp_path / name, times=steady(120), gop=12)
    plan = video.plan(path, every=10)
    wanted = sorted(plan.wanted.items())
    pieces = [replace(plan, wanted=dict(wanted[start : start + 3])) for start in range(0, len(wanted), 3)]
    assert [frame for piece in pieces for frame in video.frames_of(piece)] == list(video.frames_of(plan))


def test_a_later_piece_decodes_nothing_before_its_key_frame(tmp_path: Path) -> None:
    plan = video.plan(clip(tmp_path / "a.mp4", times=steady(120), gop=12), every=10)
    last = max(plan.wanted)
    with video._opened(plan.path, plan.limits) as container:
        stream = container.streams.video[0]
        first = next(video._packets(container, stream, plan.keys, last))
    assert first.pts == max(key for key in plan.keys if key <= last)


def test_key_frames_are_all_found_and_are_those_of_a_full_reading(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(60), gop=12)
    keys = list(video.frames_of(video.plan(path, keyframes=True)))
    full = {frame.index: frame for frame in taken(path, every=1)}
    assert len(keys) == len(video.plan(path, keyframes=True).keys) > 1
    assert keys == [full[frame.index] for frame in keys]
