"""What we write in a format we read back as it was: classes, boxes, negatives, confidences where there is room."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from curation.datasets.formats.base import About, BadRecord, BoxRecord, Counts, ImageRecord, LabelClass
from curation.datasets.formats.reading.base import LabelledPicture
from curation.datasets.formats.registry import READERS, WITH_OUTLINES, WRITERS, reader, writer

CLASSES = [LabelClass(1, "call"), LabelClass(3, "thumbs up"), LabelClass(7, "пять & <5>")]
NAMES = {one.index: one.name for one in CLASSES}
READ_BY = {"yolo-seg": "yolo", "package": "coco"}
BOTH = sorted(READERS.keys() & WRITERS.keys())
WITHOUT_CONFIDENCE = {"yolo", "yolo-seg"}
WITH_CLASS_OF_PICTURE = {"croissant", "csv", "groundtruth", "hagrid", "huggingface", "jsonl", "parquet"}
WITH_LICENCE = {"coco", "croissant", "csv", "huggingface", "jsonl", "parquet"}

OUTLINE = ((10.5, 20.0), (40.5, 25.0), (30.0, 60.0))
RECORDS = [
    ImageRecord(
        "a.jpg", 640, 480, (BoxRecord(3, 10.5, 20, 30, 40, 0.875), BoxRecord(7, 0, 0, 640, 480, 0.5)),
        {"class": "thumbs up", "licence": "CC-BY-4.0"}, "train", "0" * 64,
    ),
    ImageRecord("b.jpg", 320, 200, (), {"class": "call"}, "train", "1" * 64),
    ImageRecord("c.jpg", 33, 57, (BoxRecord(1, 1.125, 2.25, 3.333, 4.444),), {"class": "call"}, "test"),
]  # fmt: skip


def picture(record: ImageRecord) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (record.width, record.height), (90, 120, 60)).save(file, "JPEG")
    return file.getvalue()


def written(form: str, out: Path, records: list[ImageRecord]) -> Counts:
    return writer(form, About("winnow/hands-v3", "2026-10-18T09:00:00")).write(out, CLASSES, iter(records), picture)


def read_back(form: str, out: Path) -> dict[str, LabelledPicture]:
    form_reader = reader(READ_BY.get(form, form))
    entries = [entry for document in form_reader.documents(out) for entry in form_reader.read(document)]
    assert all(isinstance(one, LabelledPicture) for one in entries), entries
    return {Path(one.source).name: one for one in entries if isinstance(one, LabelledPicture)}


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_boxes_come_back_as_they_were_written(form: str, tmp_path: Path) -> None:
    assert written(form, tmp_path / "out", RECORDS) == Counts(images=3, boxes=3, negatives=1)
    found = read_back(form, tmp_path / "out")
    assert set(found) == {"a.jpg", "b.jpg", "c.jpg"}
    for record in RECORDS:
        boxes = found[record.file_name].boxes
        assert boxes is not None
        wide, high = (record.width, record.height) if boxes.is_relative else (1, 1)
        assert [one.name for one in boxes.boxes] == [NAMES[one.label] for one in record.boxes]
        for theirs, ours in zip(boxes.boxes, record.boxes, strict=True):
            sides = (theirs.x * wide, theirs.y * high, theirs.width * wide, theirs.height * high)
            assert sides == pytest.approx((ours.x, ours.y, ours.width, ours.height), abs=1e-5)
            assert theirs.confidence == (None if form in WITHOUT_CONFIDENCE else ours.confidence)


def outlines_read_back(form: str, out: Path) -> list[tuple[tuple[float, float], ...]]:
    """Write a plain box and an outline and return the corners that are read, in pixels."""
    plain, drawn = RECORDS[0].boxes[1], replace(RECORDS[0].boxes[0], outline=OUTLINE)
    written(form, out, [replace(RECORDS[0], boxes=(plain, drawn))])
    found = read_back(form, out)["a.jpg"].boxes
    assert found is not None
    wide, high = (640, 480) if found.is_relative else (1, 1)
    return [tuple((x * wide, y * high) for x, y in one.outline) for one in found.boxes]


@pytest.mark.parametrize("form", sorted(WITH_OUTLINES))
def test_an_outline_comes_back_with_its_corners(form: str, tmp_path: Path) -> None:
    plain, drawn = outlines_read_back(form, tmp_path / "out")
    assert plain == ()
    sides = [side for corner in OUTLINE for side in corner]
    assert [side for corner in drawn for side in corner] == pytest.approx(sides)


@pytest.mark.parametrize("form", sorted(WRITERS.keys() - WITH_OUTLINES))
def test_a_format_without_a_place_for_outlines_keeps_their_boxes(form: str, tmp_path: Path) -> None:
    assert outlines_read_back(form, tmp_path / "out") == [(), ()]


@pytest.mark.parametrize("form", [one for one in BOTH if one != "groundtruth"])
def test_every_picture_is_found_where_it_was_put(form: str, tmp_path: Path) -> None:
    written(form, tmp_path / "out", RECORDS)
    for name, one in read_back(form, tmp_path / "out").items():
        assert one.path is not None, name
        with Image.open(one.path) as opened:
            assert opened.size == next((r.width, r.height) for r in RECORDS if r.file_name == name)


@pytest.mark.parametrize("form", sorted(WITH_CLASS_OF_PICTURE))
def test_the_class_of_a_picture_comes_back(form: str, tmp_path: Path) -> None:
    written(form, tmp_path / "out", RECORDS)
    found = read_back(form, tmp_path / "out")
    classes = {name: one.picture_class.name for name, one in found.items() if one.picture_class}
    assert classes == {"a.jpg": "thumbs up", "b.jpg": "call", "c.jpg": "call"}


@pytest.mark.parametrize("form", sorted(WITH_LICENCE))
def test_the_licence_of_a_picture_comes_back(form: str, tmp_path: Path) -> None:
    written(form, tmp_path / "out", RECORDS)
    assert read_back(form, tmp_path / "out")["a.jpg"].licence == "CC-BY-4.0"


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_equal_records_give_equal_bytes_and_an_empty_set_can_be_written(form: str, tmp_path: Path) -> None:
    for name, records in (("one", RECORDS), ("two", RECORDS), ("none", [])):
        written(form, tmp_path / name, records)
    one, two = (
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("one", "two")
    )
    assert one == two
    assert (tmp_path / "none").is_dir()


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_two_pictures_of_one_name_are_refused_and_nothing_is_left(form: str, tmp_path: Path) -> None:
    with pytest.raises(BadRecord, match=r"a\.jpg occurs twice"):
        written(form, tmp_path / "out", [RECORDS[0], RECORDS[0]])
    assert list(tmp_path.iterdir()) == []


def test_yolo_counts_classes_from_zero_and_says_which_is_which(tmp_path: Path) -> None:
    written("yolo", tmp_path / "out", RECORDS)
    lines = (tmp_path / "out" / "labels" / "train" / "a.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2"]
    assert lines[1] == "2 0.5 0.5 1 1"
    assert (tmp_path / "out" / "labels" / "train" / "b.txt").read_bytes() == b""
    assert "train: images/train\n" in (tmp_path / "out" / "data.yaml").read_text("utf-8")
    assert "val: images/test\n" in (tmp_path / "out" / "data.yaml").read_text("utf-8")


def test_every_line_of_yolo_segmentation_is_an_outline(tmp_path: Path) -> None:
    outlines_read_back("yolo-seg", tmp_path / "out")
    whole, drawn = (tmp_path / "out" / "labels" / "train" / "a.txt").read_text().splitlines()
    assert whole == "2 0 0 1 0 1 1 0 1"
    assert len(drawn.split()) == 1 + 2 * len(OUTLINE)


def test_hagrid_boxes_are_fractions_under_the_class_a_picture_was_made_for(tmp_path: Path) -> None:
    written("hagrid", tmp_path / "out", RECORDS)
    entry = json.loads((tmp_path / "out" / "annotations" / "train" / "thumbs up.json").read_text("utf-8"))["a"]
    assert entry["bboxes"][0] == pytest.approx([10.5 / 640, 20 / 480, 30 / 640, 40 / 480])
    assert entry["labels"] == ["thumbs up", "пять & <5>"]
    assert "user_id" not in entry
