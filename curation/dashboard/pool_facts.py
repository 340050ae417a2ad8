"""What a pool's page tells beyond its row: pages by state, price per item, pace, gates in words."""

from dataclasses import dataclass

from django.db.models import Avg, Count, Q

from crowd import rules
from crowd.models import Assignment, Batch
from crowd.money import money_text
from crowd.quality.exam import exam_sentence
from crowd.quality.wording import counted
from crowd.services import publishing
from crowd.services.control import is_adaptive
from crowd.services.control_stock import control_stock
from curation.dashboard.exam_facts import exam_of
from curation.models import Pool
from curation.services.overview import PoolRow
from curation.stages.validate import ValidateSettings

ITEM_PLACES = 4
STATE_WORDS = {
    Assignment.State.ACTIVE: "in hands",
    Assignment.State.SUBMITTED: "in check",
    Assignment.State.ACCEPTED: "accepted",
    Assignment.State.REJECTED: "rejected",
    Assignment.State.SKIPPED: "skipped",
    Assignment.State.EXPIRED: "expired",
}


@dataclass(frozen=True, slots=True)
class PoolFacts:
    batch: Batch | None
    pages: tuple[tuple[str, int], ...]
    workers: int
    seconds_per_task: float | None
    price_per_item: str
    gate: str
    rules: tuple[str, ...]
    instructions: tuple[str, ...]


def pool_facts(row: PoolRow) -> PoolFacts:
    batch = Batch.objects.filter(pool_id=row.pool.pk).select_related("account", "needs_skill", "grants_skill").first()
    found = _pages(row.pool.pk)
    mean = found["mean_ms"]
    return PoolFacts(
        batch=batch,
        pages=tuple((words, found[state]) for state, words in STATE_WORDS.items()),
        workers=found["workers"],
        seconds_per_task=mean / 1000 / row.page_size if mean else None,
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


def _pages(pool_id: int) -> dict[str, int]:
    by_state = {str(state): Count("id", filter=Q(state=state)) for state in STATE_WORDS}
    return Assignment.objects.filter(batch__pool_id=pool_id).aggregate(
        mean_ms=Avg("duration_ms"), workers=Count("worker", distinct=True), **by_state
    )


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
