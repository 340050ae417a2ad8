"""What somebody sends by hand and must not do twice: the database remembers it, whatever ends or is away meanwhile."""

from curation.models import IdempotencyKey, User


def is_first(*, user: User, key: str) -> bool:
    """Say whether this user has not sent this key within the days that keys are kept; from now on he has."""
    kept = IdempotencyKey.objects.get_or_create(user=user, key=f"form {key}", defaults={"request_hash": b""})
    return kept[1]
