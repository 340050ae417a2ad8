"""What the quality rules of a batch say about a worker: the history is fetched once for each kind, always bounded."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from crowd import rules
from crowd.models import Answer, Assignment, Batch, Restriction, Worker
from crowd.quality.majority import agrees
from crowd.quality.speed import LEAST_SAMPLE, speed_cut
from crowd.quality.wording import Verdict
from crowd.rules import History, MajorityRule, Rule, SpeedRule

State = Assignment.State
HANDED_IN = (State.SUBMITTED, State.ACCEPTED)
TAKEN = (State.ACTIVE, State.SUBMITTED, State.ACCEPTED)
MOST_CONTROLS, MOST_PAGES, MOST_TASKS, SAMPLE = 500, 200, 60, 500
A_DAY = timedelta(hours=24)


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
    asked = rules.read(page.batch.rules)
    if not asked:
        return []
    ends = _last_ends(page.worker_id, page.batch)
    found = []
    for rule in asked:
        end = ends.get(rule.key)
        if rule.key in ends and (end is None or end > now):
            continue  # it has struck and holds, there is nothing to add
        case = Case(page.batch, page.worker, now, page.pk, end)
        verdict = ask(rule, case)
        if verdict.applies:
            found.append(Struck(rule, verdict.sentence))
    return found


def hindrance(*, batch: Batch, worker: Worker, now: datetime) -> str:
    """Return why no page may be issued, in a sentence for the worker; empty = no rule is against it."""
    asked = [rule for rule in rules.read(batch.rules) if rule.before and isinstance(rule.action, rules.RESTRICTS)]
    if not asked:
        return ""
    ends = _last_ends(worker.pk, batch)
    for rule in asked:
        if ask(rule, Case(batch, worker, now, since=ends.get(rule.key))).applies:
            return rule.for_worker()
    return ""


def ask(rule: Rule, case: Case) -> Verdict:
    return rule.verdict(READERS[rule.kind](rule, case))


def _last_ends(worker_id: int, batch: Batch) -> dict[str, datetime | None]:
    """Return for each rule until when it has struck last; None = for good. What lies before counts no more."""
    here = Restriction.objects.filter(worker_id=worker_id).filter(
        Q(scope="batch", scope_id=batch.pk)
        | Q(scope="project", scope_id=batch.project_id)
        | Q(scope="account", scope_id=batch.account_id)
    )
    ends: dict[str, datetime | None] = {}
    rows = here.exclude(by_rule="").annotate(ends=Coalesce("lifted_at", "until")).order_by("id")
    for key, end in rows.values_list("by_rule", "ends"):
        known = ends.get(key, end)
        ends[key] = None if end is None or known is None else max(end, known)
    return ends


# One reader for each kind of rule


def _controls(_: Rule, case: Case) -> History:
    """Control tasks of the whole stage: its pools ask the same question."""
    rows = Answer.objects.filter(
        worker=case.worker,
        control_ok__isnull=False,
        task__batch__stage_id=case.batch.stage_id,
        task__batch__kind=Batch.Kind.MAIN,
    )
    if case.since:
        rows = rows.filter(assignment__issued_at__gt=case.since)
    newest = rows.order_by("-id").values_list("control_ok", flat=True)[:MOST_CONTROLS]
    return History(case.now, controls=[bool(ok) for ok in reversed(newest)])


def _speed(rule: SpeedRule, case: Case) -> History:
    answers = Answer.objects.filter(assignment=OuterRef("pk")).order_by().values("assignment")
    timed = case.pages().filter(duration_ms__isnull=False).order_by("-id")
    counted = timed.annotate(n=Subquery(answers.annotate(n=Count("id")).values("n")))  # only of the few that are read
    newest = counted.values_list("duration_ms", "n")[: rule.of_last]
    seconds = [ms / 1000 / (n or 1) for ms, n in reversed(newest) if ms is not None]
    return History(case.now, seconds=seconds, cut=cut_of(rule, case.batch) if seconds else 0.0)


def cut_of(rule: SpeedRule, batch: Batch) -> float:
    """Return the seconds a task under which nobody can have looked: of the pool's last pages, whoever sent them."""
    if rule.method == "fixed":
        return rule.seconds_per_task
    timed = Assignment.objects.filter(batch=batch, duration_ms__isnull=False).order_by("-id")
    newest = timed.values_list("duration_ms", flat=True)[:SAMPLE]
    sample = [ms / 1000 / batch.page_size for ms in newest if ms is not None]
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


Reader = Callable[[Any, Case], History]
READERS: dict[str, Reader] = {
    "control": _controls,
    "speed": _speed,
    "skipped_in_row": _skips,
    "answer_count": _handed_in,
    "one_submission": _others,
    "majority": _agreed,
    "acceptance": _judged,
    "income": _paid,
}
