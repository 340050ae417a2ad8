"""Layers see only what the one before let through; frames become intervals."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.preprocessing.cascade import BadCascade, Interval, Layer, Rule, Step, read_cascade, run
from curation.preprocessing.intervals import smoothed
from curation.preprocessing.taggers.base import Tag


def smooth(text: str, **how: int) -> str:
    flags = [(number, mark == "1") for number, mark in enumerate(text)]
    given_back = list(smoothed(flags, **how))
    assert [number for number, _ in given_back] == list(range(len(text)))
    return "".join("1" if inside else "0" for _, inside in given_back)


@pytest.mark.parametrize(
    ("text", "how", "becomes"),
    [
        ("11011", {"max_gap": 1}, "11111"),
        ("11011", {}, "11011"),
        ("00100", {"min_length": 2}, "00000"),
        ("0110100", {"min_length": 2}, "0110000"),
        ("0100100", {"min_length": 3, "max_gap": 1}, "0000000"),
        ("0101000", {"min_length": 3, "max_gap": 1}, "0111000"),
        ("1001", {"max_gap": 1}, "1001"),
        ("111000", {"max_gap": 5}, "111000"),
        ("", {"max_gap": 5}, ""),
    ],
)
def test_gaps_are_bridged_and_false_triggers_vanish(text: str, how: dict[str, int], becomes: str) -> None:
    assert smooth(text, **how) == becomes


def plainly(text: str, min_length: int, max_gap: int) -> str:
    """The same on the whole string: bridge, then drop what is short."""
    marks = list(text)
    ones = [place for place, mark in enumerate(marks) if mark == "1"]
    for left, right in itertools.pairwise(ones):
        if right - left - 1 <= max_gap:
            marks[left:right] = "1" * (right - left)
    return "0".join(run if len(run) >= min_length else "0" * len(run) for run in "".join(marks).split("0"))


@given(st.text("01", max_size=60), st.integers(1, 6), st.integers(0, 5))
def test_one_frame_at_a_time_is_the_same_as_all_at_once(text: str, min_length: int, max_gap: int) -> None:
    assert smooth(text, min_length=min_length, max_gap=max_gap) == plainly(text, min_length, max_gap)


def test_few_frames_are_held_back() -> None:
    taken = 0

    def flags():
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number, number % 3 == 0

    for given_back, _ in enumerate(smoothed(flags(), min_length=4, max_gap=2), start=1):
        assert taken - given_back <= 4 + 2


def layer(name: str, **how: int) -> Layer:
    return Layer(tagger=name, keep=Rule(key=name, any_of=["yes"]), **how)


def walk(layers: list[Layer], **marks: str) -> tuple[str, list[Interval], Counter[str]]:
    """Send frames through; `marks` says for each tagger on which frames it says yes."""
    calls: Counter[str] = Counter()

    def tag(name: str, number: int) -> list[Tag]:
        calls[name] += 1
        return [Tag(name, "yes" if marks[name][number] == "1" else "no")]

    found: list[Interval] = []
    frames = len(next(iter(marks.values())))
    steps = run((Step(number, number, number / 2) for number in range(frames)), layers, tag, found)
    return "".join("+" if step.stopped_at < 0 else str(step.stopped_at) for step in steps), found, calls


def test_the_expensive_one_is_asked_only_about_what_passed_both() -> None:
    ends, _, calls = walk(
        [layer("motion"), layer("people"), layer("costly")],
        motion="0011110000",
        people="0001100000",
        costly="0001000000",
    )
    assert ends == "001+210000"
    assert calls == {"motion": 10, "people": 4, "costly": 2}


def test_a_bridged_frame_goes_on_only_from_the_layer_it_reached() -> None:
    ends, found, calls = walk([layer("motion"), layer("people", max_gap=1)], motion="110111", people="110101")
    assert ends == "++0+++"
    assert calls["people"] == 5
    assert [(one.layer, one.first, one.last) for one in found if one.layer == 1] == [(1, 0, 5)]


def test_intervals_say_from_when_to_when() -> None:
    _, found, _ = walk([layer("motion", min_length=2, max_gap=1)], motion="0110100100")
    assert found == [Interval(0, 1, 4, 0.5, 2.0)]


def test_false_triggers_are_removed_before_the_next_layer_is_asked() -> None:
    _, _, calls = walk([layer("motion", min_length=3), layer("people")], motion="0100111010", people="1" * 10)
    assert calls["people"] == 3


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("layers: []", "layers"),
        ("layers: [{tagger: motion}]", "layers.0.keep"),
        ("layers: [{tagger: motion, keep: {key: motion, any_of: []}}]", "layers.0.keep.any_of"),
        ("layers: [{tagger: motion, keep: {key: motion, any_of: [a], tpo: 3}}]", "layers.0.keep.tpo"),
        ("layers: [{tagger: motion, keep: {key: motion, any_of: [true]}}]", "layers.0.keep.any_of.0"),
        ("a: b: c", "YAML"),
    ],
)
def test_a_wrong_cascade_is_refused_naming_the_place(tmp_path: Path, text: str, place: str) -> None:
    file = tmp_path / "cascade.yaml"
    file.write_text(text)
    with pytest.raises(BadCascade, match=place):
        read_cascade(file)
