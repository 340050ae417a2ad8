"""What a reviewer decided lately, and pictures that resemble the one in front."""

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from curation.models import Asset, Project, Review, User
from curation.services.patience import in_time
from curation.services.reviews.controls import AsSeen

LATEST = 200
NEAR, MOST_SIMILAR = 14, 12
LONGEST_MS = 1_000


def latest(*, project: Project, user: User) -> QuerySet[Review]:
    """Return a person's decisions that stand, the newest first: they can be opened again."""
    own = Review.objects.filter(project_id=project.pk, by=user, undone_by=None).exclude(verdict=Review.Verdict.UNDO)
    return own.select_related("asset__label_class").order_by("-id")


def as_decided(*, project: Project, user: User, key: UUID) -> tuple[Review, AsSeen] | None:
    """Return an own decision with its image as it was seen then."""
    row = latest(project=project, user=user).filter(key=key).first()
    return None if row is None else (row, AsSeen(row.consensus_id, ""))


@dataclass(frozen=True, slots=True)
class Similar:
    """Pictures whose hashes are near (with the distance in bits of 64), and the newest others of the same sender.

    Each is None when there are too many pictures to look through while somebody waits.
    """

    near: list[tuple[Asset, int]] | None
    same_sender: list[Asset] | None


def similar_to(asset: Asset) -> Similar:
    found = in_time(partial(_near, asset), milliseconds=LONGEST_MS)
    near = None if found is None else _with_rows(found)
    return Similar(near, in_time(partial(_same_sender, asset), milliseconds=LONGEST_MS))


def _with_rows(found: list[tuple[int, int]]) -> list[tuple[Asset, int]]:
    rows = Asset.objects.in_bulk([pk for pk, _ in found])
    return [(rows[pk], bits) for pk, bits in found if pk in rows]


def _same_sender(asset: Asset) -> list[Asset]:
    if asset.worker_id is None:
        return []
    others = Asset.objects.filter(project_id=asset.project_id, worker_id=asset.worker_id).exclude(pk=asset.pk)
    return list(others.filter(preview__isnull=False).order_by("-id")[:MOST_SIMILAR])


def _near(asset: Asset) -> list[tuple[int, int]]:
    if asset.phash is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, bits FROM (
                SELECT other.id, bit_count((other.phash # %s)::bit(64)) AS bits
                FROM curation_asset other JOIN curation_assetpreview ON asset_id = other.id
                WHERE other.project_id = %s AND other.id <> %s AND other.phash IS NOT NULL
            ) found WHERE bits <= %s ORDER BY bits, id LIMIT %s
            """,
            [asset.phash, asset.project_id, asset.pk, NEAR, MOST_SIMILAR],
        )
        return [(int(pk), int(bits)) for pk, bits in cursor.fetchall()]
