"""Clips of fixed cameras with a known truth: an empty yard through which something walks now and then."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from io import BytesIO
from typing import Final

import av
import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 480, 270
RATE: Final = 5
FRAMES: Final = 300  # a minute, in which every tenth frame is looked at
CAMERAS: Final = (("gate-1", "gate"), ("yard-1", "courtyard"), ("hall-1", "hallway"), ("hall-2", "hallway"))
HOURS: Final = (8, 13, 20, 2)
DARK: Final = {2: 0.12, 8: 0.8, 13: 1.0, 20: 0.35}
SHARE_QUIET: Final = 0.25
FIRST_DAY: Final = datetime.fromisoformat("2026-01-05T00:00:00+01:00")


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip: `moving` are the first and last frame in which something walks, None = nobody comes by."""

    number: int
    camera: str
    location: str
    started_at: datetime
    moving: tuple[int, int] | None

    @property
    def name(self) -> str:
        return f"{self.camera}-{self.started_at:%Y%m%d-%H%M}.mp4"

    def moves_at(self, index: int) -> bool:
        return self.moving is not None and self.moving[0] <= index <= self.moving[1]


def clip(seed: int, number: int) -> Clip:
    """Decide what one camera sees; cameras and hours take turns."""
    rng = random.Random(f"clip-{seed}-{number}")
    camera, location = CAMERAS[number % len(CAMERAS)]
    turn = number // len(CAMERAS)
    started = FIRST_DAY + timedelta(days=turn // len(HOURS), hours=HOURS[turn % len(HOURS)], minutes=10 * number % 60)
    first = rng.randrange(40, 160)
    moving = None if rng.random() < SHARE_QUIET else (first, first + rng.randrange(40, 120))
    return Clip(number, camera, location, started, moving)


def encoded(one: Clip, seed: int) -> bytes:
    """Draw and encode a clip."""
    file = BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("h264", rate=RATE, options={"preset": "ultrafast", "crf": "28"})
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, RATE)
        for number, picture in enumerate(_pictures(one, seed)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def _pictures(one: Clip, seed: int) -> Iterator[np.ndarray]:
    empty, light = _place(one, seed), DARK[one.started_at.hour]
    still = np.asarray(empty.point(lambda level: round(level * light)))
    for index in range(FRAMES):
        if one.moving is None or not one.moves_at(index):
            yield still
            continue
        scene, done = empty.copy(), (index - one.moving[0]) / max(1, one.moving[1] - one.moving[0])
        _walker(ImageDraw.Draw(scene), round(done * (WIDTH + 80)) - 40, seed + one.number)
        yield np.asarray(scene.point(lambda level: round(level * light)))


def _place(one: Clip, seed: int) -> Image.Image:
    """Draw what the camera always sees."""
    rng = random.Random(f"place-{seed}-{one.camera}")
    grey = rng.randint(150, 190)
    place = Image.new("RGB", (WIDTH, HEIGHT), (grey, grey, grey - 10))
    pen = ImageDraw.Draw(place)
    pen.rectangle([0, 150, WIDTH, HEIGHT], fill=(grey - 50, grey - 46, grey - 50))
    for _ in range(9):
        x, y, w, h = rng.randrange(WIDTH), rng.randrange(130), rng.randrange(20, 90), rng.randrange(20, 80)
        shade = rng.randrange(60, 220)
        pen.rectangle([x, y, x + w, y + h], fill=(shade, shade - 12, shade - 24), outline=(40, 40, 40))
    return place


def _walker(pen: ImageDraw.ImageDraw, x: int, seed: int) -> None:
    jacket = random.Random(f"jacket-{seed}").choice(((180, 40, 40), (40, 70, 170), (230, 200, 60), (30, 30, 34)))
    pen.ellipse([x - 11, 90, x + 11, 114], fill=(224, 180, 150))
    pen.rectangle([x - 20, 114, x + 20, 182], fill=jacket)
    pen.rectangle([x - 16, 182, x - 3, 244], fill=(40, 44, 60))
    pen.rectangle([x + 3, 182, x + 16, 244], fill=(40, 44, 60))
