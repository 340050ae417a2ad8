"""What a replay writes: the counts that a campaign's authors printed, as groups of assets that went the same way."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from curation.recipes.loading import BadRecipe, Recipe, RecipeStage
from curation.recipes.published import Published
from curation.recipes.search import PublishedSearch
from curation.services.overview import CUT

PUBLISH = "publish"


@dataclass(frozen=True, slots=True)
class Group:
    """So many assets of one kind that came in at one stage and ended at another.

    Without a `label` they are of all classes in turn. `boxes` is how many they hold together; `cut` says that the
    frames which follow were cut from these films.
    """

    n: int
    ends: str
    reason: str = ""
    enters: str = ""
    media: str = "image"
    label: str = ""
    source: str = ""
    boxes: int = 0

    @property
    def state(self) -> str:
        return "dropped" if self.reason else "published"


@dataclass(frozen=True, slots=True)
class Addresses:
    """What became of the addresses of a search: `taken` gave a picture, the others one of these codes."""

    taken: int
    refused: dict[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole campaign for so many `delivered`; `published` says what it cost, where that is known."""

    delivered: int
    stages: tuple[RecipeStage, ...]
    groups: tuple[Group, ...]
    source: str
    hours: float = 0
    addresses: Addresses | None = None
    published: Published | None = None


def plan_of(recipe: Recipe, delivered: int | None, share: Fraction | None = None) -> Plan:
    """Return what is written: all of it, so many `delivered`, or a share.

    Raises:
        BadRecipe: nothing is published, or of so little nothing would be delivered.
    """
    search, told = recipe.search.published if recipe.search else None, recipe.published
    if search is not None and (search.classes or search.addresses):
        whole = sum(one.crawled + one.public for one in search.classes.values()) or search.kept
        by = _factor(whole, delivered, share)
        plan = _by_class(recipe, search, by) if search.classes else _by_address(recipe, search, by)
    elif told is not None and told.funnel:
        by = _factor(told.delivered, delivered, share)
        plan = _by_funnel(recipe, told, by)
    else:
        raise BadRecipe(f"The recipe {recipe.name} has no published counts to replay.")
    if not plan.delivered:
        raise BadRecipe(f"Of so small a share of {recipe.name} nothing would be delivered: give a larger --size.")
    return plan


def _factor(whole: int, delivered: int | None, share: Fraction | None) -> Fraction:
    if share is not None:
        return share
    return Fraction(delivered, whole) if delivered else Fraction(1)


def _by_funnel(recipe: Recipe, told: Published, by: Fraction) -> Plan:
    stages = _with_added(recipe, told)
    *lost, kept = _lost_and_kept(recipe, told, stages, by)
    groups = tuple(one for one in (*lost, kept) if one.n)
    return Plan(kept.n, stages, groups, told.source, told.hours, published=told if by == 1 else told.scaled(kept.n))


def _with_added(recipe: Recipe, told: Published) -> tuple[RecipeStage, ...]:
    """Return the recipe's stages and, before the last one, those that only the published campaign had."""
    known = {stage.name for stage in recipe.stages}
    added = [
        RecipeStage(name=one.stage, kind=one.kind, title=one.title, settings=_settings_of(recipe, one.kind))
        for one in told.funnel
        if one.stage not in known
    ]
    return (*recipe.stages[:-1], *added, recipe.stages[-1])


def _settings_of(recipe: Recipe, kind: str) -> dict[str, object]:
    return next((dict(stage.settings) for stage in recipe.stages if stage.kind == kind), {})


def _lost_and_kept(recipe: Recipe, told: Published, stages: tuple[RecipeStage, ...], by: Fraction) -> Iterator[Group]:
    came, enters = round(told.sent * by), ""
    media: str = recipe.media
    names = [stage.name for stage in stages]
    for step in told.funnel:
        passed = round(step.passed * by)
        yield Group(came - passed, step.stage, step.reason, enters, media)
        came = passed
        if step.cut:
            yield Group(passed, step.stage, CUT, enters, media)
            came, media = round(step.cut * by), "frame"
            enters = names[names.index(step.stage) + 1]
    yield Group(came, names[-1], "", enters, media)


def _by_address(recipe: Recipe, told: PublishedSearch, by: Fraction) -> Plan:
    found, pictures, kept = (round(n * by) for n in (told.addresses, told.pictures, told.kept))
    fetched = round((told.fetched or told.addresses) * by)
    model = next(stage.name for stage in recipe.stages if stage.kind == "tag")
    groups = (Group(pictures - kept, model, "not_selected"), Group(kept, PUBLISH))
    refused = {"not_fetched": found - fetched, "not_an_image": fetched - pictures}
    return Plan(kept, tuple(recipe.stages), groups, told.source, addresses=Addresses(pictures, refused))


def _by_class(recipe: Recipe, told: PublishedSearch, by: Fraction) -> Plan:
    """Pictures of search engines go through all stages, those of public sets had boxes and enter at the review."""
    groups: list[Group] = []
    for name, one in told.classes.items():
        crawled, public, boxes = (round(n * by) for n in (one.crawled, one.public, one.boxes))
        ours = boxes * crawled // (crawled + public) if crawled + public else 0
        groups.append(Group(crawled, PUBLISH, label=name, source="search engines", boxes=ours))
        groups.append(Group(public, PUBLISH, enters="review", label=name, source="public sets", boxes=boxes - ours))
    delivered = sum(one.n for one in groups)
    published = recipe.published if by == 1 or recipe.published is None else recipe.published.scaled(delivered)
    return Plan(delivered, tuple(recipe.stages), tuple(groups), told.source, published=published)
