"""Numbers of a pool that are out of range, each with a sentence and what mends it. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from crowd.money import money_text
from crowd.quality.wording import whole_percent
from curation.models import Pool
from curation.services.overview.pools import LET_IN, RAISE, PoolRow

LEAST_JUDGED = 20
LEAST_ACCEPTANCE, MOST_EXPIRY, CHEAP = 0.70, 0.20, 0.70
LEAST_SECONDS: Final = {"choice": 1.0, "boxes": 3.0, "outlines": 5.0, "photo": 3.0, "link": 3.0}
RULES, TERMS, BUDGET, ACCOUNT = "rules", "terms", "budget", "account"
LABELS: Final = {
    RULES: "Quality rules",
    TERMS: "Time and people",
    BUDGET: "Raise the budget",
    ACCOUNT: "See the quota",
    LET_IN: "Let more people in",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """`about` names the number it stands beside; `action` is the kind of what mends it."""

    about: str
    text: str
    action: str
    label: str
    price_micro: int | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """What is around a pool: sentences of budgets near their end and of quotas used up, and what others pay."""

    budgets: Sequence[str] = ()
    quotas: Sequence[str] = ()
    usual_micro: int | None = None  # for an item, in other pools with the same task
    least_seconds: float | None = None  # a task, by the pool's own rule


def why_never(row: PoolRow) -> str:
    """Say why the people who may work can never do what is missing."""
    n, batch, crowd = row.crowd.eligible or 0, row.batches[0], row.crowd
    if 0 < n < crowd.overlap:
        return f"{crowd.overlap:,} people are asked about each, and {n:,} may work here."
    if row.is_too_few and not crowd.is_used_up:
        people = f"{n:,} {'person' if n == 1 else 'people'}"
        return f"{people} may do {batch.per_worker:,} each: {crowd.may_do:,} in all, and {row.target:,} are wanted."
    if n:
        who = "with the skill" if batch.needs_skill_id else "of the team"
        return f"Everybody {who} ({n:,}) has done all they may do here."
    if batch.needs_skill_id:
        return f"Nobody{' of the team' if batch.team_id else ''} has the skill this pool asks for."
    return "Nobody is in the team this pool is kept to."


@dataclass(frozen=True, slots=True)
class Advised:
    row: PoolRow
    around: Around = field(default_factory=Around)

    def all(self) -> list[Advice]:
        """Return what to do, the most urgent first."""
        if self.row.pool.state == Pool.State.DRAFT:
            return []
        return [*self._stopped(), *self._slow(), *self._poor()]

    def _stopped(self) -> Iterable[Advice]:
        if self.row.is_never:
            yield Advice("eta", why_never(self.row), LET_IN, LABELS[LET_IN])
        for sentence in self.around.budgets:
            yield Advice("spent", sentence, BUDGET, LABELS[BUDGET])
        for sentence in self.around.quotas:
            yield Advice("quota", sentence, ACCOUNT, LABELS[ACCOUNT])

    def _slow(self) -> Iterable[Advice]:
        row, usual = self.row, self.around.usual_micro
        if row.action == RAISE:
            yield self._raise("eta", "Nobody has sent anything for an hour.", row.better_price_micro)
        price = max(row.prices) / row.real_per_page
        if usual and 0 < price < CHEAP * usual:
            said = f"Others pay {_price(row, usual)} for such a task, this pool {_price(row, round(price))}."
            yield self._raise("price", said, -(-usual * row.real_per_page // 10_000) * 10_000)

    def _poor(self) -> Iterable[Advice]:
        row = self.row
        if row.judged >= LEAST_JUDGED and row.acceptance is not None and row.acceptance < LEAST_ACCEPTANCE:
            share = whole_percent(row.acceptance)
            said = f"Only {share} of the pages are accepted: say better what is wanted, or ask for skill."
            yield Advice("acceptance", said, LET_IN, "Who may work")
        if row.expiry is not None and self._ended >= LEAST_JUDGED and row.expiry > MOST_EXPIRY:
            said = f"{whole_percent(row.expiry)} of the pages run out of time: give more time, or make pages shorter."
            yield Advice("expiry", said, TERMS, LABELS[TERMS])
        least = self.around.least_seconds or LEAST_SECONDS.get(row.interface, 0.0)
        seconds = row.seconds_per_task
        if seconds is not None and row.counts.get("pages.sent", 0) >= LEAST_JUDGED and seconds < least:
            said = f"A task takes {seconds:.1f} s on average; under {least:g} s nobody can have looked."
            yield Advice("time", said, RULES, LABELS[RULES])

    @property
    def _ended(self) -> int:
        return sum(self.row.counts.get(f"pages.{word}", 0) for word in ("sent", "expired", "skipped"))

    def _raise(self, about: str, said: str, price_micro: int) -> Advice:
        price = money_text(price_micro, currency=self.row.pool.account.currency)
        return Advice(about, said, RAISE, f"Raise to {price} a page", price_micro)


def _price(row: PoolRow, amount_micro: int) -> str:
    return money_text(amount_micro, 4, row.pool.account.currency)
