"""What a trace says of answers that were set aside with their author's ban, or that count again after it was lifted."""

from collections.abc import Sequence

from aggregation import TraceStep
from curation.models import Decision
from curation.services.consensus.answers import Sheet
from curation.services.consensus.readmitting import COUNTS_AGAIN
from curation.services.consensus.reopening import SET_ASIDE


def steps(sheets: Sequence[Sheet]) -> dict[int, tuple[TraceStep, ...]]:
    """Return the steps to put before what a method says, by asset; most images have none."""
    of_asset = {sheet.asset_id: sheet for sheet in sheets}
    rows = Decision.objects.filter(asset_id__in=of_asset, reason__in=[SET_ASIDE, COUNTS_AGAIN]).order_by("id")
    last: dict[int, dict[int, str]] = {}
    for asset_id, reason, evidence in rows.values_list("asset_id", "reason", "evidence"):
        last.setdefault(asset_id, {}).update(dict.fromkeys(evidence.get("answers", []), reason))
    return {asset_id: _steps(of_asset[asset_id], said) for asset_id, said in last.items()}


def _steps(sheet: Sheet, said: dict[int, str]) -> tuple[TraceStep, ...]:
    authors = dict(zip(sheet.inputs, (one.annotator for one in sheet.image.annotations), strict=True))
    names = [authors[pk] for pk, reason in said.items() if reason == COUNTS_AGAIN and pk in authors]
    aside = sum(reason == SET_ASIDE and pk not in authors for pk, reason in said.items())
    steps = []
    if aside:
        text = f"answers.aside: {aside} {'answer' if aside == 1 else 'answers'} of somebody banned since left out"
        steps.append(TraceStep("answers.aside", ok=False, text=text, data={"answers": aside}))
    if names:
        text = f"answers.again: the ban was lifted, so this counts again: {' '.join(names)}"
        steps.append(TraceStep("answers.again", ok=True, text=text, data={"annotators": names}))
    return tuple(steps)
