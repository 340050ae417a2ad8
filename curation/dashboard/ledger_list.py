"""The ledger as a list: filters from the address, keyset pages, each row in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date

from crowd.errors import CrowdError
from crowd.models import LedgerEntry, Worker
from curation.dashboard.keyset import whole, window
from curation.dashboard.row_pages import pages_of
from curation.models import Pool, Project, User
from curation.services.pseudonyms import find_worker
from curation.services.statements import Names, workers_of

Kind, Book = LedgerEntry.Kind, LedgerEntry.Book
PAGE = 30
BREAKDOWNS: Final[Mapping[str, str]] = {
    "pool": "Pools",
    "class": "Classes",
    "platform": "Platforms",
    "worker": "Workers",
}
COSTS: Final = ("published", "published-without")
KINDS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "paid": ("Paid", (Kind.CHARGE, Kind.FEE)),
    "held": ("Held", (Kind.RESERVE, Kind.RELEASE)),
    "bonus": ("Bonuses", (Kind.BONUS,)),
    "hand": ("By hand", (Kind.REFUND, Kind.CORRECTION)),
}
LOOKS: Final[Mapping[str, tuple[str, str, str]]] = {
    Kind.CHARGE: ("Paid", "check", "ok"),
    Kind.FEE: ("Fee", "percent", ""),
    Kind.BONUS: ("Bonus", "gift", "ok"),
    Kind.RESERVE: ("Held", "lock", "acc"),
    Kind.RELEASE: ("Given back", "undo-2", ""),
    Kind.REFUND: ("Refund", "corner-up-left", "ok"),
    Kind.CORRECTION: ("Correction", "pencil", "warn"),
}
WORDS: Final[Mapping[tuple[str, str], str]] = {
    (Kind.RESERVE, "assignment"): "A page was given out",
    (Kind.RESERVE, "batch"): "The pool may cost so much more",
    (Kind.RESERVE, "bonus"): "A bonus was planned",
    (Kind.RELEASE, "assignment"): "A page was not paid, or cost less",
    (Kind.RELEASE, "batch"): "The pool may cost so much less",
    (Kind.RELEASE, "bonus"): "A bonus was refused",
    (Kind.FEE, "assignment"): "For an accepted page",
    (Kind.FEE, "bonus"): "For a bonus",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for. `problem` says what of it nobody understands; then nothing fits."""

    kind: str = ""
    pool: int | None = None
    stage: int | None = None
    platform: int | None = None
    label: int | None = None
    worker: str = ""
    day: date | None = None
    worker_id: int | None = None
    problem: str = ""
    by: str = ""
    costs: str = ""

    @classmethod
    def read(cls, query: QueryDict, project: Project) -> "Filters":
        day, who = query.get("day", ""), query.get("worker", "").replace("\x00", "")[:200]
        kind = query.get("kind", "")
        found, problem = _day(day)
        worker_id = None
        if who.strip():
            try:
                worker_id = find_worker(project=project, text=who).pk
            except CrowdError as error:
                problem = str(error)
        return cls(
            kind=kind if kind in KINDS else "",
            pool=whole(query.get("pool", "")),
            stage=whole(query.get("stage", "")),
            platform=whole(query.get("platform", "")),
            label=whole(query.get("class", "")),
            worker=who.strip(),
            day=found,
            worker_id=worker_id,
            problem=problem,
            by=query.get("by", "") if query.get("by", "") in BREAKDOWNS else "",
            costs=query.get("costs", "") if query.get("costs", "") in COSTS else "",
        )

    def query(self, **changed: str) -> str:
        """Return the address of the same page with something changed; what is empty is left out."""
        pairs = {
            "kind": self.kind,
            "pool": self.pool,
            "stage": self.stage,
            "platform": self.platform,
            "class": self.label,
            "worker": self.worker,
            "day": self.day,
            "by": self.by,
            "costs": self.costs,
            **changed,
        }
        return f"?{urlencode({name: str(value) for name, value in pairs.items() if value})}"

    def only(self, **wanted: str) -> str:
        """Return the address of the ledger with these filters and no other."""
        return f"{Filters(by=self.by, costs=self.costs).query(**wanted)}#ledger"

    @property
    def any(self) -> bool:
        return any((self.kind, self.pool, self.stage, self.platform, self.label, self.worker, self.day, self.problem))


