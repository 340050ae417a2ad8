"""A round: several workers take a page each and hand it in, in one transaction of whoever lets them.

What is known of them is read at once, what they did is written at once. Whether somebody may have a page, which tasks,
at what price, and what follows from it is decided as for one page alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crowd.bulk import next_ids
from crowd.errors import BudgetExceeded, NoWork
from crowd.models import Answer, AnswerRaw, Assignment, Batch, Worker
from crowd.platforms.registry import platform
from crowd.services import claims, control, exam_ending, handing_in, judging, ledger, skills, standing, teams, trust
from crowd.services.answers_in import count_places
from crowd.services.read_ahead import ReadAhead
from crowd.services.skills import Checked
from crowd.services.standing import Learned

IDS_AT_ONCE = 100
MAIN = Batch.Kind.MAIN


class NotTogether(Exception):
    """The money does not last for all pages of a round: they have to be given out one by one."""


@dataclass(slots=True)
class _Taken:
    """A page with its rows, not stored yet; `raw` is empty until it is handed in."""

    page: Assignment
    rows: Sequence[Answer]
    at: datetime
    raw: Sequence[AnswerRaw] = ()

    @property
    def oks(self) -> list[bool]:
        """Which answers to control tasks are right."""
        return [row.control_ok for row in self.rows if row.control_ok is not None]


@dataclass(slots=True)
class Round:
    """The pages that are in work here are written by `write`, at the latest when their worker is met again.

    Tasks of `batches` are read together when the first is wanted.
    """

    workers: Sequence[Worker]
    batches: Sequence[Batch] = ()
    _stock: ReadAhead = field(init=False)
    _known: dict[int, Learned] = field(init=False)
    _changed: set[int] = field(default_factory=set)
    _taken: dict[int, _Taken] = field(default_factory=dict)
    _locked: set[ledger.Purse] = field(default_factory=set)
    _page_ids: Iterator[int] = field(default_factory=lambda: _ids(Assignment))
    _answer_ids: Iterator[int] = field(default_factory=lambda: _ids(Answer))

    def __post_init__(self) -> None:
        self._known = standing.learn(self.workers)
        self._stock = ReadAhead(self.workers, self.batches)

    def meet(self, worker: Worker, *, ring: Sequence[str] = ()) -> None:
        """Begin with a worker: what he, or somebody of his ring, whose work he can see, has done before is written."""
        if any(one.page.worker_id == worker.pk or one.page.worker.ext_id in ring for one in self._taken.values()):
            self.write()
        if worker.pk in self._changed:
            self._known |= standing.learn([one for one in self.workers if one.pk in self._changed])
            self._changed.clear()

    def known(self, worker: Worker) -> Learned:
        return self._known[worker.pk]

    def can_give(self, batch: Batch, worker: Worker) -> bool:
        """Whether a page of this batch is one of many: nothing fetched, no trial, no time paid, no page from before."""
        if batch.pk in self._known[worker.pk].in_hand or batch.interface == "link" or batch.trial_id is not None:
            return False
        if batch.kind != MAIN and (exam_ending.ENDING in batch.spec or batch.pk in self._known[worker.pk].been_in):
            return False
        is_ours = platform(batch.account.platform).capabilities.pages == "local"
        return is_ours and not teams.rate_of(worker=worker, batch=batch) and not self._known[worker.pk].own_tasks()

    def stand_aside(self, *, batch: Batch, worker: Worker) -> None:
        """Let this worker take a page by himself, after what the others hold."""
        self._changed.add(worker.pk)
        if batch.kind == MAIN:
            self.write()
            self._stock = ReadAhead(self.workers, self.batches)

    def take(self, *, batch: Batch, worker: Worker, now: datetime) -> tuple[Assignment, Sequence[Answer]]:
        """Give the worker a page, as `claims.claim_page` does; the money for it is held when it is written."""
        known = self._known[worker.pk]
        claims.check(batch=batch, known=known, now=now)
        self._lock(ledger.Purse.of(batch))
        tasks = claims.pick(batch=batch, known=known, stock=self._stock)
        if not tasks:
            raise NoWork
        page = claims.new_page(batch=batch, known=known, tasks=tasks, now=now)
        page.pk = next(self._page_ids)
        rows = [
            Answer(pk=next(self._answer_ids), assignment=page, task=task, worker_id=worker.pk, seq=seq)
            for seq, task in enumerate(tasks)
        ]
        self._taken[page.pk] = _Taken(page, rows, now)
        return page, rows

    def holds(self, page: Assignment) -> bool:
        return page.pk in self._taken

    def hand_in(
        self, *, page: Assignment, answers: Mapping[int, Mapping[str, Any]], duration_ms: int, now: datetime
    ) -> None:
        """Hand a page in, as `handing_in.submit_page` does; what follows from it comes when it is written."""
        taken = self._taken[page.pk]
        handing_in.fill_in(page=page, rows=taken.rows, answers=answers, duration_ms=duration_ms, now=now)
        taken.raw, taken.at = handing_in.raw_of(taken.rows, answers), now
        if page.batch.kind != MAIN:
            page.processed_at = now

    def check_training(self, *, page: Assignment, answer_id: int, payload: Mapping[str, Any]) -> control.Hint:
        """Judge one training answer as `control.check_training` does: the first try counts."""
        row = next(row for row in self._taken[page.pk].rows if row.pk == answer_id)
        hint = control.hint_for(task=row.task, payload=payload)
        row.control_ok = hint.ok if row.control_ok is None else row.control_ok
        return hint

    def write(self) -> None:
        """Store everything that was done, pay what is paid at once, and look at the rules. Raises NotTogether."""
        found, self._taken = list(self._taken.values()), {}
        if not found:
            return
        self._changed |= {one.page.worker_id for one in found}
        Assignment.objects.bulk_create(one.page for one in found)
        Answer.objects.bulk_create(row for one in found for row in one.rows)
        AnswerRaw.objects.bulk_create(raw for one in found for raw in one.raw)
        _hold([one.page for one in found])
        handed_in = [one for one in found if one.raw]
        count_places([one.page.pk for one in handed_in], issued=1, done=1)
        count_places([one.page.pk for one in found if not one.raw], issued=1, done=0)
        self._stock.are_counted()
        self._accept(handed_in)
        _grade([one for one in handed_in if one.page.batch.kind != MAIN])
        real = [one for one in handed_in if one.page.batch.kind == MAIN]
        trust.apply_to_all([Checked(one.page, one.oks, one.at) for one in real if one.oks or one.page.batch.rules])
        if any(trust.may_reject(one.page.batch) for one in handed_in):
            self._stock = ReadAhead(self.workers, self.batches)  # their tasks are on offer again

    def _accept(self, handed_in: Sequence[_Taken]) -> None:
        due = [one for one in handed_in if self._is_paid_at_once(one)]
        if due:
            judging.accept_locked(pages=[one.page for one in due], now=max(one.at for one in due))

    def _is_paid_at_once(self, one: _Taken) -> bool:
        page = one.page
        if page.batch.kind != MAIN:
            return True
        return page.batch.auto_accept and not self._known[page.worker_id].is_unpaid(page.batch, one.at)

    def _lock(self, purse: ledger.Purse) -> None:
        """Take the lock of the project's budget once: everybody does so before tasks."""
        if purse.of_project not in self._locked:
            ledger.lock(purse=purse)
            self._locked.add(purse.of_project)


def _ids(model: type[Assignment] | type[Answer]) -> Iterator[int]:
    while True:
        yield from next_ids(model, IDS_AT_ONCE)


def _grade(done: Sequence[_Taken]) -> None:
    """Turn pages of trainings and exams into their skills."""
    scores = [handing_in.score_of(page=one.page, oks=one.oks, now=one.at) for one in done]
    skills.set_all([score for score in scores if score is not None])


def _hold(pages: Sequence[Assignment]) -> None:
    amounts: dict[ledger.Purse, dict[str, int]] = {}
    for page in pages:
        cost = page.price_micro + page.fee_micro
        amounts.setdefault(ledger.Purse.of(page.batch), {})[f"assignment:{page.pk}"] = cost
    try:
        ledger.reserve_all(amounts=amounts)
    except BudgetExceeded as error:
        raise NotTogether from error
