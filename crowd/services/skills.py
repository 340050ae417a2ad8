"""Skills: numbers from 0 to 100 about a worker, with their history."""

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, FloatField, Prefetch, Sum

from crowd.bulk import bulk_change, insert_all
from crowd.models import Account, Assignment, Batch, Skill, SkillEvent, SkillValue, Worker
from crowd.quality.skill import (
    KEPT_A_DAY,
    USUAL_PRIOR,
    Prior,
    SkillEstimate,
    decayed,
    estimate,
    platform_value,
    pool_prior,
)
from crowd.quality.wording import whole_percent
from crowd.services import skill_news

KEPT = "skill_kept_a_day"


def ensure_skill(*, account: Account, name: str) -> Skill:
    """Return the account's skill of this name, made on first use."""
    skill, _ = Skill.objects.get_or_create(account=account, name=name)
    return skill


@dataclass(frozen=True, slots=True)
class Score:
    """What a worker has reached: ok of n, as a value 0-100 (rounded down: 69.9 is not 70) unless one is given."""

    worker_id: int
    skill_id: int
    ok: int
    n: int
    reason: str
    at: datetime
    value: int | None = None

    def row(self) -> SkillValue:
        share = self.ok * 100 // self.n if self.n else 0
        value = share if self.value is None else self.value
        return SkillValue(
            worker_id=self.worker_id, skill_id=self.skill_id, value=value, ok=self.ok, n=self.n, updated_at=self.at
        )


def set_skill(
    *, worker_id: int, skill_id: int, ok: int, n: int, reason: str, now: datetime, value: int | None = None
) -> SkillValue:
    """Store ok of n, or the value given; remember the change."""
    return set_all([Score(worker_id, skill_id, ok, n, reason, now, value)])[0]


@transaction.atomic(savepoint=False)
def set_all(scores: Sequence[Score]) -> list[SkillValue]:
    """Store scores, each of another worker or skill, as `set_skill` does."""
    rows = SkillValue.objects.bulk_create(
        [score.row() for score in scores],
        update_conflicts=True,
        unique_fields=["worker", "skill"],
        update_fields=["value", "ok", "n", "updated_at"],
    )
    SkillEvent.objects.bulk_create(
        SkillEvent(
            worker_id=one.worker_id, skill_id=one.skill_id, value=row.value, reason=one.reason, created_at=one.at
        )
        for one, row in zip(scores, rows, strict=True)
    )
    _tell(rows)
    return rows


def _tell(rows: Sequence[SkillValue]) -> None:
    """Leave values for the platform, with their workers read at once."""
    workers = Worker.objects.select_related("account").defer("account__secrets")
    found = workers.in_bulk({row.worker_id for row in rows})
    for row in rows:
        row.worker = found[row.worker_id]
        skill_news.tell(row)


def value_of(*, worker_id: int, skill_id: int | None) -> int | None:
    if skill_id is None:
        return None
    return SkillValue.objects.filter(worker_id=worker_id, skill_id=skill_id).values_list("value", flat=True).first()


def quality_name(batch: Batch) -> str:
    return f"Quality: {str(batch.spec.get('title', ''))[:80] or batch.interface} (stage {batch.stage_id})"


@dataclass(frozen=True, slots=True)
class Checked:
    """A page that is in, with which of its control answers are right."""

    page: Assignment
    oks: Sequence[bool]
    at: datetime


@transaction.atomic(savepoint=False)
def learn_quality(*, checked: Sequence[Checked]) -> None:
    """Learn from the control answers of pages. The value is the lower bound of the accuracy, so gates may use it."""
    by_work: dict[tuple[int, str], list[Checked]] = {}
    for one in checked:
        if one.oks:
            by_work.setdefault((one.page.batch.account_id, quality_name(one.page.batch)), []).append(one)
    for work in sorted(by_work):  # in one order, as those whose values are locked
        mine, name = by_work[work], work[1]
        skill = ensure_skill(account=mine[0].page.batch.account, name=name)
        learning = Learning(skill, _locked_values(skill.pk, {one.page.worker_id for one in mine}))
        for one in mine:
            learning.learn(one)
        learning.write()


