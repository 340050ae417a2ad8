"""The file a camera writes: JPEG with maker, model, orientation and time; never a place."""

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Final

from PIL import Image

from .looks import look

QUALITY: Final = 88

_MAKE, _MODEL, _ORIENTATION, _TIME, _DETAILS, _TAKEN = 271, 272, 274, 306, 0x8769, 0x9003


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a camera writes beside the pixels."""

    make: str
    model: str
    taken: datetime


def stamp(identity: str, taken: datetime) -> Stamp:
    """The stamp of a person's own camera."""
    make, model = look(identity).camera
    return Stamp(make, model, taken)


def encode(image: Image.Image, by: Stamp | None = None, *, quality: int = QUALITY) -> bytes:
    """Write a JPEG; without a stamp it is what a chat programme or a screenshot leaves: pixels alone."""
    file = BytesIO()
    if by is None:
        image.save(file, "JPEG", quality=quality)
    else:
        image.save(file, "JPEG", quality=quality, exif=_exif(by))
    return file.getvalue()


def decode(data: bytes) -> Image.Image:
    """Read the pixels of our own JPEG."""
    with Image.open(BytesIO(data)) as image:
        return image.convert("RGB")


def _exif(by: Stamp) -> Image.Exif:
    exif, taken = Image.Exif(), by.taken.strftime("%Y:%m:%d %H:%M:%S")
    exif[_MAKE], exif[_MODEL], exif[_ORIENTATION], exif[_TIME] = by.make, by.model, 1, taken
    exif.get_ifd(_DETAILS)[_TAKEN] = taken
    return exif
