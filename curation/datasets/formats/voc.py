"""Pascal VOC, one XML file a picture: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import TextIO
from xml.sax.saxutils import escape

from .base import (
    About,
    BoxRecord,
    Counts,
    ImageRecord,
    LabelClass,
    OpenImage,
    checked,
    fresh_folder,
    store_image,
    store_text,
)
from .splits import split_name


class VocWriter:
    """Writes `Annotations/NAME.xml`, `ImageSets/Main/SPLIT.txt` and, if asked, `JPEGImages/NAME.jpg`.

    Corners are edges in pixels from the top left as our boxes are, not rounded, as annotation tools of today write
    them; the devkit's own files count pixels from 1. A confidence is kept as an element of its own.
    """

    def __init__(self, about: About) -> None:
        self._about = about

    def write(
        self, out: Path, classes: Sequence[LabelClass], records: Iterator[ImageRecord], open_image: OpenImage | None
    ) -> Counts:
        """Write the data set in constant memory; nothing appears at `out` unless all of it is written."""
        known, counts = {one.index: one for one in classes}, Counts()
        with fresh_folder(out) as folder, ExitStack() as files:
            (folder / "ImageSets" / "Main").mkdir(parents=True)
            lists: dict[str, TextIO] = {}
            for record in records:
                split = split_name(checked(record, known).split)
                if split not in lists:
                    path = folder / "ImageSets" / "Main" / f"{split}.txt"
                    lists[split] = files.enter_context(path.open("w", encoding="utf-8"))
                lists[split].write(f"{PurePosixPath(record.file_name).with_suffix('')}\n")
                _write_annotation(folder / "Annotations", record, known, self._about)
                if open_image is not None:
                    store_image(folder / "JPEGImages", record, open_image)
                counts = counts.plus(record)
        return counts


def _write_annotation(folder: Path, record: ImageRecord, classes: Mapping[int, LabelClass], about: About) -> None:
    path = (folder / PurePosixPath(record.file_name)).with_suffix(".xml")
    lines = [
        "<annotation>",
        f"  <filename>{escape(record.file_name)}</filename>",
        f"  <source><database>{escape(about.name or 'Winnow')}</database></source>",
        f"  <size><width>{record.width}</width><height>{record.height}</height><depth>3</depth></size>",
        "  <segmented>0</segmented>",
        *(_object(box, classes[box.label]) for box in record.boxes),
        "</annotation>\n",
    ]
    store_text(path, record, "\n".join(lines))


def _object(box: BoxRecord, label: LabelClass) -> str:
    corners = {"xmin": box.x, "ymin": box.y, "xmax": box.x + box.width, "ymax": box.y + box.height}
    sides = "".join(f"<{name}>{_plain(value)}</{name}>" for name, value in corners.items())
    sure = "" if box.confidence is None else f"<confidence>{_plain(box.confidence)}</confidence>"
    return (
        f"  <object><name>{escape(label.name)}</name><pose>Unspecified</pose><truncated>0</truncated>"
        f"<difficult>0</difficult>{sure}<bndbox>{sides}</bndbox></object>"
    )


def _plain(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")
