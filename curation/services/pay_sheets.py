"""Earnings statements as tables: for a screen, for paper and for a spreadsheet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from crowd.models import Worker
from crowd.money import dollars
from crowd.services.earnings import Line, Statement
from curation.models import Project
from curation.services.sheets import Cell

HEADER = (
    "kind",
    "day",
    "project",
    "worker",
    "currency",
    "pages_accepted",
    "hours_paid",
    "work",
    "bonuses",
    "corrections",
    "earned",
    "pages_in_check",
    "in_check",
    "pages_rejected",
    "reason",
)
EMPTY: Sequence[Cell] = (None,) * 8


@dataclass(frozen=True, slots=True)
class Row:
    """A line with the names of its project and worker."""

    line: Line
    project: str
    worker: str

    @property
    def hours(self) -> str:
        return hours_text(self.line.time)


def hours_text(time: timedelta) -> str:
    """Return 1:05:30, or nothing when no time was paid."""
    seconds = int(time.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}" if seconds else ""


def rows(found: Statement) -> list[Row]:
    projects = project_names(found)
    workers = Worker.objects.in_bulk({line.worker_id for line in found.lines})
    return [Row(line, projects.get(line.project_id, ""), workers[line.worker_id].short_id) for line in found.lines]


def project_names(found: Statement) -> dict[int, str]:
    wanted = {line.project_id for line in found.lines} | {one.project_id for one in found.rejected}
    return dict(Project.objects.filter(pk__in=wanted).values_list("pk", "name"))


def cells(found: Statement, *, currency: str) -> Iterator[Sequence[Cell]]:
    """Yield a row for each day, one for each rejected page with its reason, and the total."""
    for row in rows(found):
        yield ("day", row.line.day, row.project, row.worker, currency, *_numbers(row.line), None)
    names = project_names(found)
    workers = Worker.objects.in_bulk({one.worker_id for one in found.rejected})
    for one in found.rejected:
        day = one.judged_at.date() if one.judged_at else None
        name, who = names.get(one.project_id, ""), workers[one.worker_id].short_id
        yield ("rejected", day, name, who, currency, *EMPTY, 1, f"{one.title}: {one.reason}")
    yield ("total", None, None, None, currency, *_numbers(found.total), None)


def _numbers(line: Line) -> Sequence[Cell]:
    return (
        line.accepted,
        (Decimal(line.time // timedelta(seconds=1)) / 3600).quantize(Decimal("0.0001")),
        dollars(line.work_micro),
        dollars(line.bonus_micro),
        dollars(line.other_micro),
        dollars(line.earned_micro),
        line.in_check,
        dollars(line.in_check_micro),
        line.rejected,
    )
