"""Files of answers: streamed in pieces, never held whole."""

from collections.abc import Iterator

from crowd.errors import Invalid
from crowd.models import Account
from crowd.platforms.toloka.assignments import known
from crowd.platforms.toloka.client import connected

PIECE = 65_536
LARGEST = 500 * 1024 * 1024


def stream(account: Account, ref: str) -> Iterator[bytes]:
    """Give an attachment piece by piece; one that breaks off raises Unavailable, an endless one Invalid."""
    size = 0
    with connected(account) as client, client.download(f"/attachments/{known(ref)}/download") as response:
        for piece in response.iter_bytes(PIECE):
            size += len(piece)
            if size > LARGEST:
                raise Invalid({"file": f"{ref} is larger than the {LARGEST // 1024**2} MB that are taken"})
            yield piece
