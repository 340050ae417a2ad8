"""Validate: several workers judge each photo. Training, exam and control tasks guard the gate."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from aggregation import LabelVote
from crowd.models import Assignment, Batch, Task
from crowd.money import micro
from crowd.quality.wording import percent
from crowd.services import exam_ending, retrying
from crowd.services.answers import AND
from curation.models import Annotation, Asset, Consensus, Decision, LabelClass, Pool, Stage
from curation.services import assets, submissions
from curation.services.consensus import runs
from curation.services.consensus.storing import add_versions
from curation.services.pool_drafts import KnownTask, PoolDraft
from curation.stages import crowdwork, votes
from curation.stages.base import CrowdSettings, Done, StageSettings, Work
from curation.stages.prices import Price

Stop = Literal["curtailed", "posterior", "fixed"]
STOPS: Final[dict[Stop, str]] = {
    "curtailed": "as soon as no vote can change the label",
    "posterior": "as soon as a label is sure",
    "fixed": "when all answers are in",
}


LONGEST_LABEL: Final = 60
LONGEST_REASON: Final = 40


class Option(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    value: str
    label: str
    tone: str = "plain"
    keeps: bool = False


class ValidateSettings(CrowdSettings):
    title: str = "Is this the sign?"
    conditions: list[str] = []
    options: list[Option] = Field(min_length=2)
    shows: Literal["picture", "pair"] = Field(
        default="picture", description="pair: the picture and its example side by side; options: picture, example, same"
    )
    multiple: bool = Field(default=False, description="several options may be chosen; the same set is the same answer")
    option_pictures: bool = Field(default=False, description="an option named like a class shows that class's example")
    sets_class: bool = Field(default=False, description="the class whose name was chosen becomes the picture's class")
    overlap: int = Field(default=3, ge=1, le=30_000)
    most_overlap: int = Field(default=5, ge=1, le=30_000)
    stop: Stop = Field(default="curtailed", description="when the votes given so far are enough")
    tau: float = Field(default=0.97, gt=0.5, le=1, description="posterior: stop when a label is that probable")
    page_size: int = Field(default=10, ge=1, le=100)
    control_per_page: int = Field(default=1, ge=0, le=50)
    price_usd: Price = "0.09"
    training_tasks: int = Field(default=10, ge=0, le=100)
    training_gate: int = Field(default=70, ge=0, le=100)
    exam_tasks: int = Field(default=10, ge=0, le=100)
    exam_gate: int = Field(default=70, ge=0, le=100)
    exam_retries: int = Field(
        default=0, ge=0, le=retrying.MOST_TIMES, description="how often somebody may sit a failed exam again"
    )
    exam_retry_days: int = Field(
        default=retrying.USUAL_DAYS, ge=1, le=retrying.MOST_DAYS, description="days until the next try"
    )
    exam_ends: exam_ending.How = Field(
        default="fixed",
        description="when an exam on our own pages ends: fixed (all is asked), curtailed (settled), sequential (clear)",
    )
    exam_good: float = Field(
        default=exam_ending.USUAL_GOOD, gt=0, lt=1, description="sequential: how often a good worker is right"
    )
    needs_skill: str = Field(default="", description="skill that people must have before training, exam or work")
    needs_value: int = Field(default=0, ge=0, le=100, description="least value of that skill")
    undecided: Literal["drop", "person"] = Field(
        default="drop", description="votes that tie to the end: the photo is refused, or waits for a person"
    )
    skill: str = "Checking photos"
    least_seconds: float = Field(default=0.7, ge=0)
    control_rate: Literal["fixed", "adaptive"] = "fixed"
    assignment_seconds: int = Field(default=900, ge=60, le=86_400)

    @model_validator(mode="after")
    def _room_for_photos(self) -> Self:
        if self.control_per_page >= self.page_size:
            raise ValueError(
                f"a page of {self.page_size} has no room for {self.control_per_page} control tasks and a real one"
            )
        return self

    @model_validator(mode="after")
    def _answers_that_can_be_told_apart(self) -> Self:
        if self.shows == "pair" and (len(self.options) not in {2, 3} or self.multiple):
            raise ValueError("a pair needs two options, one for each side, and at most one more for “the same”")
        if self.multiple and any(AND in option.value for option in self.options):
            raise ValueError(f"where several options may be chosen, their values have no {AND!r}")
        values = [option.value for option in self.options]
        longest = len(AND.join(values)) if self.multiple else max(map(len, values))
        if longest > LONGEST_LABEL:
            together = "the values of all options together" if self.multiple else "an option's value"
            raise ValueError(f"{together} may have {LONGEST_LABEL} characters, not {longest}")
        return self

    def keeps(self, label: str) -> bool:
        """Whether pictures with this label go on; of several values all must say so."""
        kept = {option.value for option in self.options if option.keeps}
        return bool(label) and set(label.split(AND) if self.multiple else [label]) <= kept

    @model_validator(mode="after")
    def _good_workers_are_better_than_clickers(self) -> Self:
        if self.exam_ends == "sequential" and self.exam_good * len(self.options) <= 1:
            raise ValueError(f"among {len(self.options)} options a clicker is right as often as {self.exam_good:g}")
        return self

    @property
    def exam_stock(self) -> int:
        """Return how many questions the exam needs: each try has its own."""
        return self.exam_tasks * (1 + self.exam_retries)

    @property
    def interface(self) -> str:
        return "pair" if self.shows == "pair" else "choice"

    @property
    def stops_in_words(self) -> str:
        """Say when the votes are enough, and how many are bought at most."""
        sure = f" with a chance of {percent(self.tau)}, going by control tasks" if self.stop == "posterior" else ""
        return (
            f"Votes are enough {STOPS[self.stop]}{sure}; up to {self.most_overlap:,} while they tie or say too little."
        )

    @property
    def starts_with(self) -> int:
        """Return how many answers are asked for at first: the fewest that can decide."""
        fewest = {"curtailed": self.overlap // 2 + 1, "posterior": min(2, self.overlap), "fixed": self.overlap}
        return fewest[self.stop]


class Validate:
    slug: ClassVar[str] = "validate"
    does: ClassVar[Work] = "crowd"
    Settings: ClassVar[type[StageSettings]] = ValidateSettings

    def pools(self, stage: Stage, classes: Sequence[LabelClass], wanted: int) -> list[PoolDraft]:
        settings = ValidateSettings.model_validate(stage.settings)
        drafts = []
        gate, needed = settings.needs_skill, settings.needs_value
        spec = _spec(settings, classes)
        if settings.training_tasks:
            drafts.append(_way_in(settings, spec, Batch.Kind.TRAINING, gate, needed))
            gate, needed = drafts[-1].grants_skill, settings.training_gate
        if settings.exam_tasks:
            drafts.append(_way_in(settings, spec, Batch.Kind.EXAM, gate, needed))
            gate, needed = drafts[-1].grants_skill, settings.exam_gate
        return [*drafts, self._main(settings, spec, gate, needed)]

    def _main(self, settings: ValidateSettings, spec: dict[str, Any], gate: str, needed: int) -> PoolDraft:
        return PoolDraft(
            kind=Batch.Kind.MAIN,
            title="VALIDATE",
            interface=settings.interface,
            spec=spec,
            page_size=settings.page_size,
            control_per_page=settings.control_per_page,
            assignment_seconds=settings.assignment_seconds,
            overlap=settings.overlap,
            price_micro=micro(settings.price_usd),
            needs_skill=gate,
            needs_value=needed,
            rules={
                "control": {"least_answers": 5, "least_accuracy": 0.7},
                "speed": {"seconds_per_task": settings.least_seconds, "times": 3},
            },
        )

    def known_tasks(self, stage: Stage, pool: Pool, known: Sequence[KnownTask]) -> Sequence[KnownTask]:
        """Training, exam and control each get their own pictures: what was trained is not examined."""
        settings = ValidateSettings.model_validate(stage.settings)
        training, exam = settings.training_tasks, settings.exam_stock
        parts = {
            Pool.Kind.TRAINING: known[:training],
            Pool.Kind.EXAM: known[training : training + exam],
            Pool.Kind.MAIN: known[training + exam :] if settings.control_per_page else [],
        }
        return parts[Pool.Kind(pool.kind)]

    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        """Offer waiting photos to the crowd."""
        settings = ValidateSettings.model_validate(stage.settings)
        return crowdwork.offer(stage=stage, now=now, limit=limit, starts_with=settings.starts_with)

    def take_in(self, stage: Stage, pages: Sequence[Assignment], now: datetime) -> None:
        answers = crowdwork.real_answers(pages)
        asset_ids = crowdwork.items_of(answers)
        assets.lock_purse(*asset_ids)
        said = [crowdwork.Said(one, Annotation.Kind.LABEL, label=one.payload["answer"]) for one in answers]
        crowdwork.annotate(stage=stage, pages=pages, said=said, now=now)
        settle(stage=stage, asset_ids=asset_ids, now=now)


def _way_in(settings: ValidateSettings, spec: dict[str, Any], kind: Batch.Kind, gate: str, needed: int) -> PoolDraft:
    """Return the pool that people pass before real work: its page is all of it, and it grants the skill of its name."""
    again = retrying.Retries(settings.exam_retries, settings.exam_retry_days) if kind == Batch.Kind.EXAM else None
    ends = exam_ending.Ending(settings.exam_ends, settings.exam_good) if kind == Batch.Kind.EXAM else None
    return PoolDraft(
        kind=kind,
        title=kind.name,
        interface=settings.interface,
        spec={**spec, **(again.spec() if again else {}), **(ends.spec() if ends else {})},
        page_size=settings.training_tasks if kind == Batch.Kind.TRAINING else settings.exam_tasks,
        assignment_seconds=settings.assignment_seconds,
        needs_skill=gate,
        needs_value=needed,
        grants_skill=f"{settings.skill}: {kind.value}",
    )


@dataclass(frozen=True, slots=True)
class Weighed:
    """A photo with its votes and what they come to."""

    asset: Asset
    votes: Sequence[Annotation]
    result: LabelVote


def settle(*, stage: Stage, asset_ids: Sequence[int], now: datetime) -> None:
    """Decide about photos whose votes are enough; buy one more for each of the others."""
    settings = ValidateSettings.model_validate(stage.settings)
    weighed = _weighed(stage, crowdwork.at_work(asset_ids, stage), settings)
    short = [one.asset for one in weighed if one.result.next == "buy"]
    decided = [one for one in weighed if one.result.next != "buy"]
    if short:
        crowdwork.buy_one_more(stage=stage, about=short)
    if decided:
        crowdwork.withdraw_places(stage=stage, about=[one.asset for one in decided])
        _record(stage, decided, settings, now)
        if settings.sets_class:
            labels = {one.asset: one.result.label or "" for one in decided}
            assets.classify(chosen={asset: label for asset, label in labels.items() if settings.keeps(label)})
        _conclude(decided, settings, now)


def _weighed(stage: Stage, found: Sequence[Asset], settings: ValidateSettings) -> list[Weighed]:
    """Weigh the votes of photos that have as many as they are to begin with."""
    given, rule = crowdwork.annotations_of(found, stage), _rule(settings)
    enough = [asset for asset in found if len(given[asset.pk]) >= settings.starts_with]
    known = votes.skills_of(stage, sorted({one.worker_id for asset in enough for one in given[asset.pk]}))
    return [
        Weighed(asset, given[asset.pk], votes.weigh(answers=given[asset.pk], rule=rule, known=known))
        for asset in enough
    ]


def _rule(settings: ValidateSettings) -> votes.Rule:
    return votes.Rule(
        stop=settings.stop,
        overlap=settings.overlap,
        most=settings.most_overlap,
        tau=settings.tau,
        labels=tuple(option.value for option in settings.options),
    )


def _record(stage: Stage, decided: Sequence[Weighed], settings: ValidateSettings, now: datetime) -> None:
    rule = _rule(settings)
    method = "one-coin" if rule.stop == "posterior" else "majority"
    run = runs.label_run(stage=stage, method=method, settings=rule.to_json(), now=now)
    asked = Task.objects.filter(batch__stage_id=stage.pk, item_id__in=[one.asset.pk for one in decided])
    task_of = {task.item_id: task for task in asked.prefetch_related("batch__account").order_by("-pk")}
    rows = []
    for one in decided:
        counts = ", ".join(f"{count} × {label}" for label, count in one.result.counts.items())
        saved = votes.saving(task=task_of.get(one.asset.pk), given=len(one.votes), overlap=rule.overlap)
        row = crowdwork.new_consensus(
            asset=one.asset,
            run=run,
            inputs=[vote.pk for vote in one.votes],
            next_step=one.result.next,
            status=Consensus.Status.LABEL if one.result.label else Consensus.Status.UNDECIDED,
            label=one.result.label or "",
            confidence=one.result.confidence,
            trace=[f"votes: {counts}", *saved],
            now=now,
        )
        rows.append(row)
    add_versions(stage=stage, rows=rows)


def _conclude(decided: Sequence[Weighed], settings: ValidateSettings, now: datetime) -> None:
    moves = [_move(one, settings) for one in decided]
    assets.decide_all(moves=moves, by_kind=Decision.By.CROWD, now=now)
    kept = [move.asset for move in moves if move.verdict == Decision.Verdict.PASSED]
    submissions.accept_all(found=kept, now=now)
    dropped = [
        (move.asset, one.result.label or "undecided")
        for one, move in zip(decided, moves, strict=True)
        if move.verdict == Decision.Verdict.DROPPED
    ]
    submissions.reject_all(found=dropped, now=now)


def _move(one: Weighed, settings: ValidateSettings) -> assets.Move:
    label = one.result.label or "undecided"
    evidence: dict[str, Any] = {"votes": dict(one.result.counts)}
    if settings.keeps(label):
        return assets.Move(one.asset, Decision.Verdict.PASSED, "", evidence)
    waits = one.result.label is None and settings.undecided == "person"
    refused = Decision.Verdict.HELD if waits else Decision.Verdict.DROPPED
    return assets.Move(one.asset, refused, label[:LONGEST_REASON], evidence)


def _spec(settings: ValidateSettings, classes: Sequence[LabelClass]) -> dict[str, Any]:
    examples = {one.name: one.example_key for one in classes} if settings.option_pictures else {}
    options = [
        {"value": option.value, "label": option.label, "tone": option.tone, "key": str(number)}
        | ({"picture": examples[option.value]} if examples.get(option.value) else {})
        for number, option in enumerate(settings.options, start=1)
    ]
    spec: dict[str, Any] = {"kind": settings.interface, "title": settings.title, "options": options}
    spec["instructions"] = settings.conditions
    more = {"control_rate": settings.control_rate} if settings.control_rate != "fixed" else {}
    return {**spec, **more, **({"multiple": True} if settings.multiple else {})}
