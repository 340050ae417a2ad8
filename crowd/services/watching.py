"""Quality rules of pools followed in memory while pages come in: what was read once is continued page by page.

A rule says of such a history what it says of the same one read from the database. Rules that look at more than a
worker's own pages in a pool are asked of the database.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from crowd import rules
from crowd.models import Assignment, Batch, Worker
from crowd.quality.wording import Verdict
from crowd.rules import ControlRule, History, Rule, SpeedRule
from crowd.services import quality
from crowd.services.quality import Case, Ends
from crowd.services.skills import Checked


def can_follow(batch: Batch) -> bool:
    """Whether what the rules of a batch say can be told from pages as they come in."""
    return all(isinstance(rule, ControlRule | SpeedRule) for rule in rules.read(batch.rules))


@dataclass(slots=True)
class _Pool:
    """A pool with what its rules look at: a history of each worker for each rule."""

    batch: Batch
    is_followed: bool
    rules: Sequence[Rule]
    ends: Ends
    histories: Sequence[dict[int, History]]
    times: deque[float]

    def strikes(self, checked: Checked, answers: int) -> bool:
        """Count a page of so many answers that was handed in here, and say whether a rule strikes."""
        page = checked.page
        seconds = (page.duration_ms or 0) / 1000
        self.times.append(seconds / self.batch.page_size)
        self.count_controls(checked)
        for rule, histories in self._counting(page):
            if isinstance(rule, SpeedRule):
                mine = [*histories[page.worker_id].seconds, seconds / (answers or 1)][-rule.of_last :]
                histories[page.worker_id] = replace(histories[page.worker_id], seconds=mine)
        return any(
            self._verdict(rule, histories[page.worker_id], checked.at).applies
            for rule, histories in zip(self.rules, self.histories, strict=True)
            if quality.case_of(rule, page, checked.at, self.ends) is not None
        )

    def count_controls(self, checked: Checked) -> None:
        """Count the control answers of a page of the same stage."""
        who = checked.page.worker_id
        for rule, histories in self._counting(checked.page):
            if checked.oks and isinstance(rule, ControlRule):
                controls = [*histories[who].controls, *checked.oks][-quality.MOST_CONTROLS :]
                histories[who] = replace(histories[who], controls=controls)

    def _counting(self, page: Assignment) -> Iterator[tuple[Rule, dict[int, History]]]:
        """Go through the rules for which this page counts: it came after the last time they struck."""
        mine = self.ends.get(page.worker_id, {})
        for rule, histories in zip(self.rules, self.histories, strict=True):
            end = mine.get(rule.key)
            if end is None or page.issued_at > end:
                yield rule, histories

    def _verdict(self, rule: Rule, history: History, now: datetime) -> Verdict:
        if isinstance(rule, SpeedRule) and len(history.seconds) >= rule.times:  # with fewer pages it cannot strike
            return rule.verdict(replace(history, now=now, cut=quality.cut_of(rule, self.times)))
        return rule.verdict(replace(history, now=now))


@dataclass(slots=True)
class Watch:
    """The rules of `batches` for these workers: read when they are needed first, good while nothing else happens."""

    workers: Sequence[Worker]
    batches: Sequence[Batch]
    _stages: dict[int, dict[int, _Pool]] = field(default_factory=dict)

    def strikes(self, checked: Checked, answers: int) -> bool:
        """Count a page of so many answers that was handed in, and say whether a rule that is followed here strikes."""
        batch = checked.page.batch
        if batch.stage_id not in self._stages:
            mine = {one.pk: one for one in [*self.batches, batch] if one.stage_id == batch.stage_id}
            self._stages[batch.stage_id] = {pk: self._read(one, checked.at) for pk, one in mine.items() if one.rules}
        pools = self._stages[batch.stage_id]
        for pk, pool in pools.items():
            if pk != batch.pk:
                pool.count_controls(checked)
        here = pools.get(batch.pk)
        return here is not None and here.strikes(checked, answers) and here.is_followed

    def _read(self, batch: Batch, now: datetime) -> _Pool:
        found = [rule for rule in rules.read(batch.rules) if isinstance(rule, ControlRule | SpeedRule)]
        ends = quality.last_ends([worker.pk for worker in self.workers], batch)
        return _Pool(
            batch=batch,
            is_followed=can_follow(batch),
            rules=found,
            ends=ends,
            histories=[self._histories(rule, batch, ends, now) for rule in found],
            times=deque(reversed(quality.newest_times(batch)), maxlen=quality.SAMPLE),
        )

    def _histories(self, rule: Rule, batch: Batch, ends: Ends, now: datetime) -> dict[int, History]:
        cases = [Case(batch, one, now, since=ends.get(one.pk, {}).get(rule.key)) for one in self.workers]
        found = quality.READERS[rule.kind](rule, cases)
        return {worker.pk: replace(history, cut=0.0) for worker, history in zip(self.workers, found, strict=True)}
