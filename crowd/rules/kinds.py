"""What quality rules look at, and when they strike. Pure: a rule reads a worker's history and answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import Field, model_validator
from scipy.special import betaincinv

from crowd.money import money_text
from crowd.quality.income import earned_enough
from crowd.quality.majority import majority_disagreement
from crowd.quality.monitor import monitor
from crowd.quality.pages import acceptance_rate, skipped_in_row
from crowd.quality.sequential import SequentialTest
from crowd.quality.speed import too_fast
from crowd.quality.wording import Verdict, counted, whole_percent
from crowd.rules.actions import RESTRICTS, Action, Ban, Hold, Suspend, Words

LEAST_APART = 0.1 - 1e-9


@dataclass(frozen=True, slots=True)
class History:
    """What a worker has done, oldest first; each rule reads only what it is about."""

    now: datetime
    controls: Sequence[bool] = ()
    seconds: Sequence[float] = ()  # a task, one for each page
    cut: float = 0.0  # seconds a task under which nobody can have looked, in this pool
    skipped: Sequence[bool] = ()
    judged: Sequence[bool] = ()  # pages: accepted or not
    handed_in: int = 0  # pages in this pool
    others: int = 0  # pages with this kind of task in the project, but for the one that is looked at
    agreed: Sequence[bool | None] = ()
    paid: Sequence[tuple[datetime, int]] = ()


class Rule(Words):
    """`before`: it is asked before a page is issued too, with a sentence for the worker."""

    before: ClassVar[bool] = False
    kind: str
    action: Action

    @property
    def stays(self) -> bool:
        """Whether a verdict, once it applies, applies to every longer history too."""
        return False

    @property
    def key(self) -> str:
        """Return what a restriction remembers it by: rules of one kind with other consequences strike apart."""
        return self.kind if isinstance(self.action, RESTRICTS) else f"{self.kind}:{self.action.kind}"

    def verdict(self, history: History) -> Verdict:
        raise NotImplementedError

    def condition(self) -> str:
        raise NotImplementedError

    def for_worker(self) -> str:
        """Return what somebody reads who gets no page because of this rule."""
        return _("You cannot work in this pool.")

    def says(self) -> str:
        return f"{self.condition()}: {self.action.says()}."


class ControlRule(Rule):
    """`monitor`: a sequential test that begins anew after each proof of skill. `bound`: surely under an accuracy."""

    kind: Literal["control"] = "control"
    method: Literal["monitor", "bound"] = "monitor"
    clicker: float = Field(default=0.5, gt=0, lt=1)
    good: float = Field(default=0.9, gt=0, lt=1)
    least_answers: int = Field(default=5, ge=1, le=1_000)
    least_accuracy: float = Field(default=0.7, gt=0, lt=1)
    action: Action = Suspend()

    @model_validator(mode="after")
    def _told_apart(self) -> "ControlRule":
        _ = self.test
        if self.good - self.clicker < LEAST_APART:
            raise ValueError(
                f"{self.clicker:g} and {self.good:g} are too close to be told apart; 0.1 is needed between."
            )
        return self

    @property
    def stays(self) -> bool:
        return self.method == "monitor"

    @cached_property
    def test(self) -> SequentialTest:
        return SequentialTest(self.clicker, self.good, clickers_admitted=0.01, good_refused=0.001)

    def verdict(self, history: History) -> Verdict:
        if self.method == "monitor":
            return monitor(history.controls, self.test)
        return surely_under(history.controls, self.least_accuracy, self.least_answers)

    def condition(self) -> str:
        if self.method == "monitor":
            return (
                f"Control answers look like guessing ({whole_percent(self.clicker)} right), "
                f"not like good work ({whole_percent(self.good)})"
            )
        return f"Surely under {whole_percent(self.least_accuracy)} right on {self.least_answers} or more control tasks"


def surely_under(answers: Sequence[bool], least: float, least_answers: int) -> Verdict:
    """Say whether even the upper 99 % point of the accuracy, under a flat prior, is below the least one."""
    n, ok = len(answers), sum(answers)
    if n < least_answers:
        return Verdict(applies=False, sentence=f"{counted(n, 'control task')}, {least_answers} are needed to judge")
    highest = float(betaincinv(1 + ok, 1 + n - ok, 0.99))
    said = f"{ok} of {counted(n, 'control task')} right: "
    said += f"at best {whole_percent(highest)}, {whole_percent(least)} are asked for"
    return Verdict(highest < least, said)


class SpeedRule(Rule):
    """`robust`: the cut comes from how long the others take, once 50 pages are known; before, the fixed seconds."""

    kind: Literal["speed"] = "speed"
    method: Literal["fixed", "robust"] = "robust"
    seconds_per_task: float = Field(default=1.0, gt=0, le=3_600)
    times: int = Field(default=3, ge=1, le=100)
    of_last: int = Field(default=10, ge=1, le=100)
    action: Action = Ban()

    @model_validator(mode="after")
    def _reachable(self) -> "SpeedRule":
        if self.times > self.of_last:
            raise ValueError(f"{self.times} fast pages of the last {self.of_last} cannot be; ask for fewer.")
        return self

    def verdict(self, history: History) -> Verdict:
        return too_fast(history.seconds, cut=history.cut, times=self.times, last=self.of_last)

    def condition(self) -> str:
        than = f"{self.seconds_per_task:g} s a task"
        if self.method == "robust":
            than = f"nearly everybody ({than} until 50 pages are known)"
        return f"{self.times} of the last {self.of_last} pages faster than {than}"


class SkippedRule(Rule):
    before = True
    kind: Literal["skipped_in_row"] = "skipped_in_row"
    most: int = Field(default=10, ge=1, le=1_000)
    action: Action = Suspend(days=1)

    def verdict(self, history: History) -> Verdict:
        return skipped_in_row(history.skipped, limit=self.most)

    def condition(self) -> str:
        return f"{counted(self.most, 'page')} skipped in a row"

    def for_worker(self) -> str:
        return ngettext(
            "You have skipped %(n)s page in a row here, so this work seems not to be for you.",
            "You have skipped %(n)s pages in a row here, so this work seems not to be for you.",
            self.most,
        ) % {"n": self.most}


class AnswerCountRule(Rule):
    before = True
    kind: Literal["answer_count"] = "answer_count"
    most: int = Field(default=100, ge=1, le=1_000_000)
    action: Action = Hold()

    def verdict(self, history: History) -> Verdict:
        said = f"{counted(history.handed_in, 'page')} handed in, the limit is {self.most:,}"
        return Verdict(history.handed_in >= self.most, said)

    def condition(self) -> str:
        return f"{counted(self.most, 'page')} handed in by one worker"

    def for_worker(self) -> str:
        return _("You have sent all %(most)s that one person may send here. Thank you!") % {"most": f"{self.most:,}"}


class OneSubmissionRule(Rule):
    """One page of this kind of task for each person, over all pools of the project."""

    before = True
    kind: Literal["one_submission"] = "one_submission"
    action: Action = Hold()

    def verdict(self, history: History) -> Verdict:
        said = f"{counted(history.others, 'other page')} sent in this project, one page is allowed"
        return Verdict(history.others > 0, said)

    def condition(self) -> str:
        return "One page sent in any pool of the project with this kind of task"

    def for_worker(self) -> str:
        return _("Everybody may send this once in the project, and you have. Thank you!")


class MajorityRule(Rule):
    """Exact comparison: of use for choices only."""

    kind: Literal["majority"] = "majority"
    most_against: float = Field(default=0.4, gt=0, lt=1)
    threshold: int = Field(default=2, ge=2, le=100)
    action: Action = Suspend()

    def verdict(self, history: History) -> Verdict:
        return majority_disagreement(history.agreed, most=self.most_against)

    def condition(self) -> str:
        most = whole_percent(self.most_against)
        return f"Surely against the majority (of {self.threshold} or more) in over {most} of the tasks"


class AcceptanceRule(Rule):
    kind: Literal["acceptance"] = "acceptance"
    least_rate: float = Field(default=0.7, gt=0, le=1)
    least_pages: int = Field(default=5, ge=1, le=1_000)
    of_last: int | None = Field(default=None, ge=1, le=1_000)
    action: Action = Suspend()

    @model_validator(mode="after")
    def _reachable(self) -> "AcceptanceRule":
        if self.of_last is not None and self.least_pages > self.of_last:
            raise ValueError(f"{self.least_pages} judged pages are never among the last {self.of_last}; ask for fewer.")
        return self

    def verdict(self, history: History) -> Verdict:
        percent = round(100 * self.least_rate)
        return acceptance_rate(history.judged, least_percent=percent, least_pages=self.least_pages, last=self.of_last)

    def condition(self) -> str:
        last = f" of the last {self.of_last}" if self.of_last else ""
        pages = counted(self.least_pages, "page")
        return f"Under {whole_percent(self.least_rate)} accepted{last}, once {pages} are judged"


class IncomeRule(Rule):
    before = True
    kind: Literal["income"] = "income"
    most_micro: int = Field(default=20_000_000, ge=1)
    action: Action = Hold()

    def verdict(self, history: History) -> Verdict:
        return earned_enough(history.paid, now=history.now, limit_micro=self.most_micro)

    def condition(self) -> str:
        return f"{money_text(self.most_micro)} earned in the project within 24 hours"

    def for_worker(self) -> str:
        return _("You have earned what one person may earn here in 24 hours. Come again tomorrow!")


AnyRule = Annotated[
    ControlRule
    | SpeedRule
    | SkippedRule
    | AnswerCountRule
    | OneSubmissionRule
    | MajorityRule
    | AcceptanceRule
    | IncomeRule,
    Field(discriminator="kind"),
]
