"""All chance of one emulator comes from its seed; each purpose has a stream of its own."""

import random
import string
import uuid
from typing import Final

SIGNS: Final = string.ascii_uppercase + string.digits


def stream(seed: int, purpose: str) -> random.Random:
    """Return the stream of chance for a purpose; another purpose that draws more does not shift it."""
    return random.Random(f"mturk-{seed}-{purpose}")  # noqa: S311  reproducible on purpose, nothing secret


class Ids:
    """Ids of constant width that match the patterns of the service's model."""

    def __init__(self, seed: int) -> None:
        self._entities, self._documents = stream(seed, "ids"), stream(seed, "documents")

    def entity(self) -> str:
        return "3" + self._signs(29)

    def worker(self) -> str:
        return "A" + self._signs(13)

    def document(self) -> str:
        """Return an id of a request or message; reading more often does not shift the ids of what is made."""
        return str(uuid.UUID(int=self._documents.getrandbits(128), version=4))

    def _signs(self, count: int) -> str:
        return "".join(self._entities.choices(SIGNS, k=count))
