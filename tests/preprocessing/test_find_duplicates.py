"""The commands a lead runs on a folder or on videos, and the promises of the planted set (a part of it here)."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from curation.management.terminal import Progress
from curation.preprocessing.looks import look
from curation.preprocessing.pool import Pool
from tests.planted import Counts, Planted, cropped, jpeg, plant, scene

from . import in_a_child
from .attacks import ATTACKS
from .clips import clip, steady
from .judge import confusion


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def run(*arguments: object) -> dict[str, Any]:
    out = io.StringIO()
    call_command(*[str(one) for one in arguments], "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Planted]]:
    folder = tmp_path_factory.mktemp("planted")
    template, truth = plant(folder, Counts().share(8))
    return folder / "photos", template, truth


@pytest.fixture(scope="module")
def report(planted: tuple[Path, Path, list[Planted]]) -> dict[str, Any]:
    folder, template, _ = planted
    return run("find_duplicates", folder, "--template", template)


def test_every_planted_file_is_called_what_it_is(
    planted: tuple[Path, Path, list[Planted]], report: dict[str, Any]
) -> None:
    _, _, truth = planted
    assert not confusion(report, truth).wrong


def test_the_document_has_the_promised_keys(planted: tuple[Path, Path, list[Planted]], report: dict[str, Any]) -> None:
    _, template, truth = planted
    assert report["images"] == len(truth)
    assert report["seconds"] > 0
    group = report["clusters"][0]
    assert set(group) == {"representative", "members"}
    assert set(group["members"][0]) == {"file", "verdict", "distance", "orientation"}
    assert set(report["template_copies"][0]) == {"file", "template", "transform", "level", "inliers"}
    assert {copy["template"] for copy in report["template_copies"]} == {str(template)}
    assert set(report["low_resolution"][0]) == {"file", "width", "height"}
    assert set(report["blurred"][0]) == {"file", "sharpness"}
    assert set(report["unreadable"][0]) == {"file", "reason"}


def test_the_answer_does_not_depend_on_chance(
    planted: tuple[Path, Path, list[Planted]], report: dict[str, Any]
) -> None:
    folder, template, _ = planted
    again = run("find_duplicates", folder, "--template", template)
    assert {**again, "seconds": 0} == {**report, "seconds": 0}


def test_crops_are_found_in_subfolders_and_left_out_when_fast(tmp_path: Path) -> None:
    picture = scene(70_001)
    (tmp_path / "deep").mkdir()
    (tmp_path / "whole.JPG").write_bytes(jpeg(picture))
    (tmp_path / "deep" / "part.jpeg").write_bytes(jpeg(np.ascontiguousarray(cropped(picture, 0.7)[:, ::-1])))
    (tmp_path / "notes.txt").write_text("no picture")
    (group,) = run("find_duplicates", tmp_path, "--min-size", "800x600")["clusters"]
    names = {group["representative"], *(member["file"] for member in group["members"])}
    assert names == {"whole.JPG", "deep/part.jpeg"}
    assert (group["members"][0]["verdict"], group["members"][0]["orientation"]) == ("same_photo", "mirror")
    assert run("find_duplicates", tmp_path, "--fast")["clusters"] == []


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    for number in range(8):
        picture = scene(70_100 + number % 6)[::3, ::3]
        (folder / f"{number}.jpg").write_bytes(jpeg(picture, 90 - number))
    return folder


def overwritten(path: Path) -> None:
    """Replace the bytes, but neither size nor time: whoever reads the file again will notice."""
    status = path.stat()
    path.write_bytes(b"x" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_second_run_reads_no_file_again(small: Path, tmp_path: Path) -> None:
    first = run("find_duplicates", small, "--cache", tmp_path / "kept")
    assert len(first["clusters"]) == 2
    for path in small.iterdir():
        overwritten(path)
    again = run("find_duplicates", small, "--cache", tmp_path / "kept")
    assert {**again, "seconds": 0} == {**first, "seconds": 0}
    assert len(run("find_duplicates", small, "--no-cache")["unreadable"]) == 8


def counted_looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets the name of each file that is given to a child to be decoded."""
    seen: list[str] = []
    real = Pool.map

    def counting(self: Pool, work: Any, calls: Any) -> Any:
        if work is not look:
            return real(self, work, calls)
        listed = list(calls)
        seen.extend(Path(call[0]).name for call in listed)
        return real(self, work, listed)

    monkeypatch.setattr(Pool, "map", counting)
    return seen


