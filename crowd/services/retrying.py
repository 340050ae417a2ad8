"""Sitting an exam again: how often, after how many days, and only with questions that a worker has not met."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crowd.errors import CrowdError
from crowd.models import Answer, Assignment, Batch, SkillValue, Task, Worker

RETRIES = "retries"
MOST_TIMES, MOST_DAYS = 10, 365
USUAL_DAYS = 7


@dataclass(frozen=True, slots=True)
class Retries:
    """How often somebody who failed may try again, and how many days after the last time."""

    times: int = 0
    days: int = USUAL_DAYS

    def checked(self) -> "Retries":
        if not 0 <= self.times <= MOST_TIMES:
            raise CrowdError(f"How often one may try again is a number from 0 to {MOST_TIMES}, not {self.times:,}.")
        if not 1 <= self.days <= MOST_DAYS:
            raise CrowdError(f"The days between two tries are a number from 1 to {MOST_DAYS}, not {self.days:,}.")
        return self

    def spec(self) -> dict[str, dict[str, int]]:
        """Return what a pool keeps of it; nothing where an exam is sat once."""
        return {RETRIES: {"times": self.times, "days": self.days}} if self.times else {}


def retries_of(batch: Batch) -> Retries:
    return Retries(**batch.spec.get(RETRIES, {}))


def next_try(*, batch: Batch, worker: Worker) -> datetime | None:
    """Return from when on somebody who has failed may sit this again; None = not again.

    A value that a person gave or took away is not measured here, so nothing follows from it.
    """
    terms = retries_of(batch)
    if batch.kind == Batch.Kind.MAIN or not terms.times or not _has_failed(batch, worker):
        return None
    sat = _sat(batch, worker).order_by("-submitted_at").values_list("submitted_at", flat=True)
    times = list(sat[: terms.times + 1])
    if not 1 <= len(times) <= terms.times or times[0] is None:
        return None
    if unmet(batch=batch, worker=worker).count() < batch.page_size:
        return None
    return times[0] + timedelta(days=terms.days)


def unmet(*, batch: Batch, worker: Worker) -> QuerySet[Task]:
    """Return the questions that this worker has not handed in an answer to, in the order they were made."""
    known = Answer.objects.filter(task=OuterRef("pk"), assignment__in=_sat(batch, worker))
    return questions(batch).filter(~Exists(known)).order_by("id")


def questions(batch: Batch) -> QuerySet[Task]:
    return Task.objects.filter(batch=batch, known_answer__isnull=False, cancelled=False)


def wait_sentence(at: datetime | None, now: datetime) -> str:
    """Say from when on this may be sat again; empty = now, or it was never sat."""
    if at is None or at <= now:
        return ""
    return _("You may try again on %(day)s, from %(time)s UTC.") % {
        "day": date_format(at, "DATE_FORMAT"),
        "time": f"{at:%H:%M}",
    }


def _has_failed(batch: Batch, worker: Worker) -> bool:
    row = SkillValue.objects.filter(worker=worker, skill=batch.grants_skill).first()
    needed = needed_behind(batch)
    return row is not None and row.n > 0 and needed is not None and row.value < needed


def needed_behind(batch: Batch) -> int | None:
    """Return the lowest value that opens something behind this step; None = nothing asks for one."""
    if batch.grants_skill_id is None:
        return None
    behind = Batch.objects.filter(project_id=batch.project_id, needs_skill_id=batch.grants_skill_id)
    return behind.order_by("needs_value").values_list("needs_value", flat=True).first()


def _sat(batch: Batch, worker: Worker) -> QuerySet[Assignment]:
    return Assignment.objects.filter(batch=batch, worker=worker, state=Assignment.State.ACCEPTED)
