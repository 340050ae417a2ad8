"""What a campaign will cost, before anything is made: from the recipe's expected yields and its prices."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crowd.clock import database_now
from crowd.models import Account
from crowd.money import exact_text, micro, plain
from crowd.platforms.base import Capabilities
from crowd.platforms.connecting import FILTERS, terms_of
from crowd.platforms.registry import fee_is_unknown, platform
from crowd.quality.exam import GOOD_WORKER
from crowd.quality.wording import counted
from crowd.services import quotas
from curation.economics.answers import majority
from curation.economics.expected import Expected
from curation.engine.asking import Campaign, crowds_of_stage, settings_for
from curation.engine.market_accounts import usual_terms
from curation.recipes.loading import RecipeStage
from curation.stages.base import CrowdSettings
from curation.stages.boxes import BoxesSettings
from curation.stages.collect import CollectSettings
from curation.stages.registry import stage_kind
from curation.stages.validate import ValidateSettings

A_DAY = 86_400
DRAWS, SEED = 4_000, 20_181_018
Draws = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Share:
    """What one account is expected to do of a stage. Money is in the account's own currency; fees are in `micro`."""

    where: str
    currency: str
    pages: int
    price_micro: int
    fee_micro: int
    micro: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """Items, answers and money a stage is expected to take. `price_micro` is the price of a page before any fee."""

    stage: str
    n: int
    answers: float
    pages: int
    items_a_page: int
    price_micro: int
    shares: tuple[Share, ...]

    @property
    def micro(self) -> int:
        """Return what is paid from the budget in dollars."""
        return sum(share.micro for share in self.shares if share.currency == "USD")


def plan(asked: Campaign) -> list[PlannedStage]:
    """Return the expected cost of every stage that costs money.

    Photos are paid when validation accepts them; those it refuses still cost their checks.
    """
    wanted, yields = asked.total, asked.recipe.yields
    numbers = {"collect": wanted, "validate": math.ceil(wanted / asked.expected("validate").share), "boxes": wanted}
    planned = []
    for stage in asked.recipe.stages:
        if stage.kind == "storyboard":
            frames = math.ceil(wanted * yields.get("storyboard", 1.0) * asked.expected("checks").share)
            numbers = {**numbers, "validate": frames, "boxes": frames}
        planned.append(_planned(asked, stage, numbers.get(stage.kind, 0)))
    return [row for row in planned if row is not None]


def _planned(asked: Campaign, stage: RecipeStage, n: int) -> PlannedStage | None:
    given = settings_for(asked, stage.name, stage.settings)
    terms: CrowdSettings
    if stage.kind == "collect":
        terms = photos = CollectSettings.model_validate(given)
        price, a_page, overlap = micro(photos.price_usd), 1, 1
    elif stage.kind == "validate":
        terms = checks = ValidateSettings.model_validate(given)
        price, a_page, overlap = micro(checks.price_usd), checks.page_size - checks.control_per_page, checks.overlap
    elif stage.kind == "boxes":
        terms = boxes = BoxesSettings.model_validate(given)
        price, a_page, overlap = micro(boxes.price_usd), boxes.page_size, boxes.overlap
    else:
        return None
    stop = terms.stop if isinstance(terms, ValidateSettings) else ""
    answers = max(_answers(asked, stage, overlap, stop), float(overlap) if stop == "fixed" else 1.0)
    pages = math.ceil(n * answers / a_page)
    shares = _shares(asked, stage, terms, pages=pages, price=price, overlap=overlap)
    return PlannedStage(stage.name, n, answers, pages, a_page, price, shares)


def _answers(asked: Campaign, stage: RecipeStage, overlap: int, stop: str) -> float:
    """Return the answers expected for one item: what the recipe saw, moved by what was changed about the overlap.

    Votes that end when they are settled are bought as a good crowd makes them settle.
    """
    usual, before = asked.recipe.answers.get(stage.name, float(overlap)), int(stage.settings.get("overlap", overlap))
    more = float(overlap - before)
    if stop == "curtailed":
        more = majority(GOOD_WORKER, overlap).answers - majority(GOOD_WORKER, before).answers
    return round(max(1.0, usual + more), 4)


