"""A rehearsal beside the project it was for: what was foreseen, what is so far, and how far along that is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crowd.models import Batch
from crowd.models.tally import Of
from crowd.services import tallies
from crowd.services.tallies import Key
from curation.models import Asset, Pool, Project, Stage
from curation.services.overview.counted import SPENT
from curation.services.overview.counts import asset_counts
from curation.services.overview.funnel import funnel, images_of

MICRO = 1_000_000
REHEARSED_IN = "USD"
SENT = "pages.sent"


@dataclass(frozen=True, slots=True)
class Step:
    """What share of what came to a stage passed it, rehearsed and real; None where nothing came."""

    stage: str
    rehearsed: float | None
    real: float | None
    came: int

    @property
    def difference(self) -> float | None:
        return None if self.rehearsed is None or self.real is None else self.real - self.rehearsed


@dataclass(frozen=True, slots=True)
class Beside:
    """`done` of `wanted` pictures are delivered; prices are those of one, the rehearsed one in USD.

    The real one is in the only currency that was spent; where there are several it is None.
    """

    steps: list[Step]
    price: float | None
    real_price_micro: int | None
    currency: str
    hours: float
    real_hours: float | None
    done: int
    wanted: int

    @property
    def share(self) -> float | None:
        return self.done / self.wanted if self.wanted else None

    @property
    def price_difference(self) -> float | None:
        """Return by what share the real price is above the rehearsed one; None where they are of two currencies."""
        if not self.price or self.real_price_micro is None or self.currency != REHEARSED_IN:
            return None
        return self.real_price_micro / MICRO / self.price - 1


def beside(*, report: Mapping[str, Any], project: Project) -> Beside:
    """Put the report of a rehearsal beside what the project's counters say now."""
    counts = asset_counts(project=project)
    stages = list(Stage.objects.filter(project=project).order_by("position"))
    foreseen = {row["stage"]: row for row in report["funnel"]}
    steps = funnel(stages=stages, counts=counts)
    wanted = sum(Pool.objects.filter(project=project).values_list("wanted", flat=True))
    delivered = counts.sum(states=[Asset.State.PUBLISHED])
    price, (currency, spent) = report["cost"]["per_delivered_usd"], _spent(project)
    return Beside(
        steps=[
            Step(
                step.stage.name,
                _share(foreseen[step.stage.name]) if step.stage.name in foreseen else None,
                step.passed / (step.passed + step.lost) if step.passed + step.lost else None,
                step.passed + step.lost,
            )
            for step in steps
        ],
        price=None if price is None else float(price),
        real_price_micro=spent // delivered if delivered and spent is not None else None,
        currency=currency,
        hours=float(report["time"]["virtual_hours"]),
        real_hours=_hours(project),
        done=delivered,
        wanted=images_of(steps, wanted),
    )


def _spent(project: Project) -> tuple[str, int | None]:
    """Return the currency in which the project has spent, and how much; None where there are several of them."""
    words = tallies.totals([Key(Of.PROJECT, project.pk, SPENT)]).get((Of.PROJECT, project.pk), {})
    spent = {word.removeprefix(SPENT): n for word, n in words.items() if n}
    if len(spent) > 1:
        return "", None
    return next(iter(spent.items()), (REHEARSED_IN, 0))


def _share(row: Mapping[str, Any]) -> float | None:
    """Return the share of what a stage decided that passed; what still waits there says nothing."""
    decided = row["passed"] + row["dropped"]
    return row["passed"] / decided if decided else None


def _hours(project: Project) -> float | None:
    """Return how long people have worked so far, from the first page they sent to the last."""
    batches = Batch.objects.filter(project_id=project.pk).values_list("pk", flat=True)
    worked = tallies.span(of=Of.BATCH, ids=batches, word=SENT)
    return (worked[1] - worked[0]).total_seconds() / 3600 if worked else None
