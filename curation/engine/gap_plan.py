"""A plan that collects what a data set lacks: one class under one condition, as many photos as are missing.

It makes a project of its own: pools of this one share the conditions of their stage.
"""

from collections.abc import Sequence

from crowd.errors import CrowdError
from curation.engine.market_accounts import LABELS
from curation.engine.plan_file import ClassWish, PlanFile
from curation.models import LabelClass, Pool, Project
from curation.recipes.loading import RecipeStage, load, names
from curation.services.coverage import Factor
from curation.services.overview import asset_counts, funnel, results_for
from curation.services.pools.changing import MOST_WANTED


def can_collect(project: Project) -> bool:
    """Return whether photos of a class can be asked for: the project's recipe collects some."""
    return _collecting(project) is not None


def _collecting(project: Project) -> RecipeStage | None:
    if project.recipe not in names():
        return None
    return next((stage for stage in load(project.recipe).stages if stage.kind == "collect"), None)


def plan_for(*, project: Project, factors: Sequence[Factor], asked: str) -> PlanFile:
    """Read `CLASS:CONDITION:VALUE:MISSING`, all by number, and return the plan, ready for the form."""
    stage = _collecting(project)
    if stage is None:
        raise CrowdError("The recipe of this project collects nothing, so no campaign can be planned for a gap.")
    label, factor, place, missing = read_gap(project, factors, asked)
    value = factor.wishes[place].value
    recipe, pool = load(project.recipe), _pool(label)
    conditions = [*stage.settings.get("conditions", []), f"{factor.name.capitalize()}: {value}"]
    wanted = results_for_gap(project, missing)
    prompt = "" if label.name in recipe.classes else label.prompt or label.name
    return PlanFile(
        recipe=recipe.name,
        name=f"{project.name}: {label.name}, {factor.name} {value}"[:120],
        platform=_platform(pool),
        classes={label.name: ClassWish(wanted=wanted, prompt=prompt)},
        wanted=wanted,
        team=project.team,
        owner=project.owner,
        settings={stage.name: {"conditions": conditions}},
    )


def read_gap(project: Project, factors: Sequence[Factor], asked: str) -> tuple[LabelClass, Factor, int, int]:
    """Return class, condition, place of its value and number of what a gap's button says. Raises CrowdError."""
    parts = asked.split(":")
    if len(parts) != 4 or not all(part.isascii() and part.isdecimal() and len(part) < 10 for part in parts):
        raise CrowdError("Choose one of the gaps that are listed.")
    class_id, condition, place, missing = map(int, parts)
    label = LabelClass.objects.filter(project=project, pk=class_id, retired_at=None).first()
    if label is None or condition >= len(factors) or place >= len(factors[condition].wishes):
        raise CrowdError("This gap is not there any more: the plan has changed. Look again.")
    if not 1 <= missing <= MOST_WANTED:
        raise CrowdError(f"A campaign collects 1 to {MOST_WANTED:,} photos, not {missing:,}.")
    return label, factors[condition], place, missing


def results_for_gap(project: Project, missing: int) -> int:
    """Return how many are asked for when so many images are missing: as many, or the videos they are cut from."""
    return results_for(funnel(stages=list(project.stages.all()), counts=asset_counts(project=project)), missing)


def _platform(pool: Pool | None) -> str:
    """Return the crowd that collects the class now; our own people where nobody does."""
    if pool is None:
        return "inhouse"
    return pool.account.platform if pool.account.platform in LABELS else pool.account.slug


def _pool(label: LabelClass) -> Pool | None:
    return Pool.objects.filter(label_class=label, condition="").select_related("account").order_by("pk").first()
