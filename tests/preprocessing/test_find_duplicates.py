"""The commands a lead runs on a folder or on videos, and the promises of the planted set (a part of it here)."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from tests.planted import Counts, Planted, cropped, jpeg, plant, scene

from .clips import clip, steady
from .judge import confusion


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
        ([".", "--template", "/nowhere/t.jpg"], "/nowhere/t.jpg cannot be read"),
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