def _day(text: str) -> tuple[date | None, str]:
    if not text:
        return None, ""
    try:
        day = parse_date(text[:40])
    except ValueError:
        day = None
    return day, "" if day else f"{text[:40]!r} is not a day, such as 2026-03-31."


def filtered(project: Project, filters: Filters) -> "QuerySet[LedgerEntry]":
    rows: QuerySet[LedgerEntry] = LedgerEntry.objects.filter(project_id=project.pk)
    if filters.problem:
        return rows.none()
    if filters.kind:
        rows = rows.filter(kind__in=KINDS[filters.kind][1])
    if filters.pool is not None:
        rows = rows.filter(pool_id=filters.pool)
    if filters.stage is not None:
        rows = _of_pools(rows.filter(stage_id=filters.stage), Pool.objects.filter(project=project, stage=filters.stage))
    if filters.platform is not None:
        of_platform = Pool.objects.filter(project=project, account=filters.platform)
        rows = _of_pools(rows.filter(account_id=filters.platform), of_platform)
    if filters.label is not None:
        of_class = Pool.objects.filter(project=project, label_class=filters.label)
        rows = rows.filter(pool_id__in=list(of_class.values_list("pk", flat=True)))
    if filters.worker_id is not None:
        rows = rows.filter(worker_id=filters.worker_id)
    if filters.day is not None:
        start = timezone.make_aware(datetime.combine(filters.day, time.min))
        rows = rows.filter(created_at__gte=start, created_at__lt=start + timedelta(days=1))
    return rows


def _of_pools(rows: "QuerySet[LedgerEntry]", pools: "QuerySet[Pool]") -> "QuerySet[LedgerEntry]":
    """Name the pools whose entries these are, beside those of no pool: by pool the ledger is indexed."""
    return rows.filter(Q(pool_id__in=list(pools.values_list("pk", flat=True))) | Q(pool_id=None))


@dataclass(frozen=True, slots=True)
class Row:
    """A ledger row as people read it; `held` and `spent` say how it changed both, in micro-units."""

    entry: LedgerEntry
    pool: str
    account: str
    worker: Worker | None
    by: str
    pool_page: str
    worker_page: str

    @property
    def word(self) -> str:
        return LOOKS[self.entry.kind][0]

    @property
    def icon(self) -> str:
        return LOOKS[self.entry.kind][1]

    @property
    def tone(self) -> str:
        return LOOKS[self.entry.kind][2]

    @property
    def what(self) -> str:
        about = self.entry.ref.partition(":")[0]
        return self.entry.note or WORDS.get((self.entry.kind, about), "Accepted work" if self.worker else "")

    @property
    def held(self) -> int:
        return self._into(Book.HELD)

    @property
    def spent(self) -> int:
        return self._into(Book.WORKERS) + self._into(Book.PLATFORM)

    def _into(self, book: str) -> int:
        amount = self.entry.amount_micro
        return amount * (self.entry.target == book) - amount * (self.entry.source == book)


@dataclass(frozen=True, slots=True)
class Page:
    rows: Sequence[Row]
    newer: int | None
    older: int | None


def page(
    project: Project, rows: "QuerySet[LedgerEntry]", *, names: Names, after: int | None, before: int | None
) -> Page:
    """Return one page, newest first: `after` goes on to older rows, `before` back to newer ones."""
    found = window(rows, size=PAGE, after=after, before=before)
    return Page(_in_words(project, found.rows, names), found.newer, found.older)


def _in_words(project: Project, entries: Sequence[LedgerEntry], names: Names) -> list[Row]:
    workers = workers_of(entry.worker_id for entry in entries)
    ids = {entry.by_id for entry in entries if entry.by_id is not None}
    people = dict(User.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
    pool_page, worker_page = (pages_of(name, project.public_id) for name in ("pool", "worker"))
    return [
        Row(
            entry,
            names.pools.get(entry.pool_id or 0, ""),
            names.accounts.get(entry.account_id or 0, ""),
            workers.get(entry.worker_id or 0),
            people.get(entry.by_id or 0, ""),
            pool_page(entry.pool_id or 0),
            worker_page(entry.worker_id or 0),
        )
        for entry in entries
    ]
