"""Tables of results from anybody: read, or refused in one sentence that names the line."""

import contextlib
import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from crowd import vendor_tables
from crowd.vendor_answers import boxes_of, choice_of
from crowd.vendor_tables import BadCell, BadTable, moment_of, read_table, state_of

BOX = {"label": "gesture", "x": 0.1, "y": 0.2, "w": 0.3, "h": 0.4}


def rows(data: bytes, name: str = "a.csv") -> list[tuple[int, dict]]:
    return [(row.line, dict(row.cells)) for row in read_table(data, name).rows]


def archive(name: str = "xl/worksheets/sheet1.xml", size: int = 10_000_000) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, b"0" * size)
    return out.getvalue()


def sheet(*rows: list[Any], **more: list[list[Any]]) -> bytes:
    """A spreadsheet with these rows on its first sheet, and more sheets by their names."""
    book, out = Workbook(), io.BytesIO()
    for title, lines in {"Sheet": list(rows), **more}.items():
        page = book.active if title == "Sheet" else book.create_sheet(title)
        for line in lines:
            page.append(line)
    book.save(out)
    return out.getvalue()


# --- tables ---
@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"file,worker\na.jpg,w1\n", "a.csv"),
        (b"\xef\xbb\xbffile;worker\r\na.jpg;w1\r\n", "a.csv"),
        (b"file\tworker\na.jpg\tw1", "a.tsv"),
        (b"file\tworker\na.jpg\tw1", "A.TXT"),
        ("file,worker\na.jpg,w1\n".encode("utf-16"), "a.csv"),
        (b' file , worker \n"a.jpg",w1\n\n', "a.csv"),
        (b'[{"file":"a.jpg","worker":"w1"}]', "a.json"),
        (b'{"results":[{"file":"a.jpg","worker":"w1"}],"n":1}', "a.json"),
        (b'{"file":"a.jpg","worker":"w1"}', "a.json"),
        (b'{"file":"a.jpg","worker":"w1"}\n\n', "a.jsonl"),
        (sheet(["file", "worker"], ["a.jpg", "w1"]), "a.xlsx"),
    ],
)
def test_the_usual_forms_are_read_alike(data, name):
    (row,) = read_table(data, name).rows
    assert row.cells == {"file": "a.jpg", "worker": "w1"}


def test_a_cell_may_hold_line_breaks_and_the_line_is_its_last():
    assert rows(b'file,answer\n"a\nb",x\nc,y\n') == [
        (3, {"file": "a\nb", "answer": "x"}),
        (4, {"file": "c", "answer": "y"}),
    ]


def test_a_sheet_gives_what_a_csv_of_it_would_with_the_numbers_of_its_rows():
    moment = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    data = sheet(
        ["task", "end", "n", "ok", "note"],
        [],
        ["a", moment.replace(tzinfo=None), 7.0, True, None],
        [None, None],
        ["b", "", 0.5],
    )
    assert rows(data, "A.XLSX") == [
        (3, {"task": "a", "end": "2026-11-20T10:30:00", "n": 7, "ok": "True", "note": ""}),
        (5, {"task": "b", "end": "", "n": 0.5, "ok": "", "note": ""}),
    ]
    assert moment_of(rows(data, "a.xlsx")[0][1]["end"]) == moment


def test_a_hidden_sheet_and_an_empty_one_are_passed_over():
    book, out = Workbook(), io.BytesIO()
    hidden = book.create_sheet("lists")
    hidden.append(["x"])
    hidden.sheet_state = "hidden"
    results = book.create_sheet("results")
    results.append(["file"])
    results.append(["a.jpg"])
    book.save(out)
    assert rows(out.getvalue(), "a.xlsx") == [(2, {"file": "a.jpg"})]


