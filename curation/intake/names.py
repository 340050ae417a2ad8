"""Names inside an archive are text from a stranger: tidied, judged, never used as a path to write to."""

from __future__ import annotations

import re
import unicodedata

MAX_BYTES = 255


def tidy(name: str) -> str:
    """Bring a name to the composed form of Unicode, so that two spellings of one name are twins."""
    return unicodedata.normalize("NFC", name)


def bad_name(name: str) -> str | None:
    """Return what is wrong with an entry's name, or None."""
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "the name is an absolute path"
    if ".." in name.split("/"):
        return "the name leads out of the archive"
    if "\\" in name:
        return "the name holds a backslash"
    if any(unicodedata.category(letter) == "Cc" for letter in name):
        return "the name holds control characters"
    if len(name.encode("utf-8", "surrogateescape")) > MAX_BYTES:
        return f"the name is longer than {MAX_BYTES} bytes"
    return None if name.strip("/ ") else "the name is empty"
