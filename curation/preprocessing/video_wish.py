"""What a video must be to be of use, over and above being readable: how long, how large."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from .limits import Unreadable
from .quality import is_low_resolution
from .video import VideoInfo

TOO_SHORT, TOO_LONG, TOO_SMALL = "video_too_short", "video_too_long", "video_too_small"
REASONS = frozenset({TOO_SHORT, TOO_LONG, TOO_SMALL})
ROUNDING_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class VideoWish:
    """Bounds in seconds and displayed pixels, either way round; 0 = no bound."""

    min_seconds: float = 0
    max_seconds: float = 0
    min_long: int = 0
    min_short: int = 0

    @classmethod
    def of_checks(cls, settings: Mapping[str, Any]) -> Self:
        """Read what a stage of checks asks of videos that are taken in."""
        names = ("min_seconds", "max_seconds", "video_min_long", "video_min_short")
        return cls(*(settings.get(name) or 0 for name in names))

    def require(self, info: VideoInfo) -> None:
        """Raise Unreadable with a reason of this module unless the video is as wished; half a second is forgiven."""
        if info.seconds < self.min_seconds - ROUNDING_SECONDS:
            raise Unreadable(
                TOO_SHORT, f"the video lasts {info.seconds:.1f} s; at least {self.min_seconds:g} s are wanted"
            )
        if self.max_seconds and info.seconds > self.max_seconds + ROUNDING_SECONDS:
            raise Unreadable(
                TOO_LONG, f"the video lasts {info.seconds:.1f} s; at most {self.max_seconds:g} s are wanted"
            )
        if is_low_resolution(info.width, info.height, self.min_long, self.min_short):
            wanted = f"at least {self.min_long}x{self.min_short} is wanted"
            raise Unreadable(TOO_SMALL, f"the video is {info.width}x{info.height}; {wanted}")


ANY = VideoWish()
