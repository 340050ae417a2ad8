"""The control tasks of a pool: how many there are, how far they go, which of them good workers fail."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from crowd.errors import CrowdError
from crowd.links import media_url
from crowd.models import Answer, Batch, SkillValue, Task
from crowd.platforms.registry import platform
from crowd.quality.controls import (
    GOOD_SKILL,
    USUAL_SCHEDULE,
    Schedule,
    answers_until_used_up,
    control_overhead,
    flat,
    is_bad_control,
    stock_too_small,
)
from crowd.quality.wording import counted, percent
from crowd.services import skills, tasks
from crowd.services.control import is_adaptive


@dataclass(frozen=True, slots=True)
class BadControl:
    task_id: int
    about: str
    sentence: str
    picture: str  # where it is seen; empty = nowhere


@dataclass(frozen=True, slots=True)
class ControlStock:
    """What a lead should know of a pool's control tasks; `warning` is empty when there are enough."""

    stock: int
    says: str
    warning: str
    bad: tuple[BadControl, ...]


def control_stock(batch: Batch) -> ControlStock | None:
    """Return None for a pool without control tasks among its work."""
    if batch.kind != Batch.Kind.MAIN or batch.control_per_page == 0:
        return None
    stock = _stock(batch).count()
    short = stock_too_small(stock, answers=_answers_of_one(batch), schedule=_schedule(batch))
    return ControlStock(
        stock=stock,
        says=_says(batch, stock),
        warning=f"{short.sentence}. Who has met all of them is watched no more." if short.applies else "",
        bad=tuple(_bad_ones(batch)),
    )


def _stock(batch: Batch) -> QuerySet[Task]:
    return Task.objects.filter(batch=batch, known_answer__isnull=False, cancelled=False)


def _share(batch: Batch) -> float:
    real = max(1, batch.page_size - batch.control_per_page)
    return batch.control_per_page / (batch.control_per_page + real)


def _schedule(batch: Batch) -> Schedule:
    return USUAL_SCHEDULE if _adapts(batch) else flat(_share(batch))


def _adapts(batch: Batch) -> bool:
    """Whether the schedule holds here: a platform that mixes its pages itself takes a fixed number for each."""
    return is_adaptive(batch) and platform(batch.account.platform).capabilities.pages != "remote"


def _says(batch: Batch, stock: int) -> str:
    there = counted(stock, "control task")
    if _adapts(batch):
        return f"{there}: a fifth of the work until {USUAL_SCHEDULE.until_seen} are seen, then few."
    share = _share(batch)
    lasts = int(answers_until_used_up(stock, share))
    added = percent(control_overhead(share))
    fixed = " This platform mixes its pages itself: as many on every page, not many at first." * is_adaptive(batch)
    return f"{there} last for {lasts:,} answers of one worker and add {added} to the price of the work.{fixed}"


def _answers_of_one(batch: Batch) -> int:
    """Return how many answers one worker may give, or has given at most so far."""
    if batch.per_worker:
        return round(batch.per_worker / (1 - _share(batch)))
    given = Answer.objects.filter(task__batch=batch).order_by().values("worker").annotate(n=Count("id"))
    return given.order_by("-n").values_list("n", flat=True).first() or 0


def _bad_ones(batch: Batch) -> list[BadControl]:
    """Return the control tasks that too many workers fail who are surely good at this work."""
    good = SkillValue.objects.filter(
        skill__account=batch.account, skill__name=skills.quality_name(batch), value__gte=round(100 * GOOD_SKILL)
    )
    by_good = Q(answers__worker__in=good.values("worker"), answers__control_ok__isnull=False)
    failed = by_good & Q(answers__control_ok=False)
    rows = _stock(batch).annotate(n=Count("answers", filter=by_good), failed=Count("answers", filter=failed))
    found = [(task, is_bad_control(failed=task.failed, good=task.n)) for task in rows.filter(failed__gt=0)]
    return [
        BadControl(task.pk, _about(task), verdict.sentence, picture_of(task))
        for task, verdict in found
        if verdict.applies
    ]


def _about(task: Task) -> str:
    """Say what a control task asks and what its known answer is."""
    answer = str((task.known_answer or {}).get("answer", ""))
    return ": ".join(filter(None, [str(task.payload.get("class", "")), answer])) or f"control task {task.pk}"


def picture_of(task: Task) -> str:
    """Return the address under which the picture of a task is seen; empty = it has none."""
    key = str(task.payload.get("image_key", ""))
    return urlsplit(media_url(key)).path if key else ""


@transaction.atomic
def retire(*, batch: Batch, task_id: int) -> Task:
    """Give a control task to nobody any more; what was answered to it stays."""
    task = _stock(batch).select_for_update().filter(pk=task_id).first()
    if task is None:
        raise CrowdError("This pool has no such control task any more.")
    task.cancelled = True
    task.save(update_fields=["cancelled"])
    tasks.mark_changed([task.pk])
    return task
