"""What earlier projects of a recipe let through, stage by stage."""

from collections.abc import Collection, Mapping
from typing import Final

from django.db.models import Exists, OuterRef

from crowd.models.tally import Of
from crowd.services import tallies
from crowd.services.tallies import Key
from curation.economics.expected import Expected
from curation.models import Pool, Project
from curation.services.overview import funnel
from curation.services.overview.counts import WORD, counts_of

NEWEST: Final = 10  # campaigns that are looked at
LEAST: Final = 30  # items that must have been decided


def expected_yields(recipe: str, yields: Mapping[str, float], project_ids: Collection[int]) -> dict[str, Expected]:
    """Return what to expect of the stages for which the recipe names a share, after the newest of these projects.

    Projects of another recipe, rehearsals, and those that only simulated people worked for take no part.
    """
    found = {stage: Expected(share) for stage, share in yields.items() if share <= 1}
    projects = {project: list(project.stages.all()) for project in _worked_on(recipe, project_ids)}
    counts = counts_of(tallies.totals(Key(Of.STAGE, one.pk, WORD) for stages in projects.values() for one in stages))
    for stages in projects.values():
        for step in funnel(stages=stages, counts=counts):
            name = step.stage.name
            if name in found and not step.cuts and step.passed + step.lost >= LEAST:
                found[name] = found[name].after(passed=step.passed, lost=step.lost)
    return found


def _worked_on(recipe: str, project_ids: Collection[int]) -> list[Project]:
    real = Pool.objects.filter(project=OuterRef("pk"), kind=Pool.Kind.MAIN).exclude(account__platform="rehearsal")
    mine = Project.objects.filter(Exists(real), pk__in=project_ids, recipe=recipe, is_rehearsal=False, trashed_at=None)
    return list(mine.prefetch_related("stages").order_by("-pk")[:NEWEST])
