"""What platforms tell us without being asked. A notification only says where to look; it is never the data."""

from collections.abc import Mapping
from datetime import datetime

from crowd.models import Account, Batch, PlatformEvent
from crowd.platforms.registry import platform


def take_note(*, account: Account, headers: Mapping[str, str], body: bytes, now: datetime) -> list[int]:
    """Check and store notifications, each once; return the batches in which something is new. Raises AuthFailed."""
    notes = platform(account.platform).parse_event(account, headers, body, now)
    new = {note.remote_id for note in notes if _is_new(account, note.event_id, note.kind, note.remote_id)}
    found = Batch.objects.filter(account=account, remote_id__in=new - {""})
    return list(found.order_by("id").values_list("id", flat=True))


def _is_new(account: Account, event_id: str, kind: str, remote_id: str) -> bool:
    _, made = PlatformEvent.objects.get_or_create(
        account=account, event_id=event_id[:200], defaults={"kind": kind[:60], "remote_id": remote_id[:200]}
    )
    return made
