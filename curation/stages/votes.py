"""Votes about a photo: whether they decide already, how probable their label is, what the rest would have cost."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from aggregation import LabelSettings, LabelVote, vote
from aggregation.labels.posterior import label_posterior
from aggregation.labels.result import decided
from crowd.models import Batch, SkillValue, Task
from crowd.money import exact_text
from crowd.quality.skill import estimate
from crowd.services.skills import quality_name
from curation.models import Annotation, Stage
from curation.services.consensus.prices import price_of_answer

ORDINALS = {2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh"}


@dataclass(frozen=True, slots=True)
class Rule:
    """When to stop: `overlap` answers are meant to do, up to `most` are bought while they tie or say too little."""

    stop: Literal["curtailed", "posterior", "fixed"]
    overlap: int
    most: int
    tau: float
    labels: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "labels": list(self.labels)}


def weigh(*, answers: Sequence[Annotation], rule: Rule, known: Mapping[str, float]) -> LabelVote:
    """Return the label of these votes with its probability, or `next` = buy while one more may change it.

    The majority decides, early when no vote to come can change it; with `posterior` the probability given how well
    the voters do on control tasks (`known`, as `skills_of` tells it). Source: Dawid and Skene's one-coin model, equal
    chances of all labels beforehand.
    """
    given = {str(answer.worker_id): answer.label for answer in answers}
    labels = sorted({*rule.labels, *given.values()})
    chances = label_posterior(given, {who: known[who] for who in given}, dict.fromkeys(labels, 1 / len(labels)))
    counts = vote(given).counts
    if rule.stop == "posterior":
        weights: dict[str | None, float] = dict(chances.items())
        return decided(weights, counts, LabelSettings(max_answers=rule.most, stop="posterior", tau=rule.tau))
    result = vote(given, LabelSettings(max_answers=rule.overlap))
    if result.next == "review" and len(given) < rule.most:
        return replace(result, next="buy")  # a tie
    return result if result.label is None else replace(result, confidence=chances[result.label])


def skills_of(stage: Stage, worker_ids: Sequence[int]) -> dict[str, float]:
    """Return how often each worker is right on the control tasks of a stage; of a newcomer, what one may expect."""
    batches = Batch.objects.filter(stage_id=stage.pk, kind=Batch.Kind.MAIN)
    rows = SkillValue.objects.filter(worker_id__in=worker_ids, skill__name__in={quality_name(one) for one in batches})
    shown = {row.worker_id: (row.ok, row.n) for row in rows}
    return {str(pk): estimate(*shown.get(pk, (0, 0))).mean for pk in worker_ids}


def saving(*, task: Task | None, given: int, overlap: int) -> list[str]:
    """Say which answers were not needed and what they would have cost; nothing when all were bought."""
    spared = 0 if task is None else overlap - max(given, task.issued)
    if task is None or spared <= 0:
        return []
    which = f"the {ORDINALS.get(overlap, 'last')} answer was" if spared == 1 else f"{spared} answers were"
    money = exact_text(spared * price_of_answer(task.batch), task.batch.account.currency)
    return [f"{given} of {overlap} agreed: {which} not needed, saved {money}"]
