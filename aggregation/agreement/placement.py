"""Krippendorff's alpha for places: how much closer boxes of one object lie than boxes of different images.

The distance of two boxes is 1 - IoU in pixels. What chance would give comes from a sample of boxes of different images,
chosen by a hash of seed, image, annotator and box: the order of the images cannot show.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np

from aggregation.core.geometry import Corners, iou_matrix
from aggregation.core.sums import Mean

SAMPLE = 1_000  # boxes, half a million pairs


@dataclass(slots=True)
class PlacementAlpha:
    """Collects groups of boxes of one object; groups of one box do not count."""

    seed: int = 0
    _within: Mean = field(default_factory=Mean)
    _values: int = 0
    _sample: list[tuple[int, str, Corners]] = field(default_factory=list)

    def add(self, image: str, boxes: Sequence[tuple[str, Corners]], ious: Sequence[float]) -> None:
        """Count one object: its boxes with their annotators, and the IoU of every two of them."""
        size = len(boxes)
        if size < 2:
            return
        self._within.add(2 * sum(1 - value for value in sorted(ious)) / (size - 1))
        self._values += size
        for annotator, corners in boxes:
            self._offer(-self._number(image, annotator, corners), image, corners)

    def _number(self, image: str, annotator: str, corners: Corners) -> int:
        named = repr((self.seed, image, annotator, corners)).encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(named, digest_size=8).digest())

    def _offer(self, number: int, image: str, corners: Corners) -> None:
        """Keep the boxes with the least hashes: whatever the order, the same ones stay."""
        if len(self._sample) < SAMPLE:
            heapq.heappush(self._sample, (number, image, corners))
        elif number > self._sample[0][0]:
            heapq.heapreplace(self._sample, (number, image, corners))

    @property
    def value(self) -> float | None:
        """Return alpha, or nothing when no two images have an object or all boxes of all images lie alike."""
        within, expected = self._within.value, self._between()
        if within is None or not expected:
            return None
        return 1 - within * self._within.count / self._values / expected

    def _between(self) -> float | None:
        """Return the mean distance of boxes of different images."""
        sample = sorted(self._sample)
        images = np.array([image for _, image, _ in sample], dtype=object)
        apart = images[:, None] != images[None, :]
        if not apart.any():
            return None
        corners = [corners for _, _, corners in sample]
        return float((1 - iou_matrix(corners, corners))[apart].mean())
