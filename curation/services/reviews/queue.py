"""The queue: what waits for a person, who looks at what, how fast it goes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, TypeVar

from django.db import connection, transaction
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet

from crowd.services.patience import be_patient
from curation.models import Asset, LabelClass, Project, Review, ReviewControl, ReviewLease, ReviewPlace, User
from curation.services.reviews.values import Standing
from curation.services.reviews.verdicts import SAMPLED

T = TypeVar("T")
LEASE = timedelta(minutes=10)
MOST_IMAGES = 100
WORST_FIRST: Final = (F("review_place__badness").desc(nulls_first=True), "id")
Verdict = Review.Verdict
PLACE_ALL: Final = """
WITH gone AS (DELETE FROM curation_reviewplace place WHERE NOT EXISTS (
    SELECT FROM curation_asset asset WHERE asset.id = place.asset_id AND asset.state = 'held'))
SELECT winnow_place_images(ARRAY(SELECT id FROM curation_asset WHERE state = 'held' ORDER BY id FOR NO KEY UPDATE))
"""
MISPLACED: Final = """
WITH held AS (
    SELECT asset.id FROM curation_asset asset JOIN curation_stage stage ON stage.id = asset.stage_id
     WHERE asset.state = 'held' AND stage.kind = 'review')
SELECT count(*) FILTER (WHERE held.id IS NULL), count(*) FILTER (WHERE place.asset_id IS NULL)
  FROM held FULL JOIN curation_reviewplace place ON place.asset_id = held.id
"""


def at_review(project: Project) -> QuerySet[Asset]:
    """Return what the review stage has set aside for a person; what still waits there may yet pass by rule."""
    return Asset.objects.filter(review_place__project_id=project.pk)


def waiting(project: Project) -> int:
    """Return how many images wait for a person."""
    return ReviewPlace.objects.filter(project_id=project.pk).count()


@transaction.atomic
def place_all() -> None:
    """Find out anew which images wait for a person, and in which order."""
    be_patient()
    with connection.cursor() as cursor:
        cursor.execute(PLACE_ALL)


@transaction.atomic
def misplaced() -> tuple[int, int]:
    """Return how many places are of images that do not wait for a person, and how many images wait without a place."""
    be_patient()
    with connection.cursor() as cursor:
        cursor.execute(MISPLACED)
        outlived, missing = cursor.fetchone()
    return outlived, missing


def next_images(*, project: Project, user: User, n: int, now: datetime, label_class: str = "") -> list[Asset]:
    """Lease n images to a reviewer for ten minutes and return them, the largest expected loss first.

    Images of the sample stand among them where chance puts them, in their share of the queue, so that their place
    says nothing. What the reviewer holds already comes again with a longer lease; what was put aside comes last,
    and not at all when only images of one class are asked for.
    """
    wanted = min(max(n, 0), MOST_IMAGES)
    chance = _chance(project, user)
    with transaction.atomic():
        free = _free(project, user, now)
        if label_class:
            free = free.filter(label_class__name=label_class, put_aside=False)
        found = _choose(free, wanted, chance)
        mine = take_leases([asset.pk for asset in found], user=user, now=now)
    return [asset for asset in found if asset.pk in mine]


def classes_waiting(project: Project) -> list[LabelClass]:
    """Return the classes of what waits for a person, with how many each, the most first."""
    classed = at_review(project).filter(label_class__isnull=False).order_by().values("label_class")
    counts = {row["label_class"]: row["n"] for row in classed.annotate(n=Count("pk"))}
    rows = list(LabelClass.objects.filter(pk__in=counts))
    for row in rows:
        row.waiting = counts[row.pk]  # type: ignore[attr-defined]
    return sorted(rows, key=lambda row: (-counts[row.pk], row.index))


def _choose(free: QuerySet[Any, Any], n: int, chance: Random) -> list[Asset]:
    open_ones = free.filter(put_aside=False)
    doubtful = open_ones.exclude(reason=SAMPLED).order_by(*WORST_FIRST)
    sample = open_ones.filter(reason=SAMPLED).order_by("-held_already", "sha256")
    picked = _locked(sample, _share_of_sample(open_ones, n, chance))
    worst = _locked(doubtful, n - len(picked))
    picked += _locked(sample.exclude(pk__in=[asset.pk for asset in picked]), n - len(worst) - len(picked))
    aside = _locked(free.filter(put_aside=True).order_by(*WORST_FIRST), n - len(worst) - len(picked))
    return [*shuffled_in(worst, picked, chance), *aside]


def _locked(rows: QuerySet[Any, Any], n: int) -> list[Asset]:
    """Lock the first n; what somebody has decided since they were looked for is left out."""
    found = rows.select_for_update(of=("self",), skip_locked=True)[:n] if n > 0 else ()
    return [asset for asset in found if asset.state == Asset.State.HELD]


def _share_of_sample(rows: QuerySet[Any, Any], n: int, chance: Random) -> int:
    """Return how many of n places belong to the sample: its share of the queue, rounded by chance."""
    sample = rows.filter(reason=SAMPLED).aggregate(n=Count("pk"), held=Count("pk", filter=Q(held_already=True)))
    places = n * sample["n"] / rows.count() if sample["n"] else 0
    held_already: int = sample["held"]
    return max(min(n, held_already), int(places + chance.random()))


def shuffled_in(worst: Sequence[T], sample: Sequence[T], chance: Random) -> list[T]:
    """Return both in one list: each keeps its order, the sample's places are drawn."""
    total = len(worst) + len(sample)
    places = set(chance.sample(range(total), len(sample)))
    one, other = iter(worst), iter(sample)
    return [next(other) if place in places else next(one) for place in range(total)]


