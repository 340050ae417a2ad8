"""What a pool's page tells beyond its row: pages by state, price per item, pace, gates in words."""

import math
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Avg, Count, Q

from crowd.models import Assignment, Batch
from crowd.money import dollars
from curation.services.overview import PoolRow

STATE_WORDS = {
    Assignment.State.ACTIVE: "in hands",
    Assignment.State.SUBMITTED: "in check",
    Assignment.State.ACCEPTED: "accepted",
    Assignment.State.REJECTED: "rejected",
    Assignment.State.SKIPPED: "skipped",
    Assignment.State.EXPIRED: "expired",
}
EXAM_TASKS = 10


@dataclass(frozen=True, slots=True)
class PoolFacts:
    batch: Batch | None
    pages: tuple[tuple[str, int], ...]
    workers: int
    seconds_per_task: float | None
    price_per_item: Decimal
    gate: str
    rules: tuple[str, ...]
    instructions: tuple[str, ...]


def pool_facts(row: PoolRow) -> PoolFacts:
    batch = Batch.objects.filter(pool_id=row.pool.pk).select_related("needs_skill", "grants_skill").first()
    found = _pages(row.pool.pk)
    mean = found["mean_ms"]
    return PoolFacts(
        batch=batch,
        pages=tuple((words, found[state]) for state, words in STATE_WORDS.items()),
        workers=found["workers"],
        seconds_per_task=mean / 1000 / row.page_size if mean else None,
        price_per_item=dollars(row.pool.price_micro) / row.real_per_page * row.pool.overlap,
        gate=_gate(batch),
        rules=_rules(batch),
        instructions=tuple(str(text) for text in (batch.spec.get("instructions", []) if batch else [])),
    )


def _pages(pool_id: int) -> dict[str, int]:
    by_state = {str(state): Count("id", filter=Q(state=state)) for state in STATE_WORDS}
    return Assignment.objects.filter(batch__pool_id=pool_id).aggregate(
        mean_ms=Avg("duration_ms"), workers=Count("worker", distinct=True), **by_state
    )


def _gate(batch: Batch | None) -> str:
    """Say who may work here, and how many people who click at random that lets in."""
    if batch is None or batch.needs_skill is None:
        return "Anybody may work here."
    kinds = max(2, len(batch.spec.get("options", [])) or 2)
    share = random_clickers(EXAM_TASKS, batch.needs_value, kinds)
    return (
        f"Needs “{batch.needs_skill}” of at least {batch.needs_value}. Of {EXAM_TASKS} questions with {kinds} answers, "
        f"{_share_words(share)} of people who click at random reach that."
    )


def random_clickers(tasks: int, gate: int, options: int) -> float:
    """Return the share of random answerers with at least `gate` percent right: an upper binomial tail."""
    needed = math.ceil(tasks * gate / 100)
    chance = 1 / options
    return sum(math.comb(tasks, k) * chance**k * (1 - chance) ** (tasks - k) for k in range(needed, tasks + 1))


def _share_words(share: float) -> str:
    return "fewer than 0.1%" if share < 0.001 else f"{share:.1%}"


def _rules(batch: Batch | None) -> tuple[str, ...]:
    """Return the pool's quality rules as sentences."""
    if batch is None:
        return ()
    said = []
    if batch.per_worker:
        said.append(f"At most {batch.per_worker:,} tasks for one worker.")
    if batch.control_per_page:
        said.append(f"{batch.control_per_page} of {batch.page_size} tasks on a page has a known answer.")
    if "control" in batch.rules:
        least = float(batch.rules["control"].get("least_accuracy", 0.7))
        said.append(f"Surely under {least:.0%} right on known answers: 30 days without work in this project.")
    if "speed" in batch.rules:
        least = float(batch.rules["speed"].get("seconds_per_task", 1.0))
        said.append(f"Three pages faster than {least:g} s a task: 30 days without work in this project.")
    said.append("Paid at once." if batch.auto_accept else "Paid when the checks and checkers accept the result.")
    return tuple(said)
