"""What happens in the arms of a price trial, and how its work is dealt out to them: never more than its cap can pay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F, Max, Q, Sum, Value
from django.db.models.functions import Greatest

from crowd.models import Assignment, Batch, Task
from crowd.platforms.registry import platform
from crowd.quality import prices
from crowd.services import claims, control, price_arms, publishing
from curation.models import Asset, Pool, PriceArm, PriceTrial

PAGES_A_DECISION: Final = 50
CAP_IS_USED: Final = "Nothing more is dealt out: what is on offer may cost all that the trial was given."
HANDED_IN = [Assignment.State.SUBMITTED, Assignment.State.ACCEPTED, Assignment.State.REJECTED]
IN_HANDS = [Assignment.State.ACTIVE, Assignment.State.SUBMITTED]
COSTING = [Assignment.State.ACTIVE, Assignment.State.SUBMITTED, Assignment.State.ACCEPTED]
NOTHING: Final[Mapping[str, Any]] = {"n": 0, "accepted": 0, "judged": 0, "cost": 0, "last_at": None}


@dataclass(frozen=True, slots=True)
class Seen:
    """An arm with what has happened in it."""

    arm: PriceArm
    pages: int
    accepted: int
    judged: int
    cost_micro: int
    last_at: datetime | None
    open_tasks: int

    def facts(self) -> prices.Arm:
        return prices.Arm(self.arm.price_micro, self.pages, self.accepted, self.judged, self.arm.hours)


def look(trial: PriceTrial) -> list[Seen]:
    """Return the arms with what has happened in them, in their order."""
    arms = list(trial.arms.select_related("batch__account"))
    pages = Assignment.objects.filter(batch__in=[arm.batch_id for arm in arms]).order_by().values("batch_id")
    rows = pages.annotate(
        n=Count("id", filter=Q(state__in=HANDED_IN)),
        accepted=Count("id", filter=Q(state=Assignment.State.ACCEPTED)),
        judged=Count("id", filter=Q(state__in=[Assignment.State.ACCEPTED, Assignment.State.REJECTED])),
        cost=Sum(F("price_micro") + F("fee_micro"), filter=Q(state__in=COSTING)),
        last_at=Max("submitted_at"),
    )
    by_batch = {row["batch_id"]: row for row in rows}
    return [_seen(arm, by_batch.get(arm.batch_id, NOTHING)) for arm in arms]


def _seen(arm: PriceArm, row: Mapping[str, Any]) -> Seen:
    return Seen(
        arm=arm,
        pages=row["n"],
        accepted=row["accepted"],
        judged=row["judged"],
        cost_micro=row["cost"] or 0,
        last_at=row["last_at"],
        open_tasks=price_arms.open_tasks(arm.batch),
    )


def deal(trial: PriceTrial, pool: Pool, base: Batch) -> int:
    """Deal the next portion to the arms by their shares, as far as the cap allows; returns how many tasks.

    Whoever has nothing on offer gets a page first, and only what is free after that is shared: the first arm must not
    take the money of the others.
    """
    seen = look(trial)
    portion = max(PAGES_A_DECISION, sum(one.pages for one in seen) - trial.decided_pages) * publishing.real_places(base)
    hands = [_hand(one, pool, portion) for one in sorted(seen, key=lambda one: -(one.arm.batch.trial_share or 0.0))]
    free = trial.cap_micro - cost_at_most(trial, pool)
    for hand in hands:
        if not hand.open_tasks:
            free -= hand.take(base, min(hand.page, free // hand.each))
    rest = free
    for hand in hands:
        free -= hand.take(base, min(int(rest * hand.share), free) // hand.each)
    for hand in hands:
        PriceArm.objects.filter(pk=hand.arm_id).update(dealt=F("dealt") + hand.dealt)
    return sum(hand.dealt for hand in hands)


@dataclass(slots=True)
class Hand:
    """An arm while it is dealt to: its share, what a task can cost, tasks of a page, tasks on offer and wanted."""

    arm_id: int
    batch: Batch
    share: float
    each: int
    page: int
    open_tasks: int
    wanted: int
    dealt: int = 0

    def take(self, base: Batch, most: int) -> int:
        """Move so many tasks of the base here, at most what is still wanted; returns what they can cost."""
        n = max(0, min(self.wanted - self.open_tasks - self.dealt, most))
        moved = price_arms.move(source=base, to=self.batch, most=n) if n else 0
        self.dealt += moved
        return moved * self.each


def _hand(one: Seen, pool: Pool, portion: int) -> Hand:
    batch = Batch.objects.select_related("account").get(pk=one.arm.batch_id)
    share = batch.trial_share or 0.0
    return Hand(
        arm_id=one.arm.pk,
        batch=batch,
        share=share,
        each=_most_of_a_task(batch, pool),
        page=_places(batch),
        open_tasks=one.open_tasks,
        wanted=round(portion * share) or 1,
    )


def cost_at_most(trial: PriceTrial, pool: Pool) -> int:
    """Return what a trial has cost and can still cost: pages paid or held, and every answer still possible."""
    total = 0
    for one in look(trial):
        total += one.cost_micro + _answers_possible(one.arm.batch, pool) * price_of_answer(one.arm.batch)
    return total


def _answers_possible(batch: Batch, pool: Pool) -> int:
    """Count the answers that may still be bought about what is not decided yet."""
    most = _most_answers(pool)
    undecided = Asset.objects.filter(project_id=pool.project_id, stage_id=pool.stage_id, state=Asset.State.WORKING)
    mine = Task.objects.filter(batch=batch, known_answer__isnull=True, cancelled=False)
    mine = mine.filter(Q(item_id__isnull=True, issued__lt=F("overlap")) | Q(item_id__in=undecided.values("pk")))
    answers = Greatest(F("overlap"), Value(most)) if most > 1 else F("overlap")
    found = mine.aggregate(n=Sum(Greatest(answers - F("issued"), Value(0))))["n"]
    return int(found or 0)


def _most_answers(pool: Pool) -> int:
    settings = pool.stage.settings
    return max(int(settings.get("most_overlap") or 1), int(settings.get("overlap") or 1), pool.overlap)


def _most_of_a_task(batch: Batch, pool: Pool) -> int:
    return max(1, _most_answers(pool) * price_of_answer(batch))


def price_of_answer(batch: Batch) -> int:
    """Return what one answer costs at most, with the platform's fee; a whole page where short pages cost as much."""
    fee = platform(batch.account.platform).fee(batch.account, price_micro=batch.price_micro, overlap=batch.overlap)
    places = 1 if batch.pays_whole_pages else _places(batch)
    return -(-(batch.price_micro + fee) // places)


def price_of_page(batch: Batch, pool: Pool) -> int:
    """Return what a full page and all the further answers about its tasks cost at most."""
    return _places(batch) * _most_of_a_task(batch, pool)


def _places(batch: Batch) -> int:
    """Return how many real tasks a page has at least."""
    return claims.real_places(batch, control.most_on_page(batch))


def is_used_up(trial: PriceTrial, pool: Pool, base: Batch, seen: Sequence[Seen]) -> bool:
    """Whether the cap pays for nothing more: nothing is on offer or in hands, and another task would not fit."""
    arms = [one.arm.batch for one in seen]
    if any(one.open_tasks for one in seen) or not price_arms.movable(base).exists():
        return False
    in_hands = Assignment.objects.filter(batch__in=arms, state__in=IN_HANDS)  # money of what is rejected is free again
    cheapest = min(_most_of_a_task(arm, pool) for arm in arms)
    return not in_hands.exists() and trial.cap_micro - cost_at_most(trial, pool) < cheapest


def why_nothing(base: Batch) -> str:
    if price_arms.movable(base).exists():
        return CAP_IS_USED
    return "All there is has been dealt out; more follows as it comes."
