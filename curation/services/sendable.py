"""What a task lets its worker send: a photo or a video, how large, how long. Said by the task's spec, checked here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from django.utils.translation import gettext as _

from curation.preprocessing.gate import open_gated
from curation.preprocessing.limits import MEGABYTE, PICTURE_LIMITS, VIDEO_LIMITS, Unreadable
from curation.preprocessing.video_child import Bounds, Order, reading

FULL_HD = (1920, 1080)
ROUNDING_SECONDS = 0.5
HEADER_ONLY = Order(every=1_000_000_000, first=1)
A_MINUTE = Bounds(cpu_seconds=60, deadline_seconds=60)


@dataclass(frozen=True, slots=True)
class Sendable:
    """Pixels are long side and short side of the least size; seconds are the shortest and longest video, 0 = any."""

    media: Literal["image", "video"]
    least: tuple[int, int]
    seconds: tuple[float, float]
    most_bytes: int

    def problem_of(self, path: Path) -> str:
        """Return why a file cannot be taken, as a sentence for its sender; empty when it can."""
        try:
            return self._video_problem(path) if self.media == "video" else self._photo_problem(path)
        except Unreadable as error:
            cannot = _("This photo cannot be taken: %(why)s.")
            if self.media == "video":
                cannot = _("This video cannot be taken: %(why)s.")
            return cannot % {"why": _(error.sentence)}

    def _photo_problem(self, path: Path) -> str:
        image = open_gated(path.read_bytes())
        return self._too_small(image.width, image.height)

    def _video_problem(self, path: Path) -> str:
        with reading(path, HEADER_ONLY, bounds=A_MINUTE) as video:
            info = video.info
        shortest, longest = self.seconds
        told = {"seconds": f"{info.seconds:.1f}", "least": f"{shortest:g}", "most": f"{longest:g}"}
        if info.seconds < shortest - ROUNDING_SECONDS:
            return _("The video lasts %(seconds)s s; at least %(least)s s are needed.") % told
        if longest and info.seconds > longest + ROUNDING_SECONDS:
            return _("The video lasts %(seconds)s s; at most %(most)s s are allowed.") % told
        return self._too_small(info.width, info.height)

    def _too_small(self, width: int, height: int) -> str:
        """Judge a picture's size, either way round."""
        if max(width, height) >= self.least[0] and min(width, height) >= self.least[1]:
            return ""
        told = {"width": width, "height": height, "long": self.least[0], "short": self.least[1]}
        if self.media == "video":
            return _("The video is %(width)s by %(height)s pixels; at least %(long)s by %(short)s are needed.") % told
        return _("The photo is %(width)s by %(height)s pixels; at least %(long)s by %(short)s are needed.") % told


def sendable(spec: Mapping[str, Any]) -> Sendable:
    """Read what a batch takes; photos are Full HD unless it says otherwise."""
    is_video = spec.get("media") == "video"
    long, short = spec.get("least_pixels") or ((0, 0) if is_video else FULL_HD)
    shortest, longest = spec.get("seconds") or (0, 0)
    return Sendable(
        media="video" if is_video else "image",
        least=(int(long), int(short)),
        seconds=(float(shortest), float(longest)),
        most_bytes=int(spec.get("most_megabytes", 0)) * MEGABYTE or _usual_bytes(is_video=is_video),
    )


def _usual_bytes(*, is_video: bool) -> int:
    return VIDEO_LIMITS.max_bytes if is_video else PICTURE_LIMITS.max_bytes
