"""A round: several workers take pages and hand them in, in one transaction of whoever lets them; nobody else does.

What is known of them is read at once, followed in memory from page to page, and written at once. Whether somebody may
have a page, which tasks, at what price, and what follows from it is decided as for one page alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crowd.bulk import insert_all, insert_values, next_ids
from crowd.errors import BudgetExceeded, NoWork
from crowd.models import Answer, AnswerRaw, Assignment, Batch, Worker
from crowd.platforms.registry import platform
from crowd.services import (
    claims,
    control,
    exam_ending,
    handing_in,
    judging,
    ledger,
    skills,
    standing,
    teams,
    trust,
    watching,
)
from crowd.services.answers_in import count_places
from crowd.services.read_ahead import ReadAhead
from crowd.services.skills import Checked, Learning, Score
from crowd.services.standing import Learned
from crowd.services.watching import Watch

ANSWERS_A_WORKER = 5  # whose ids are fetched together
MAIN = Batch.Kind.MAIN


class NotTogether(Exception):
    """The money does not last for all pages of a round: they have to be given out one by one."""


@dataclass(slots=True)
class _Taken:
    """A page with its rows, not stored yet unless it is from before; `raw` is empty until it is handed in."""

    page: Assignment
    rows: Sequence[Answer]
    at: datetime
    raw: Sequence[tuple[int, Mapping[str, Any]]] = ()
    is_stored: bool = False

    @property
    def oks(self) -> list[bool]:
        """Which answers to control tasks are right."""
        return [row.control_ok for row in self.rows if row.control_ok is not None]


@dataclass(slots=True)
class Round:
    """The pages that are in work here are written by `write`; their workers are alone with what they do until then.

    Tasks of `batches` are read together when the first is wanted. Where something is asked of the database that is
    not followed here, a worker's pages are written before he is met again.
    """

    workers: Sequence[Worker]
    batches: Sequence[Batch] = ()
    _stock: ReadAhead = field(init=False)
    _watch: Watch = field(init=False)
    _known: dict[int, Learned] = field(init=False)
    _learning: dict[str, Learning] = field(default_factory=dict)
    _scores: list[Score] = field(default_factory=list)
    _changed: set[int] = field(default_factory=set)
    _taken: dict[int, _Taken] = field(default_factory=dict)
    _locked: set[tuple[int, int]] = field(default_factory=set)
    _followed: dict[int, bool] = field(default_factory=dict)
    _page_ids: Iterator[int] = field(init=False)
    _answer_ids: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        self._known = standing.learn(self.workers)
        self._read_anew()
        self._number_anew()
        for batch in self.batches:
            self._follows(batch)

    def meet(self, worker: Worker) -> None:
        """Begin with a worker: where he has to be asked about anew, what he holds is written first."""
        is_known = worker.pk not in self._changed and all(self._followed.values())
        if not is_known and any(one.page.worker_id == worker.pk for one in self._taken.values()):
            self.write()
        if worker.pk in self._changed:
            self._known |= standing.learn([worker])
            self._changed.remove(worker.pk)

    def known(self, worker: Worker) -> Learned:
        return self._known[worker.pk]

    def can_give(self, batch: Batch, worker: Worker) -> bool:
        """Whether a page of this batch is one of many: nothing fetched, no trial, no time paid, no training begun."""
        if batch.interface == "link" or batch.trial_id is not None:
            return False
        if batch.kind != MAIN and (exam_ending.ENDING in batch.spec or batch.pk in self._known[worker.pk].been_in):
            return False
        is_ours = platform(batch.account.platform).capabilities.pages == "local"
        return is_ours and not teams.rate_of(worker=worker, batch=batch) and not self._known[worker.pk].own_tasks()

    def has_nothing(self, batch: Batch, worker: Worker) -> bool:
        """Whether it is known without asking on that there is no page of this batch for a worker."""
        if not self._stock.is_empty(batch):
            return False
        known = self._known[worker.pk]
        return batch.pk not in known.in_hand and not known.own_tasks()

    def stand_aside(self, *, worker: Worker) -> None:
        """Let this worker take a page by himself, after what the others hold."""
        self.write()
        self._changed.add(worker.pk)
        self._read_anew()
        self._number_anew()

    def _read_anew(self) -> None:
        """Forget what was followed, since something happens elsewhere: it is read when it is needed."""
        self._stock = ReadAhead(self.workers, self.batches)
        self._watch = Watch(self.workers, self.batches)
        self._learning.clear()

    def _number_anew(self) -> None:
        """Fetch ids when they are needed: the latest pages have the highest."""
        self._page_ids = _ids(Assignment, len(self.workers))
        self._answer_ids = _ids(Answer, ANSWERS_A_WORKER * len(self.workers))

    def _follows(self, batch: Batch) -> bool:
        """Whether what comes of a page of this batch is known without the database."""
        if batch.pk not in self._followed:
            prices_by_acceptance = batch.kind == MAIN and batch.auto_accept and batch.grants_skill_id is not None
            self._followed[batch.pk] = not (
                prices_by_acceptance or control.is_adaptive(batch) or not watching.can_follow(batch)
            )
        return self._followed[batch.pk]

    def take(self, *, batch: Batch, worker: Worker, now: datetime) -> tuple[Assignment, Sequence[Answer]]:
        """Give the worker a page, as `claims.claim_page` does; the money for it is held when it is written."""
        known = self._known[worker.pk]
        if batch.pk in known.in_hand:
            self._lock(batch)
            found = self._in_hand(batch, worker)
            if found.page.lease_until >= now:
                return found.page, found.rows
            self._expire(found, now)
        claims.check(batch=batch, known=known, now=now)
        self._lock(batch)
        tasks = claims.pick(batch=batch, known=known, stock=self._stock)
        if not tasks:
            raise NoWork
        page = claims.new_page(batch=batch, known=known, tasks=tasks, now=now)
        page.pk = next(self._page_ids)
        rows = [
            Answer(pk=next(self._answer_ids), assignment=page, task=task, worker_id=worker.pk, seq=seq)
            for seq, task in enumerate(tasks)
        ]
        self._follows(batch)
        self._stock.are_shown(tasks, worker)
        known.takes(batch, sum(task.overlap is not None for task in tasks))
        self._taken[page.pk] = _Taken(page, rows, now)
        return page, rows

    def _in_hand(self, batch: Batch, worker: Worker) -> _Taken:
        """Return the page that the worker has begun here and not handed in."""
        for one in self._taken.values():
            if not one.raw and one.page.batch_id == batch.pk and one.page.worker_id == worker.pk:
                return one
        page = Assignment.objects.get(batch=batch, worker=worker, state=Assignment.State.ACTIVE)
        page.batch, page.worker = batch, worker
        rows = list(Answer.objects.filter(assignment=page).select_related("task").order_by("seq"))
        self._taken[page.pk] = _Taken(page, rows, page.issued_at, is_stored=True)
        return self._taken[page.pk]

    def _expire(self, late: _Taken, now: datetime) -> None:
        """Take a page back whose time is over: its tasks are on offer again."""
        if not late.is_stored:
            self.write()
        self._taken.pop(late.page.pk, None)
        handing_in.expire(assignment_id=late.page.pk, now=now)
        self._known[late.page.worker_id].loses(late.page.batch, sum(row.task.overlap is not None for row in late.rows))
        self._stock.read_anew()

    def holds(self, page: Assignment) -> bool:
        return page.pk in self._taken

    def hand_in(
        self, *, page: Assignment, answers: Mapping[int, Mapping[str, Any]], duration_ms: int, now: datetime
    ) -> None:
        """Hand a page in, as `handing_in.submit_page` does; what follows from it comes when it is written."""
        taken = self._taken[page.pk]
        handing_in.fill_in(page=page, rows=taken.rows, answers=answers, duration_ms=duration_ms, now=now)
        taken.raw, taken.at = handing_in.raw_of(taken.rows, answers), now
        self._known[page.worker_id].in_hand.discard(page.batch_id)
        if self._is_paid_at_once(taken):
            page.move_to(Assignment.State.ACCEPTED)
            page.judged_at = now
        if page.batch.kind != MAIN:
            self._grade(taken)
        elif taken.oks or page.batch.rules:
            self._judge(Checked(page, taken.oks, now), len(taken.rows))

    def _grade(self, taken: _Taken) -> None:
        """Turn a page of a training or an exam into its skill."""
        taken.page.processed_at = taken.at
        score = handing_in.score_of(page=taken.page, oks=taken.oks, now=taken.at)
        if score is not None:
            self._scores.append(score)
            self._known[taken.page.worker_id].values[score.skill_id] = score.row().value

    def _judge(self, checked: Checked, answers: int) -> None:
        """Learn from the control answers of a page, and look at the rules that are followed here."""
        page = checked.page
        if checked.oks:
            learning = self._learning_of(page.batch)
            self._known[page.worker_id].values[learning.skill.pk] = learning.learn(checked)
        if self._watch.strikes(checked, answers):
            self.write()
            trust.look_at_all([checked])
            self._changed.add(page.worker_id)
            self._read_anew()

    def _learning_of(self, batch: Batch) -> Learning:
        name = skills.quality_name(batch)
        if name not in self._learning:
            skill = skills.ensure_skill(account=batch.account, name=name)
            self._learning[name] = Learning(skill, skills.values_there(skill=skill, worker_ids=list(self._known)))
        return self._learning[name]

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
        fresh, handed_in = [one for one in found if not one.is_stored], [one for one in found if one.raw]
        _store_end([one for one in handed_in if one.is_stored])  # before a new page in their place
        insert_all([one.page for one in fresh])
        insert_all([row for one in fresh for row in one.rows])
        insert_values(AnswerRaw, ("answer_id", "payload"), [raw for one in found for raw in one.raw])
        _hold([one.page for one in fresh])
        count_places([one.page.pk for one in fresh if one.raw], issued=1, done=1)
        count_places([one.page.pk for one in fresh if not one.raw], issued=1, done=0)
        count_places([one.page.pk for one in handed_in if one.is_stored], issued=0, done=1)
        self._stock.are_counted()
        accepted = [one.page for one in handed_in if one.page.state == Assignment.State.ACCEPTED]
        if accepted:
            judging.pay(accepted, now=max(one.at for one in handed_in))
        skills.set_all(self._scores)
        self._scores.clear()
        for learning in self._learning.values():
            learning.write()
        self._ask_rules([one for one in handed_in if not self._follows(one.page.batch)])

    def _ask_rules(self, handed_in: Sequence[_Taken]) -> None:
        """Look at the rules that are not followed here; tasks of what they refuse are on offer again."""
        real = [one for one in handed_in if one.page.batch.kind == MAIN]
        trust.look_at_all([Checked(one.page, one.oks, one.at) for one in real if one.page.batch.rules])
        self._changed |= {one.page.worker_id for one in real}
        if real:
            self._learning.clear()
        if any(trust.may_reject(one.page.batch) for one in real):
            self._read_anew()

    def _is_paid_at_once(self, one: _Taken) -> bool:
        page, batch = one.page, one.page.batch
        return batch.kind != MAIN or (batch.auto_accept and not self._known[page.worker_id].is_unpaid(batch, one.at))

    def _lock(self, batch: Batch) -> None:
        """Take the lock of the project's budget once: everybody does so before tasks."""
        payer = (batch.project_id, batch.account_id)
        if payer not in self._locked:
            ledger.lock(purse=ledger.Purse.of(batch))
            self._locked.add(payer)


def _ids(model: type[Assignment] | type[Answer], at_once: int) -> Iterator[int]:
    while True:
        yield from next_ids(model, at_once)


def _store_end(done: Sequence[_Taken]) -> None:
    """Store how pages that were begun before have ended."""
    if done:
        ended = ["state", "submitted_at", "duration_ms", "judged_at", "processed_at"]
        Assignment.objects.bulk_update([one.page for one in done], ended)
        Answer.objects.bulk_update([row for one in done for row in one.rows], ["control_ok"])


def _hold(pages: Sequence[Assignment]) -> None:
    amounts: dict[ledger.Purse, dict[str, int]] = {}
    for page in pages:
        cost = page.price_micro + page.fee_micro
        amounts.setdefault(ledger.Purse.of(page.batch), {})[f"assignment:{page.pk}"] = cost
    try:
        ledger.reserve_all(amounts=amounts)
    except BudgetExceeded as error:
        raise NotTogether from error