def _chance(project: Project, user: User) -> Random:
    """The same until the person's next decision, so that a reload shows the same queue."""
    last = Review.objects.filter(project_id=project.pk, by=user).order_by("-id").values_list("pk", flat=True).first()
    return Random(f"{project.pk} {user.pk} {last}")  # noqa: S311


def _free(project: Project, user: User, now: datetime) -> QuerySet[Any, Any]:
    """Return what nobody else looks at."""
    leases = ReviewLease.objects.filter(asset=OuterRef("pk"), until__gt=now)
    aside = Review.objects.filter(asset=OuterRef("pk"), verdict=Verdict.HOLD, undone_by=None)
    free = at_review(project).filter(~Exists(leases.exclude(user=user)))
    return free.annotate(put_aside=Exists(aside), held_already=Exists(leases))


def take_leases(asset_ids: list[int], *, user: User, now: datetime) -> set[int]:
    """Take the leases that nobody else holds and return their assets.

    A lock on the asset is not enough: a lease committed after our snapshot is seen only by this conflict.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO curation_reviewlease AS held (asset_id, user_id, until)
            SELECT unnest(%s::bigint[]), %s, %s
            ON CONFLICT (asset_id) DO UPDATE SET user_id = excluded.user_id, until = excluded.until
            WHERE held.user_id = excluded.user_id OR held.until <= %s
            RETURNING asset_id
            """,
            [asset_ids, user.pk, now + LEASE, now],
        )
        return {row[0] for row in cursor.fetchall()}


def release_leases(*, user: User, project: Project, until: datetime | None = None) -> int:
    """Give back what a reviewer holds; others get it at once.

    `until` spares leases taken after the screen that is being left: a reload may overtake its own farewell.
    """
    leases = ReviewLease.objects.filter(user=user, asset__project=project)
    if until is not None:
        leases = leases.filter(until__lte=until)
    return leases.delete()[0]


def standing(*, project: Project, user: User, now: datetime) -> Standing:
    """Count done, waiting and left, and the reviewer's pace over the last half hour."""
    lately = Q(by=user, created_at__gt=now - timedelta(minutes=30))
    decided = (
        Review.objects.filter(project_id=project.pk, undone_by=None)
        .exclude(verdict__in=[Verdict.UNDO, Verdict.HOLD])
        .aggregate(n=Count("pk"), lately=Count("pk", filter=lately), since=Min("created_at", filter=lately))
    )
    others = ReviewLease.objects.filter(asset__in=at_review(project), until__gt=now).exclude(user=user)
    mine = Q(user=user)
    controls = ReviewControl.objects.filter(project_id=project.pk).aggregate(
        answered=Count("pk", filter=Q(answered_at__isnull=False)),
        waiting=Count("pk", filter=mine & Q(answered_at=None)),
        judged=Count("pk", filter=mine & Q(is_right__isnull=False)),
        agreed=Count("pk", filter=mine & Q(is_right=True)),
    )
    at_work = waiting(project)
    return Standing(
        done=decided["n"] + controls["answered"],
        waiting=at_work,
        left=at_work + controls["waiting"],
        per_hour=pace(decided["lately"], decided["since"], now),
        with_others=others.count(),
        controls=controls["judged"],
        agreed=controls["agreed"],
    )


def pace(n: int, since: datetime | None, now: datetime) -> int:
    """Return decisions an hour, from the first of n on; 0 before there are three."""
    if n < 3 or since is None:
        return 0
    return round(n * 3600 / max(1.0, (now - since).total_seconds()))
