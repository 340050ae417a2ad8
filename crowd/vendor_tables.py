"""Tables of results as vendors send them: JSON, CSV, TSV or a spreadsheet from anybody's hands into plain rows.

Pure: bytes in, rows or one sentence with the number of the line out. Nothing is guessed that could be paid for.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from crowd.vendor_sheets import BadSheet, looks_like_sheet, read_sheet

MOST_BYTES = 50_000_000
MOST_ROWS = 200_000
MOST_COLUMNS = 200
MOST_CHARACTERS = 131_072  # of one cell
ZIP, OLD_SHEET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
DELIMITERS = ",;\t"
STATES = {
    "": "submitted",
    "submitted": "submitted",
    "done": "submitted",
    "completed": "submitted",
    "accepted": "submitted",  # who is paid is decided here
    "approved": "submitted",
    "skipped": "skipped",
    "refused": "skipped",
    "expired": "expired",
    "timed out": "expired",
}
MOMENTS = ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d.%m.%Y", "%d/%m/%Y")


class BadTable(ValueError):
    """A file that cannot be read as a table; one sentence that names the line."""


class BadCell(ValueError):
    """A value that cannot be used; one sentence without the line."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row under its line number; values are texts, or what JSON had there."""

    line: int
    cells: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(data: bytes, name: str) -> Table:
    """Read a file by its name's ending. Raises BadTable."""
    if len(data) > MOST_BYTES:
        raise BadTable(f"{name} has {len(data):,} bytes; {MOST_BYTES:,} are allowed. Send it in parts.")
    if data.startswith(OLD_SHEET):
        raise BadTable(f"{name} is a spreadsheet of the old kind. Save it as .xlsx or as CSV in UTF-8 and send that.")
    if data.startswith(ZIP):
        return _from_sheet(data, name)
    text = _text(data, name)
    kind = name.lower().rpartition(".")[2]
    if kind in {"json", "jsonl", "ndjson"}:
        return _from_json(text, name, by_lines=kind != "json")
    if kind not in {"csv", "tsv", "txt"}:
        raise BadTable(f"{name} is not a .json, .jsonl, .csv, .tsv or .xlsx file.")
    return _from_csv(text, name, "\t" if kind == "tsv" else _delimiter(text))