def test_missing_cells_are_empty():
    assert rows(b"a,b,c\n1\n") == [(2, {"a": "1", "b": "", "c": ""})]


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"a,b\n1,2\n\xff\xfe,3\n", "a.csv", "Line 3 of a.csv is not UTF-8"),
        (b"a,b\n1,\x00\n", "a.csv", "Line 2 of a.csv holds a NUL"),
        (b"a,b,a\n", "a.csv", "Line 1 of a.csv has the column 'a' twice"),
        (b"a,,b\n", "a.csv", "no name for column 2"),
        (b"", "a.csv", "no names of columns"),
        (b",,\n1,2,3\n", "a.csv", "no names of columns"),
        (b"a,b\n1,2,3\n", "a.csv", "Line 2 of a.csv has 3 cells for 2 columns"),
        (b'a,b\n1,"open\n', "a.csv", "cannot be read"),
        (b"a,b\n1," + b"x" * 10_000_000 + b"\n", "a.csv", "Line 2 of a.csv has a cell that is too long"),
        (b",".join(b"c%d" % number for number in range(201)), "a.csv", "names 201 columns; 200 are allowed"),
        (archive(), "a.xlsx", "is an archive or another kind of spreadsheet"),
        (archive("xl/workbook.xml", 1_000), "a.xlsx", "a.xlsx cannot be read: it is damaged"),
        (archive("xl/workbook.xml"), "a.xlsx", "it unpacks to more than a sheet"),
        (sheet(["a"], ["1"]), "a.xlsm", "Save the sheet as .xlsx"),
        (sheet(["a"], Other=[["b"]]), "a.xlsx", "several sheets with rows ('Sheet', 'Other')"),
        (sheet(), "a.xlsx", "no names of columns"),
        (sheet(["a", None, "b"]), "a.xlsx", "no name for column 2"),
        (sheet(["a"], ["1", "2"]), "a.xlsx", "Line 2 of a.xlsx has 2 cells for 1 columns"),
        (b"\xd0\xcf\x11\xe0 old", "a.xls", "Save it as .xlsx or as CSV"),
        (b"a,b", "a.docx", "is not a .json"),
        (b"a,b", "noending", "is not a .json"),
        (b"[1]", "a.json", "Line 1 of a.json is not an object"),
        (b'"text"', "a.json", "does not begin a list"),
        (b"[]", "a.json", "has no rows"),
        (b'[\n{"a":1},\n{"a":}]', "a.json", "Line 3 of a.json is not JSON"),
        (b'{"a":1}\n{"a":1,"a":2}', "a.jsonl", "Line 2 of a.jsonl cannot be read: a key occurs twice"),
        (b'[{"a":NaN}]', "a.json", "NaN is not a number"),
        (b"[" * 100_000, "a.json", "Line 1 of a.json"),
        (b'{"a":' + b"9" * 10_000 + b"}", "a.json", "number too long"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(data, name, words):
    with pytest.raises(BadTable) as refusal:
        read_table(data, name)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_too_much_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(vendor_tables, "MOST_BYTES", 20)
    with pytest.raises(BadTable, match="Send it in parts"):
        read_table(b"a,b\n" * 10, "a.csv")
    monkeypatch.setattr(vendor_tables, "MOST_BYTES", 1_000)
    monkeypatch.setattr(vendor_tables, "MOST_ROWS", 2)
    monkeypatch.setattr(vendor_tables, "MOST_BYTES", 10_000)
    tables = [(b"a\n1\n2\n3\n", "a.csv"), (b'[{"a":1},{"a":2},{"a":3}]', "a.json"), (sheet(*[["a"]] * 4), "a.xlsx")]
    for data, name in tables:
        with pytest.raises(BadTable, match="more than 2 rows"):
            read_table(data, name)


ENDINGS = st.sampled_from(["a.csv", "a.tsv", "a.json", "a.jsonl"])


@given(st.binary(max_size=400), ENDINGS)
def test_any_bytes_are_a_table_or_a_refusal(data, name):
    with contextlib.suppress(BadTable):
        table = read_table(data, name)
        assert all(set(row.cells) <= set(table.columns) for row in table.rows)


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(st.lists(st.tuples(CELL, CELL), max_size=5))
def test_what_a_spreadsheet_writes_is_read_back(pairs):
    import csv

    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([("one", "two"), *pairs])
    found = [(row.cells["one"], row.cells["two"]) for row in read_table(out.getvalue().encode(), "a.csv").rows]
    assert found == [pair for pair in pairs if any(pair)]


# --- cells ---
@pytest.mark.parametrize(
    ("cell", "state"),
    [
        ("", "submitted"),
        (" Done ", "submitted"),
        ("APPROVED", "submitted"),
        ("timed-out", "expired"),
        ("SKIPPED", "skipped"),
    ],
)
def test_a_status_becomes_a_word_of_ours(cell, state):
    assert state_of(cell) == state


def test_an_unknown_status_is_not_guessed():
    with pytest.raises(BadCell, match="the status 'rejected' is none of accepted, approved"):
        state_of("rejected")


TEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "cell",
    [
        "2026-11-20T10:00:00Z",
        "2026-11-20 10:00:00",
        "20.11.2026 10:00",
        "20/11/2026 10:00:00",
        "1795168800",
        1795168800,
        1795168800000,
    ],
)
def test_the_usual_dates_are_read(cell):
    assert moment_of(cell) == TEN


