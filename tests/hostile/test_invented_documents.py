"""Documents of every import format, with odd words in any place: refusals that say where, and never anything else.

`FUZZ_MINUTES=10 pytest tests/hostile/test_invented_documents.py` invents others for so many minutes a format.
"""

import math
import os
import re
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.datasets.formats.reading.base import BadDocument, BadEntry, LabelledPicture
from curation.datasets.formats.registry import reader
from curation.intake.listing import file_of
from tests.formats.test_reading_others import FOREIGN, write

pytestmark = pytest.mark.hostile
MINUTES = float(os.environ.get("FUZZ_MINUTES", "0"))
WORD = re.compile(rb"[\w.+/-]+|[^\w\s]")
ODD = [
    b"", b"-1", b"0", b"1e999", b"NaN", b"-Infinity", b"9" * 400, b"0.1.2", "１２".encode(), b"null", b"true", b"\x00",
    b"\xff\xfe", b"\\ud800", b"[" * 3_000, b"{" * 3_000, b'"' * 3, b"../../etc/passwd", b"x" * 70_000,
    b"<!ENTITY a 'b'>",
    b"&a;", b"\r\n", b"1" + b"0" * 30, b"=1+1", b"[]", b"{}", b"__class__",
]  # fmt: skip
GROUND_TRUTH = '{"source-ref":"1.jpg","x":{"annotations":[{"class_id":0,"left":1,"top":1,"width":2,"height":2}],\
"image_size":[{"width":9,"height":9,"depth":3}]},"x-metadata":{"class-map":{"0":"dog"},"type":"groundtruth/object-detection"}}\n'
WHOLE = {**FOREIGN, "groundtruth": {"a.manifest": GROUND_TRUTH}}
FORMS = sorted(set(WHOLE) - {"folders"})
edits = st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(ODD)), min_size=1, max_size=4)


def invented(whole: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    """Put odd words in the place of some words of a document."""
    words = list(WORD.finditer(whole))
    for where, odd in sorted(changes, key=lambda one: one[0] % len(words), reverse=True):
        found = words[where % len(words)]
        whole = whole[: found.start()] + odd + whole[found.end() :]
    return whole


@pytest.mark.parametrize("form", FORMS)
def test_an_invented_document_is_read_or_refused_in_words(form: str, tmp_path: Path):
    read_some(form, tmp_path)
    until = time.monotonic() + 60 * MINUTES
    while time.monotonic() < until:
        read_some(form, tmp_path)


def read_some(form: str, folder: Path) -> None:
    documents = [path for path in reader(form).documents(write(folder, WHOLE[form])) if path.is_file()]
    originals = {path: path.read_bytes() for path in documents}
    assert documents

    @settings(
        max_examples=60 if not MINUTES else 1_000,
        derandomize=not MINUTES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(which=st.sampled_from(documents), changes=edits)
    def one(which: Path, changes: list[tuple[int, bytes]]) -> None:
        which.write_bytes(invented(originals[which], changes))
        try:
            with suppress(BadDocument):
                for entry in reader(form).read(which):
                    is_right(entry, folder)
                    if isinstance(entry, LabelledPicture):
                        file_of(which, entry.source)
        finally:
            which.write_bytes(originals[which])

    one()


def is_right(entry: object, folder: Path) -> None:
    """What is taken has boxes that can be drawn and a file inside of the folder; what is not says where it stands."""
    if isinstance(entry, BadEntry):
        assert entry.number >= 1
        assert entry.sentence
        return
    assert isinstance(entry, LabelledPicture)
    assert entry.path is None or entry.path.resolve().is_relative_to(folder.resolve())
    for box in entry.boxes.boxes if entry.boxes else ():
        assert all(math.isfinite(side) for side in (box.x, box.y, box.width, box.height))
        assert box.width > 0
        assert box.height > 0
