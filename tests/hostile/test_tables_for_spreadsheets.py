"""Tables that people open in a spreadsheet hold no formula, whoever wrote the text."""

import ast
import csv
from pathlib import Path

import pytest
from django.conf import settings

from curation.datasets.formats.base import About, BoxRecord, ImageRecord, LabelClass
from curation.datasets.formats.registry import writer
from curation.datasets.safe_cells import safe_text

pytestmark = pytest.mark.hostile
ROOT = Path(settings.BASE_DIR)
WRITERS_OF_CSV = {
    "curation/services/sheets.py", "curation/dashboard/asset_browser.py", "curation/datasets/formats/tables.py",
}  # fmt: skip
FORMULA = "\uff1dHYPERLINK(1)"


def test_whoever_writes_a_csv_keeps_formulas_out():
    found = set()
    for room in ("curation", "crowd", "aggregation"):
        for path in (ROOT / room).rglob("*.py"):
            if "emulators" in path.parts:  # a platform's own table, as the platform writes it
                continue
            text = path.read_text(encoding="utf-8")
            calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)}
            if calls & {"csv.writer", "csv.DictWriter"}:
                found.add(str(path.relative_to(ROOT)))
                assert "safe_text" in text
    assert found == WRITERS_OF_CSV


def test_words_of_others_in_the_csv_of_a_data_set_are_text(tmp_path: Path):
    told = {"class": FORMULA, "licence": "=1+1", "source": "@SUM(1)"}
    picture = ImageRecord("a.jpg", 64, 48, (BoxRecord(1, 1, 2, 3, 4),), told)
    about = About("winnow/hands", "2026-10-18T09:00:00")
    writer("csv", about).write(tmp_path / "out", [LabelClass(1, "call")], iter([picture]), None)
    with (tmp_path / "out" / "boxes.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert {f"'{text}" for text in told.values()} <= set(cells)
    assert [cell for cell in cells if safe_text(cell) != cell] == []
