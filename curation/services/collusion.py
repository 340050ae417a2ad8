"""Looking for people who answer wrongly together: answers of known truth in, suspicious pairs with evidence out.

Truth is what a control task says, and what a vote came to with a probability of at least 0.95 that never changed its
mind. A search reads a bounded number of the newest answers, and the next one begins when enough has come in.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from django.db import connection, transaction
from django.db.models import Count, Q

from crowd.models import Answer, Batch, Worker
from crowd.quality.collusion import Pair, Search, Sheet, wrong_together
from crowd.quality.wording import counted
from curation.models import Annotation, Job, PairSearch, Pool, Project, Stage, WrongTogether
from curation.services import events, jobs, versions

KIND: Final = "search_pairs"
SURE: Final = 0.95
MOST_ANSWERS: Final = 500_000
GROWN_BY: Final = 200
EVIDENCE_KEPT: Final = 12
MOST_PAIRS: Final = 2_000

# Exams count too: who passes another's answers on does so there first.
CONTROLS = """
    SELECT answer.worker_id, 'task-' || task.id, raw.payload->>'answer', task.known_answer->>'answer', task.id, NULL
      FROM crowd_answer answer
      JOIN crowd_task task ON task.id = answer.task_id
      JOIN crowd_batch batch ON batch.id = task.batch_id
      JOIN crowd_answerraw raw ON raw.answer_id = answer.id
     WHERE batch.stage_id = %(stage)s AND batch.kind <> 'training' AND NOT task.cancelled
       AND task.known_answer ? 'answer' AND raw.payload ? 'answer'
     ORDER BY answer.id DESC LIMIT %(most)s
"""
VOTES = """
    SELECT note.worker_id, 'asset-' || note.asset_id, note.label, agreed.label, NULL, note.asset_id
      FROM curation_annotation note
      JOIN curation_consensus agreed
        ON agreed.asset_id = note.asset_id AND agreed.stage_id = note.stage_id AND agreed.is_current
     WHERE note.stage_id = %(stage)s AND note.kind = 'label' AND note.discarded_at IS NULL
       AND agreed.status = 'label' AND agreed.confidence >= %(sure)s
       AND NOT EXISTS (SELECT 1 FROM curation_consensus former
                        WHERE former.asset_id = note.asset_id AND former.stage_id = note.stage_id
                          AND former.status = 'label' AND former.label <> agreed.label)
     ORDER BY note.id DESC LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Known:
    """An answer whose truth is known: who gave it to what, and where that can be looked at."""

    worker: int
    about: str
    given: str
    right: str
    task: int | None
    asset: int | None


def search(*, stage: Stage, now: datetime) -> Search:
    """Look at all answers of a stage anew; what was found before is replaced by what is found now."""
    answers = _answers(stage)
    workers = sorted({one.worker for one in answers})
    found = wrong_together(_sheet(answers, workers, stage))
    people = dict(Worker.objects.filter(pk__in=workers, person_id__isnull=False).values_list("pk", "person_id"))
    pairs = [pair for pair in found.pairs if not _are_one(workers[pair.one], workers[pair.other], people)]
    _store(stage, found, _rows(stage, pairs[:MOST_PAIRS], workers, answers, now), now)
    return found


def _answers(stage: Stage) -> list[Known]:
    asked = {"stage": stage.pk, "most": MOST_ANSWERS, "sure": SURE}
    found: list[Known] = []
    for statement in (CONTROLS, VOTES):
        with connection.cursor() as cursor:
            cursor.execute(statement, asked)
            found += [Known(*row) for row in cursor.fetchall()]
    return found[:MOST_ANSWERS]


def _sheet(answers: Sequence[Known], workers: Sequence[int], stage: Stage) -> Sheet:
    options = sorted({one.given for one in answers} | {one.right for one in answers})
    asked = Batch.objects.filter(stage_id=stage.pk, kind=Batch.Kind.MAIN).order_by("id").first()
    offered = len(asked.spec.get("options", [])) if asked else 0
    return Sheet(
        worker=_numbers([one.worker for one in answers], workers),
        task=_numbers([one.about for one in answers], sorted({one.about for one in answers})),
        given=_numbers([one.given for one in answers], options),
        right=_numbers([one.right for one in answers], options),
        options=max(2, offered, len(options)),
    )


