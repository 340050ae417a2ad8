"""Whether one more answer to an image is bought: by the method's own rule, or where it is worth its price."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from aggregation import AdaptSettings, TraceStep, advise_boxes
from aggregation import Consensus as Agreement
from crowd.money import MICRO, micro
from curation.models import Consensus
from curation.services.consensus.agreeing import Way, agree
from curation.services.consensus.answers import Sheet
from curation.services.consensus.prices import dearest_answer
from curation.services.consensus.settings import GIVEN
from curation.services.consensus.taken_back import steps

NEXT = {"stop": "none", "buy": "buy", "review": "review"}


def terms_of(way: Way) -> AdaptSettings | None:
    """Return price and value where a stage buys what is worth it; None where the method decides.

    The method decides too where an answer costs nothing, as from people paid by the hour: anything would be worth it.
    """
    price = dearest_answer(way.source) if way.settings.buy_when == "worth" else 0
    if price == 0:
        return None
    return AdaptSettings(
        price=price / MICRO,
        value=micro(way.settings.value_usd) / MICRO,
        max_answers=max(2, way.settings.max_answers),
    )


def agree_and_advise(*, way: Way, sheets: Sequence[Sheet], before: Mapping[int, Consensus]) -> list[Agreement]:
    """Add up the answers of each image and say what is to be done next. `before`: what stood, by asset."""
    terms, taken_back = terms_of(way), steps(sheets)
    return [
        replace(agreement, trace=(*taken_back.get(sheet.asset_id, ()), *agreement.trace))
        for sheet, agreement in zip(sheets, agree(way=way, sheets=sheets), strict=True)
        for agreement in [advised(agreement, terms, closed=was_enough(before.get(sheet.asset_id), sheet.inputs))]
    ]


def was_enough(before: Consensus | None, inputs: Iterable[int]) -> bool:
    """Whether the result before these answers asked for nothing more, and none of its answers was taken back."""
    if before is None or before.method in GIVEN:
        return False
    return before.next_step == Consensus.Next.NONE and set(before.inputs) <= set(inputs)


def advised(agreement: Agreement, terms: AdaptSettings | None, *, closed: bool = False) -> Agreement:
    """Return the agreement with what is to be done next; bought by worth, its trace says why in money.

    What was `closed`, good enough with fewer answers, takes a clear loss to open again.
    """
    if terms is None:
        return agreement
    advice = advise_boxes(agreement, terms, closed=closed)
    step = TraceStep("next", advice.next == "stop", advice.words, advice.to_json())
    return replace(agreement, next=NEXT[advice.next], trace=(*agreement.trace, step))
