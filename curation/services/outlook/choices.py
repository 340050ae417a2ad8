"""What would change the end of a pool, each with what it is expected to do: sooner, dearer, less sure."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Final

from crowd.money import dollars, money_text
from crowd.quality.wording import whole_percent
from crowd.rehearsal.arrivals import take_by_price
from curation.economics.answers import majority
from curation.services.outlook.of_pool import Basis, hours_of
from curation.services.outlook.told import Told
from curation.services.overview.eta import Eta
from curation.services.overview.pools import PoolRow
from curation.services.overview.words import range_words

PRICE, PEOPLE, PLATFORM, ANSWERS, CAP = "price", "people", "platform", "answers", "cap"
MORE_PEOPLE, TWO_PLATFORMS = 1.25, 2.0
RIGHT = 0.9  # how often people are right who have passed an exam
LEAST_ANSWERS: Final = 3  # fewer cannot be outvoted


@dataclass(frozen=True, slots=True)
class Choice:
    """`time` and `money` say what it is expected to do, `why` where that comes from. `value` goes into the form."""

    kind: str
    title: str
    time: str
    money: str
    why: str
    button: str
    value: int = 0


def choices(basis: Basis, told: Told) -> list[Choice]:
    """Return what a lead can do about the end; of a pool that never ends only what lets it end."""
    if told.never:
        return [*_cap(basis.row, told), _people(basis, told), _platform(basis, told)]
    return [*_price(basis, told), _people(basis, told), _platform(basis, told), *_fewer_answers(basis.row, told)]


def _cap(row: PoolRow, told: Told) -> Iterator[Choice]:
    crowd, batch = row.crowd, row.batch
    if batch is None or not crowd.eligible or crowd.eligible < crowd.overlap:
        return
    cap = -(-row.target // crowd.eligible)
    if cap <= batch.per_worker or not batch.per_worker:
        return
    yield Choice(
        CAP,
        f"Let one person do {cap:,} instead of {batch.per_worker:,}",
        "can end",
        "unchanged",
        f"{crowd.eligible:,} × {cap:,} are the {told.goal:,} that are wanted, if everybody does them all.",
        f"Allow {cap:,} each",
        cap,
    )


def _price(basis: Basis, told: Told) -> Iterator[Choice]:
    row = basis.row
    old, new, currency = max(row.prices), row.better_price_micro, row.pool.account.currency
    if not old or told.micro is None:
        return
    factor = take_by_price(float(dollars(new)), reference_usd=float(dollars(old)))
    dearer = round((told.micro.p50 - told.spent_micro) * (new / old - 1))
    yield Choice(
        PRICE,
        f"Pay {money_text(new, currency=currency)} a page instead of {money_text(old, currency=currency)}",
        _hours(basis, factor),
        f"{money_text(dearer, currency=currency)} more",
        "How much a price draws differs from crowd to crowd; this is what published figures say of a few cents.",
        f"Raise to {money_text(new, currency=currency)}",
        new,
    )


def _people(basis: Basis, told: Told) -> Choice:
    return Choice(
        PEOPLE,
        "Let more people in",
        "can end" if told.never else _hours(basis, MORE_PEOPLE),
        "unchanged",
        "With a quarter more people who may work here; weaker people send more that is refused.",
        "Who may work",
    )


def _platform(basis: Basis, told: Told) -> Choice:
    return Choice(
        PLATFORM,
        "Add a platform",
        "can end" if told.never else _hours(basis, TWO_PLATFORMS),
        "its prices and fees",
        "If as much comes from there as from here.",
        "The stage's crowds",
    )


def _fewer_answers(row: PoolRow, told: Told) -> Iterator[Choice]:
    """Offer two answers fewer where a majority of the rest can still outvote somebody."""
    overlap, fewer = row.pool.overlap, row.pool.overlap - 2
    if row.interface != "choice" or fewer < LEAST_ANSWERS or told.micro is None or told.eta is None:
        return
    now, then = majority(RIGHT, overlap), majority(RIGHT, fewer)
    share = then.answers / now.answers
    saved = round((told.micro.p50 - told.spent_micro) * (1 - share))
    yield Choice(
        ANSWERS,
        f"Ask {fewer} instead of {overlap} people about one",
        f"{whole_percent(1 - share)} less to do",
        f"{money_text(saved, currency=row.pool.account.currency)} less",
        f"{whole_percent(then.right)} instead of {whole_percent(now.right)} come out right if people are right in "
        f"{whole_percent(RIGHT)}.",
        "The stage's settings",
    )


def _hours(basis: Basis, faster: float) -> str:
    found = hours_of(basis, faster=faster)
    return range_words(Eta(found.p50, found.p90)) if found and isfinite(found.p90) else "not known"
