"""Whether one more answer to an image is bought: by the method's own rule, or where it is worth its price."""

from dataclasses import replace

from aggregation import AdaptSettings, TraceStep, advise_boxes
from aggregation import Consensus as Agreement
from crowd.money import MICRO, micro
from curation.services.consensus.agreeing import Way
from curation.services.consensus.prices import dearest_answer

NEXT = {"stop": "none", "buy": "buy", "review": "review"}


def terms_of(way: Way) -> AdaptSettings | None:
    """Return price and value where a stage buys what is worth it; None where the method decides."""
    if way.settings.buy_when != "worth":
        return None
    return AdaptSettings(
        price=dearest_answer(way.source) / MICRO,
        value=micro(way.settings.value_usd) / MICRO,
        max_answers=max(2, way.settings.max_answers),
    )


def advised(agreement: Agreement, terms: AdaptSettings | None) -> Agreement:
    """Return the agreement with what is to be done next; bought by worth, its trace says why in money."""
    if terms is None:
        return agreement
    advice = advise_boxes(agreement, terms)
    step = TraceStep("next", advice.next == "stop", advice.words, advice.to_json())
    return replace(agreement, next=NEXT[advice.next], trace=(*agreement.trace, step))
