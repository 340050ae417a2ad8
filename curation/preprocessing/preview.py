"""The small grey picture that is kept for every asset, so that originals are not read again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from .features import Features, find_features
from .hashes import Box, Turns, hash_width, trim_box, turned_hashes
from .limits import Unreadable
from .pixels import Grey
from .windows import Windows

LONGEST = 480
JPEG_QUALITY = 92


@dataclass(frozen=True, eq=False)
class Preview:
    """A grey picture, upright, longest side 480, with what is worked out from it on first use."""

    grey: Grey

    @classmethod
    def from_bytes(cls, data: bytes) -> Preview:
        """Restore a preview from the JPEG or PNG bytes that `to_jpeg` or `to_png` gave."""
        grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
        if grey is None:
            raise Unreadable("preview_damaged", "the stored preview cannot be read; analyse the original again")
        return cls(np.asarray(grey, dtype=np.uint8))

    def to_jpeg(self, quality: int = JPEG_QUALITY) -> bytes:
        return cv2.imencode(".jpg", self.grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()

    def to_png(self) -> bytes:
        return cv2.imencode(".png", self.grey)[1].tobytes()

    @property
    def width(self) -> int:
        return int(self.grey.shape[1])

    @property
    def height(self) -> int:
        return int(self.grey.shape[0])

    @cached_property
    def small(self) -> Grey:
        """The 240-wide picture that hashes and light are taken from."""
        return hash_width(self.grey)

    @cached_property
    def small_trim(self) -> Box | None:
        return trim_box(self.small)

    @cached_property
    def trim(self) -> Box:
        """What is left of the preview without flat borders; the whole of it if there are none."""
        box = self.small_trim
        if box is None:
            return Box(0, 0, self.width, self.height)
        across, down = self.width / self.small.shape[1], self.height / self.small.shape[0]
        return Box(round(box.left * across), round(box.top * down), round(box.right * across), round(box.bottom * down))

    @property
    def trimmed(self) -> Grey:
        """What is left of it; not kept, so that a preview travels between processes once."""
        return self.trim.cut(self.grey)

    @cached_property
    def turns(self) -> Turns:
        """Exact hashes of the eight orientations."""
        return turned_hashes(self.small)

    @cached_property
    def trimmed_turns(self) -> Turns | None:
        box = self.small_trim
        return None if box is None else turned_hashes(box.cut(self.small))

    @cached_property
    def windows(self) -> list[tuple[Box, Windows]]:
        """The whole and what is left without flat borders, at the sizes at which others may show them."""
        boxes = [Box(0, 0, self.width, self.height), *([] if self.small_trim is None else [self.trim])]
        return [(box, Windows(box.cut(self.grey))) for box in boxes]

    @cached_property
    def features(self) -> Features:
        """Corner features of the trimmed preview, in its coordinates."""
        return find_features(self.trimmed)

    @cached_property
    def mirrored_features(self) -> Features:
        """Corner features of the left-right mirror image: the descriptors know turns but no mirrors."""
        return find_features(np.ascontiguousarray(self.trimmed[:, ::-1]))
