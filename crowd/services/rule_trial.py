"""A rule tried on what a pool's workers have done already: who would have been struck, and who of them looks honest.

Nothing is written. Each worker's pages are gone through in order, as the rule would have seen them come in.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from crowd.models import Answer, Assignment, Batch, Worker
from crowd.quality.majority import agrees
from crowd.quality.skill import SkillEstimate, estimate
from crowd.quality.wording import counted
from crowd.rules import History, MajorityRule, Rule, SpeedRule
from crowd.services.quality import HANDED_IN, TAKEN, cut_of, labels_of, newest_times

State = Assignment.State
MOST_PAGES = 20_000
LOOKS_HONEST = 0.8
ENDED = (*HANDED_IN, State.REJECTED, State.SKIPPED)


@dataclass(frozen=True, slots=True)
class WouldBeStruck:
    """`skill` is what all control answers at the stage say of the worker, `known` of how many."""

    worker: Worker
    sentence: str
    after_pages: int
    skill: SkillEstimate
    known: int

    @property
    def looks_honest(self) -> bool:
        return self.skill.lower >= LOOKS_HONEST


@dataclass(frozen=True, slots=True)
class Trial:
    pages: int
    workers: int
    struck: Sequence[WouldBeStruck]

    @property
    def honest(self) -> int:
        return sum(one.looks_honest for one in self.struck)

    @property
    def sentence(self) -> str:
        over = f"Over {counted(self.pages, 'page')} of {counted(self.workers, 'worker')} it would have struck"
        if not self.struck:
            return f"{over} nobody."
        look = "looks" if self.honest == 1 else "look"
        return f"{over} {len(self.struck):,}, of whom {self.honest:,} {look} honest."


@dataclass(frozen=True, slots=True)
class _Past:
    """What a pool's workers have done, as far as one rule asks for it: by page, or by worker."""

    pages: Mapping[int, Sequence[Mapping[str, Any]]]
    controls: Mapping[int, Sequence[bool]]
    agreed: Mapping[int, Sequence[bool | None]]
    others: Mapping[int, int]
    cut: float


@dataclass(slots=True)
class _Replay:
    """One worker's history, growing page by page."""

    past: _Past
    others: int
    controls: list[bool] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    skipped: list[bool] = field(default_factory=list)
    judged: list[bool] = field(default_factory=list)
    agreed: list[bool | None] = field(default_factory=list)
    paid: list[tuple[datetime, int]] = field(default_factory=list)
    handed_in: int = 0

    def add(self, page: Mapping[str, Any]) -> History:
        state, at = page["state"], page["judged_at"] or page["submitted_at"] or page["issued_at"]
        self.controls += self.past.controls.get(page["id"], ())
        self.agreed += self.past.agreed.get(page["id"], ())
        if page["duration_ms"] is not None:
            self.seconds.append(page["duration_ms"] / 1000 / max(1, page["n"]))
        self.skipped.append(state == State.SKIPPED)
        if state in {State.ACCEPTED, State.REJECTED}:
            self.judged.append(state == State.ACCEPTED)
        if state in HANDED_IN:
            self.handed_in += 1
            self.paid.append((at, page["price_micro"]))
        return History(
            at,
            controls=self.controls,
            seconds=self.seconds,
            cut=self.past.cut,
            skipped=self.skipped,
            judged=self.judged,
            handed_in=self.handed_in,
            others=self.others,
            agreed=self.agreed,
            paid=self.paid,
        )


def trial(*, rule: Rule, batch: Batch) -> Trial:
    """Try a rule on the newest 20,000 pages of a batch."""
    past = _past(rule, batch)
    strikes = {worker_id: _first_strike(rule, past, worker_id) for worker_id in past.pages}
    struck = {worker_id: strike for worker_id, strike in strikes.items() if strike is not None}
    people, skills = Worker.objects.in_bulk(struck), _skills(batch, list(struck))
    rows = [
        WouldBeStruck(people[worker_id], sentence, after, estimate(*skills.get(worker_id, (0, 0))), known)
        for worker_id, (sentence, after) in struck.items()
        for known in [skills.get(worker_id, (0, 0))[1]]
    ]
    rows.sort(key=lambda one: (-one.skill.lower, one.worker.pk))
    return Trial(sum(map(len, past.pages.values())), len(past.pages), rows)


