"""Trainings and exams: people take them on our own page before their first paid page, so there is no study of them."""

from crowd.errors import NotFound
from crowd.models import Batch
from crowd.platforms.base import BatchSpec

PREFIX = "own-page "


def is_one(batch: BatchSpec) -> bool:
    """Say whether this batch is worked on without anybody coming from Prolific for it."""
    return batch.kind != Batch.Kind.MAIN


def id_of(batch: BatchSpec) -> str:
    """Return what stands in place of the id of a study."""
    return PREFIX + batch.key


def batch_of(account_id: int, remote_id: str) -> Batch | None:
    """Return the batch whose id is not that of a study; None when it is one. Raises NotFound."""
    if not remote_id.startswith(PREFIX):
        return None
    found = Batch.objects.filter(account_id=account_id, key=remote_id.removeprefix(PREFIX)).first()
    if found is None or found.kind == Batch.Kind.MAIN:
        raise NotFound(f"There is no training or exam {remote_id!r} of this account.")
    return found