def _numbers(values: Iterable[Any], known: Sequence[Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    places = {value: number for number, value in enumerate(known)}
    return np.array([places[value] for value in values], dtype=np.int64)


def _are_one(one: int, other: int, people: Mapping[int, int | None]) -> bool:
    """Two accounts of one person are no ring."""
    return one in people and people[one] == people.get(other)


def _rows(
    stage: Stage, pairs: Sequence[Pair], workers: Sequence[int], answers: Sequence[Known], now: datetime
) -> list[WrongTogether]:
    suspects = {workers[number] for pair in pairs for number in (pair.one, pair.other)}
    wrong: dict[int, dict[str, Known]] = defaultdict(dict)
    for answer in answers:
        if answer.worker in suspects and answer.given != answer.right:
            wrong[answer.worker][answer.about] = answer
    return [
        WrongTogether(
            project_id=stage.project_id,
            stage=stage,
            one_id=workers[pair.one],
            other_id=workers[pair.other],
            shared=pair.shared,
            alike=pair.alike,
            chance=pair.chance,
            p_value=pair.p_value,
            evidence=_evidence(wrong[workers[pair.one]], wrong[workers[pair.other]]),
            found_at=now,
        )
        for pair in pairs
    ]


def _evidence(one: Mapping[str, Known], other: Mapping[str, Known]) -> list[dict[str, Any]]:
    same = [known for about, known in sorted(one.items()) if about in other and other[about].given == known.given]
    return [
        {"task": known.task, "asset": known.asset, "answer": known.given, "right": known.right}
        for known in same[:EVIDENCE_KEPT]
    ]


@transaction.atomic
def _store(stage: Stage, found: Search, rows: Sequence[WrongTogether], now: datetime) -> None:
    Stage.objects.select_for_update(no_key=True).get(pk=stage.pk)
    before = WrongTogether.objects.filter(stage=stage)
    known = set(before.values_list("one_id", "other_id"))
    before.delete()
    WrongTogether.objects.bulk_create(rows, batch_size=500)
    seen = {"answers": found.answers, "workers": found.workers, "pairs": found.tested, "searched_at": now}
    PairSearch.objects.update_or_create(stage=stage, defaults=seen)
    new = sum((row.one_id, row.other_id) not in known for row in rows)
    if new:
        text = f"{counted(new, 'pair')} of workers gave the same wrong answers in {stage.title}; a person decides."
        events.record(kind="worker.wrong_together", text=text, project=stage.project, subject=stage, now=now)
    versions.bump(project_id=stage.project_id)


def run_search(job: Job, now: datetime) -> None:
    """Job: search one stage."""
    stage = Stage.objects.select_related("project").filter(pk=int(job.key)).first()
    if stage is not None:
        search(stage=stage, now=now)


def ask(*, project: Project) -> int:
    """Have every stage of a project that asks for choices searched soon; returns how many."""
    stages = list(Stage.objects.filter(project=project, kind="validate"))
    for stage in stages:
        jobs.wake(kind=KIND, key=str(stage.pk), project_id=project.pk)
    return len(stages)


def wake_due() -> None:
    """Wake the search of every stage at work where a fifth more, and at least 200 answers more, have come in."""
    at_work = Pool.objects.filter(state=Pool.State.OPEN, kind=Pool.Kind.MAIN, project__is_rehearsal=False)
    stages = Stage.objects.filter(kind="validate", pk__in=at_work.values("stage")).select_related("pair_search")
    for stage in stages:
        last = getattr(stage, "pair_search", None)
        came_in, in_all = _came_in(stage, since=last.searched_at if last else None)
        if came_in >= max(GROWN_BY, (in_all - came_in) // 5):
            jobs.wake(kind=KIND, key=str(stage.pk), project_id=stage.project_id)


def _came_in(stage: Stage, *, since: datetime | None) -> tuple[int, int]:
    """Count the votes and the answers to control tasks since then, and in all; whether a vote is sure is not asked."""
    votes = Annotation.objects.filter(stage=stage, discarded_at__isnull=True)
    controls = Answer.objects.filter(task__batch__stage_id=stage.pk, task__known_answer__isnull=False)
    controls = controls.exclude(task__batch__kind=Batch.Kind.TRAINING).filter(assignment__submitted_at__isnull=False)
    new_votes, new_controls = Q(), Q()
    if since is not None:
        new_votes, new_controls = Q(created_at__gt=since), Q(assignment__submitted_at__gt=since)
    found = [
        votes.aggregate(new=Count("id", filter=new_votes), all=Count("id")),
        controls.aggregate(new=Count("id", filter=new_controls), all=Count("id")),
    ]
    return sum(one["new"] for one in found), sum(one["all"] for one in found)
