"""What the quality rules of a batch say about a worker: the history is fetched once for each kind, always bounded."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from crowd import rules
from crowd.models import Answer, Assignment, Batch, Restriction, Worker
from crowd.quality.majority import agrees
from crowd.quality.speed import LEAST_SAMPLE, speed_cut
from crowd.quality.wording import Verdict
from crowd.rules import History, MajorityRule, Rule, SpeedRule

State = Assignment.State
Ends = Mapping[int, Mapping[str, datetime | None]]  # by worker and rule
HANDED_IN = (State.SUBMITTED, State.ACCEPTED)
TAKEN = (State.ACTIVE, State.SUBMITTED, State.ACCEPTED)
MOST_CONTROLS, MOST_PAGES, MOST_TASKS, SAMPLE = 500, 200, 60, 500
A_DAY = timedelta(hours=24)
CONTROLS = """
SELECT asked.place, found.control_ok
  FROM unnest(%(workers)s::bigint[], %(sinces)s::timestamptz[]) WITH ORDINALITY AS asked (worker, since, place)
 CROSS JOIN LATERAL (
       SELECT answer.id, answer.control_ok FROM crowd_answer answer
        WHERE answer.worker_id = asked.worker AND answer.control_ok IS NOT NULL
          AND (SELECT batch.kind = 'main' AND batch.stage_id IS NOT DISTINCT FROM %(stage)s
                      AND (asked.since IS NULL OR page.issued_at > asked.since)
                 FROM crowd_assignment page JOIN crowd_batch batch ON batch.id = page.batch_id
                WHERE page.id = answer.assignment_id)
        ORDER BY answer.id DESC LIMIT %(most)s) AS found
 ORDER BY asked.place, found.id
"""  # a page is asked for by each answer: joined, PostgreSQL would go through all that a stage has, for each worker
SPEED = """
SELECT asked.place, found.duration_ms, (SELECT count(*) FROM crowd_answer WHERE assignment_id = found.id)
  FROM unnest(%(workers)s::bigint[], %(sinces)s::timestamptz[]) WITH ORDINALITY AS asked (worker, since, place)
 CROSS JOIN LATERAL (
       SELECT id, duration_ms FROM crowd_assignment
        WHERE worker_id = asked.worker AND batch_id + 0 = %(batch)s AND duration_ms IS NOT NULL
          AND (asked.since IS NULL OR issued_at > asked.since)
        ORDER BY id DESC LIMIT %(most)s) AS found
 ORDER BY asked.place, found.id
