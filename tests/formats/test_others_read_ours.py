"""What `datasets` and mlcroissant read of our files is what was written; the card says what its makers said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from curation.datasets.formats.base import About, Card, ImageRecord, LabelClass
from curation.datasets.formats.registry import reader, writer
from tests.formats.test_round_trips import CLASSES, OUTLINE, RECORDS, picture

CARD = Card(
    title="Hands: “all” of them",
    description="Hand signs from two countries.",
    licence="CC-BY-4.0",
    intended_use="Detectors of hand signs.",
    citation="Hands, 2026",
    homepage="https://example.org/hands",
)
ABOUT = About("winnow/hands-v3", version="3.0.0", card=CARD, created="2026-10-18T09:00:00")
datasets = pytest.importorskip("datasets", reason="the package datasets is not installed")


def written(form: str, out: Path, records: list[ImageRecord], *, pictures: bool = True) -> Path:
    writer(form, ABOUT).write(out, CLASSES, iter(records), picture if pictures else None)
    return out


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True, raising=False)
    datasets.disable_progress_bars()


def loaded(folder: Path, tmp_path: Path) -> Any:
    return datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))


def test_datasets_reads_pictures_boxes_splits_and_class_names(tmp_path: Path) -> None:
    found = loaded(written("huggingface", tmp_path / "set", RECORDS), tmp_path)
    assert {split: len(rows) for split, rows in found.items()} == {"train": 2, "test": 1}
    first = found["train"][0]
    assert (first["image"].size, first["class"], first["licence"]) == ((640, 480), "thumbs up", "CC-BY-4.0")
    assert [one["bbox"] for one in first["objects"]] == [[10.5, 20, 30, 40], [0, 0, 640, 480]]
    assert [one["confidence"] for one in first["objects"]] == [0.875, 0.5]
    category = found["train"].features["objects"].feature["category"]
    assert [category.int2str(one["category"]) for one in first["objects"]] == ["thumbs up", "пять & <5>"]
    assert found["train"][1]["objects"] == []


def test_datasets_reads_what_people_answered(tmp_path: Path) -> None:
    told = replace(RECORDS[0], attributes={**RECORDS[0].attributes, "classify": "cat", "describe": "A cat.\nAsleep."})
    found = loaded(written("huggingface", tmp_path / "set", [told, RECORDS[1]]), tmp_path)["train"]
    answers = json.loads(found[0]["attributes"])
    assert (answers["classify"], answers["describe"]) == ("cat", "A cat.\nAsleep.")
    assert found[0]["class"] == "thumbs up"


def test_datasets_and_mlcroissant_read_the_corners_of_outlines(tmp_path: Path) -> None:
    croissant = pytest.importorskip("mlcroissant", reason="the package mlcroissant is not installed")
    plain, drawn = RECORDS[0].boxes[1], replace(RECORDS[0].boxes[0], outline=OUTLINE)
    records = [replace(RECORDS[0], boxes=(plain, drawn))]
    found = loaded(written("huggingface", tmp_path / "hf", records), tmp_path)
    corners = [side for corner in OUTLINE for side in corner]
    assert [one["segmentation"] for one in found["train"][0]["objects"]] == [[], [corners]]
    table = croissant.Dataset(str(written("croissant", tmp_path / "c", records) / "croissant.json")).records("boxes")
    assert [row["boxes/points"] for row in table] == [None, json.dumps(OUTLINE).encode()]


def test_datasets_reads_the_tables_alone_where_pictures_were_left_out(tmp_path: Path) -> None:
    found = loaded(written("huggingface", tmp_path / "set", RECORDS, pictures=False), tmp_path)
    assert found["train"]["file_name"][:] == ["a.jpg", "b.jpg"]
    unsplit = [ImageRecord(one.file_name, one.width, one.height, one.boxes) for one in RECORDS]
    assert set(loaded(written("huggingface", tmp_path / "whole", unsplit), tmp_path)) == {"train"}


def test_the_dataset_card_says_what_its_makers_said_and_what_nobody_wrote(tmp_path: Path) -> None:
    text = (written("huggingface", tmp_path / "set", RECORDS) / "README.md").read_text("utf-8")
    front = yaml.safe_load(text.split("---\n")[1])
    assert (front["license"], front["pretty_name"], front["size_categories"]) == ("cc-by-4.0", CARD.title, ["n<1K"])
    assert front["configs"][0]["data_files"] == [
        {"split": "train", "path": "data/train/*"},
        {"split": "test", "path": "data/test/*"},
    ]
    assert "3 images, 3 boxes, 1 images without boxes. Version: winnow/hands-v3." in text
    assert "## Intended use\n\nDetectors of hand signs." in text
    assert "## Limits\n\nNot stated." in text


def test_datasets_reads_plain_parquet_as_well(tmp_path: Path) -> None:
    written("parquet", tmp_path / "set", RECORDS)
    found = datasets.load_dataset("parquet", data_dir=str(tmp_path / "set" / "data"), cache_dir=str(tmp_path / "cache"))
    assert found["train"][0]["boxes"][0]["label"] == "thumbs up"


def test_mlcroissant_checks_the_metadata_and_reads_every_record(tmp_path: Path) -> None:
    croissant = pytest.importorskip("mlcroissant", reason="the package mlcroissant is not installed")
    folder = written("croissant", tmp_path / "set", RECORDS)
    found = croissant.Dataset(str(folder / "croissant.json"))
    assert not found.metadata.ctx.issues.errors
    assert found.metadata.license == ["CC-BY-4.0"]
    rows = list(found.records("images"))
    assert [row["images/file_name"] for row in rows] == [b"a.jpg", b"b.jpg", b"c.jpg"]
    boxes = list(found.records("boxes"))
    assert [(row["boxes/label"].decode(), row["boxes/x"]) for row in boxes] == [
        ("thumbs up", 10.5),
        ("пять & <5>", 0.0),
        ("call", 1.125),
    ]
    assert [row["classes/class_id"] for row in found.records("classes")] == [1, 3, 7]


def test_a_new_class_moves_no_number(tmp_path: Path) -> None:
    more = [*CLASSES, LabelClass(9, "new")]
    writer("parquet", ABOUT).write(tmp_path / "set", more, iter(RECORDS), None)
    boxes = reader("parquet").documents(tmp_path / "set")
    entries = [entry for document in boxes for entry in reader("parquet").read(document)]
    assert len(entries) == 3
    written("croissant", tmp_path / "old", RECORDS, pictures=False)
    assert json.loads((tmp_path / "old" / "croissant.json").read_text("utf-8"))["version"] == "3.0.0"
