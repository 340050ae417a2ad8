"""How many people may work in a pool, and whether they have all done what they may."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count

from crowd.models import Batch, SkillValue, Worker


@dataclass(frozen=True, slots=True)
class Crowd:
    """`eligible` None: the pool is open to people we do not know yet, so nobody can say how many."""

    eligible: int | None = None
    may_do: int | None = None  # answers that all of them together may give
    done: int = 0
    overlap: int = 1

    @property
    def is_used_up(self) -> bool:
        if self.eligible is None:
            return False
        return self.eligible < self.overlap or (self.may_do is not None and self.done >= self.may_do)


def crowds_of(batches: Sequence[Batch], counts: Mapping[int, Mapping[str, int]]) -> dict[int, Crowd]:
    """Return the crowd of each batch. While an exam is open that leads to a pool, newcomers may still come."""
    doors = _doors(batches)
    gated = {batch.pk for batch in batches if batch.needs_skill_id and batch.needs_skill_id not in doors}
    teams = {batch.team_id for batch in batches if batch.team_id}
    values = _skilled({batch.needs_skill_id for batch in batches if batch.needs_skill_id and batch.pk in gated})
    members = dict(
        Worker.objects.filter(team_id__in=teams).order_by().values_list("team_id").annotate(n=Count("id"))
        if teams
        else ()
    )
    found = {}
    for batch in batches:
        eligible = members.get(batch.team_id, 0) if batch.team_id else None
        if batch.pk in gated:
            passed = sum(n for value, n in values.get(batch.needs_skill_id or 0, ()) if value >= batch.needs_value)
            eligible = passed if eligible is None else min(passed, eligible)
        found[batch.pk] = _crowd(batch, eligible, counts.get(batch.pk, {}))
    return found


def _doors(batches: Sequence[Batch]) -> set[int]:
    """Return the skills these batches ask for that an open exam grants, on this screen or elsewhere."""
    needed = {batch.needs_skill_id for batch in batches if batch.needs_skill_id}
    here = {batch.grants_skill_id for batch in batches if batch.grants_skill_id and batch.state == Batch.State.OPEN}
    if needed <= here:
        return needed
    elsewhere = Batch.objects.filter(grants_skill__in=needed - here, state=Batch.State.OPEN)
    return needed & here | set(elsewhere.values_list("grants_skill_id", flat=True))


def _skilled(skills: set[int]) -> dict[int, list[tuple[int, int]]]:
    """Return for each skill its values and how many people have them."""
    found: dict[int, list[tuple[int, int]]] = {}
    if skills:
        rows = SkillValue.objects.filter(skill_id__in=skills).order_by().values_list("skill_id", "value")
        for skill, value, n in rows.annotate(n=Count("id")):
            found.setdefault(skill, []).append((value, n))
    return found


def _crowd(batch: Batch, eligible: int | None, counts: Mapping[str, int]) -> Crowd:
    done = counts.get("answers.accepted", 0) + counts.get("answers.submitted", 0)
    may_do = eligible * batch.per_worker if eligible is not None and batch.per_worker else None
    return Crowd(eligible, may_do, done, batch.overlap)
