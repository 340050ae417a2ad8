"""One answer against the agreed boxes of its image: what was found, missed, invented and named wrongly. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from aggregation.core.geometry import Corners, best_matching, iou_matrix, iou_of

FOUND = 0.5
Labelled = tuple[Corners, str]


@dataclass(frozen=True, slots=True)
class Compared:
    """`pairs` are (own box, agreed box, IoU) of what was found; the other indices found no partner at IoU 0.5.

    `off` pairs overlap, but less: their boxes count as false and as missed.
    """

    pairs: tuple[tuple[int, int, float], ...]
    off: tuple[tuple[int, int, float], ...]
    false: tuple[int, ...]
    missed: tuple[int, ...]
    wrong_labels: tuple[tuple[str, str], ...]

    @property
    def is_right(self) -> bool:
        return not (self.false or self.missed or self.wrong_labels)

    @property
    def faults(self) -> int:
        return len(self.false) + len(self.missed) + len(self.wrong_labels)


def compare(own: Sequence[Labelled], agreed: Sequence[Labelled]) -> Compared:
    """Match boxes one to one by the largest sum of IoU; a pair counts as found from IoU 0.5, whatever its labels."""
    matched = _matched(own, agreed)
    pairs = [(i, j, iou) for i, j, iou in matched if iou >= FOUND]
    hit, met = {i for i, _, _ in pairs}, {j for _, j, _ in pairs}
    return Compared(
        pairs=tuple(pairs),
        off=tuple((i, j, iou) for i, j, iou in matched if 0 < iou < FOUND),
        false=tuple(i for i in range(len(own)) if i not in hit),
        missed=tuple(j for j in range(len(agreed)) if j not in met),
        wrong_labels=tuple((own[i][1], agreed[j][1]) for i, j, _ in pairs if own[i][1] != agreed[j][1]),
    )


def _matched(own: Sequence[Labelled], agreed: Sequence[Labelled]) -> list[tuple[int, int, float]]:
    if not own or not agreed:
        return []
    if len(own) == 1 or len(agreed) == 1:
        scores = [(iou_of(one[0], other[0]), i, j) for i, one in enumerate(own) for j, other in enumerate(agreed)]
        best = max(scores, key=lambda found: (found[0], -found[1], -found[2]))
        return [(best[1], best[2], best[0])]
    table = iou_matrix([corners for corners, _ in own], [corners for corners, _ in agreed])
    return [(i, j, float(table[i, j])) for i, j in best_matching(table)]


def in_words(found: Compared) -> str:
    """Return what is wrong with an answer as one sentence, or that it is right and how tight."""
    parts = [f"put a box beside the object (IoU {iou:.2f})" for _, _, iou in found.off]
    missed, false = len(found.missed) - len(found.off), len(found.false) - len(found.off)
    if missed:
        parts.append(f"missed {_counted(missed)}")
    if false:
        parts.append(f"drew {_counted(false)} that nobody else sees")
    parts += [f"said {said} where the others say {agreed}" for said, agreed in found.wrong_labels]
    if found.pairs:
        parts.append(f"{'the rest at ' if parts else ''}IoU {min(iou for _, _, iou in found.pairs):.2f}")
    words = ", ".join(parts) or "agreed that nothing is there"
    return f"{words[:1].upper()}{words[1:]}."


def _counted(n: int) -> str:
    return "1 box" if n == 1 else f"{n} boxes"
