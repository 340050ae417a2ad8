"""How many people may work in a pool, and whether they have all done what they may."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef

from crowd.models import Batch, Skill, Worker


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
    skilled = _skilled(batches)
    teams = {batch.team_id for batch in batches if batch.team_id}
    members = dict(
        Worker.objects.filter(team_id__in=teams).order_by().values_list("team_id").annotate(n=Count("id"))
        if teams
        else ()
    )
    found = {}
    for batch in batches:
        eligible = members.get(batch.team_id, 0) if batch.team_id else None
        if batch.needs_skill_id in skilled:
            passed = sum(n for value, n in skilled[batch.needs_skill_id] if value >= batch.needs_value)
            eligible = passed if eligible is None else min(passed, eligible)
        found[batch.pk] = _crowd(batch, eligible, counts.get(batch.pk, {}))
    return found


def _skilled(batches: Sequence[Batch]) -> dict[int | None, list[tuple[int, int]]]:
    """Return for each skill they ask for that no open exam grants its values and how many people have them."""
    here = {batch.grants_skill_id for batch in batches if batch.state == Batch.State.OPEN}
    asked = {batch.needs_skill_id for batch in batches if batch.needs_skill_id} - here
    found: dict[int | None, list[tuple[int, int]]] = {}
    if asked:
        doors = Batch.objects.filter(grants_skill=OuterRef("pk"), state=Batch.State.OPEN)
        rows = Skill.objects.filter(~Exists(doors), pk__in=asked).order_by().values_list("pk", "values__value")
        for skill, value, n in rows.annotate(n=Count("values")):
            found.setdefault(skill, []).append((value or 0, n))
    return found


def _crowd(batch: Batch, eligible: int | None, counts: Mapping[str, int]) -> Crowd:
    done = counts.get("answers.accepted", 0) + counts.get("answers.submitted", 0)
    may_do = eligible * batch.per_worker if eligible is not None and batch.per_worker else None
    return Crowd(eligible, may_do, done, batch.overlap)