def _first_strike(rule: Rule, past: _Past, worker_id: int) -> tuple[str, int] | None:
    """Return the sentence of the first strike, and after how many pages it came."""
    pages = past.pages[worker_id]
    replay = _Replay(past, past.others.get(worker_id, 0))
    for after, page in enumerate(pages, start=1):
        history = replay.add(page)
        if rule.stays and after < len(pages):
            continue  # asking once at the end is enough
        verdict = rule.verdict(history)
        if verdict.applies:
            return verdict.sentence, after
    return None


def _past(rule: Rule, batch: Batch) -> _Past:
    pages = _pages(batch)
    return _Past(
        pages=pages,
        controls=_controls(batch) if rule.kind == "control" else {},
        agreed=_agreed(batch, rule) if isinstance(rule, MajorityRule) else {},
        others=_others(batch, list(pages)) if rule.kind == "one_submission" else {},
        cut=cut_of(rule, newest_times(batch)) if isinstance(rule, SpeedRule) else 0.0,
    )


def _pages(batch: Batch) -> dict[int, list[Mapping[str, Any]]]:
    ended = Assignment.objects.filter(batch=batch, state__in=ENDED).annotate(n=Count("answers")).order_by("-id")
    wanted = ("id", "worker_id", "state", "duration_ms", "n", "issued_at", "submitted_at", "judged_at", "price_micro")
    by_worker: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for page in reversed(ended.values(*wanted)[:MOST_PAGES]):
        by_worker[page["worker_id"]].append(page)
    return by_worker


def _controls(batch: Batch) -> dict[int, list[bool]]:
    by_page: dict[int, list[bool]] = defaultdict(list)
    rows = Answer.objects.filter(assignment__batch=batch, control_ok__isnull=False).order_by("id")
    for page_id, ok in rows.values_list("assignment_id", "control_ok"):
        by_page[page_id].append(bool(ok))
    return by_page


def _agreed(batch: Batch, rule: MajorityRule) -> dict[int, list[bool | None]]:
    real = Answer.objects.filter(assignment__batch=batch, task__known_answer__isnull=True)
    labels = labels_of(real)
    by_page: dict[int, list[bool | None]] = defaultdict(list)
    for page_id, task_id, worker_id in real.order_by("id").values_list("assignment_id", "task_id", "worker_id"):
        own = labels[task_id].get(worker_id)
        others = list(labels[task_id].values())
        by_page[page_id].append(None if own is None else agrees(own, others, threshold=rule.threshold))
    return by_page


def _others(batch: Batch, worker_ids: Sequence[int]) -> dict[int, int]:
    """Return for each worker how many pages of this kind of task there are besides one."""
    sent = Assignment.objects.filter(
        worker__in=worker_ids,
        project_id=batch.project_id,
        batch__interface=batch.interface,
        batch__kind=Batch.Kind.MAIN,
        state__in=TAKEN,
    )
    counts = sent.order_by().values_list("worker").annotate(n=Count("id"))
    return {worker_id: n - 1 for worker_id, n in counts}


def _skills(batch: Batch, worker_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Return right and all control answers of each worker at the stage."""
    answers = Answer.objects.filter(
        worker__in=worker_ids,
        control_ok__isnull=False,
        task__batch__stage_id=batch.stage_id,
        task__batch__kind=Batch.Kind.MAIN,
    )
    counts = answers.order_by().values_list("worker").annotate(ok=Count("id", filter=Q(control_ok=True)), n=Count("id"))
    return {worker_id: (ok, n) for worker_id, ok, n in counts}
