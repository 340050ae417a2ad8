"""What a file from outside may be, and how a refusal is worded."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


class Unreadable(Exception):
    """A file that is refused; `reason_code` is stable, `sentence` is for people."""

    def __init__(self, reason_code: str, sentence: str) -> None:
        super().__init__(reason_code, sentence)
        self.reason_code = reason_code
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one picture, all judged from the header, before a pixel is decoded."""

    max_bytes: int = 50 * MEGABYTE
    max_pixels: int = 50_000_000
    max_side: int = 30_000


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """Bounds of one video; the picture may lie either way round."""

    max_bytes: int = 500 * MEGABYTE
    max_seconds: float = 600.0
    max_long_side: int = 3840
    max_short_side: int = 2160
    max_frames: int = 20_000
    max_streams: int = 16


PICTURE_LIMITS = Limits()
VIDEO_LIMITS = VideoLimits()
