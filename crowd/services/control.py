"""Control tasks: tasks whose answer is known. They train, examine, and watch over the main work."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext as _

from crowd.authored import told
from crowd.errors import NotYours
from crowd.models import Answer, Assignment, Batch, Task, Worker
from crowd.quality import boxes, controls
from crowd.services import retrying, skills
from crowd.services.answers import drawn_boxes
from crowd.services.standing import Standing

ADAPTIVE = "adaptive"
NOT_FOR = "not_for"  # beside a known answer: the workers whose answers it was made from


@dataclass(frozen=True, slots=True)
class Hint:
    ok: bool
    text: str


def whole_set(*, batch: Batch, worker: Worker) -> list[Task]:
    """Training and exam: everybody gets the same set, in the order it was made; who sits it again the next one."""
    return list(retrying.unmet(batch=batch, worker=worker)[: batch.page_size])


def for_page(*, batch: Batch, worker: Worker) -> list[Task]:
    """Control tasks for one page of the main pool: a worker meets none twice, and none that his own answers made."""
    wanted = _wanted(batch, worker)
    if wanted == 0:
        return []
    seen = Answer.objects.filter(task=OuterRef("pk"), worker=worker)
    made = Q(known_answer__has_key=NOT_FOR) & Q(**{f"known_answer__{NOT_FOR}__contains": worker.pk})
    stock = retrying.questions(batch).filter(~Exists(seen), ~made, ~Q(author_id=worker.pk) | Q(author_id=None))
    return list(stock.order_by("id")[:wanted])


def is_of(task: Task, worker: Worker) -> bool:
    """Whether a control task was made by this worker, or from answers of his."""
    return task.author_id == worker.pk or worker.pk in (task.known_answer or {}).get(NOT_FOR, ())


def is_adaptive(batch: Batch) -> bool:
    """Whether a worker meets many control tasks at first and few once he is known."""
    return bool(batch.spec.get("control_rate") == ADAPTIVE)


def most_on_page(batch: Batch) -> int:
    """Return how many control tasks a page of the main pool has at most."""
    if not is_adaptive(batch) or batch.control_per_page == 0:
        return batch.control_per_page
    return controls.most_on_page(batch.page_size)


def _wanted(batch: Batch, worker: Worker) -> int:
    if not is_adaptive(batch) or batch.control_per_page == 0:
        return batch.control_per_page
    handed_in = [Assignment.State.SUBMITTED, Assignment.State.ACCEPTED, Assignment.State.REJECTED]
    counts = Answer.objects.filter(worker=worker, task__batch=batch, assignment__state__in=handed_in).aggregate(
        seen=Count("id", filter=Q(task__known_answer__isnull=False)), answered=Count("id")
    )
    return controls.controls_for_page(seen=counts["seen"], answered=counts["answered"], page_size=batch.page_size)


def mix(*, real: Sequence[Task], controls: Sequence[Task], known: Standing) -> list[Task]:
    """Put control tasks at places that a worker cannot guess and a repetition reproduces."""
    tasks = [*real, *controls]
    if len(tasks) == 1:
        return tasks
    # Ids differ from run to run, the count of pages does not.
    places = random.Random(f"page:{known.worker.ext_id}:{known.pages()}")  # noqa: S311  order, not secrecy
    places.shuffle(tasks)
    return tasks


def is_right(*, known: Mapping[str, Any], payload: Mapping[str, Any]) -> bool:
    """Compare an answer with the known one: boxes by place and label (at least its `iou`, else 0.5), words exactly.

    Of outlines the boxes around them are compared. Flags count where the known answer has them. No answer is right
    where nothing of this is known.
    """
    if "boxes" not in known:
        return "answer" in known and bool(known["answer"] == payload.get("answer"))
    least = float(known.get("iou", boxes.USUAL_IOU))
    if not boxes.agree(known["boxes"], drawn_boxes(payload), least_iou=least):
        return False
    flags = known.get("flags")
    return flags is None or set(flags) == set(payload.get("flags") or [])


def check_training(*, assignment_id: int, worker_id: int, answer_id: int, payload: Mapping[str, Any]) -> Hint:
    """Judge one training answer. The first try counts; a wrong one gets the hint and is corrected by the worker."""
    asked = Task.objects.filter(
        answers__pk=answer_id,
        answers__assignment_id=assignment_id,
        answers__worker_id=worker_id,
        answers__assignment__batch__kind=Batch.Kind.TRAINING,
        known_answer__isnull=False,
    )
    task = asked.first()
    if task is None:
        raise NotYours(_("This training task is not yours."))
    hint = hint_for(task=task, payload=payload)
    Answer.objects.filter(pk=answer_id, control_ok__isnull=True).update(control_ok=hint.ok)
    return hint


def hint_for(*, task: Task, payload: Mapping[str, Any]) -> Hint:
    """Judge an answer to a training task, and say what helps where it is wrong."""
    right = is_right(known=task.known_answer or {}, payload=payload)
    return Hint(right, "" if right else told(task.hint) or _("Look again at the example."))


def score_of(*, page: Assignment, oks: Sequence[bool], now: datetime, value: int | None = None) -> skills.Score | None:
    """Return what the first answers of a training or exam page come to, or `value` where one is given; None = nothing.

    It is of the skill that the page grants.
    """
    batch = page.batch
    if batch.grants_skill_id is None or not oks:
        return None
    reason = f"{batch.kind}: {sum(oks)} of {len(oks)} right"
    return skills.Score(page.worker_id, batch.grants_skill_id, sum(oks), len(oks), reason, now, value)


def grade(*, page: Assignment, now: datetime) -> None:
    """Turn a training or exam page into its skill: the share of right first answers."""
    first = Answer.objects.filter(assignment=page, control_ok__isnull=False)
    score = score_of(page=page, oks=[bool(ok) for ok in first.values_list("control_ok", flat=True)], now=now)
    if score is not None:
        skills.set_all([score])
