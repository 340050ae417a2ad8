"""What somebody wants rehearsed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crowd.rehearsal.arrivals import Coming

USUAL_VISITS = 6
PHOTOS_A_VISIT = 50
LARGE, LARGEST = 2_000, 10_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be rehearsed: `size` photos accepted over all classes, or over the chosen `classes`.

    `platform` is our own market, or `toloka`: through the adapter, against an emulator with the same people in it.
    After `visits_a_turn` visits (0 = six, and more in a large campaign) all the machine work that follows is done.
    Without `pictures` nothing is drawn: photos are planted facts, and all the rest is the same. Where nothing counts
    their pixels they are drawn smaller, unless `full_size` is asked for. `coming` says how people come by,
    `like` whose crowd that is.
    """

    recipe: str
    seed: int
    size: int
    settings: Mapping[str, Mapping[str, Any]]
    platform: str = "rehearsal"
    visits_a_turn: int = 0
    pictures: bool = True
    classes: tuple[str, ...] = ()
    coming: Coming = field(default_factory=Coming)
    like: str = ""
    full_size: bool = False

    @property
    def shrink(self) -> int:
        """Return how many times smaller each way photos may be drawn: of a large campaign nobody looks through them."""
        return 1 if self.full_size else 2 if self.size <= LARGE else 4

    @property
    def visits(self) -> int:
        """Return the visits between two rounds of machine work: in a large campaign some minutes of its clock too.

        The more photos, the more people come in these minutes, and the more is saved by doing their work together.
        """
        usual = max(USUAL_VISITS, self.size // PHOTOS_A_VISIT)
        return self.visits_a_turn or usual * min(max(LARGE, self.size), LARGEST) // LARGE
