"""Statements and CSV: sums over ledger rows, in few queries, and nothing in them that a spreadsheet would run."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crowd.models import Account, LedgerEntry
from crowd.services import ledger
from crowd.services.ledger import Purse
from curation.models import Pool, Project, User
from curation.services import sheets, statements
from curation.services.statements import Sums
from tests.factories import make_pool, make_worker
from tests.money.world import CENT, busy, paid, purse, rows

pytestmark = pytest.mark.django_db


def cents(line: statements.Line) -> tuple[int, ...]:
    """Pages, work, bonuses, fees, refunds, corrections."""
    sums = line.sums
    return sums.pages, *(micro // CENT for micro in (sums.work, sums.bonus, sums.fee, sums.refund, sums.correction))


def test_a_statement_by_pool_tells_work_fees_and_what_came_back(project: Project):
    palm, fist, *_ = busy(project)
    lines = {line.key: cents(line) for line in statements.statement(project=project, by="pool")}
    assert lines == {palm.pk: (2, 6, 0, 1, -1, 0), fist.pk: (1, 5, 0, 1, 0, 2)}


def test_a_statement_by_worker_begins_with_who_got_most(project: Project):
    _, _, wanda, walt = busy(project)
    lines = [(line.key, line.sums.total // CENT) for line in statements.statement(project=project, by="worker")]
    assert lines == [(wanda.pk, 10), (walt.pk, 5), (None, -1)]
    assert [line.key for line in statements.top_workers(project=project, most=1)] == [wanda.pk]


def test_a_statement_by_day_goes_by_the_day_of_the_payment(project: Project):
    pool, worker = make_pool(project), make_worker()
    late = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    paid(pool, worker, now=late)
    paid(pool, worker, now=late + timedelta(minutes=2))
    days = [(line.key, line.sums.pages) for line in statements.statement(project=project, by="day")]
    assert days == [(date(2026, 3, 1), 1), (date(2026, 3, 2), 1)]


def test_every_statement_adds_up_to_what_the_budget_says(project: Project):
    busy(project)
    spent = ledger.totals(project_id=project.pk).spent_micro
    for by in statements.COLUMNS:
        assert sum(line.sums.total for line in statements.statement(project=project, by=by)) == spent
        assert sum(line.sums.total for line in statements.cube(project=project).by("stage")) == spent


@pytest.mark.parametrize("by", ["pool", "stage", "day"])
def test_the_cube_tells_the_same_as_each_statement(project: Project, by: str):
    busy(project)
    assert statements.cube(project=project).by(by) == statements.statement(project=project, by=by)


def test_currencies_are_never_added_up(project: Project):
    dollars = make_pool(project)
    paid(dollars, make_worker())
    ledger.create_budget(project_id=project.pk, limit_micro=CENT * 100, currency="EUR")
    Account.objects.filter(pk=dollars.account_id).update(currency="EUR")
    paid(Pool.objects.get(pk=dollars.pk), make_worker(), cents=7)
    lines = [(line.currency, line.sums.total // CENT) for line in statements.statement(project=project, by="pool")]
    assert lines == [("USD", 3), ("EUR", 7)]
    assert statements.cube(project=project).totals() == {
        "USD": Sums(pages=1, work=3 * CENT),
        "EUR": Sums(pages=1, work=7 * CENT),
    }


@pytest.mark.parametrize("by", [name for name in statements.COLUMNS if name != "class"])
def test_a_statement_is_one_query_however_much_was_paid(project: Project, by: str, django_assert_num_queries):
    for _ in range(3):
        busy_pool, who = make_pool(project, f"MORE {who_number()}"), make_worker()
        paid(busy_pool, who)
    with django_assert_num_queries(1):
        statements.statement(project=project, by=by)


def who_number() -> int:
    return Pool.objects.count()


def test_another_projects_money_is_in_no_statement(project: Project):
    from tests.factories import make_project

    other = make_project("Other")
    paid(make_pool(other), make_worker())
    assert statements.statement(project=project, by="day") == []
    assert list(statements.ledger_cells(project=project, rows=LedgerEntry.objects.filter(project_id=project.pk))) == []


# CSV


def read(header: Sequence[str], cells: Iterable[Sequence[sheets.Cell]]) -> list[dict[str, str]]:
    text = b"".join(sheets.csv_pieces(header, cells)).decode()
    return list(csv.DictReader(io.StringIO(text)))


def ledger_csv(project: Project) -> list[dict[str, str]]:
    found = LedgerEntry.objects.filter(project_id=project.pk)
    return read(statements.LEDGER_HEADER, statements.ledger_cells(project=project, rows=found))


def test_the_ledgers_csv_has_every_row_with_exact_amounts(project: Project, alice: User):
    palm, _, wanda, _ = busy(project, alice)
    lines = ledger_csv(project)
    assert [int(line["id"]) for line in lines] == [row.pk for row in rows(project)]
    first = lines[1]
    assert (first["kind"], first["from"], first["to"], first["amount"]) == ("charge", "held", "workers", "0.03")
    assert (first["pool"], first["worker"], first["account"]) == (palm.title, wanda.short_id, "Inhouse")
    assert (lines[-1]["by"], lines[-1]["note"]) == ("Alice", "their books")
    assert sum(Decimal(line["amount"]) for line in lines if line["to"] == "workers") == Decimal("0.13")


def test_a_long_ledger_is_read_in_pages_of_a_few_queries_each(project: Project, monkeypatch):
    monkeypatch.setattr(statements, "ROWS_AT_ONCE", 4)
    busy(project)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        lines = ledger_csv(project)
    assert len(lines) == LedgerEntry.objects.count() == 11
    assert len(queries) <= 5 + 3 * 2


def test_what_is_booked_while_it_is_written_is_left_out(project: Project, monkeypatch):
    monkeypatch.setattr(statements, "ROWS_AT_ONCE", 2)
    palm, *_ = busy(project)
    found = statements.ledger_cells(project=project, rows=LedgerEntry.objects.filter(project_id=project.pk))
    first = [next(found) for _ in range(2)]
    paid(palm, make_worker())
    assert len(first) + len(list(found)) == 11


@pytest.mark.parametrize("by", list(statements.COLUMNS))
def test_a_statements_csv_adds_up(project: Project, by: str):
    busy(project)
    lines = read(statements.STATEMENT_HEADER, statements.statement_cells(project=project, by=by))
    assert sum(Decimal(line["total"]) for line in lines) == Decimal("0.14")
    assert {line["currency"] for line in lines} == {"USD"}


DANGEROUS = [
    "=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\u200b=1", "\ufeff=1", "\u202e=1",
    "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "\ufe661", "\ufe621", "\ufe631", "\ufe6bx", "\u22121", "\u20131",
    "\u20141", "\u207a1", "\u2795", "|calc", "%0A=1", "\U000e0020=1",
]  # fmt: skip


@pytest.mark.parametrize("text", DANGEROUS, ids=ascii)
def test_text_that_could_be_a_formula_is_kept_from_being_one(text: str):
    assert sheets.safe_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "PALM", "w_12ab34", "1 = 1", "a=b", "assignment:12", "Ünë", "(1)", "'=1", "手"])
def test_other_text_stays_as_it_is(text: str):
    assert sheets.safe_text(text) == text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (-5, "-5"),
        (Decimal("-0.50"), "-0.50"),
        (Decimal("0.000001"), "0.000001"),
        (Decimal(10**9), "1000000000"),
        (None, ""),
    ],
)
def test_numbers_stay_numbers(value: sheets.Cell, written: str):
    assert sheets.cell(value) == written


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "\uff1dcmd|' /C calc'!A0", '\t=1,"2"', "-2+3\r\n=1"], ids=ascii)
def test_no_text_field_of_any_csv_can_start_a_formula(project: Project, alice: User, text: str):
    """Every text that people or platforms may write: titles, labels, names, references, notes."""
    palm, *_ = busy(project, alice)
    Pool.objects.filter(pk=palm.pk).update(title=text)
    project.stages.update(title=text)
    Account.objects.update(label=text)
    User.objects.filter(pk=alice.pk).update(name=text)
    ledger.refund(purse=purse(palm), amount_micro=1, ref=text[:80], book="workers", note=text, by_id=alice.pk)
    checked = 0
    tables = [
        (statements.STATEMENT_HEADER, statements.statement_cells(project=project, by=by)) for by in statements.COLUMNS
    ]
    tables.append((statements.LEDGER_HEADER, statements.ledger_cells(project=project, rows=LedgerEntry.objects.all())))
    for header, cells in tables:
        for line in read(header, cells):
            for value in line.values():
                assert value == sheets.safe_text(value) or is_number(value)
                checked += text in value
    assert checked > 10


def is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdecimal()


def test_a_csv_is_written_in_pieces():
    pieces = list(sheets.csv_pieces(["n"], ([number] for number in range(1_200))))
    assert len(pieces) == 3
    assert b"".join(pieces).count(b"\r\n") == 1_201


def test_purse_of_the_project_as_a_whole_is_a_line_of_its_own(project: Project):
    busy(project)
    ledger.correct(
        purse=Purse(project.pk), amount_micro=CENT, ref="c:2", book="platform", note="monthly fee", by_id=None
    )
    lines = {line["name"]: line["total"] for line in read(
        statements.STATEMENT_HEADER, statements.statement_cells(project=project, by="pool")
    )}  # fmt: skip
    assert lines["whole project"] == "0.01"