def _text(data: bytes, name: str) -> str:
    coding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(coding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadTable(f"Line {line} of {name} is not UTF-8. Save the file as UTF-8 and send it again.") from None
    if (at := text.find("\0")) >= 0:
        raise BadTable(f"Line {text.count(chr(10), 0, at) + 1} of {name} holds a NUL character; this is no table.")
    return text


# --- CSV and TSV ---
def _delimiter(text: str) -> str:
    """Take the sign that the first line has most of."""
    head = text.split("\n", 1)[0]
    return max(DELIMITERS, key=head.count)


def _from_csv(text: str, name: str, delimiter: str) -> Table:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = _columns(next(reader, []), name)
        rows = tuple(_csv_rows(reader, columns, name))
    except csv.Error as error:
        words = "has a cell that is too long" if "field larger" in str(error) else f"cannot be read ({error})"
        raise BadTable(f"Line {reader.line_num} of {name} {words}.") from None
    return Table(columns, rows)


def _columns(head: Sequence[str], name: str) -> tuple[str, ...]:
    columns = tuple(title.strip() for title in head)
    if not any(columns):
        raise BadTable(f"Line 1 of {name} has no names of columns.")
    if len(columns) > MOST_COLUMNS:
        raise BadTable(f"Line 1 of {name} names {len(columns)} columns; {MOST_COLUMNS} are allowed.")
    for number, title in enumerate(columns, start=1):
        if not title:
            raise BadTable(f"Line 1 of {name} has no name for column {number}.")
        if title in columns[: number - 1]:
            raise BadTable(f"Line 1 of {name} has the column {title[:60]!r} twice.")
    return columns


def _csv_rows(reader: Any, columns: tuple[str, ...], name: str) -> Iterator[Row]:
    for number, cells in enumerate(reader):
        if number >= MOST_ROWS:
            raise BadTable(f"{name} has more than {MOST_ROWS:,} rows. Send it in parts.")
        if not any(cells):
            continue
        yield _row(reader.line_num, cells, columns, name)


def _row(line: int, cells: Sequence[Any], columns: tuple[str, ...], name: str) -> Row:
    if len(cells) > len(columns):
        raise BadTable(f"Line {line} of {name} has {len(cells)} cells for {len(columns)} columns.")
    return Row(line, dict(zip(columns, [*cells, *[""] * (len(columns) - len(cells))], strict=True)))


# --- spreadsheets ---
def _from_sheet(data: bytes, name: str) -> Table:
    if not name.lower().endswith(".xlsx") or not looks_like_sheet(data):
        raise BadTable(
            f"{name} is an archive or another kind of spreadsheet. Save the sheet as .xlsx or CSV and send it."
        )
    try:
        lines = read_sheet(data)
        columns = _columns([str(title) for title in next(lines, (1, []))[1]], name)
        return Table(columns, tuple(_sheet_rows(lines, columns, name)))
    except BadSheet as error:
        raise BadTable(f"{name} cannot be read: {error}.") from None


def _sheet_rows(lines: Iterator[tuple[int, list[Any]]], columns: tuple[str, ...], name: str) -> Iterator[Row]:
    for number, (line, cells) in enumerate(lines):
        if number >= MOST_ROWS:
            raise BadTable(f"{name} has more than {MOST_ROWS:,} rows. Send it in parts.")
        yield _row(line, cells, columns, name)


# --- JSON ---
def _from_json(text: str, name: str, *, by_lines: bool) -> Table:
    values = list(_json_lines(text, name)) if by_lines else _json_list(text, name)
    if len(values) > MOST_ROWS:
        raise BadTable(f"{name} has more than {MOST_ROWS:,} rows. Send it in parts.")
    rows = tuple(_json_row(line, value, name) for line, value in values)
    columns = tuple(dict.fromkeys(key for row in rows for key in row.cells))
    if len(columns) > MOST_COLUMNS:
        raise BadTable(f"{name} has {len(columns)} keys; {MOST_COLUMNS} are allowed.")
    if not columns:
        raise BadTable(f"Line 1 of {name} has no rows.")
    return Table(columns, rows)


def _json_lines(text: str, name: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, _json(line, name, number)


def _json_list(text: str, name: str) -> list[tuple[int, Any]]:
    """Take a list, or the only list inside an object. Its rows are counted, as their lines are not known."""
    value = _json(text, name, 1)
    if isinstance(value, dict):
        lists = [one for one in value.values() if isinstance(one, list)]
        value = lists[0] if len(lists) == 1 else [value]
    if not isinstance(value, list):
        raise BadTable(f"Line 1 of {name} does not begin a list of results.")
    return list(enumerate(value, start=1))


def _json(text: str, name: str, line: int) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=no_constant)
    except json.JSONDecodeError as error:
        raise BadTable(f"Line {line + error.lineno - 1} of {name} is not JSON: {error.msg}.") from None
    except (ValueError, RecursionError) as error:
        words = str(error) if isinstance(error, BadCell) else "it is nested too deep or has a number too long"
        raise BadTable(f"Line {line} of {name} cannot be read: {words}.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadCell("a key occurs twice")
    return found


def no_constant(name: str) -> float:
    raise BadCell(f"{name} is not a number JSON knows")


def _json_row(line: int, value: Any, name: str) -> Row:
    if not isinstance(value, dict):
        raise BadTable(f"Line {line} of {name} is not an object with named values.")
    return Row(line, {str(key).strip(): "" if cell is None else cell for key, cell in value.items()})


# --- values ---
def text_of(cell: Any) -> str:
    """Return a cell as a trimmed text; a whole number of JSON as its digits."""
    if isinstance(cell, str):
        return cell.strip()
    return str(cell) if isinstance(cell, int) and not isinstance(cell, bool) else json.dumps(cell, ensure_ascii=False)


def state_of(cell: Any) -> str:
    """Return our word for a status; BadCell for one that nobody knows."""
    word = text_of(cell).lower().replace("_", " ").replace("-", " ")
    if word not in STATES:
        raise BadCell(f"the status {text_of(cell)[:40]!r} is none of {', '.join(sorted(filter(None, STATES)))}")
    return STATES[word]


def moment_of(cell: Any) -> datetime | None:
    """Read a date and time in one of the usual forms, or seconds since 1970; without a zone it is UTC."""
    text = text_of(cell)
    if not text:
        return None
    if re.fullmatch(r"\d{9,13}(\.\d+)?", text):
        number = float(text)
        return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC)
    for form in MOMENTS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadCell(f"{text[:40]!r} is no date and time; write 2026-11-20T10:00:00Z") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
