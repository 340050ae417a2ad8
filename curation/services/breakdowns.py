"""What is held, what pools of every class cost each class, and what the same work costs on each platform."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Sum

from crowd.models import Reservation
from curation.models import Pool, Project, Stage
from curation.services.overview import AssetCounts, PoolRow
from curation.services.statements import Cube, Sums


@dataclass(frozen=True, slots=True)
class Hold:
    """Money held for open work of a pool."""

    stage_id: int | None
    pool_id: int | None
    currency: str
    micro: int


def holds(*, project: Project) -> list[Hold]:
    rows = (
        Reservation.objects.filter(project_id=project.pk, state=Reservation.State.HELD, amount_micro__gt=0)
        .order_by()
        .values_list("stage_id", "pool_id", "currency")
        .annotate(micro=Sum("amount_micro"))
    )
    return [Hold(*row) for row in rows]


def common_shares(
    *, found: Cube, classes: Mapping[int, int], stages: Sequence[Stage], counts: AssetCounts, currency: str
) -> dict[int, int]:
    """Share what pools of every class cost among the classes, by how many of their images came to the stage.

    The shares add up to the micro-unit; what cannot be shared because nothing came to a stage belongs to no class.
    """
    common: Counter[int] = Counter()
    for (of, stage_id, pool_id, _), amounts in found.of_all_days.items():
        if of == currency and pool_id not in classes and stage_id is not None:
            common[stage_id] += Sums(*amounts).total
    shares: Counter[int] = Counter()
    for place, stage in enumerate(stages):
        came = _came(counts, [one.pk for one in stages[place:]])
        for label, part in shared(common[stage.pk], came).items():
            shares[label] += part
    return dict(shares)


def _came(counts: AssetCounts, stages: Sequence[int]) -> dict[int, int]:
    """Return how many images of each class stand at these stages."""
    found: Counter[int] = Counter()
    for place in counts.places:
        if place.stage_id in stages and place.class_id is not None:
            found[place.class_id] += place.n
    return dict(found)


def shared(amount: int, among: Mapping[int, int]) -> dict[int, int]:
    """Divide an amount in proportion, by the largest remainder, so that the parts add up to it."""
    whole = sum(among.values())
    if not amount or not whole:
        return {}
    parts = {key: amount * n // whole for key, n in among.items()}
    left = amount - sum(parts.values())
    by_rest = sorted(among, key=lambda key: (-(amount * among[key] % whole), key))
    for key in by_rest[:left]:
        parts[key] += 1
    return parts


@dataclass(frozen=True, slots=True)
class SideBySide:
    """One stage's work on one platform."""

    stage: Stage
    account_id: int
    account: str
    currency: str
    accepted: int
    pages_accepted: int
    pages_rejected: int
    spent_micro: int
    per_hour: float | None

    @property
    def acceptance(self) -> float | None:
        judged = self.pages_accepted + self.pages_rejected
        return self.pages_accepted / judged if judged else None

    @property
    def each_micro(self) -> int | None:
        """Return what one accepted answer costs, fees and bonuses of its pools included."""
        return round(self.spent_micro / self.accepted) if self.accepted else None


def side_by_side(*, rows: Sequence[PoolRow]) -> list[SideBySide]:
    """Put the platforms that do the same stage beside each other, in the order of the recipe."""
    groups: dict[tuple[int, int], list[PoolRow]] = {}
    for row in rows:
        if row.pool.kind == Pool.Kind.MAIN:
            groups.setdefault((row.pool.stage_id, row.pool.account_id), []).append(row)
    found = [_together(mine) for mine in groups.values()]
    return [one for one in found if one.accepted or one.spent_micro]


def _together(rows: Sequence[PoolRow]) -> SideBySide:
    pool = rows[0].pool
    paces = [row.per_hour for row in rows if row.per_hour is not None]
    return SideBySide(
        stage=pool.stage,
        account_id=pool.account_id,
        account=pool.account.label,
        currency=pool.account.currency,
        accepted=sum(row.accepted for row in rows),
        pages_accepted=sum(row.counts.get("pages.accepted", 0) for row in rows),
        pages_rejected=sum(row.counts.get("pages.rejected", 0) for row in rows),
        spent_micro=sum(row.spent_micro for row in rows),
        per_hour=sum(paces) if paces else None,
    )
