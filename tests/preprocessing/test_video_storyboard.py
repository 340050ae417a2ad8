"""A storyboard on disk: gates, interruption, damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curation.preprocessing import storyboard_files
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.storyboard_files import Gates, board

from .clips import clip, moving, steady


def quiet(done: int, total: int) -> None:
    assert 0 < done <= total


def stop_after(most: int):
    def progress(done: int, total: int) -> None:
        if done == most:
            raise KeyboardInterrupt

    return progress


def pictures(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.jpg"))


@pytest.mark.parametrize("gates", [Gates(every=5), Gates(every=5, skip_still=True, distinct=True)])
def test_an_interrupted_storyboard_goes_on_and_ends_as_an_uninterrupted_one(tmp_path: Path, gates: Gates) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(60), draw=lambda number: moving(min(number, 40)))
    whole = board(path, tmp_path / "whole" / "a", gates, quiet)
    folder = tmp_path / "parts" / "a"
    with pytest.raises(KeyboardInterrupt):
        board(path, folder, gates, stop_after(4))
    first = {name: (folder / name).stat().st_mtime_ns for name in pictures(folder)}
    assert len(first) == 4
    assert board(path, folder, gates, quiet) == whole
    assert pictures(folder) == pictures(tmp_path / "whole" / "a")
    kept = set(first) & set(pictures(folder))
    assert kept
    assert all((folder / name).stat().st_mtime_ns == first[name] for name in kept)


def test_a_finished_storyboard_is_only_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(30))
    first = board(path, tmp_path / "a", Gates(), quiet)
    monkeypatch.setattr(storyboard_files, "reading", None)
    assert board(path, tmp_path / "a", Gates(), quiet) == first


def test_other_gates_begin_anew_and_leave_nothing_of_the_old(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(30))
    board(path, tmp_path / "a", Gates(every=3), quiet)
    board(path, tmp_path / "a", Gates(every=10), quiet)
    assert pictures(tmp_path / "a") == ["000000.jpg", "000010.jpg", "000020.jpg"]


def test_a_torn_last_line_of_the_log_costs_one_frame(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(60))
    folder = tmp_path / "a"
    with pytest.raises(KeyboardInterrupt):
        board(path, folder, Gates(), stop_after(4))
    log = folder / storyboard_files.LOG
    log.write_text(log.read_text()[:-9])
    assert len(board(path, folder, Gates(), quiet)["frames"]) == 6


def test_a_video_that_ends_early_keeps_its_frames_and_says_so(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mkv", times=steady(200))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = board(path, tmp_path / "a", Gates(), quiet)
    assert 5 <= len(found["frames"]) < 20
    assert "early" in found["fault"]
    assert found["skipped"]["still"] == 0


def test_what_cannot_be_read_at_all_leaves_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(400))
    with pytest.raises(Unreadable):
        board(path, tmp_path / "a", Gates(), quiet)
    assert not pictures(tmp_path / "a")


def test_a_blurred_frame_among_sharp_ones_is_left_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    fields = [np.kron(rng.integers(0, 255, (24, 40, 3)), np.ones((8, 8, 1))).astype(np.uint8) for _ in range(8)]
    fields[3] = np.full_like(fields[3], 90)
    path = clip(tmp_path / "a.mp4", times=steady(80), draw=lambda number: fields[number // 10])
    found = board(path, tmp_path / "a", Gates(skip_blurred=True), quiet)
    assert found["skipped"]["blurred"] == 1
    assert 30 not in [frame["index"] for frame in found["frames"]]