"""  # `+ 0`: by the index of pages of a batch, PostgreSQL would go through those of everybody


@dataclass(frozen=True, slots=True)
class Struck:
    """A rule that strikes, and the sentence with the numbers that say so."""

    rule: Rule
    sentence: str


@dataclass(frozen=True, slots=True)
class Case:
    """One worker in one batch, as a rule looks at him: only what came after the last time it struck."""

    batch: Batch
    worker: Worker
    now: datetime
    page_id: int = 0
    since: datetime | None = None

    def pages(self) -> QuerySet[Assignment]:
        mine = Assignment.objects.filter(batch=self.batch, worker=self.worker)
        return mine.filter(issued_at__gt=self.since) if self.since else mine


def struck(*, page: Assignment, now: datetime) -> list[Struck]:
    """Return the rules that strike now that this page is in, or was given back."""
    return struck_all(pages=[(page, now)])[0]


def struck_all(*, pages: Sequence[tuple[Assignment, datetime]]) -> list[list[Struck]]:
    """Return for each of these pages, which are of different workers, the rules that strike at its time."""
    found: list[list[Struck]] = [[] for _ in pages]
    places: dict[Batch, list[int]] = {}
    for place, (page, _now) in enumerate(pages):
        places.setdefault(page.batch, []).append(place)
    for batch, mine in places.items():
        asked = rules.read(batch.rules)
        ends = last_ends([pages[place][0].worker_id for place in mine], batch) if asked else {}
        for rule in asked:
            cases = {place: case_of(rule, *pages[place], ends) for place in mine}
            open_cases = {place: case for place, case in cases.items() if case is not None}
            for place, verdict in zip(open_cases, ask(rule, list(open_cases.values())), strict=True):
                if verdict.applies:
                    found[place].append(Struck(rule, verdict.sentence))
    return found


def case_of(rule: Rule, page: Assignment, now: datetime, ends: Ends) -> Case | None:
    """Return what a rule looks at; None = it has struck and holds, there is nothing to add."""
    mine = ends.get(page.worker_id, {})
    end = mine.get(rule.key)
    if rule.key in mine and (end is None or end > now):
        return None
    return Case(page.batch, page.worker, now, page.pk, end)


def hindrance(*, batch: Batch, worker: Worker, now: datetime) -> str:
    """Return why no page may be issued, in a sentence for the worker; empty = no rule is against it."""
    asked = [rule for rule in rules.read(batch.rules) if rule.before and isinstance(rule.action, rules.RESTRICTS)]
    if not asked:
        return ""
    ends = last_ends([worker.pk], batch).get(worker.pk, {})
    for rule in asked:
        if ask(rule, [Case(batch, worker, now, since=ends.get(rule.key))])[0].applies:
            return rule.for_worker()
    return ""


def ask(rule: Rule, cases: Sequence[Case]) -> list[Verdict]:
    """Return what a rule says of several workers in one batch."""
    return [rule.verdict(history) for history in READERS[rule.kind](rule, cases)] if cases else []


def last_ends(worker_ids: Sequence[int], batch: Batch) -> Ends:
    """Return by worker and rule until when it has struck last; None = for good. What lies before counts no more."""
    here = Restriction.objects.filter(worker__in=worker_ids).filter(
        Q(scope="batch", scope_id=batch.pk)
        | Q(scope="project", scope_id=batch.project_id)
        | Q(scope="account", scope_id=batch.account_id)
    )
    ends: dict[int, dict[str, datetime | None]] = {}
    rows = here.exclude(by_rule="").annotate(ends=Coalesce("lifted_at", "until")).order_by("id")
    for worker_id, key, end in rows.values_list("worker_id", "by_rule", "ends"):
        mine = ends.setdefault(worker_id, {})
        known = mine.get(key, end)
        mine[key] = None if end is None or known is None else max(end, known)
    return ends


# One reader for each kind of rule


def _controls(_: Rule, cases: Sequence[Case]) -> list[History]:
    """Control tasks of the whole stage: its pools ask the same question."""
    found = _read_all(CONTROLS, cases, stage=cases[0].batch.stage_id, most=MOST_CONTROLS)
    return [History(case.now, controls=[ok for (ok,) in mine]) for case, mine in zip(cases, found, strict=True)]


def _speed(rule: SpeedRule, cases: Sequence[Case]) -> list[History]:
    found = _read_all(SPEED, cases, batch=cases[0].batch.pk, most=rule.of_last)
    cut = cut_of(rule, newest_times(cases[0].batch)) if any(found) else 0.0
    return [
        History(case.now, seconds=[ms / 1000 / (n or 1) for ms, n in mine], cut=cut if mine else 0.0)
        for case, mine in zip(cases, found, strict=True)
    ]


def _read_all(query: str, cases: Sequence[Case], **given: int | None) -> list[list[tuple[Any, ...]]]:
    """Return the rows of each case, the oldest first: of several workers in one statement."""
    workers, sinces = [case.worker.pk for case in cases], [case.since for case in cases]
    found: list[list[tuple[Any, ...]]] = [[] for _ in cases]
    with connection.cursor() as cursor:
        cursor.execute(query, {"workers": workers, "sinces": sinces, **given})
        for place, *row in cursor.fetchall():
            found[place - 1].append(tuple(row))
    return found


def newest_times(batch: Batch) -> list[float]:
    """Return the seconds a task of the pool's last pages, the newest first, whoever sent them."""
    timed = Assignment.objects.filter(batch=batch, duration_ms__isnull=False).order_by("-id")
    newest = timed.values_list("duration_ms", flat=True)[:SAMPLE]
    return [ms / 1000 / batch.page_size for ms in newest if ms is not None]


