"""What a level of dishonesty is called, how grave it is, and what follows for the worker. Values only, no database."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from scipy.stats import beta

from crowd.errors import CrowdError
from crowd.quality.wording import whole_percent

NOTHING, WARN, BAN = "nothing", "warn", "ban"
CONSEQUENCES: Final[dict[str, str]] = {NOTHING: "nothing", WARN: "a warning on record", BAN: "a ban"}
SCOPES: Final[dict[str, str]] = {
    "batch": "this pool",
    "project": "this project",
    "account": "every project of the platform account",
}
PRIOR_DISHONEST, PRIOR_HONEST = 1, 19
MOST_DAYS = 3650
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Terms:
    """One level: `level` is what evidence carries for ever; name and weight are the project's.

    `days` of a ban; None = for good.
    """

    level: int
    name: str
    weight: int
    consequence: str = BAN
    scope: str = "project"
    days: int | None = 10

    def until(self, now: datetime) -> datetime | None:
        return None if self.days is None else now + timedelta(days=self.days)

    @property
    def reason(self) -> str:
        """Return why a ban was made, as it is kept with it."""
        return f"Level {self.weight}: {self.name}"

    @property
    def ban_words(self) -> str:
        return "for good" if self.days is None else f"for {self.days:,} day{'' if self.days == 1 else 's'}"


USUAL: Final = (
    Terms(0, "Sent the same photo again", 0),
    Terms(5, "Sent the example picture from the task", 5),
    Terms(20, "Edited the example: crop, flip, filter", 20, days=30),
    Terms(80, "Generated or swapped the picture", 80, days=365),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """The levels of a project, and when a worker has one.

    A worker has a level when the lower 5 % point of the share of his submissions that weigh at least as much
    reaches `share`, after at least `least_judged` submissions: one hit bans nobody.
    """

    levels: tuple[Terms, ...] = USUAL
    share: float = 0.10
    least_judged: int = 5

    def of(self, level: int) -> Terms:
        return next(one for one in self.levels if one.level == level)

    def reached(self, hits: Sequence[int], judged: int) -> Terms | None:
        """Return the gravest level that evidence of these levels among so many submissions gives, or None."""
        if judged < self.least_judged:
            return None
        weights = [self.of(level).weight for level in hits]
        for terms in sorted(self.levels, key=lambda one: -one.weight):
            grave = sum(weight >= terms.weight for weight in weights)
            if grave and lower_bound(grave, judged) >= self.share:
                return terms
        return None

    def as_json(self) -> dict[str, Any]:
        return {
            "share": self.share,
            "least_judged": self.least_judged,
            "levels": [asdict(one) for one in self.levels],
        }


def lower_bound(hits: int, judged: int) -> float:
    """Lower 5 % point of the dishonest share, Beta(1 + hits, 19 + judged - hits)."""
    return float(beta.ppf(0.05, PRIOR_DISHONEST + hits, PRIOR_HONEST + max(0, judged - hits)))


def policy_from(stored: Mapping[str, Any]) -> Policy:
    """Read a stored policy."""
    levels = tuple(Terms(**one) for one in stored["levels"])
    return Policy(levels, float(stored["share"]), int(stored["least_judged"]))


def checked(policy: Policy) -> Policy:
    """Return the policy with blanks cut off its names, or raise CrowdError naming the value that is wrong."""
    if [one.level for one in policy.levels] != [one.level for one in USUAL]:
        raise CrowdError("The levels are 0, 5, 20 and 80; names and scores can be changed, not which there are.")
    levels = tuple(_checked(replace(one, name=one.name.strip())) for one in policy.levels)
    weights = [one.weight for one in levels]
    if len(set(weights)) < len(weights):
        raise CrowdError(f"Each level needs a score of its own, not {', '.join(map(str, weights))}.")
    if weights != sorted(weights):
        raise CrowdError(f"Scores rise from level to level, so {', '.join(map(str, weights))} is not possible.")
    if not 0.01 <= policy.share <= 0.9:
        raise CrowdError(f"The share from which on a level counts is 1 to 90 %, not {whole_percent(policy.share)}.")
    if not 2 <= policy.least_judged <= 1000:
        raise CrowdError(f"A level needs 2 to 1,000 submissions, not {policy.least_judged:,}: one hit bans nobody.")
    return replace(policy, levels=levels)


def _checked(one: Terms) -> Terms:
    if not one.name or len(one.name) > LONGEST_NAME:
        raise CrowdError(f"A level's name has 1 to {LONGEST_NAME} characters, not {len(one.name)}.")
    if not 0 <= one.weight <= 100:
        raise CrowdError(f"The score of “{one.name}” is 0 to 100, not {one.weight:,}.")
    if one.consequence not in CONSEQUENCES:
        raise CrowdError(f"What follows is nothing, warn or ban, not {one.consequence!r}.")
    if one.scope not in SCOPES:
        raise CrowdError(f"A ban holds in batch, project or account, not {one.scope!r}.")
    if one.days is not None and not 1 <= one.days <= MOST_DAYS:
        raise CrowdError(f"A ban lasts 1 to {MOST_DAYS:,} days, not {one.days:,}.")
    return one
