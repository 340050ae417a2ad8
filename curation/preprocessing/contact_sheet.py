"""A video at a glance: some of its frames side by side in one picture."""

from collections.abc import Sequence
from io import BytesIO
from typing import Final

from PIL import Image

COLUMNS, ROWS = 3, 3
MOST_SHOWN: Final = COLUMNS * ROWS
SIDE: Final = 640
GAP: Final = 6


def contact_sheet(pictures: Sequence[bytes]) -> bytes:
    """Return a JPEG of up to nine frames in reading order, each as large as the first, on black."""
    cells = [_small(data) for data in pictures[:MOST_SHOWN]]
    width, height = cells[0].size
    columns, rows = min(COLUMNS, len(cells)), -(-len(cells) // COLUMNS)
    sheet = Image.new("RGB", (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP))
    for place, cell in enumerate(cells):
        sheet.paste(cell.resize((width, height)), (place % COLUMNS * (width + GAP), place // COLUMNS * (height + GAP)))
    file = BytesIO()
    sheet.save(file, "JPEG", quality=88)
    return file.getvalue()


def _small(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data)) as picture:
        picture.draft("RGB", (SIDE, SIDE))
        small = picture.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    return small
