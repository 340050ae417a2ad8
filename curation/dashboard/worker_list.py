"""Workers of a project: skills, accuracy on control tasks, what they earned."""

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from crowd.models import SkillValue, Worker
from curation.models import Project
from curation.services import shared_cache
from curation.services.workers import ordered, workers_of

PAGE = 50
KEPT_TOGETHER = 20 * PAGE  # whose order is of one moment, so that nobody is on two of their pages or on none
LEISURE = 10  # an order may be some seconds old: the numbers beside it are not
ORDERS = {"earned": "earned", "pages": "pages", "accepted": "accepted", "control": "control_ok", "first": "first_seen"}


@dataclass(frozen=True, slots=True)
class SkillHeld:
    """What a worker has of a skill, and of how many answers that is known."""

    name: str
    value: int
    ok: int = 0
    n: int = 0


@dataclass(frozen=True, slots=True)
class WorkerRow:
    worker: Worker
    pages: int
    accepted: int
    rejected: int
    control_ok: int
    control_n: int
    earned_micro: int
    banned: bool
    skills: tuple[SkillHeld, ...]

    @property
    def skill_groups(self) -> list[tuple[str, list[tuple[str, SkillHeld]]]]:
        """Return (“Checking hands”, [(“exam”, 90), (“training”, 80)]): what names have in common is said once."""
        parted = [(*value.name.partition(": ")[::2], value) for value in self.skills]
        return [
            (name, [(rest, value) for _, rest, value in group]) for name, group in groupby(parted, key=itemgetter(0))
        ]

    @property
    def accuracy(self) -> float | None:
        return self.control_ok / self.control_n if self.control_n else None


def worker_rows(*, project: Project, sort: str, page: int) -> tuple[list[WorkerRow], bool]:
    """Return one page of workers and whether there are more.

    The numbers are of now. In which order they stand is found out for all workers, so where that takes long it is kept
    for a while.
    """
    column = ORDERS.get(sort.lstrip("-"), "earned")
    order = f"{'-' if sort.startswith('-') or not sort else ''}{column}"
    first, start = divmod((page - 1) * PAGE, KEPT_TOGETHER)
    first *= KEPT_TOGETHER
    kept = shared_cache.made(
        f"workers:{project.pk}:{order}:{first}",
        lambda: ordered(project, order, first=first, most=KEPT_TOGETHER + 1),
        leisure=LEISURE,
    )
    ids = kept.value[start : start + PAGE + 1]
    found = _told(project).in_bulk(ids[:PAGE])
    return [_row(found[pk]) for pk in ids[:PAGE] if pk in found], len(ids) > PAGE


def worker_row(*, project: Project, worker_id: int) -> WorkerRow | None:
    found = _told(project).filter(pk=worker_id).first()
    return _row(found) if found else None


def _told(project: Project) -> QuerySet[Worker]:
    """Return the project's workers, each with the account, the numbers and the skills."""
    values = SkillValue.objects.filter(worker=OuterRef("pk")).order_by("skill__name")
    skills = values.values(row=JSONObject(name="skill__name", value="value", ok="ok", n="n"))
    return workers_of(project).select_related("account").annotate(skills=ArraySubquery(skills))


def _row(worker: Any) -> WorkerRow:
    return WorkerRow(
        worker=worker,
        pages=worker.pages,
        accepted=worker.accepted,
        rejected=worker.rejected,
        control_ok=worker.control_ok,
        control_n=worker.control_n,
        earned_micro=worker.earned,
        banned=worker.banned,
        skills=tuple(SkillHeld(**row) for row in worker.skills),
    )
