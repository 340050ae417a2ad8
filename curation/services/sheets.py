"""Tables for spreadsheets. Text never becomes a formula there, and numbers stay numbers."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

Cell = str | int | Decimal | datetime | date | None
ROWS_A_PIECE = 500
BEGIN_FORMULAS = frozenset("=+-@|%")
# Characters that are blank, control something or are not seen at all: what follows them may be what is looked at.
UNSEEN = frozenset({"Cc", "Cf", "Co", "Cn", "Zs", "Zl", "Zp", "Mn", "Me"})


def safe_text(text: str) -> str:
    """Return the text with an apostrophe before it where a spreadsheet could take it for a formula.

    It looks behind blanks and invisible characters, and through look-alikes: the full-width equals sign, the minus
    sign, dashes. See https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{text}" if _is_risky(text) else text


def _is_risky(text: str) -> bool:
    if text[:1] in {"\t", "\r", "\n"}:
        return True
    shown = next((char for char in text if unicodedata.category(char) not in UNSEEN), "")
    plain = unicodedata.normalize("NFKC", shown)[:1]
    return (
        plain in BEGIN_FORMULAS or unicodedata.category(plain or "a") == "Pd" or shown in {"\u2212", "\u2795", "\u2796"}
    )


def cell(value: Cell) -> str:
    if isinstance(value, str):
        return safe_text(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


def csv_pieces(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Write a CSV in pieces, never whole in memory."""
    page = io.StringIO()
    writer = csv.writer(page)
    writer.writerow(header)
    for number, row in enumerate(rows, start=1):
        writer.writerow([cell(value) for value in row])
        if number % ROWS_A_PIECE == 0:
            yield _taken(page)
    yield _taken(page)


def _taken(page: io.StringIO) -> bytes:
    text = page.getvalue()
    page.seek(0)
    page.truncate()
    return text.encode()
