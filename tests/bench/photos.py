"""What a photo of a rehearsal costs the processor: to draw, to measure and copy, to look at with 18 templates.

At a quarter of the size and at half of it, as rehearsals draw it, and at full size.

Run: .venv/bin/python tests/bench/photos.py [photos]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402

from crowd.rehearsal.pictures import SIGNS, Setting, draw  # noqa: E402
from crowd.rehearsal.pictures.jpeg import encode, stamp  # noqa: E402
from crowd.rehearsal.pictures.tricks import template_file  # noqa: E402
from curation.preprocessing.copies import measured  # noqa: E402
from curation.preprocessing.templates import Templates, template_features  # noqa: E402

NOON = datetime(2026, 5, 4, 12, 0)  # noqa: DTZ001 - a camera's clock knows no zone
PEOPLE = 12
PHOTOS = 60


def drawn(number: int, shrink: int) -> bytes:
    who = f"person-{number % PEOPLE}"
    setting = Setting(f"photo-{number}", SIGNS[number % len(SIGNS)], person=who)
    return encode(draw(setting, shrink).image, stamp(who, NOON))


def milliseconds(what: str, work: Callable[[Any], Any], each: Sequence[Any]) -> list[Any]:
    """Do the work for each, print what processor time one takes, and return the results."""
    work(each[0])
    began = time.process_time()
    found = [work(one) for one in each]
    sys.stdout.write(f"{what:24}{1000 * (time.process_time() - began) / len(each):8.1f} ms\n")
    return found


def main() -> int:
    cv2.setNumThreads(1)
    photos = int(sys.argv[1]) if len(sys.argv) > 1 else PHOTOS
    templates = Templates((sign, template_features(template_file(sign)[0])) for sign in SIGNS)
    for shrink, size in ((4, "a quarter of the"), (2, "half"), (1, "full")):
        sys.stdout.write(f"{size} size\n")
        files = milliseconds("draw and encode", partial(drawn, shrink=shrink), range(photos))
        seen = milliseconds("measure and copy", partial(measured, corners=True), files)
        milliseconds("18 templates", lambda one: templates.best(one.analysis), seen)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
