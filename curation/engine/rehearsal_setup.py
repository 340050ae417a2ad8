"""The project of a rehearsal: made from a wish, found again when the rehearsal was interrupted."""

import hashlib
import math
import uuid
from dataclasses import replace
from datetime import UTC, datetime

from crowd.money import dollars, micro
from crowd.rehearsal import visits
from crowd.rehearsal.darkrooms import PLANTED, Darkroom, DrawnElsewhere
from curation.engine import asking, campaigns
from curation.engine.market_accounts import account_for
from curation.engine.rehearsal_eyes import require_no_pixels
from curation.engine.rehearsal_size import has_sides_of, in_a_child, may_be_smaller, smaller
from curation.engine.wish import Wish
from curation.models import Pool, Project, User
from curation.recipes.loading import Recipe, load
from curation.services import people, pools

LONGEST_DESCRIPTION = 300
START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def prepare(wish: Wish) -> Project:
    """Find the unfinished rehearsal of this wish, or set a new one up."""
    project = _unfinished(wish) or new_project(wish, "rehearsal")
    start(project, wish)
    return project


def start(project: Project, wish: Wish) -> None:
    """Open the pools, unless they are open already."""
    if Pool.objects.filter(project=project, state=Pool.State.DRAFT).exists():
        _share_out(project, wish)
        campaigns.open_all(project=project, by=None, now=START, accept_differences=True)


def seed_of(wish: Wish) -> str:
    return f"{wish.recipe}-{wish.seed}"


def _classes(wish: Wish) -> list[str]:
    return list(wish.classes or load(wish.recipe).classes)[: wish.size]


def photos_of(wish: Wish) -> int:
    classes = len(_classes(wish))
    return max(1, wish.size // classes) * classes


def _name(wish: Wish) -> str:
    extra = f", {', '.join(wish.classes)}" if wish.classes else ""
    extra += "".join(f", {stage}.{name}={wish.settings[stage][name]}" for stage, name in _places(wish))
    extra += f", through {wish.platform}" if wish.platform != "rehearsal" else ""
    extra += f", {wish.visits_a_turn} visits a turn" if wish.visits_a_turn else ""
    extra += "" if wish.pictures else ", without pictures"
    extra += ", photos at full size" if wish.full_size else ""
    extra += f", people like those of {wish.like}" if wish.like else ""
    return f"Rehearsal of {wish.recipe}, seed {wish.seed}, {wish.size} photos{extra}"


def _description(wish: Wish) -> str:
    """Return what a rehearsal is found by: its name, and where that is too long to be kept, a digest of all of it."""
    name = _name(wish)
    if len(name) <= LONGEST_DESCRIPTION:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: LONGEST_DESCRIPTION - len(digest) - 2]}… {digest}"[:LONGEST_DESCRIPTION]


def _places(wish: Wish) -> list[tuple[str, str]]:
    return sorted((stage, name) for stage, values in wish.settings.items() for name in values)


def ran_as(wish: Wish) -> Project | None:
    """Return the newest project in which this was rehearsed."""
    return Project.objects.filter(is_rehearsal=True, description=_description(wish)).order_by("-id").first()


def _unfinished(wish: Wish) -> Project | None:
    project = ran_as(wish)
    return project if project is not None and project.archived_at is None else None


def new_project(wish: Wish, platform: str, *, name: str = "", by: User | None = None) -> Project:
    """Make the project of a rehearsal; under a name of its own it is found again instead of made twice."""
    asked = asked_of(wish, platform, name=name)
    project = campaigns.ensure_project(asked=asked, by=by, now=START, seed=seed_of(wish), clock=START).project
    if wish.like and platform == "rehearsal":
        visits.let_come(account_id=account_for(project, platform).pk, coming=wish.coming)
    Project.objects.filter(pk=project.pk).update(name=_name(wish)[:120].strip(), description=_description(wish))
    people.seat_operators(project=project)
    return project


def asked_of(wish: Wish, platform: str = "rehearsal", *, name: str = "") -> asking.Campaign:
    """Check a wish and return the campaign it asks for. Raises BadRecipe or CrowdError with one sentence."""
    recipe, chosen = load(wish.recipe), _classes(wish)
    asked = asking.campaign(
        recipe=wish.recipe,
        platform=platform,
        name=name or f"Rehearsal {uuid.uuid4().hex[:8]}",
        classes=chosen,
        wanted=photos_of(wish) // len(chosen),
        budget=str(max(dollars(micro(recipe.budget_usd)), wish.size)),
        settings=wish.settings,
    )
    if not wish.pictures:
        require_no_pixels(asked)
        return replace(asked, recipe=_undrawn(recipe))
    return smaller(asked, wish.shrink) if _is_small(asked, wish) else asked


def darkroom_of(project: Project, wish: Wish) -> Darkroom:
    """Return what makes the photos of a rehearsal in our own market."""
    if not wish.pictures:
        return PLANTED
    asked = asked_of(wish)
    return DrawnElsewhere(in_a_child, wish.shrink if _is_small(asked, wish) and has_sides_of(project, asked) else 1)


def _is_small(asked: asking.Campaign, wish: Wish) -> bool:
    return asked.platform == "rehearsal" and wish.shrink > 1 and may_be_smaller(asked)


def _undrawn(recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"known_answers": "planted"}) if recipe.known_answers == "drawn" else recipe


def _share_out(project: Project, wish: Wish) -> None:
    """Give the first classes one photo more where the size does not divide."""
    mine = list(Pool.objects.filter(project=project, label_class__isnull=False).order_by("id"))
    for pool in mine[: wish.size % len(mine)] if mine else []:
        pools.change_pool(pool_id=pool.pk, by=None, now=START, wanted=math.ceil(wish.size / len(mine)))
