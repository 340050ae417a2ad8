"""What Toloka cannot do of a plan, in sentences, and what it costs."""

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal

from crowd.models import Account
from crowd.money import exact_text
from crowd.platforms.base import BatchSpec
from crowd.platforms.toloka import filters, quality
from crowd.platforms.toloka.specs import INTERFACES
from crowd.quality.wording import counted

LOWEST_PRICE = 5_000
LONGEST_REVIEW = 21
MOST_OVERLAP = 30_000
LARGEST_PAGE = 500
SHORTEST_SECONDS = 5


def fee(account: Account, price_micro: int) -> int:
    """Return the commission on a price, in whole micro-units; none while it is not known."""
    percent = account.commission_percent
    if percent is None:
        return 0
    share = Decimal(percent) * price_micro / 100
    return int(share.to_integral_value(rounding=ROUND_HALF_EVEN))


def lacks(account: Account, batch: BatchSpec) -> list[str]:
    if batch.interface not in INTERFACES:
        return [f"Toloka shows photos, choices and boxes; it has no page for {batch.interface!r}."]
    return [
        *_money(account, batch),
        *_pages(batch),
        *_gates(batch),
        *_people(batch),
        *quality.lacks(batch),
    ]


def _money(account: Account, batch: BatchSpec) -> Iterator[str]:
    lowest = exact_text(LOWEST_PRICE, account.currency)
    prices = {batch.price_micro, *(amount for _, _, amount in batch.price_table)}
    for price in sorted(prices) if batch.kind == "main" else ():
        if price < LOWEST_PRICE:
            said = exact_text(price, account.currency)
            yield f"Toloka pays at least {lowest} a page; {said} is less. Raise the price."
    if batch.kind == "training" and batch.price_micro:
        yield "Toloka pays nothing for a training. Set its price to 0."
    if not 1 <= batch.review_days <= LONGEST_REVIEW:
        yield f"Toloka lets 1 to {LONGEST_REVIEW} days for reviewing; {batch.review_days} are planned."
    if batch.price_table and not batch.price_skill:
        yield "The prices depend on a skill, but none is named: everybody would get the same price."


def _pages(batch: BatchSpec) -> Iterator[str]:
    if not 1 <= batch.overlap <= MOST_OVERLAP:
        yield f"Toloka gives a task to at most {MOST_OVERLAP:,} people; {batch.overlap:,} are planned."
    if batch.page_size > LARGEST_PAGE:
        yield f"A page on Toloka has at most {LARGEST_PAGE} tasks; {batch.page_size} are planned."
    if batch.kind == "main" and batch.control_per_page >= batch.page_size:
        size, controls = counted(batch.page_size, "task"), counted(batch.control_per_page, "control task")
        yield f"A page of {size} has no room for {controls} and a real one."
    if batch.kind == "main" and batch.control_per_page and batch.spec.get("control_rate") == "adaptive":
        controls = counted(batch.control_per_page, "control task")
        yield f"Every page on Toloka has {controls}: it cannot mix in more at first and fewer later."
    if batch.kind == "main" and batch.price_micro and batch.page_size > 1 and not batch.whole_pages:
        yield "A short page on Toloka costs as much as a full one, not its share: the last page of a pool can be short."
    if batch.assignment_seconds < SHORTEST_SECONDS:
        yield f"A page on Toloka lasts at least {SHORTEST_SECONDS} seconds; {batch.assignment_seconds} are planned."
    if not 0 <= batch.priority <= 100:
        yield f"Priorities on Toloka go from 0 to 100; {batch.priority} is planned."
    if batch.interface == "choice" and len(batch.spec.get("options", [])) < 2:
        yield "A choice on Toloka needs at least two options."
    if batch.interface == "boxes" and len(batch.spec.get("labels", [])) < 2:
        yield "Drawing on Toloka needs at least two labels. Add a second one, such as “something else”."


def _gates(batch: BatchSpec) -> Iterator[str]:
    if batch.interface == "choice":
        return
    compares = quality.COMPARES.format(interface=batch.interface)
    if batch.kind != "main":
        yield f"No {batch.kind} can be graded there: {compares} Use one of choices."
    elif batch.control_per_page:
        yield f"Control tasks: {compares}"


def _people(batch: BatchSpec) -> Iterator[str]:
    unknown = [device for device in batch.audience.devices if device not in filters.DEVICES]
    if unknown:
        yield f"Toloka knows no device {unknown[0]!r}; it knows {', '.join(filters.DEVICES)}."
    if batch.kind == "training" and not batch.audience.is_everybody():
        yield "A training on Toloka has no filters of its own; who may work is asked in the pool behind it."