def _shares(
    asked: Campaign, stage: RecipeStage, terms: CrowdSettings, *, pages: int, price: int, overlap: int
) -> tuple[Share, ...]:
    """Divide the pages among the accounts; who will be faster, nobody knows beforehand."""
    accounts = [usual_terms(name) for name in crowds_of_stage(asked, stage)]
    prices = [price, *(step[2] for step in _table(terms))]
    shares = [
        _share(account, pages // len(accounts) + (number < pages % len(accounts)), prices, overlap, terms)
        for number, account in enumerate(accounts)
    ]
    makes = _pools_of(asked, stage, terms)
    return tuple(
        replace(share, notes=(*share.notes, *_no_room(account, makes)))
        for share, account in zip(shares, accounts, strict=True)
    )


def _pools_of(asked: Campaign, stage: RecipeStage, terms: CrowdSettings) -> int:
    """Return how many pools a stage becomes on each of its platforms: one a class, or one, its training and exam."""
    if stage.kind == "collect":
        return len(asked.classes)
    gates = (terms.training_tasks, terms.exam_tasks) if isinstance(terms, ValidateSettings) else ()
    return 1 + sum(map(bool, gates))


def _no_room(account: Account, makes: int) -> list[str]:
    """Say when a platform lets no more pools be made today than some of those that are needed."""
    known = quotas.left(account=account, now=database_now()) if account.pk else []
    today = [one for one in known if one.name == "pools" and one.window_seconds == A_DAY]
    return [
        f"This needs {counted(makes, 'pool')} there, and {one.most - one.used:,} of {one.most:,} a day can still be "
        "made today; the others wait until tomorrow."
        for one in today
        if makes > one.most - one.used
    ]


@dataclass(frozen=True, slots=True)
class Span:
    """What a plan may come to: in 5 of 100 cases less than `low_micro`, in 5 more than `high_micro`."""

    low_micro: int
    high_micro: int


def span(asked: Campaign, rows: Sequence[PlannedStage]) -> Span:
    """Return what a plan may come to."""
    total = sum((row.micro * factor for row, factor in drawn(asked, rows)), np.zeros(DRAWS))
    low_micro, high_micro = np.percentile(total, [5, 95])
    return Span(round(low_micro), round(high_micro))


def drawn(asked: Campaign, rows: Sequence[PlannedStage]) -> Iterator[tuple[PlannedStage, Draws]]:
    """Draw what is uncertain before anything is known: by which factor each stage takes more or less than expected.

    A share y that is as sure as a pilot of w items is drawn from Beta(w y + 1, w (1 - y) + 1); the answers bought above
    the fewest that can decide likewise, between those and the most. Seeded: the same plan has the same draws.
    """
    chance = np.random.default_rng(SEED)
    passing = asked.expected("validate")
    more_to_check = passing.share / _around(passing, chance) if passing.share < 1 else np.ones(DRAWS)
    for row in rows:
        stage = next(one for one in asked.recipe.stages if one.name == row.stage)
        low, high = _answers_between(asked, stage, row.answers)
        answers = (
            low + (high - low) * _around(Expected((row.answers - low) / (high - low)), chance)
            if high > low
            else row.answers
        )
        items = more_to_check if stage.kind == "validate" else np.ones(DRAWS)
        yield row, items * answers / row.answers


def _around(known: Expected, chance: np.random.Generator) -> Draws:
    return chance.beta(known.weight * known.share + 1, known.weight * (1 - known.share) + 1, DRAWS)


def _answers_between(asked: Campaign, stage: RecipeStage, expected: float) -> tuple[float, float]:
    """Return the fewest and the most answers that a stage buys for one item."""
    settings = stage_kind(stage.kind).Settings.model_validate(settings_for(asked, stage.name, stage.settings))
    if isinstance(settings, ValidateSettings):
        low, high = settings.starts_with, max(settings.overlap, settings.most_overlap)
    elif isinstance(settings, BoxesSettings):
        low, high = settings.overlap, settings.overlap + 2
    else:
        return expected, expected
    return float(min(low, expected)), float(max(high, expected))


def _table(terms: CrowdSettings) -> list[tuple[int, int, int]]:
    return terms.price_by_skill.table() if isinstance(terms, CollectSettings) and terms.price_by_skill else []


def _share(account: Account, pages: int, prices: Sequence[int], overlap: int, terms: CrowdSettings) -> Share:
    adapter, price = platform(account.platform), prices[0]
    return Share(
        where=account.label or terms_of(account.platform).title,
        currency=account.currency,
        pages=pages,
        price_micro=price,
        fee_micro=adapter.fee(account, price_micro=price, overlap=overlap),
        micro=adapter.quote(account, pages=pages, price_micro=price, overlap=overlap),
        notes=tuple(_broken(account, adapter.capabilities, prices, overlap, terms)),
    )


def _broken(
    account: Account, can: Capabilities, prices: Sequence[int], overlap: int, terms: CrowdSettings
) -> list[str]:
    """Say where a plan does not keep to what a platform can do with prices, answers and days."""
    said = []
    lowest, step = can.lowest_price_micro, can.price_step_micro
    for price in sorted(set(prices)):
        if 0 < price < lowest:
            least, is_paid = exact_text(lowest, account.currency), exact_text(price, account.currency)
            said.append(f"A page costs at least {least} there; {is_paid} is less.")
        elif price % step:
            said.append(f"Prices there go in steps of {exact_text(step, account.currency)}.")
    if len(set(prices)) > 1 and not can.price_by_skill:
        said.append("Everybody is paid the same there: the price by skill is not used.")
    if overlap > can.most_overlap:
        said.append(f"At most {can.most_overlap:,} answers each are possible there.")
    said += _unfiltered(can, terms)
    if terms.review_days > can.longest_review_days:
        said.append(f"Work must be judged there within {can.longest_review_days} days.")
    if fee_is_unknown(account):
        said.append(
            "Without the platform's fee: its commission is not known. Enter it under Platform accounts; "
            "no pool opens there before."
        )
    return said


def _unfiltered(can: Capabilities, terms: CrowdSettings) -> list[str]:
    """Say which wishes about people a platform takes no notice of."""
    asked = terms.audience.model_dump(exclude_defaults=True)
    deaf = [FILTERS.get(name, name) for name in asked if name not in can.audience_filters]
    return [f"People cannot be chosen there by {', '.join(deaf)}."] if deaf else []


def planned_micro(asked: Campaign) -> int:
    return sum(row.micro for row in plan(asked))


def elsewhere_micro(rows: Sequence[PlannedStage]) -> dict[str, int]:
    """Return what is paid in other currencies than dollars: each needs a budget of its own."""
    found: Counter[str] = Counter()
    for share in (share for row in rows for share in row.shares if share.currency != "USD"):
        found[share.currency] += share.micro
    return dict(found)


def as_rows(asked: Campaign) -> list[dict[str, object]]:
    return [{"stage": row.stage, "n": row.n, "answers": row.answers, "usd": plain(row.micro)} for row in plan(asked)]