@dataclass(slots=True)
class Learning:
    """How good workers are at one work, learned page by page; what has changed is stored by `write`."""

    skill: Skill
    rows: dict[int, SkillValue]  # by worker; who is not there is new
    _people: "_People" = field(init=False)
    _touched: set[int] = field(default_factory=set)
    _news: list[SkillEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._people = _people_of(self.skill)

    def learn(self, one: Checked) -> int:
        """Learn from a page, and return the value of its worker now."""
        who, people = one.page.worker_id, self._people
        row = self.rows.setdefault(who, SkillValue(worker_id=who, skill=self.skill, value=0))
        before, n, share = row.value, row.n, _share(row)
        kept_a_day = one.page.batch.spec.get(KEPT, KEPT_A_DAY)
        _add_faded(row, right=sum(one.oks), n=len(one.oks), kept_a_day=kept_a_day, now=one.at)
        known = estimate(row.ok_worth, row.n_worth, people.prior())
        row.value = platform_value(known.lower)
        self._people = _People(people.n + (not n), people.shares + _share(row) - (share if n else 0.0))
        self._touched.add(who)
        if row.value != before:
            self._news.append(_quality_event(row, known, one.at))
        return row.value

    def write(self) -> None:
        SkillValue.objects.bulk_create(
            [self.rows[pk] for pk in sorted(self._touched)],
            update_conflicts=True,
            unique_fields=["worker", "skill"],
            update_fields=["value", "ok", "n", "ok_worth", "n_worth", "updated_at"],
        )
        insert_all(self._news)
        if self._news and skill_news.asking_for(self.skill).exists():
            for event in self._news:
                skill_news.tell(self.rows[event.worker_id])
        self._touched.clear()
        self._news.clear()


def values_there(*, skill: Skill, worker_ids: Collection[int]) -> dict[int, SkillValue]:
    """Return the values of a skill, by worker, of those of the workers who have one."""
    there = {row.worker_id: row for row in SkillValue.objects.filter(skill=skill, worker_id__in=worker_ids)}
    for row in there.values():
        row.skill = skill
    return there


def _add_faded(row: SkillValue, *, right: int, n: int, kept_a_day: float, now: datetime) -> None:
    """Count new answers; what was shown before counts less with every day since."""
    days = (now - row.updated_at).total_seconds() / 86_400 if row.n else 0.0
    before = (row.ok_worth, row.n_worth) if row.n_worth else (row.ok, row.n)
    row.ok_worth, row.n_worth = (decayed(count, days, kept_a_day) for count in before)
    row.ok_worth, row.n_worth = row.ok_worth + right, row.n_worth + n
    row.ok, row.n, row.updated_at = row.ok + right, row.n + n, now


@dataclass(frozen=True, slots=True)
class _People:
    """How many workers are known at some work, and the sum of the shares they are right in."""

    n: int
    shares: float

    def prior(self) -> Prior:
        """Return what is believed of a newcomer at this work: of everybody, until enough people are known here."""
        return pool_prior(self.shares / self.n, workers=self.n) if self.n else USUAL_PRIOR


def _people_of(skill: Skill) -> _People:
    known = SkillValue.objects.filter(skill=skill, n__gt=0)
    share = (F("ok") + USUAL_PRIOR.right) / (F("n") + USUAL_PRIOR.right + USUAL_PRIOR.wrong)
    found = known.aggregate(people=Count("id"), shares=Sum(share, output_field=FloatField()))
    return _People(found["people"], found["shares"] or 0.0)


def _share(row: SkillValue) -> float:
    return (row.ok + USUAL_PRIOR.right) / (row.n + USUAL_PRIOR.right + USUAL_PRIOR.wrong)


@transaction.atomic
def set_measured(
    *, worker_id: int, skill_id: int, value: int, ok: int, n: int, reason: str, now: datetime
) -> SkillValue:
    """Store what was measured of a worker as a value 0-100 of its own; only a changed value becomes history."""
    row, _ = SkillValue.objects.select_for_update().get_or_create(
        worker_id=worker_id, skill_id=skill_id, defaults={"value": 0}
    )
    before, row.value, row.ok, row.n, row.updated_at = row.value, value, ok, n, now
    row.save(update_fields=["value", "ok", "n", "updated_at"])
    if row.value != before:
        _note(row, reason[:200], now)
    return row


def _quality_event(row: SkillValue, known: SkillEstimate, now: datetime) -> SkillEvent:
    mean, surely = whole_percent(known.mean), whole_percent(known.lower)
    reason = f"control tasks: {row.ok} of {row.n} right, mean {mean}, surely {surely}"
    return SkillEvent(worker_id=row.worker_id, skill_id=row.skill_id, value=row.value, reason=reason, created_at=now)


def _note(row: SkillValue, reason: str, now: datetime) -> None:
    """Put a new value on record and tell the platform where somebody goes by it."""
    SkillEvent.objects.create(
        worker_id=row.worker_id, skill_id=row.skill_id, value=row.value, reason=reason, created_at=now
    )
    if skill_news.asking_for(row.skill).exists():
        skill_news.tell(row)


@transaction.atomic(savepoint=False)
def count_acceptances(
    *,
    pages: Mapping[Batch, Sequence[Assignment]],
    accepted: bool,
    now: datetime,
    counted_before: Container[int] = (),
) -> None:
    """Where the price depends on a skill of the same work, that skill is the share of accepted pages.

    A page that was rejected and is accepted now is still one page: its id is in `counted_before`.
    """
    by_skill: dict[int, list[Assignment]] = {}
    for batch, mine in pages.items():
        if batch.grants_skill_id is not None and batch.kind == Batch.Kind.MAIN and mine:
            by_skill.setdefault(batch.grants_skill_id, []).extend(mine)
    for skill_id in sorted(by_skill):
        _count(skill_id, by_skill[skill_id], accepted=accepted, now=now, counted_before=counted_before)


def _count(
    skill_id: int, pages: Sequence[Assignment], *, accepted: bool, now: datetime, counted_before: Container[int]
) -> None:
    rows = _locked_values(skill_id, {page.worker_id for page in pages})
    reason, events = "page accepted" if accepted else "page rejected", []
    for page in pages:
        row = rows[page.worker_id]
        row.ok, row.n = row.ok + int(accepted), row.n + int(page.pk not in counted_before)
        row.value, row.updated_at = (row.ok * 100 // row.n if row.n else 0), now
        event = SkillEvent(worker_id=page.worker_id, skill_id=skill_id, value=row.value, reason=reason, created_at=now)
        events.append(event)
    changed = [(row.pk, row.value, row.ok, row.n, row.updated_at) for row in rows.values()]
    bulk_change(model=SkillValue, columns=["value", "ok", "n", "updated_at"], rows=changed)
    insert_all(events)
    for row in rows.values():
        skill_news.tell(row)


def _locked_values(skill_id: int, worker_ids: Collection[int]) -> dict[int, SkillValue]:
    """Return the workers' values of a skill under their locks, in the order of workers; made where there are none.

    Made before any is locked: whoever made one while it held others could wait for somebody who waits for these.
    """
    there = SkillValue.objects.filter(skill_id=skill_id, worker_id__in=worker_ids).values_list("worker_id", flat=True)
    fresh = sorted(set(worker_ids).difference(there))
    if fresh:
        made = [SkillValue(worker_id=pk, skill_id=skill_id, value=0) for pk in fresh]
        SkillValue.objects.bulk_create(made, ignore_conflicts=True)
    rows = SkillValue.objects.select_for_update(of=("self",)).filter(skill_id=skill_id, worker_id__in=worker_ids)
    told = Prefetch("worker__account", Account.objects.defer("secrets"))
    rows = rows.select_related("worker").prefetch_related(told, "skill").order_by("worker_id")
    return {row.worker_id: row for row in rows}
