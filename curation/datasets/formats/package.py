"""Publication package: pictures, COCO and CSV of each part, a card with figures of the data set, licence, citation."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from .base import About, Counts, ImageRecord, LabelClass, OpenImage, fresh_folder
from .coco import CocoWriter
from .tables import CsvWriter

SPOOL = "records.spool"


class PackageWriter:
    """Writes `images/`, `annotations/SPLIT.json`, `tables/`, `README.md`, `LICENSE.txt`, `CITATION.txt`, `facts.json`.

    The digests of all files are in the receipt that every export ends with.
    """

    def __init__(self, about: About) -> None:
        self._about = about

    def write(
        self, out: Path, classes: Sequence[LabelClass], records: Iterator[ImageRecord], open_image: OpenImage | None
    ) -> Counts:
        """Write the data set in constant memory; nothing appears at `out` unless all of it is written."""
        with fresh_folder(out) as folder:
            spool = folder.with_name(f"{folder.name}.{SPOOL}")
            try:
                counts = self._write(folder, spool, classes, records, open_image)
            finally:
                spool.unlink(missing_ok=True)
        return counts

    def _write(
        self,
        folder: Path,
        spool: Path,
        classes: Sequence[LabelClass],
        records: Iterator[ImageRecord],
        open_image: OpenImage | None,
    ) -> Counts:
        coco = folder.with_name(f"{folder.name}.coco")
        shutil.rmtree(coco, ignore_errors=True)
        with spool.open("wb") as file:
            counts = CocoWriter(self._about).write(coco, classes, _kept(records, file), open_image)
        for part in sorted(coco.iterdir()):
            part.rename(folder / part.name)
        coco.rmdir()
        with spool.open("rb") as file:
            CsvWriter(self._about).write(folder / "tables", classes, _read_back(file), None)
        self._write_words(folder, classes, counts)
        return counts

    def _write_words(self, folder: Path, classes: Sequence[LabelClass], counts: Counts) -> None:
        about = self._about
        (folder / "README.md").write_text(readme(about, classes, counts), "utf-8")
        (folder / "LICENSE.txt").write_text(f"{about.card.licence or 'Not stated.'}\n", "utf-8")
        (folder / "CITATION.txt").write_text(f"{about.card.citation or 'Not stated.'}\n", "utf-8")
        facts = json.dumps(dict(about.facts), ensure_ascii=False, indent=1)
        (folder / "facts.json").write_text(f"{facts}\n", "utf-8")


def _kept(records: Iterator[ImageRecord], file: BinaryIO) -> Iterator[ImageRecord]:
    for record in records:
        pickle.dump(record, file, pickle.HIGHEST_PROTOCOL)
        yield record


def _read_back(file: BinaryIO) -> Iterator[ImageRecord]:
    while file.peek(1):  # type: ignore[attr-defined]
        yield pickle.load(file)  # noqa: S301  our own file of a moment ago


def readme(about: About, classes: Sequence[LabelClass], counts: Counts) -> str:
    """Return the card: what its makers wrote and what is known of its images; what nobody knows says so."""
    card = about.card
    facts = "\n".join(f"| {name} | {_cell(text)} |" for name, text in about.facts)
    named = "\n".join(f"- `{one.index}` {one.name}" for one in sorted(classes, key=lambda one: one.index))
    parts = [
        f"# {card.title or about.name or 'Data set'}\n",
        f"{card.description or 'No description was written.'}\n",
        f"{counts.images:,} images, {counts.boxes:,} boxes, {counts.negatives:,} images without boxes. "
        f"Version: {about.name or 'not stated'}.\n",
        f"## What is in it\n\n| | |\n|---|---|\n{facts or '| Figures | Not stated |'}\n",
        f"## Classes\n\n{named or 'Not stated.'}\n",
        *(
            f"## {title}\n\n{text.strip() or 'Not stated.'}\n"
            for title, text in (
                ("Intended use", card.intended_use),
                ("Limits", card.limits),
                ("Consent", card.consent),
                ("Licence", card.licence),
                ("Citation", card.citation),
                ("Homepage", card.homepage),
            )
        ),
        "## Files\n\n`images/` the pictures, without metadata · `annotations/` COCO, one file for each part · "
        "`tables/` the same as CSV · `facts.json` the figures above · `receipt.json` the digest of every file.\n",
    ]
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ") or "Not stated"
