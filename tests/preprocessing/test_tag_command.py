"""`winnow tag`: folders and videos without a project, resumed, in a cascade."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from curation.preprocessing import tagging
from curation.preprocessing.taggers.motion import Motion

from .clips import clip, moving, steady
from .test_taggers import encoded, noise

CASCADE = """
layers:
  - tagger: motion
    keep: {key: motion, any_of: ["yes"]}
    max_gap: 1
taggers: [shape]
"""


def tag(*arguments: object, cache: Path) -> dict:
    out = io.StringIO()
    call_command("tag", *map(str, arguments), "--json", "--cache", str(cache), stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "in"
    (place / "deep").mkdir(parents=True)
    (place / "a.jpg").write_bytes(encoded(noise(seed=1)))
    (place / "deep" / "b.jpeg").write_bytes(encoded(noise(360, 640, seed=2)))
    (place / "page.jpg").write_bytes(b"<html>no picture</html>")
    (place / "notes.txt").write_text("nothing")
    clip(place / "c.mp4", times=steady(60), draw=lambda number: moving(min(number, 30)))
    return place


def worked(document: dict) -> int:
    return sum(tagger["worked"] for tagger in document["taggers"])


def test_pictures_and_frames_are_tagged_and_what_is_none_is_named(folder: Path, tmp_path: Path) -> None:
    found = tag(folder, "--taggers", "shape,light", cache=tmp_path / "cache")
    assert [(Path(one["file"]).name, one.get("index")) for one in found["items"]] == [
        ("a.jpg", None),
        *[("c.mp4", index) for index in range(0, 60, 10)],
        ("b.jpeg", None),
    ]
    assert found["values"]["orientation"] == {"landscape": 7, "portrait": 1}
    assert [Path(one["file"]).name for one in found["unreadable"]] == ["page.jpg"]
    assert found["pictures"] == 8
    assert {tagger["name"]: tagger["asked"] for tagger in found["taggers"]} == {"shape": 8, "light": 8}


def test_a_second_run_asks_no_tagger_and_says_the_same(folder: Path, tmp_path: Path) -> None:
    first = tag(folder, cache=tmp_path / "cache")
    second = tag(folder, cache=tmp_path / "cache")
    assert worked(first) > 0
    assert worked(second) == 0
    assert first["items"] == second["items"]


def test_an_interrupted_run_goes_on_where_it_was(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = Motion.tags, 0

    def stop(self: Motion, views: object) -> list:
        nonlocal asked
        asked += 1
        if asked == 4:
            raise KeyboardInterrupt
        return real(self, views)

    monkeypatch.setattr(Motion, "tags", stop)
    with pytest.raises(KeyboardInterrupt):
        tag(folder, "--taggers", "motion", cache=tmp_path / "cache")
    assert worked(tag(folder, "--taggers", "motion", cache=tmp_path / "cache")) == 8 - 3


def test_a_changed_picture_and_a_new_version_are_asked_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again() -> int:
        return worked(tag(folder / "a.jpg", "--taggers", "motion", cache=tmp_path / "cache"))

    assert (again(), again()) == (1, 0)
    (folder / "a.jpg").write_bytes(encoded(noise(seed=9)))
    assert (again(), again()) == (1, 0)
    monkeypatch.setattr(Motion, "version", "2")
    assert (again(), again()) == (1, 0)


def test_a_cascade_has_its_funnel_its_intervals_and_its_time(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "cascade.yaml"
    file.write_text(CASCADE)
    found = tag(folder / "c.mp4", "--cascade", file, cache=tmp_path / "cache")
    (layer,) = found["layers"]
    assert (layer["tagger"], layer["in"], layer["passed"]) == ("motion", 6, 3)
    assert [(one["first"], one["last"]) for one in found["intervals"]] == [(10, 30)]
    assert [one.get("stopped_at") for one in found["items"]] == [0, None, None, None, 0, 0]
    assert {tagger["name"]: tagger["asked"] for tagger in found["taggers"]} == {"motion": 6, "shape": 3}


def test_a_video_that_breaks_off_keeps_its_frames_and_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 255, (200, 96, 160, 3), np.uint8)
    path = clip(tmp_path / "a.mkv", times=steady(200), draw=lambda number: frames[number])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = tag(path, "--taggers", "shape", cache=tmp_path / "cache")
    assert 5 <= len(found["items"]) < 20
    assert len(found["faults"]) == 1


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--taggers", "moton"], "no tagger 'moton'"),
        (["--cascade", "absent.yaml"], "absent.yaml cannot be read"),
        (["--setups", "absent.yaml"], "absent.yaml cannot be read"),
        (["absent"], "absent is no folder and no file"),
    ],
)
def test_a_wrong_request_is_one_sentence(folder: Path, tmp_path: Path, more: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence) as refusal:
        tag(folder, *more, cache=tmp_path / "cache")
    assert refusal.value.returncode == 2


def test_frames_of_a_long_video_are_not_all_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alive = most = 0

    class Counted(tagging.Subject):
        def __init__(self, *given: object, **named: object) -> None:
            nonlocal alive, most
            super().__init__(*given, **named)  # type: ignore[arg-type]
            alive += 1
            most = max(most, alive)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    monkeypatch.setattr(tagging, "Subject", Counted)
    path = clip(tmp_path / "a.mp4", times=steady(120))
    tag(path, "--every", 2, "--taggers", "shape", cache=tmp_path / "cache")
    assert most <= 3