def test_the_same_bytes_under_another_name_are_not_decoded_again(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small / "3 again.jpg").write_bytes((small / "3.jpg").read_bytes())
    decoded = counted_looks(monkeypatch)
    first = run("find_duplicates", small, "--cache", tmp_path / "kept")
    assert sorted(decoded) == [f"{number}.jpg" for number in (0, 1, 2, "3 again", 4, 5, 6, 7)]
    decoded.clear()
    small.rename(tmp_path / "moved")
    again = run("find_duplicates", tmp_path / "moved", "--cache", tmp_path / "kept")
    assert decoded == []
    assert {**again, "seconds": 0} == {**first, "seconds": 0}


def test_what_was_refused_is_not_read_again_and_keeps_its_sentence(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small / "4.jpg").write_bytes((small / "4.jpg").read_bytes()[:3_000])
    (small / "4 again.jpg").write_bytes((small / "4.jpg").read_bytes())
    first = run("find_duplicates", small, "--cache", tmp_path / "kept")
    assert [broken["reason"] for broken in first["unreadable"]] == ["the file ends early"] * 2
    decoded = counted_looks(monkeypatch)
    small.rename(tmp_path / "moved")
    again = run("find_duplicates", tmp_path / "moved", "--cache", tmp_path / "kept")
    assert decoded == []
    assert {**again, "seconds": 0} == {**first, "seconds": 0}


