"""The layout that `datasets.load_dataset(FOLDER)` reads, with a dataset card: https://huggingface.co/docs/datasets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from .base import About, BoxRecord, Card, Counts, ImageRecord, LabelClass, OpenImage, checked, fresh_folder, store_image
from .columns import Tables
from .parquet import other_attributes, text_columns
from .splits import split_name

WITHOUT_SPLIT = "train"  # `all` means something else there
THEIR_NAMES = {"val": "validation"}
CONFIDENCE = "confidence"
NUMBERS = pa.list_(pa.float64())
OBJECT = pa.struct(
    [
        ("bbox", NUMBERS),
        ("category", pa.int64()),
        ("class_id", pa.int32()),
        (CONFIDENCE, pa.float64()),
        ("segmentation", pa.list_(NUMBERS)),
    ]
)
TEXTS = ("class", "licence", "source", "sha256", "attributes")
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
BIGGEST = "1M<n<10M"


class HuggingFaceWriter:
    """Writes `data/SPLIT/metadata.parquet` beside the pictures, or `data/SPLIT.parquet` without them, and `README.md`.

    `category` counts from zero by the class's place among all classes of the project, retired ones included, as class
    labels there must; `class_id` is the class's own index. `bbox` is left, top, width, height in pixels;
    `segmentation` holds the outline as COCO does, [x, y, x, y, …] in pixels, and nothing for a plain box. What else is
    known of a picture stands in `attributes`, as JSON.
    """

    def __init__(self, about: About) -> None:
        self._about = about

    def write(
        self, out: Path, classes: Sequence[LabelClass], records: Iterator[ImageRecord], open_image: OpenImage | None
    ) -> Counts:
        """Write the data set in constant memory; nothing appears at `out` unless all of it is written."""
        ordered = sorted(classes, key=lambda one: one.index)
        known, places = {one.index: one for one in ordered}, {one.index: at for at, one in enumerate(ordered)}
        files: dict[str, str] = {}
        counts = Counts()
        with fresh_folder(out) as folder:
            with Tables(_schema([one.name for one in ordered])).closing() as tables:
                for record in records:
                    split = split_name(checked(record, known).split or WITHOUT_SPLIT)
                    files[split] = _place(split, with_images=open_image is not None)
                    tables.of(folder / files[split]).add(_row(record, places))
                    if open_image is not None:
                        store_image(folder / "data" / split, record, open_image)
                    counts = counts.plus(record)
                if not files:
                    files[WITHOUT_SPLIT] = _place(WITHOUT_SPLIT, with_images=False)
                    tables.of(folder / files[WITHOUT_SPLIT])
            (folder / "README.md").write_text(card_page(self._about, counts, ordered, files), "utf-8")
        return counts


def _place(split: str, *, with_images: bool) -> str:
    return f"data/{split}/metadata.parquet" if with_images else f"data/{split}.parquet"


def _schema(names: Sequence[str]) -> pa.Schema:
    """Return the columns, with what `datasets` wants to know of them: categories are names, not numbers."""
    columns = [("file_name", pa.string()), ("width", pa.int32()), ("height", pa.int32())]
    texts = [(name, pa.string()) for name in TEXTS]
    features: dict[str, Any] = {name: _value(str(kind)) for name, kind in [*columns, *texts]}
    features["objects"] = [
        {
            "bbox": _sequence(_value("float64")),
            "category": {"names": list(names), "_type": "ClassLabel"},
            "class_id": _value("int32"),
            CONFIDENCE: _value("float64"),
            "segmentation": _sequence(_sequence(_value("float64"))),
        }
    ]
    told = {"huggingface": json.dumps({"info": {"features": features}}, ensure_ascii=False, sort_keys=True)}
    return pa.schema([*columns, ("objects", pa.list_(OBJECT)), *texts], metadata=told)


def _value(dtype: str) -> dict[str, str]:
    return {"dtype": dtype, "_type": "Value"}


def _sequence(feature: dict[str, Any]) -> dict[str, Any]:
    return {"feature": feature, "_type": "Sequence"}


def _row(record: ImageRecord, places: Mapping[int, int]) -> dict[str, Any]:
    return {
        "file_name": record.file_name,
        "width": record.width,
        "height": record.height,
        "objects": [_object(box, places) for box in record.boxes],
        "sha256": record.sha256,
        "attributes": other_attributes(record),
        **text_columns(record),
    }


def _object(box: BoxRecord, places: Mapping[int, int]) -> dict[str, Any]:
    sides = [float(side) for side in (box.x, box.y, box.width, box.height)]
    return {
        "bbox": sides,
        "category": places[box.label],
        "class_id": box.label,
        CONFIDENCE: box.confidence,
        "segmentation": box.polygons,
    }


# --- the card --------------------------------------------------------------------------------------------------------
def card_page(about: About, counts: Counts, classes: Sequence[LabelClass], files: Mapping[str, str]) -> str:
    """Return README.md: what machines read in front, what the makers wrote below. What nobody wrote says so."""
    front = yaml.safe_dump(_front(about.card, counts, files), sort_keys=False, allow_unicode=True)
    card, title = about.card, about.card.title or about.name or "Data set"
    parts = [
        f"---\n{front}---\n\n# {title}\n",
        f"{card.description or 'No description was written.'}\n",
        f"{counts.images:,} images, {counts.boxes:,} boxes, {counts.negatives:,} images without boxes."
        f"{f' Version: {about.name}.' if about.name else ''}\n",
        _section("Classes", "\n".join(f"- `{one.index}` {one.name}" for one in classes)),
        _section("Intended use", card.intended_use),
        _section("Limits", card.limits),
        _section("Licence", card.licence),
        _section("Citation", card.citation),
        _section("Homepage", card.homepage),
        _section("How it was made", "Collected, checked, labelled and reviewed with Winnow. Columns `licence` and "
                 "`source` say for every image under which licence it stands and where it came from; `class_id` is "
                 "the class's number for ever, `category` its place in the list above."),
    ]  # fmt: skip
    return "\n".join(parts)


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text.strip() or 'Not stated.'}\n"


def _front(card: Card, counts: Counts, files: Mapping[str, str]) -> dict[str, Any]:
    size = next((name for most, name in SIZES if counts.images < most), BIGGEST)
    splits = [
        {"split": THEIR_NAMES.get(split, split.replace("-", "_")), "path": _pattern(split, file)}
        for split, file in sorted(files.items(), key=lambda pair: (pair[0] != "train", pair[0] != "val", pair[0]))
    ]
    front: dict[str, Any] = {"pretty_name": card.title} if card.title else {}
    front |= _licence(card.licence)
    front |= {"task_categories": ["object-detection"], "size_categories": [size], "tags": ["winnow"]}
    return front | {"configs": [{"config_name": "default", "data_files": splits}]}


def _pattern(split: str, file: str) -> str:
    return f"data/{split}/*" if file.endswith("/metadata.parquet") else file


def _licence(licence: str) -> dict[str, str]:
    """Return the licence by its name there (in small letters), an address or other words as a licence of its own."""
    if not licence:
        return {"license": "unknown"}
    plain = licence.strip().lower().replace(" ", "-")
    if plain.replace("-", "").replace(".", "").isalnum() and len(plain) < 30:
        return {"license": plain}
    told = {"license": "other", "license_name": licence[:120]}
    return {**told, "license_link": licence} if licence.startswith("http") else told
