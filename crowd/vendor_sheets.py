"""The one sheet of a spreadsheet (.xlsx) as rows of cells. Pure; the bytes are a stranger's."""

import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from io import BytesIO
from typing import Any

MOST_UNPACKED = 400_000_000
MOST_TIMES = 200  # what an honest sheet shrinks to is far from this
XLSX_PART = "xl/workbook.xml"
Cells = tuple[int, list[Any]]


class BadSheet(ValueError):
    """A spreadsheet that cannot be read; one sentence."""


def looks_like_sheet(data: bytes) -> bool:
    """Tell a .xlsx from other archives by what is inside."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return XLSX_PART in archive.namelist()
    except zipfile.BadZipFile:
        return False


def read_sheet(data: bytes) -> Iterator[Cells]:
    """Yield number and cells of the rows that hold something. Raises BadSheet.

    Of formulas the value that was last saved counts. Sheets that are hidden or empty are passed over; of several with
    rows nobody can tell which is meant.
    """
    from openpyxl import load_workbook  # only here: it is slow to import

    _require_honest(data)
    try:
        book = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
        yield from _the_only_rows(book)
    except BadSheet:
        raise
    except Exception as error:  # openpyxl raises whatever a damaged file makes it stumble over
        raise BadSheet("it is damaged; save it again, or save the sheet as CSV") from error


def _require_honest(data: bytes) -> None:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        unpacked = sum(one.file_size for one in archive.infolist())
    if unpacked > MOST_UNPACKED or unpacked > MOST_TIMES * len(data) + 1_000_000:
        raise BadSheet("it unpacks to more than a sheet of results could have; save the sheet as CSV")


def _the_only_rows(book: Any) -> Iterator[Cells]:
    filled = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible" and _has_rows(sheet)]
    if len(filled) > 1:
        names = ", ".join(repr(sheet.title) for sheet in filled[:5])
        raise BadSheet(f"it has several sheets with rows ({names}); leave the one with the results")
    for sheet in filled:
        yield from _rows(sheet)


def _has_rows(sheet: Any) -> bool:
    return next(_rows(sheet), None) is not None


def _rows(sheet: Any) -> Iterator[Cells]:
    sheet.reset_dimensions()  # what a file says of its size is not trusted
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        cells = _trimmed([_plain(value) for value in values])
        if cells:
            yield number, cells


def _trimmed(cells: Sequence[Any]) -> list[Any]:
    """Leave out the empty cells at the end, which a sheet may have by the thousand."""
    used = [place for place, cell in enumerate(cells, start=1) if cell != ""]
    return list(cells[: used[-1]]) if used else []


def _plain(value: Any) -> Any:
    """Return what the same cell would be in a CSV or in JSON."""
    if value is None:
        return ""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