def test_what_crashed_its_reader_is_tried_again(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("curation.preprocessing.looks.look", in_a_child.crash_on)
        assert len(run("find_duplicates", small, "--cache", tmp_path / "kept")["unreadable"]) == 8
    assert run("find_duplicates", small, "--cache", tmp_path / "kept")["unreadable"] == []


def test_a_second_run_proves_no_pair_again(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run("find_duplicates", small, "--cache", tmp_path / "kept")
    for name in ("compare", "compare_voted"):
        monkeypatch.setattr(f"curation.preprocessing.judging.{name}", None)
    small.rename(tmp_path / "moved")
    again = run("find_duplicates", tmp_path / "moved", "--cache", tmp_path / "kept")
    assert {**again, "seconds": 0} == {**first, "seconds": 0}
    with pytest.raises(TypeError, match="not callable"):
        run("find_duplicates", tmp_path / "moved", "--no-cache")


def test_an_unchanged_folder_is_neither_looked_at_nor_compared_again(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small / "8.jpg").write_bytes(jpeg(cropped(scene(70_101), 0.8)))
    (small / "9.jpg").write_bytes(b"<html>")
    template = ["--template", small / "5.jpg"]
    first = run("find_duplicates", small, *template, "--cache", tmp_path / "kept")
    assert all(first[found] for found in ("clusters", "template_copies", "low_resolution", "unreadable"))
    with monkeypatch.context() as patched:
        patched.setattr("curation.preprocessing.folder.Album", None)
        again = run("find_duplicates", small, *template, "--cache", tmp_path / "kept")
        assert {**again, "seconds": 0} == {**first, "seconds": 0}
        for other in (["--radius", 32], ["--fast"], ["--min-size", "640x360"], []):
            with pytest.raises(TypeError, match="not callable"):
                run("find_duplicates", small, *(template if other else []), *other, "--cache", tmp_path / "kept")


def test_one_changed_added_or_removed_file_gives_the_report_of_the_folder_as_it_is(small: Path, tmp_path: Path) -> None:
    def same_as_without_a_cache() -> list[list[str]]:
        found = run("find_duplicates", small, "--cache", tmp_path / "kept")
        assert {**found, "seconds": 0} == {**run("find_duplicates", small, "--no-cache"), "seconds": 0}
        return [[group["representative"], *(one["file"] for one in group["members"])] for group in found["clusters"]]

    assert same_as_without_a_cache() == [["0.jpg", "6.jpg"], ["1.jpg", "7.jpg"]]
    (small / "6.jpg").write_bytes((small / "3.jpg").read_bytes())
    assert same_as_without_a_cache() == [["1.jpg", "7.jpg"], ["3.jpg", "6.jpg"]]
    (small / "7.jpg").unlink()
    assert same_as_without_a_cache() == [["3.jpg", "6.jpg"]]
    (small / "a.jpg").write_bytes(jpeg(scene(70_102)[::3, ::3], 50))
    assert same_as_without_a_cache() == [["2.jpg", "a.jpg"], ["3.jpg", "6.jpg"]]


def test_a_changed_file_is_looked_at_again(small: Path, tmp_path: Path) -> None:
    run("find_duplicates", small, "--cache", tmp_path / "kept")
    (small / "3.jpg").write_bytes(b"<html>")
    (broken,) = run("find_duplicates", small, "--cache", tmp_path / "kept")["unreadable"]
    assert broken["file"] == "3.jpg"


def test_an_interrupted_run_says_how_to_go_on_and_does(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_self: Progress, _what: str, done: int, _of: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    said = io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "show_part", stop)
        with pytest.raises(SystemExit) as ended:
            call_command("find_duplicates", str(small), "--cache", str(tmp_path / "kept"), stderr=said)
    assert ended.value.code == 130
    assert "the same command goes on from there" in said.getvalue()
    for name in ("0.jpg", "1.jpg", "2.jpg", "3.jpg"):
        overwritten(small / name)
    report = run("find_duplicates", small, "--cache", tmp_path / "kept")
    assert (report["images"], report["unreadable"]) == (8, [])


def test_the_undisguised_picture_represents_its_copies(tmp_path: Path) -> None:
    picture = scene(70_200)
    (tmp_path / "m.jpg").write_bytes(jpeg(picture))
    for name, attack in (("a", "mirror"), ("b", "grey"), ("c", "crop .9"), ("x", "noise 25"), ("z", "white frame")):
        (tmp_path / f"{name}.jpg").write_bytes(ATTACKS[attack][0](picture))
    (group,) = run("find_duplicates", tmp_path)["clusters"]
    assert group["representative"] == "m.jpg"
    assert {member["verdict"] for member in group["members"]} == {"same_photo"}


def test_a_turn_of_the_hue_is_seen_through(tmp_path: Path) -> None:
    picture = cv2.merge([scene(70_300)[..., 0], scene(70_301)[..., 1], scene(70_302)[..., 2]])
    colours = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    colours[..., 0] = (colours[..., 0] + 30) % 180
    (tmp_path / "a.jpg").write_bytes(jpeg(picture))
    (tmp_path / "b.jpg").write_bytes(jpeg(cv2.cvtColor(colours, cv2.COLOR_HSV2RGB), 92))
    (group,) = run("find_duplicates", tmp_path)["clusters"]
    assert [member["verdict"] for member in group["members"]] == ["same_photo"]


def test_a_picture_out_of_focus_is_flagged_among_pictures_of_all_kinds(tmp_path: Path) -> None:
    for number in range(6):
        picture = cv2.GaussianBlur(scene(70_400 + number), (0, 0), 0.3 + 0.5 * number)
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(picture))
    (tmp_path / "soft.jpg").write_bytes(jpeg(cv2.GaussianBlur(scene(70_410), (0, 0), 8)))
    assert [one["file"] for one in run("find_duplicates", tmp_path)["blurred"]] == ["soft.jpg"]


def test_pictures_of_other_kinds_are_named_with_a_reason(small: Path) -> None:
    Image.new("RGB", (64, 64)).save(small / "moving.GIF")
    (small / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(400))
    (small / "7.jpg").rename(small / "7.jfif")
    (small / "notes.txt").write_text("no picture")
    found = run("find_duplicates", small)
    assert found["images"] == 10
    reasons = {broken["file"]: broken["reason"] for broken in found["unreadable"]}
    assert set(reasons) == {"moving.GIF", "phone.heic"}
    assert all("not a picture we take" in reason for reason in reasons.values())


def test_comparing_pairs_shows_how_far_it_is(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, int, int]] = []
    monkeypatch.setattr(Progress, "show_part", lambda _self, *part: shown.append(part))
    run("find_duplicates", small, "--no-cache")
    hashes = [(done, of) for what, done, of in shown if what == "comparing by hash"]
    assert hashes == [(done, 8) for done in range(1, 9)]
    assert shown[-1] == ("comparing with the best of each group", 2, 2)


def test_an_empty_folder_is_no_mistake(tmp_path: Path) -> None:
    assert run("find_duplicates", tmp_path)["images"] == 0


