"""What the model has learnt about people becomes a skill of theirs, so that pools and quality rules can go by it."""

from collections.abc import Sequence
from datetime import datetime

from aggregation import WorkerSkill
from crowd.models import Worker
from crowd.quality.skill import estimate, platform_value
from crowd.quality.wording import percent, whole_percent
from crowd.services import skills
from curation.models import Annotation, Stage

LEAST_ANSWERS = 5


def name_of(source: Stage) -> str:
    """Name the skill after the stage of one project: others of the same recipe have the same title."""
    return f"{source.title[:80]}: agreement (stage {source.pk})"


def publish(*, source: Stage, known: Sequence[WorkerSkill], now: datetime) -> int:
    """Store each worker's skill, with the reason in words. Returns of how many workers."""
    people = _people(source)
    shown = [one for one in known if one.worker in people and one.n >= LEAST_ANSWERS]
    for one in shown:
        worker = people[one.worker]
        skill = skills.ensure_skill(account=worker.account, name=name_of(source))
        share = agreement_of(one)
        value = platform_value(estimate(share * one.n, one.n).lower)
        ok = min(one.n, round(share * one.n))
        skills.set_measured(
            worker_id=worker.pk, skill_id=skill.pk, value=value, ok=ok, n=one.n, reason=in_words(one), now=now
        )
    return len(shown)


def agreement_of(skill: WorkerSkill) -> float:
    """Return how much of the work stands up: objects drawn and named right, fewer for every false box."""
    drawn = 1.0 if skill.sensitivity is None else skill.sensitivity
    return skill.accuracy * drawn / (1.0 + (skill.false_marks or 0.0))


def in_words(skill: WorkerSkill) -> str:
    said = [f"{skill.n:,} answers: names {whole_percent(skill.accuracy)} right (surely {whole_percent(skill.lower)})"]
    if skill.sensitivity is not None:
        said.append(f"draws {whole_percent(skill.sensitivity)} of what is there")
    if skill.false_marks is not None:
        said.append(f"{skill.false_marks:.2f} false boxes an answer")
    if skill.noise is not None:
        said.append(f"edges off by {percent(skill.noise)}")
    return ", ".join(said)


def _people(source: Stage) -> dict[str, Worker]:
    """Return the stage's workers by the name the library knows them by; a name of two people is nobody's."""
    ids = Annotation.objects.filter(stage=source).order_by().values("worker_id").distinct()
    found: dict[str, list[Worker]] = {}
    for worker in Worker.objects.filter(pk__in=ids).select_related("account").order_by("pk"):
        found.setdefault(worker.short_id, []).append(worker)
    return {name: workers[0] for name, workers in found.items() if len(workers) == 1}
