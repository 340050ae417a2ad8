"""Careful and careless annotators, with pictures of what they got wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef

from crowd.models import Worker
from crowd.quality.wording import whole_percent
from crowd.services import trust
from curation.models import Project, Stage
from curation.services.quality_facts.checkers import checkers_in
from curation.services.quality_facts.examples import Example, examples_of
from curation.services.quality_facts.people import Care, care_in, careless_in

CARDS, EXAMPLES_A_CARD, EXAMPLES = 6, 2, 12
BAN_DAYS = 10


@dataclass(frozen=True, slots=True)
class CareCard:
    """A careless worker as the board shows him."""

    worker: Worker
    care: Care
    banned: bool
    examples: Sequence[Example]
    ban_days: int = BAN_DAYS


@dataclass(frozen=True, slots=True)
class Careless:
    cards: Sequence[CareCard]
    in_all: int

    @property
    def more(self) -> int:
        return self.in_all - len(self.cards)


@dataclass(frozen=True, slots=True)
class Boxing:
    """A worker's boxes against what was agreed."""

    care: Care
    examples: Sequence[Example]
    ban_days: int = BAN_DAYS


@dataclass(frozen=True, slots=True)
class Checking:
    """A worker's checks at one stage against what was decided."""

    title: str
    care: Care


def checking(project: Project, worker_id: int) -> list[Checking]:
    """Return how a worker checks, stage by stage."""
    stages = [stage for stage in project.stages.all() if stage.kind == "validate"]
    found = [(stage.title, checkers_in(project, stage).get(worker_id)) for stage in stages]
    return [Checking(title, care) for title, care in found if care is not None]


def careless(project: Project, now: datetime) -> Careless:
    """Return cards of the surely worst, as many as fit."""
    stage = _stage(project)
    found = careless_in(project, stage) if stage else []
    if stage is None or not found:
        return Careless((), 0)
    shown = found[:CARDS]
    banned = trust.bans_in(project_id=project.pk, now=now).filter(worker=OuterRef("pk"))
    rows = Worker.objects.select_related("account").annotate(banned=Exists(banned))
    workers = rows.in_bulk([care.worker_id for care in shown])
    examples = examples_of(stage, list(workers), EXAMPLES_A_CARD)
    cards = [CareCard(who, care, who.banned, examples[who.pk]) for care in shown for who in [workers[care.worker_id]]]
    return Careless(cards, len(found))


def boxing(project: Project, worker_id: int) -> Boxing | None:
    """Return what a worker's boxes are worth; None when none of them can be compared."""
    stage = _stage(project)
    care = care_in(project, stage).workers.get(worker_id) if stage else None
    return Boxing(care, examples_of(stage, [worker_id], EXAMPLES)[worker_id]) if stage and care else None


def reason_of(project: Project, worker_id: int) -> str:
    """Return in words why somebody is warned or kept out."""
    stage = _stage(project)
    care = care_in(project, stage).workers.get(worker_id) if stage else None
    if care is None:
        return "Careless answers"
    return (
        f"Careless boxes: {care.wrong_images:,} of {care.right.n:,} images wrong, "
        f"{care.missed.hits:,} of {care.missed.n:,} objects missed, "
        f"the others are right in {whole_percent(care.others)}"
    )


def _stage(project: Project) -> Stage | None:
    stages = [stage for stage in project.stages.all() if stage.kind == "aggregate"]
    return max(stages, key=lambda stage: stage.position, default=None)