def cut_of(rule: SpeedRule, sample: Sequence[float]) -> float:
    """Return the seconds a task under which nobody can have looked, by the times of a pool's last pages."""
    if rule.method == "fixed":
        return rule.seconds_per_task
    return speed_cut(sample, fixed=rule.seconds_per_task) if len(sample) >= LEAST_SAMPLE else rule.seconds_per_task


def _skips(_: Rule, case: Case) -> History:
    ended = case.pages().filter(state__in=[*HANDED_IN, State.REJECTED, State.SKIPPED]).order_by("-id")
    states = list(ended.values_list("state", flat=True)[:MOST_PAGES])
    return History(case.now, skipped=[state == State.SKIPPED for state in reversed(states)])


def _handed_in(_: Rule, case: Case) -> History:
    """All pages ever: a limit for one worker does not begin anew."""
    mine = Assignment.objects.filter(batch=case.batch, worker=case.worker, state__in=HANDED_IN)
    return History(case.now, handed_in=mine.count())


def _others(_: Rule, case: Case) -> History:
    """Pages of the same person: two accounts of one human are one."""
    same = Q(worker=case.worker)
    if case.worker.person_id is not None:
        same |= Q(worker__person_id=case.worker.person_id)
    sent = Assignment.objects.filter(
        same,
        project_id=case.batch.project_id,
        batch__interface=case.batch.interface,
        batch__kind=Batch.Kind.MAIN,
        state__in=TAKEN,
    )
    return History(case.now, others=sent.exclude(pk=case.page_id).count())


def _judged(_: Rule, case: Case) -> History:
    judged = case.pages().filter(state__in=[State.ACCEPTED, State.REJECTED]).order_by("-id")
    states = list(judged.values_list("state", flat=True)[:MOST_PAGES])
    return History(case.now, judged=[state == State.ACCEPTED for state in reversed(states)])


def _paid(_: Rule, case: Case) -> History:
    """What was handed in counts too: it may still be paid."""
    when = Coalesce("judged_at", "submitted_at")
    mine = Assignment.objects.filter(worker=case.worker, project_id=case.batch.project_id, state__in=HANDED_IN)
    lately = mine.annotate(when=when).filter(when__gt=case.now - A_DAY, price_micro__gt=0)
    return History(case.now, paid=list(lately.values_list("when", "price_micro")))


def _agreed(rule: MajorityRule, case: Case) -> History:
    mine = Answer.objects.filter(worker=case.worker, task__batch=case.batch, task__known_answer__isnull=True)
    if case.since:
        mine = mine.filter(assignment__issued_at__gt=case.since)
    ids = list(mine.order_by("-id").values_list("task_id", flat=True)[:MOST_TASKS])
    labels = labels_of(Answer.objects.filter(task__in=ids))
    return History(case.now, agreed=[_agrees(labels[task_id], case.worker.pk, rule) for task_id in reversed(ids)])


def _agrees(labels: dict[int, str], worker_id: int, rule: MajorityRule) -> bool | None:
    own = labels.get(worker_id)
    return None if own is None else agrees(own, list(labels.values()), threshold=rule.threshold)


def labels_of(answers: QuerySet[Answer]) -> dict[int, dict[int, str]]:
    """Return the labels by task and worker; rejected and given back pages have none that counts."""
    found: dict[int, dict[int, str]] = defaultdict(dict)
    given = answers.filter(assignment__state__in=HANDED_IN, raw__isnull=False)
    for task_id, worker_id, label in given.values_list("task_id", "worker_id", "raw__payload__answer"):
        if label is not None:
            found[task_id][worker_id] = str(label)
    return found


Reader = Callable[[Any, Sequence[Case]], list[History]]


def _each(reader: Callable[[Any, Case], History]) -> Reader:
    return lambda rule, cases: [reader(rule, case) for case in cases]


READERS: dict[str, Reader] = {
    "control": _controls,
    "speed": _speed,
    "skipped_in_row": _each(_skips),
    "answer_count": _each(_handed_in),
    "one_submission": _each(_others),
    "majority": _each(_agreed),
    "acceptance": _each(_judged),
    "income": _each(_paid),
}