def test_a_date_that_is_none_is_named():
    assert moment_of("") is None
    with pytest.raises(BadCell, match="'soon' is no date and time"):
        moment_of("soon")


@pytest.mark.parametrize("cell", ["correct", ' "correct" ', '{"answer": "correct"}', {"answer": "correct"}])
def test_a_choice_is_a_value_or_json_with_it(cell):
    assert choice_of(cell) == {"answer": "correct"}


@pytest.mark.parametrize("cell", ["", "[1]", "{}", "null", True, '{"answer": ["a"]}', "{broken"])
def test_a_choice_that_is_no_value_is_refused(cell):
    if cell == "null":  # a word like any other
        assert choice_of(cell) == {"answer": "null"}
        return
    with pytest.raises(BadCell):
        choice_of(cell)


TEMPLATE = {"shape": "rectangle", "left": 0.1, "top": 0.2, "width": 0.3, "height": 0.4, "label": "gesture"}
CORNERS = {
    "type": "rectangle",
    "data": {"p1": {"x": 0.4, "y": 0.6}, "p2": {"x": 0.1, "y": 0.2}},
    "annotation": "gesture",
}
PIXELS = {"label": "gesture", "left": 64, "top": 96, "width": 192, "height": 192}


@pytest.mark.parametrize("box", [BOX, TEMPLATE, CORNERS, PIXELS])
@pytest.mark.parametrize("form", [json.dumps, str, lambda value: value])
def test_boxes_are_read_in_every_shape_and_spelling(box, form):
    (found,) = boxes_of(form([box]), size=(640, 480))["boxes"]
    assert found == pytest.approx(BOX)


def test_an_empty_list_means_the_only_flag():
    assert boxes_of("[]", flags=["no_hands"]) == {"boxes": [], "flags": ["no_hands"]}
    assert boxes_of("[]", flags=["no_hands", "blurred"]) == {"boxes": [], "flags": []}
    assert boxes_of({"boxes": [], "flags": ["blurred"]}, flags=["no_hands"])["flags"] == ["blurred"]


def test_a_fraction_that_sticks_out_is_not_taken_for_pixels():
    (box,) = boxes_of([{**BOX, "x": 0.9}], size=(640, 480))["boxes"]
    assert box["x"] == 0.9


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("nonsense", "not a list of boxes"),
        ("[", "neither JSON nor a Python literal"),
        ("[" * 1_000, "nested too deep"),
        ("[__import__('os').system('true')]", "neither JSON nor a Python literal"),
        ("[" + "1," * 70_000 + "1]", "characters"),
        ("[1]", "box 1 is not an object"),
        ([BOX, {**BOX, "x": None}], "box 2 needs four numbers"),
        ([{**BOX, "x": True}], "box 1 needs four numbers"),
        ([{**BOX, "x": "0.1"}], "box 1 needs four numbers"),
        ("[{'label': 'a', 'x': 1e999, 'y': 0, 'w': 1, 'h': 1}]", "box 1 needs four numbers"),
        ([{**BOX, "label": ""}], "box 1 has no label"),
        ([{"shape": "polygon", "label": "a", "points": []}], "box 1"),
        ([{**TEMPLATE, "shape": "polygon"}], "is a polygon, not a rectangle"),
        ([PIXELS], "in pixels and the size of the picture is not known"),
        ({"boxes": [], "flags": "no_hands"}, "not a list of boxes"),
    ],
)
def test_boxes_that_cannot_be_read_are_refused(cell, words):
    with pytest.raises(BadCell, match=words):
        boxes_of(cell)


@given(st.text(max_size=200))
def test_no_text_brings_the_reading_of_boxes_down(text):
    try:
        found = boxes_of(text, size=(640, 480), flags=["none"])
    except BadCell:
        return
    assert set(found) == {"boxes", "flags"}