def test_people_get_a_table(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(jpeg(scene(70_002)[::4, ::4]))
    (tmp_path / "c.jpg").write_bytes(b"")
    out = io.StringIO()
    call_command("find_duplicates", str(tmp_path), stdout=out)
    assert "same_file" in out.getvalue()
    assert "the file is empty" in out.getvalue()
    assert "3 pictures in" in out.getvalue()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/nowhere/at/all"], "/nowhere/at/all is not a folder"),
        ([".", "--cache", "x", "--no-cache"], "--cache and --no-cache contradict each other"),
        ([".", "--template", "/nowhere/t.jpg"], "template /nowhere/t.jpg: the file cannot be read"),
        ([".", "--radius", "400"], "'400' is not a radius"),
        ([".", "--min-size", "big"], "'big' is not a size"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words) as caught:
        call_command("find_duplicates", *arguments)
    assert caught.value.returncode in (1, 2)  # argparse's own refusals leave with 2 on a real command line


def test_a_storyboard_is_written_with_index_and_time(tmp_path: Path) -> None:
    first = clip(tmp_path / "a.mp4", times=steady(60))
    (tmp_path / "other").mkdir()
    second = clip(tmp_path / "other" / "a.mp4", times=steady(15))
    broken = tmp_path / "b.mp4"
    broken.write_bytes(b"<html>")
    document = run("storyboard", first, second, broken, "--every", 20, "--out", tmp_path / "out")
    assert [video["source_frames"] for video in document["videos"]] == [60, 15]
    assert [frame["index"] for frame in document["videos"][0]["frames"]] == [0, 20, 40]
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.jpg"))
    assert written == ["a-2/000000.jpg", "a/000000.jpg", "a/000020.jpg", "a/000040.jpg"]
    assert document["unreadable"] == [
        {"file": str(broken), "reason": "the file is not a video; MP4, MOV, WEBM and MKV are accepted"}
    ]


def test_another_clip_of_the_same_name_in_a_later_run_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        clip(tmp_path / name / "clip.mp4", times=steady(30))
    first = run("storyboard", tmp_path / "a" / "clip.mp4", "--out", out)["videos"][0]["frames"]
    second = run("storyboard", tmp_path / "b" / "clip.mp4", "--out", out, "--every", 15)["videos"][0]["frames"]
    assert [frame["file"] for frame in second] == ["clip-2/000000.jpg", "clip-2/000015.jpg"]
    assert all((out / frame["file"]).is_file() for frame in [*first, *second])
    again = run("storyboard", tmp_path / "b" / "clip.mp4", tmp_path / "a" / "clip.mp4", "--out", out)["videos"]
    assert [video["frames"][0]["file"] for video in again] == ["clip-2/000000.jpg", "clip/000000.jpg"]
    assert sorted(path.name for path in out.iterdir()) == ["clip", "clip-2"]


def test_an_interrupted_clip_keeps_its_folder_from_another_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_self: Progress, _done: int, _of: int) -> None:
        raise KeyboardInterrupt

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        clip(tmp_path / name / "clip.mp4", times=steady(30))
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "show", stop)
        with pytest.raises(KeyboardInterrupt):
            run("storyboard", tmp_path / "a" / "clip.mp4", "--out", tmp_path / "out")
    (video,) = run("storyboard", tmp_path / "b" / "clip.mp4", "--out", tmp_path / "out")["videos"]
    assert video["frames"][0]["file"] == "clip-2/000000.jpg"
    assert (tmp_path / "out" / "clip" / "000000.jpg").is_file()


def test_a_clip_named_twice_is_read_once(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(30))
    assert (
        len(
            run("storyboard", path, path.parent / "." / ".." / tmp_path.name / "a.mp4", "--out", tmp_path / "out")[
                "videos"
            ]
        )
        == 1
    )


def test_gates_leave_out_frames_and_count_them(tmp_path: Path) -> None:
    picture = scene(70_003)[::4, ::4]
    still = clip(tmp_path / "a.mp4", times=steady(60), draw=lambda _: picture)
    (video,) = run("storyboard", still, "--out", tmp_path / "still", "--skip-still")["videos"]
    assert (len(video["frames"]), video["skipped"]) == (1, {"still": 5, "blurred": 0, "duplicate": 0})
    (video,) = run("storyboard", still, "--out", tmp_path / "distinct", "--distinct")["videos"]
    assert (len(video["frames"]), video["skipped"]["duplicate"]) == (1, 5)
    assert len(list((tmp_path / "distinct").rglob("*.jpg"))) == 1


def test_a_storyboard_of_nothing_readable_has_failed(tmp_path: Path) -> None:
    broken = tmp_path / "b.mp4"
    broken.write_bytes(b"<html>")
    with pytest.raises(CommandError) as caught:
        call_command("storyboard", str(broken), "--out", str(tmp_path / "out"))
    assert caught.value.returncode == 1
    assert not (tmp_path / "out").exists()
