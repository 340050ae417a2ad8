"""What a campaign will cost, before anything is made: from the recipe's expected yields and its prices."""

import math
from dataclasses import dataclass

from crowd.money import micro, plain
from crowd.platforms.registry import platform
from curation.engine.campaigns import Campaign, settings_for
from curation.engine.market_accounts import usual_terms
from curation.recipes.loading import RecipeStage
from curation.stages.boxes import BoxesSettings
from curation.stages.collect import CollectSettings
from curation.stages.validate import ValidateSettings


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """Items, answers and money a stage is expected to take."""

    stage: str
    n: int
    answers: float
    micro: int


def plan(asked: Campaign) -> list[PlannedStage]:
    """Return the expected cost of every stage that costs money.

    Photos are paid when validation accepts them; those it refuses still cost their checks.
    """
    wanted = asked.wanted * len(asked.classes)
    to_check = math.ceil(wanted / asked.recipe.yields.get("validate", 1.0))
    numbers = {"collect": wanted, "validate": to_check, "boxes": wanted}
    planned = [_planned(asked, stage, numbers.get(stage.kind, 0)) for stage in asked.recipe.stages]
    return [row for row in planned if row is not None]


def _planned(asked: Campaign, stage: RecipeStage, n: int) -> PlannedStage | None:
    given = settings_for(asked, stage.name, stage.settings)
    answers = asked.recipe.answers.get(stage.name, 1.0)
    if stage.kind == "collect":
        price, a_page = micro(CollectSettings.model_validate(given).price_usd), 1
    elif stage.kind == "validate":
        checks = ValidateSettings.model_validate(given)
        price, a_page = micro(checks.price_usd), max(1, checks.page_size - checks.control_per_page)
    elif stage.kind == "boxes":
        boxes = BoxesSettings.model_validate(given)
        price, a_page = micro(boxes.price_usd), boxes.page_size
    else:
        return None
    pages = math.ceil(n * answers / a_page)
    return PlannedStage(stage.name, n, answers, _price(asked, pages, price))


def _price(asked: Campaign, pages: int, price: int) -> int:
    account = usual_terms(asked.platform)
    return platform(account.platform).quote(account, pages=pages, price_micro=price)


def planned_micro(asked: Campaign) -> int:
    return sum(row.micro for row in plan(asked))


def as_rows(asked: Campaign) -> list[dict[str, object]]:
    return [{"stage": row.stage, "n": row.n, "answers": row.answers, "usd": plain(row.micro)} for row in plan(asked)]
