"""Pages of work of a project: filters from the address, keyset pages, each with the pictures it was about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final
from urllib.parse import urlencode

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict

from crowd.errors import CrowdError
from crowd.models import Answer, Assignment, Batch
from curation.dashboard.keyset import whole, window
from curation.models import Asset, AssetPreview, Pool, Project
from curation.services.pseudonyms import find_worker

State = Assignment.State
PAGE, PICTURES = 30, 10
STATES: Final[Mapping[str, tuple[str, str]]] = {
    State.ACTIVE: ("In hands", "info"),
    State.SUBMITTED: ("In check", "warn"),
    State.ACCEPTED: ("Accepted", "ok"),
    State.REJECTED: ("Rejected", "bad"),
    State.SKIPPED: ("Skipped", ""),
    State.EXPIRED: ("Ran out of time", ""),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; `problem` says what of it nobody understands, and then nothing fits."""

    state: str = ""
    pool: int | None = None
    worker: str = ""
    worker_id: int | None = None
    problem: str = ""

    @classmethod
    def read(cls, query: QueryDict, project: Project) -> "Filters":
        who = query.get("worker", "").replace("\x00", "").strip()[:200]
        state, worker_id, problem = query.get("state", ""), None, ""
        if who:
            try:
                worker_id = find_worker(project=project, text=who).pk
            except CrowdError as error:
                problem = str(error)
        return cls(
            state=state if state in STATES else "",
            pool=whole(query.get("pool", "")),
            worker=who,
            worker_id=worker_id,
            problem=problem,
        )

    def query(self, **changed: str) -> str:
        """Return the address of the same list with something changed; what is empty is left out."""
        pairs = {"state": self.state, "pool": self.pool, "worker": self.worker, **changed}
        return f"?{urlencode({name: str(value) for name, value in pairs.items() if value})}"

    @property
    def any(self) -> bool:
        return any((self.state, self.pool, self.worker, self.problem))


@dataclass(frozen=True, slots=True)
class Row:
    page: Assignment
    pool: Pool | None
    pictures: Sequence[Asset]
    tasks: int

    @property
    def word(self) -> str:
        return STATES[self.page.state][0]

    @property
    def tone(self) -> str:
        return STATES[self.page.state][1]

    @property
    def more(self) -> int:
        return max(0, self.tasks - PICTURES) if self.pictures else 0


@dataclass(frozen=True, slots=True)
class Listed:
    rows: Sequence[Row]
    newer: int | None
    older: int | None


def listed(*, project: Project, filters: Filters, after: int | None, before: int | None) -> Listed:
    """Return pages of work, newest first: `after` goes on to older ones, `before` back to newer ones."""
    found = window(_filtered(project, filters, after, before), size=PAGE, after=after, before=before)
    return Listed(_with_pictures(project, found.rows), found.newer, found.older)


def _filtered(project: Project, filters: Filters, after: int | None, before: int | None) -> QuerySet[Assignment]:
    batches = Batch.objects.filter(project_id=project.pk)
    if filters.pool is not None:
        batches = batches.filter(pool_id=filters.pool)
    rows: QuerySet[Assignment] = Assignment.objects.all()
    if filters.problem:
        return rows.none()
    if filters.state:
        rows = rows.filter(state=filters.state)
    if filters.worker_id is not None:
        rows = rows.filter(worker_id=filters.worker_id, batch__in=list(batches.values_list("pk", flat=True)))
    else:
        rows = rows.filter(pk__in=_next_of_each(batches, rows, after, before))
    return rows.select_related("worker", "account", "batch")


def _next_of_each(
    batches: QuerySet[Batch], rows: QuerySet[Assignment], after: int | None, before: int | None
) -> list[int]:
    """Return the pages that can be on one screen, looked up batch by batch.

    Each batch is one short walk of its index; over all of them at once the pages of a pool that ended long ago would
    be looked for among all newer ones.
    """
    own = rows.filter(batch=OuterRef("pk"))
    if before is not None:
        own = own.filter(pk__gt=before).order_by("pk")
    else:
        own = (own if after is None else own.filter(pk__lt=after)).order_by("-pk")
    found = batches.values_list(ArraySubquery(own.values("pk")[: PAGE + 1]), flat=True)
    return sorted(chain.from_iterable(found), reverse=before is None)[: PAGE + 1]


def _with_pictures(project: Project, pages: Sequence[Assignment]) -> list[Row]:
    answers = list(
        Answer.objects.filter(assignment__in=pages)
        .order_by("seq", "id")
        .values_list("id", "assignment", "task__item_id")
    )
    by_item, by_answer = _pictures(project, answers)
    pools = Pool.objects.in_bulk([page.batch.pool_id for page in pages])
    rows = []
    for page in pages:
        own = [(answer, item) for answer, of_page, item in answers if of_page == page.pk]
        shown = [found for answer, item in own if (found := by_answer.get(answer) or by_item.get(item or 0))]
        rows.append(Row(page, pools.get(page.batch.pool_id), shown[:PICTURES], len(own)))
    return rows


def _pictures(
    project: Project, answers: Iterable[tuple[int, int, int | None]]
) -> tuple[dict[int, Asset], dict[int, Asset]]:
    """Return the pictures that were asked about, by their number, and those that were sent, by the answer."""
    of_answers, items = {one[0] for one in answers}, {one[2] for one in answers if one[2]}
    rows = Asset.objects.filter(Q(pk__in=items) | Q(answer__in=of_answers), project=project)
    has_preview = Exists(AssetPreview.objects.filter(asset=OuterRef("pk")))
    found = list(rows.only("public_id", "answer_id", "state").annotate(has_preview=has_preview))
    return {one.pk: one for one in found}, {one.answer_id: one for one in found if one.answer_id}
