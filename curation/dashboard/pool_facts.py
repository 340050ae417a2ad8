"""What a pool's page tells beyond its row: pages by state, people at work, price per item, gates in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.cache import cache
from django.db.models import Count, Q

from crowd import rules
from crowd.models import Assignment, Batch, Restriction
from crowd.money import money_text
from crowd.quality.exam import exam_sentence
from crowd.quality.wording import counted
from crowd.services import comparing, publishing
from crowd.services.comparing import Compared
from crowd.services.control import is_adaptive
from crowd.services.control_stock import control_stock
from curation.dashboard.exam_facts import exam_of
from curation.models import Pool
from curation.services.overview import PoolRow
from curation.stages.validate import ValidateSettings

ITEM_PLACES = 4
ACTIVE_FOR = timedelta(hours=1)
BIG, KEPT_SECONDS = 20_000, 60
State = Assignment.State
STATE_WORDS: Final = {
    "accepted": "accepted",
    "rejected": "rejected",
    "skipped": "skipped",
    "expired": "ran out of time",
}
BANS: Final = {
    "": "by a person",
    "control": "wrong in control tasks",
    "speed": "answered too fast",
    "skipped": "skipped too much",
    "majority": "against the majority",
    "acceptance": "too much rejected",
    "one_submission": "sent enough",
    "platform": "by the platform",
    "dishonesty": "dishonest pictures",
}


@dataclass(frozen=True, slots=True)
class People:
    """Workers of a pool: all who handed something in or hold a page, and those of the last hour."""

    workers: int
    active: int
    in_hands: int
    in_check: int


@dataclass(frozen=True, slots=True)
class PoolFacts:
    people: People
    pages: tuple[tuple[str, str, int], ...]
    banned: tuple[tuple[str, int], ...]
    compared: Compared | None
    may_compare: bool
    price_per_item: str
    gate: str
    rules: tuple[str, ...]
    instructions: tuple[str, ...]


def pool_facts(row: PoolRow) -> PoolFacts:
    batch, people = row.batch, _people(row)
    ended = tuple((state, words, row.counts.get(f"pages.{state}", 0)) for state, words in STATE_WORDS.items())
    return PoolFacts(
        people=people,
        pages=(
            (State.ACTIVE, "in hands", people.in_hands),
            (State.SUBMITTED, "in check", people.in_check),
            *ended,
        ),
        banned=_banned(row, row.now),
        compared=comparing.last_compared(batch) if batch else None,
        may_compare=batch is not None and comparing.may_compare(batch),
        price_per_item=_price_per_item(row),
        gate=_gate(batch),
        rules=(*_rules(batch), *_stopping(row.pool)),
        instructions=tuple(str(text) for text in (batch.spec.get("instructions", []) if batch else [])),
    )


def _price_per_item(row: PoolRow) -> str:
    """Return what one item costs with all its answers, from and to where the price depends on a skill."""
    prices = [round(price * row.pool.overlap / row.real_per_page) for price in row.prices]
    if not max(prices):
        return "unpaid"
    low, high = (money_text(price, ITEM_PLACES, row.pool.account.currency) for price in (min(prices), max(prices)))
    return low if low == high else f"{low}–{high.removeprefix('$')}"


def _people(row: PoolRow) -> People:
    """Count people, who are no sum of pages; in a big pool at most once a minute."""
    key = f"pool-people:{row.pool.pk}"
    is_big = row.counts.get("pages.sent", 0) > BIG
    kept: People | None = cache.get(key) if is_big else None
    if kept is not None:
        return kept
    lately = Q(state=State.ACTIVE) | Q(submitted_at__gte=row.now - ACTIVE_FOR)
    found = Assignment.objects.filter(batch__pool_id=row.pool.pk).aggregate(
        workers=Count("worker", distinct=True),
        active=Count("worker", distinct=True, filter=lately),
        in_hands=Count("id", filter=Q(state=State.ACTIVE)),
        in_check=Count("id", filter=Q(state=State.SUBMITTED)),
    )
    people = People(**found)
    if is_big:
        cache.set(key, people, KEPT_SECONDS)
    return people


def _banned(row: PoolRow, now: datetime) -> tuple[tuple[str, int], ...]:
    """Count who is kept out of this pool or of its project, by what did it."""
    scope = Restriction.Scope
    here = Q(scope=scope.BATCH, scope_id__in=[batch.pk for batch in row.batches])
    here |= Q(scope=scope.PROJECT, scope_id=row.pool.project_id)
    rows = Restriction.objects.in_force(now).no_work().filter(here).order_by().values_list("by_rule")
    counts: dict[str, int] = {}
    for by_rule, n in rows.annotate(n=Count("worker", distinct=True)):
        words = BANS.get(by_rule.partition(":")[0], by_rule.replace("_", " "))
        counts[words] = counts.get(words, 0) + n
    return tuple(sorted(counts.items(), key=lambda pair: -pair[1]))


def _gate(batch: Batch | None) -> str:
    """Say who may work here, and how many people who click at random that lets in."""
    if batch is None or batch.needs_skill is None:
        return "Anybody may work here."
    needs = f"Needs “{batch.needs_skill}” of at least {batch.needs_value}"
    exam = exam_of(batch)
    if exam is None:
        return f"{needs}."
    passes = exam_sentence(exam.checked(), options=exam.options)
    return f"{needs}: of {counted(exam.questions, 'question')} with {exam.options} answers, {passes}."


def _stopping(pool: Pool) -> tuple[str, ...]:
    """Say when the votes of a checking pool are enough."""
    if pool.stage.kind != "validate" or pool.kind != Pool.Kind.MAIN:
        return ()
    return (ValidateSettings.model_validate(pool.stage.settings).stops_in_words,)


def _rules(batch: Batch | None) -> tuple[str, ...]:
    """Return the pool's quality rules as sentences."""
    if batch is None:
        return ()
    said = []
    if batch.per_worker:
        said.append(f"At most {batch.per_worker:,} tasks for one worker.")
    if batch.control_per_page:
        adapts = is_adaptive(batch) and publishing.pages_of(batch) != "remote"  # other platforms mix a fixed number
        share = "a fifth of the tasks at first, few later" if adapts else f"{batch.control_per_page} a page"
        said.append(f"Tasks with a known answer among {batch.page_size} on a page: {share}.")
    controls = control_stock(batch)
    said += [text for text in ((controls.says, controls.warning) if controls else ()) if text]
    said += [rule.says() for rule in rules.read(batch.rules)]
    said.append("Paid at once." if batch.auto_accept else "Paid when the checks and checkers accept the result.")
    return tuple(said)
