"""COCO files are complete, stable, whole or absent, and read by pycocotools."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from pycocotools.coco import COCO

from curation.datasets.formats.base import BadRecord, BoxRecord, Counts, ImageRecord, LabelClass
from curation.datasets.formats.receipt import CountsDiffer, changed_files, load_receipt, make_receipt, save_receipt
from curation.datasets.formats.registry import WRITERS, UnknownFormat, writer

CLASSES = [LabelClass(3, "fist"), LabelClass(1, "call"), LabelClass(7, "пять")]


def record(number: int, boxes: int = 1, split: str | None = None) -> ImageRecord:
    found = tuple(BoxRecord(3, 10.5, 20, 30 + one, 40, 0.9) for one in range(boxes))
    return ImageRecord(f"{number:06d}.jpg", 640, 480, found, {"light": "day"} if boxes else {}, split, f"{number:064x}")


def written(out: Path, records: list[ImageRecord], *, pictures: bool = False) -> Counts:
    return writer("coco").write(out, CLASSES, iter(records), (lambda one: one.file_name.encode()) if pictures else None)


def test_the_file_is_read_back_by_pycocotools(tmp_path: Path) -> None:
    counts = written(tmp_path / "out", [record(1, 2), record(2, 0), record(3, 1)], pictures=True)
    assert counts == Counts(images=3, boxes=3, negatives=1)
    coco = COCO(str(tmp_path / "out" / "annotations" / "all.json"))
    assert len(coco.getImgIds()) == 3
    assert coco.getAnnIds(imgIds=[2]) == []
    assert {one["id"]: one["name"] for one in coco.loadCats(coco.getCatIds())} == {1: "call", 3: "fist", 7: "пять"}
    first, second = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    assert first["bbox"] == [10.5, 20, 30, 40]
    assert second["area"] == 31 * 40
    assert (first["category_id"], first["iscrowd"], first["confidence"]) == (3, 0, 0.9)
    picture = coco.loadImgs([1])[0]
    assert (picture["file_name"], picture["attributes"], picture["sha256"]) == (
        "000001.jpg",
        {"light": "day"},
        f"{1:064x}",
    )
    assert (tmp_path / "out" / "images" / "000001.jpg").read_bytes() == b"000001.jpg"


def test_each_split_has_a_document_of_its_own(tmp_path: Path) -> None:
    written(tmp_path / "out", [record(1, split="train"), record(2, split="test"), record(3, split="train")])
    train = json.loads((tmp_path / "out" / "annotations" / "train.json").read_text())
    assert [one["file_name"] for one in train["images"]] == ["000001.jpg", "000003.jpg"]
    assert [one["image_id"] for one in train["annotations"]] == [1, 2]
    assert {path.name for path in (tmp_path / "out" / "annotations").iterdir()} == {"train.json", "test.json"}


def test_a_new_class_changes_no_id(tmp_path: Path) -> None:
    written(tmp_path / "before", [record(1)])
    more = [*CLASSES, LabelClass(2, "like")]
    writer("coco").write(tmp_path / "after", more, iter([record(1)]), None)
    before, after = (json.loads((tmp_path / name / "annotations/all.json").read_text()) for name in ("before", "after"))
    assert before["annotations"] == after["annotations"]
    assert [one for one in after["categories"] if one["name"] != "like"] == before["categories"]


def test_an_empty_data_set_is_a_valid_document(tmp_path: Path) -> None:
    assert written(tmp_path / "out", []) == Counts()
    document = json.loads((tmp_path / "out" / "annotations" / "all.json").read_text())
    assert (document["images"], document["annotations"], len(document["categories"])) == ([], [], 3)


def test_equal_records_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        written(tmp_path / name, [record(number, number % 3) for number in range(20)])
    assert (tmp_path / "a/annotations/all.json").read_bytes() == (tmp_path / "b/annotations/all.json").read_bytes()


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (ImageRecord("../../etc/passwd", 10, 10), "not a file name inside"),
        (ImageRecord("/etc/passwd", 10, 10), "not a file name inside"),
        (ImageRecord("a\\b.jpg", 10, 10), "not a file name inside"),
        (ImageRecord("a.jpg", 0, 10), "0x10"),
        (ImageRecord("a.jpg", 10, 10, (BoxRecord(99, 1, 1, 2, 2),)), "class 99"),
        (ImageRecord("a.jpg", 10, 10, (BoxRecord(3, float("nan"), 1, 2, 2),)), "not a box"),
        (ImageRecord("a.jpg", 10, 10, (BoxRecord(3, 1, 1, 0, 2),)), "not a box"),
        (ImageRecord("a.jpg", 10, 10, (BoxRecord(3, 5, 5, 20, 2),)), "leaves the picture"),
    ],
)
def test_a_bad_record_stops_the_export_and_leaves_nothing(tmp_path: Path, bad: ImageRecord, words: str) -> None:
    with pytest.raises(BadRecord, match=words):
        written(tmp_path / "out", [record(1), bad], pictures=True)
    assert list(tmp_path.iterdir()) == []


def test_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecord, match="occurs twice"):
        written(tmp_path / "out", [record(1), record(1)], pictures=True)


def test_an_export_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="not empty"):
        written(tmp_path / "out", [record(1)])
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


def held_memory(out: Path, count: int) -> int:
    """Write a data set and return the bytes held while its last record is asked for."""
    held = 0

    def records() -> Iterator[ImageRecord]:
        nonlocal held
        for number in range(count):
            yield record(number, 4)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        assert writer("coco").write(out, CLASSES, records(), None) == Counts(count, 4 * count, 0)
    finally:
        tracemalloc.stop()
    return held


def test_a_larger_data_set_takes_no_more_memory(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:  # tables of this process may grow meanwhile
        small, large = fresh.map(held_memory, [tmp_path / "small", tmp_path / "large"], [100, 10_000])
    assert large < small + 6_000_000  # the interpreter's own tables may grow by 4 MB; the rows would take over 8
    assert (tmp_path / "large" / "annotations" / "all.json").stat().st_size > 6_000_000


def test_a_receipt_lists_every_file_and_notices_changes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    counts = written(out, [record(1), record(2, 0)], pictures=True)
    receipt = make_receipt(out, "coco", expected=Counts(2, 1, 1), written=counts)
    save_receipt(out, receipt)
    assert load_receipt(out) == receipt
    assert [one.path for one in receipt.files] == ["annotations/all.json", "images/000001.jpg", "images/000002.jpg"]
    assert changed_files(out) == []
    (out / "images" / "000002.jpg").write_bytes(b"other")
    (out / "new.txt").write_text("x")
    assert changed_files(out) == ["images/000002.jpg", "new.txt"]


def test_a_receipt_is_refused_when_rows_are_missing(tmp_path: Path) -> None:
    counts = written(tmp_path / "out", [record(1)])
    with pytest.raises(CountsDiffer):
        make_receipt(tmp_path / "out", "coco", expected=Counts(2, 1, 1), written=counts)


@pytest.mark.parametrize("name", WRITERS)
def test_every_registered_format_writes_all_it_is_given(tmp_path: Path, name: str) -> None:
    records = [record(1, 2), record(2, 0), record(3, 1)]
    counts = writer(name).write(tmp_path / "out", CLASSES, iter(records), lambda one: one.file_name.encode())
    assert counts == Counts(3, 3, 1)
    assert make_receipt(tmp_path / "out", name, expected=counts, written=counts).files


def test_an_unknown_format_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownFormat, match=r"'doc' is not a format we write; there are: .*coco"):
        writer("doc")
