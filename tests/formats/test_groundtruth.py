"""Manifests of Ground Truth: the published vector to the byte, everything read back, wrong lines by their number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.datasets.formats.base import About, BoxRecord, Counts, ImageRecord, LabelClass
from curation.datasets.formats.reading.base import BadEntry, LabelledPicture, NamedBox
from curation.datasets.formats.reading.groundtruth import read_line, read_manifest
from curation.datasets.formats.reading.groundtruth_answers import AnsweredBox, BadAnswers, read_worker_answers
from curation.datasets.formats.registry import writer

VECTOR = (
    '{"source-ref":"s3://winnow-demo/images/0001.png","hands":{"image_size":[{"width":640,"height":480,"depth":3}],'
    '"annotations":[{"class_id":1,"left":120,"top":80,"width":96,"height":140},'
    '{"class_id":0,"left":400,"top":60,"width":70,"height":90}]},"hands-metadata":{"objects":[{"confidence":0.94},'
    '{"confidence":1}],"class-map":{"0":"no_gesture","1":"gesture"},"type":"groundtruth/object-detection",'
    '"human-annotated":"yes","creation-date":"2026-11-20T10:00:00","job-name":"winnow/gestures-v1"}}'
)
CLASSES = [LabelClass(1, "gesture"), LabelClass(0, "no_gesture")]
ABOUT = About("winnow/gestures-v1", "2026-11-20T10:00:00", label="hands", source="s3://winnow-demo/images/")
PICTURE = ImageRecord(
    "0001.png", 640, 480, (BoxRecord(1, 120.0, 80, 96, 140, 0.94), BoxRecord(0, 400, 60, 70, 90, 1.0))
)
EMPTY = ImageRecord("0002.png", 640, 480)


def lines(out: Path, records: list[ImageRecord], about: About = ABOUT, split: str = "all") -> list[str]:
    writer("groundtruth", about).write(out, CLASSES, iter(records), None)
    return (out / "manifests" / f"{split}.manifest").read_text(encoding="utf-8").splitlines()


def changed(**parts: Any) -> bytes:
    """The vector with some keys of its boxes, metadata or first box replaced."""
    value = json.loads(VECTOR)
    value["hands"]["annotations"][0] |= parts.get("box", {})
    value["hands"] |= parts.get("hands", {})
    value["hands-metadata"] |= parts.get("metadata", {})
    return json.dumps(value).encode()


def read(line: str | bytes, label: str | None = None) -> LabelledPicture:
    found = read_line(1, line.encode() if isinstance(line, str) else line, label=label)
    assert isinstance(found, LabelledPicture), found
    return found


def sentence(line: str | bytes) -> str:
    found = read_line(3, line.encode() if isinstance(line, str) else line)
    assert isinstance(found, BadEntry), found
    return found.sentence


# --- out ---
def test_the_published_vector_is_written_to_the_byte(tmp_path: Path):
    assert lines(tmp_path / "out", [PICTURE]) == [VECTOR]


def test_a_picture_without_boxes_is_a_line_with_empty_lists(tmp_path: Path):
    (line,) = lines(tmp_path / "out", [EMPTY])
    assert (json.loads(line)["hands"]["annotations"], json.loads(line)["hands-metadata"]["objects"]) == ([], [])
    assert read(line).boxes is not None
    assert read(line).boxes.boxes == ()


def test_nothing_published_is_an_empty_manifest(tmp_path: Path):
    assert lines(tmp_path / "out", []) == []


def test_each_split_is_a_manifest_of_its_own(tmp_path: Path):
    records = [ImageRecord("a.jpg", 10, 10, split="train"), ImageRecord("b.jpg", 10, 10, split="test")]
    lines(tmp_path / "out", records, split="train")
    assert {path.name for path in (tmp_path / "out" / "manifests").iterdir()} == {"train.manifest", "test.manifest"}


def test_the_class_of_a_picture_its_digest_and_a_persons_hand_are_told(tmp_path: Path):
    facts = {"class": "gesture", "adjusted": True}
    line = json.loads(lines(tmp_path / "out", [ImageRecord("a.jpg", 9, 9, attributes=facts, sha256="ab")])[0])
    assert (line["hands-class"], line["hands-class-metadata"]["class-name"]) == (1, "gesture")
    assert line["hands-class-metadata"]["type"] == "groundtruth/image-classification"
    assert line["hands-metadata"]["adjustment-status"] == "adjusted"
    assert line["winnow"] == {"sha256": "ab", "attributes": facts}


def test_a_box_of_unknown_confidence_keeps_its_place_among_the_objects(tmp_path: Path):
    (line,) = lines(tmp_path / "out", [ImageRecord("a.jpg", 9, 9, (BoxRecord(1, 1, 1, 2, 2),))])
    assert json.loads(line)["hands-metadata"]["objects"] == [{}]


@pytest.mark.parametrize("label", ["", "source-ref", "winnow", "x-metadata"])
def test_a_label_name_that_means_something_else_is_refused(label: str):
    with pytest.raises(ValueError, match="cannot be the name of the labels"):
        writer("groundtruth", About(label=label))


def test_pictures_are_written_beside_the_manifest(tmp_path: Path):
    records = [PICTURE, EMPTY]
    counts = writer("groundtruth", ABOUT).write(
        tmp_path / "out", CLASSES, iter(records), lambda one: one.file_name.encode()
    )
    assert counts == Counts(2, 2, 1)
    assert sorted(path.name for path in (tmp_path / "out" / "images").iterdir()) == ["0001.png", "0002.png"]


# --- in ---
def test_the_published_vector_is_read():
    line = read(VECTOR)
    assert (line.source, line.extra) == ("s3://winnow-demo/images/0001.png", {})
    assert line.boxes is not None
    assert line.boxes.boxes == (
        NamedBox("gesture", 120, 80, 96, 140, 0.94),
        NamedBox("no_gesture", 400, 60, 70, 90, 1.0),
    )
    assert (line.boxes.label, line.boxes.width, line.boxes.height) == ("hands", 640, 480)


def test_keys_nobody_knows_are_kept():
    line = read('{"source-ref":"s3://b/a.jpg","camera":"left","batch-metadata":{"type":"ours"},"hands-ref":"x"}')
    assert (line.boxes, line.picture_class, line.verdict) == (None, None, None)
    assert line.extra == {"camera": "left", "batch-metadata": {"type": "ours"}, "hands-ref": "x"}


def test_a_classification_is_read():
    metadata = {"class-name": "fist", "confidence": 0.7, "type": "groundtruth/image-classification"}
    line = read(json.dumps({"source-ref": "a", "sign": 3, "sign-metadata": metadata}))
    assert line.picture_class is not None
    assert (line.picture_class.label, line.picture_class.name, line.picture_class.confidence) == ("sign", "fist", 0.7)


@pytest.mark.parametrize(("said", "verdict"), [("good", "accept"), ("bad", "reject")])
def test_a_verification_becomes_a_verdict_of_our_review(said: str, verdict: str):
    metadata = {
        "class-name": said,
        "type": "groundtruth/label-verification",
        "worker-feedback": [{"comment": "too wide"}, {"comment": ""}],
    }
    line = read(json.dumps({**json.loads(VECTOR), "verify-hands": "1", "verify-hands-metadata": metadata}))
    assert line.boxes is not None
    assert line.verdict is not None
    assert (line.verdict.verdict, line.verdict.comments) == (verdict, ("too wide",))


def test_an_adjusted_label_is_told_from_an_untouched_one():
    flags = [read(changed(metadata={"adjustment-status": word})).boxes for word in ("adjusted", "unadjusted")]
    assert [boxes.is_adjusted for boxes in flags if boxes] == [True, False]


def test_one_of_several_labels_is_chosen_by_name():
    value = json.loads(VECTOR)
    both = json.dumps({**value, "adjusted": value["hands"], "adjusted-metadata": value["hands-metadata"]})
    assert "several boxes: adjusted, hands; say which" in sentence(both)
    chosen = read(both, label="adjusted")
    assert chosen.boxes is not None
    assert chosen.boxes.label == "adjusted"
    assert set(chosen.extra) == {"hands", "hands-metadata"}


def test_a_picture_whose_job_failed_is_one_without_labels():
    line = read('{"source-ref":"a","hands-metadata":{"type":"groundtruth/object-detection","failure-reason":"x"}}')
    assert line.boxes is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"\xff\xfe", "it is not JSON in UTF-8"),
        (b"[1]", "it is not a JSON object"),
        (b'{"a":1,"a":2}', "a key occurs twice"),
        (b'{"source-ref":"a","x":NaN}', "NaN is not a number"),
        (b'{"source":"some text"}', 'no "source-ref"'),
        (b'{"source-ref":"a\\u0000b"}', 'no "source-ref"'),
        (b"[" * 200_000, "line 3 is not taken"),
        (b'{"source-ref":"a","n":' + b"9" * 6_000 + b"}", "line 3 is not taken"),
        (changed(metadata={"objects": []}), "2 boxes but its metadata speaks of 0"),
        (changed(metadata={"class-map": {"0": "no_gesture"}}), "class_id 1, which the class-map does not list"),
        (changed(metadata={"objects": [{"confidence": 7}, {}]}), "confidence of 7 is not between"),
        (changed(hands={"image_size": []}), "image_size is not a JSON object"),
        (changed(hands={"image_size": [{"width": 0, "height": 5}]}), "whole pixels from 1"),
        (changed(hands={"annotations": "none"}), 'no list "annotations"'),
        (changed(box={"left": 600}), "does not lie in a picture of 640x480"),
        (changed(box={"left": -9}), "does not lie in a picture"),
        (changed(box={"width": 0}), "does not lie in a picture"),
        (changed(box={"top": "80"}), "top is '80', not a number"),
        (changed(box={"top": True}), "top is 'True', not a number"),
        (changed(box={"top": None}), "top is 'None', not a number"),
    ],
)
def test_a_wrong_line_is_named_by_its_number_and_its_fault(line: bytes, words: str):
    told = sentence(line)
    assert told.startswith("line 3 is not taken")
    assert words in told


def test_a_wrong_line_does_not_stop_the_others(tmp_path: Path):
    path = tmp_path / "in.manifest"
    path.write_bytes(b"\xef\xbb\xbf" + VECTOR.encode() + b"\r\n\r\nnonsense\n" + VECTOR.encode())
    found = list(read_manifest(path))
    assert [(one.number, type(one).__name__) for one in found] == [
        (1, "LabelledPicture"),
        (3, "BadEntry"),
        (4, "LabelledPicture"),
    ]


def test_an_endless_line_ends_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("curation.datasets.formats.reading.groundtruth.MAX_LINE", 1_000)
    path = tmp_path / "in.manifest"
    path.write_bytes(VECTOR.encode() + b"\n" + b"x" * 5_000 + b"\n" + VECTOR.encode())
    assert [type(one).__name__ for one in read_manifest(path)] == ["LabelledPicture", "BadEntry"]


@given(st.binary(max_size=300))
def test_no_bytes_bring_the_reader_down(data: bytes):
    assert isinstance(read_line(1, data), LabelledPicture | BadEntry)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PARTS = st.sampled_from(["image_size", "annotations"]), st.sampled_from(["objects", "class-map", "adjustment-status"])


@given(st.dictionaries(PARTS[0], JSON), st.dictionaries(PARTS[1], JSON), JSON)
def test_no_shape_brings_the_reader_down(body: Any, metadata: Any, size: Any):
    value = json.loads(VECTOR)
    value["hands"] |= body
    value["hands-metadata"] |= metadata
    value["x"], value["x-metadata"] = size, {"type": "groundtruth/image-classification", "class-name": size}
    assert isinstance(read_line(1, json.dumps(value).encode()), LabelledPicture | BadEntry)


SIDE = st.integers(1, 4_000)


@given(st.data(), SIDE, SIDE)
def test_what_is_written_is_read_back(data: st.DataObject, width: int, height: int):
    def box() -> BoxRecord:
        x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
        w, h = data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y))
        return BoxRecord(data.draw(st.sampled_from([0, 1])), x, y, w, h, data.draw(st.floats(0, 1)))

    from curation.datasets.formats.groundtruth import manifest_line

    boxes = tuple(box() for _ in range(data.draw(st.integers(0, 3))))
    known = {one.index: one for one in CLASSES}
    line = read(json.dumps(manifest_line(ImageRecord("a.jpg", width, height, boxes), known, ABOUT)))
    assert line.boxes is not None
    names = {one.index: one.name for one in CLASSES}
    assert line.boxes.boxes == tuple(
        NamedBox(names[one.label], one.x, one.y, one.width, one.height, one.confidence) for one in boxes
    )


# --- raw answers of workers ---
def answers(content: Any, **more: Any) -> bytes:
    answer = {"workerId": "w1", "submissionTime": "2026-11-20T10:00:00Z", "answerContent": content, **more}
    return json.dumps({"answers": [answer]}).encode()


@pytest.mark.parametrize("as_text", [False, True])
def test_raw_boxes_are_found_under_any_name(as_text: bool):
    box = {"left": 40, "top": 52, "width": 110, "height": 96, "label": "gesture"}
    content = {"annotatedResult": {"boundingBoxes": [box], "inputImageProperties": {"width": 640, "height": 480}}}
    (answer,) = read_worker_answers(answers(json.dumps(content) if as_text else content))
    assert (answer.worker, answer.submitted_at.isoformat()) == ("w1", "2026-11-20T10:00:00+00:00")
    assert answer.boxes == (AnsweredBox("gesture", 40, 52, 110, 96),)


def test_a_raw_answer_without_boxes_is_told_from_one_that_saw_none():
    assert [read_worker_answers(answers(one))[0].boxes for one in ({"sign": "fist"}, {"b": {"boundingBoxes": []}})] == [
        None,
        (),
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "not JSON in UTF-8"),
        (b"[" * 100_000, "not JSON in UTF-8"),
        (b"{}", 'no list "answers"'),
        (answers({}, submissionTime="yesterday"), "answer 1 is not one"),
        (answers({}, workerId=""), "no worker"),
        (answers("nonsense"), "answer 1 is not one"),
        (answers({"b": {"boundingBoxes": [{"left": 1}]}}), "answer 1 is not one"),
        (answers({"b": {"boundingBoxes": [{"left": 1, "top": 1, "width": 0, "height": 1, "label": "a"}]}}), "a box of"),
    ],
)
def test_raw_answers_that_cannot_be_read_are_refused_in_a_sentence(data: bytes, words: str):
    with pytest.raises(BadAnswers, match=words):
        read_worker_answers(data)
