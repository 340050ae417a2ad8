"""The lines of a batch: what each one says, and how it is answered."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from crowd.bulk import UNSTORABLE
from curation.models import Asset

MOST_KEY: Final = 200
WAYS: Final = ("data_base64", "upload", "url")
Texts = Sequence[tuple[int, bytes]]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A line that can be understood: its number, the caller's key, and the one way by which its picture comes."""

    number: int
    key: str
    name: str
    way: str
    value: str

    def answer(self, status: str, asset: Asset | None = None) -> Answer:
        found = {"asset": str(asset.public_id)} if asset else {}
        return {"line": self.number, "client_key": self.key, "status": status, **found}

    def refusal(self, code: str, detail: str) -> Answer:
        return {**self.answer("refused"), "code": code, "detail": detail}


def lines_of(body: bytes) -> list[tuple[int, bytes]]:
    """Return the lines that are not empty, each with its number in the text."""
    return [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]


def read(texts: Texts) -> tuple[dict[str, list[Line]], dict[int, Answer]]:
    """Return the lines by their way, and the answers to those that nobody can understand."""
    ways: dict[str, list[Line]] = {way: [] for way in WAYS}
    answers: dict[int, Answer] = {}
    for number, text in texts:
        try:
            line = _line(number, text)
            ways[line.way].append(line)
        except _BadLine as bad:
            answers[number] = bad.answer
    return ways, answers


class _BadLine(Exception):
    def __init__(self, number: int, key: str | None, detail: str) -> None:
        super().__init__(detail)
        self.answer = {"line": number, "client_key": key, "status": "refused", "code": "bad_line", "detail": detail}


def _line(number: int, text: bytes) -> Line:
    try:
        sent = json.loads(text)
    except (ValueError, RecursionError):
        raise _BadLine(number, None, "This line is not JSON.") from None
    ways = [way for way in WAYS if isinstance(sent, dict) and way in sent]
    if not isinstance(sent, dict) or not set(sent) <= {"client_key", "name", *WAYS} or len(ways) != 1:
        sentence = f'A line is an object with "client_key", perhaps "name", and one of {", ".join(WAYS)}.'
        raise _BadLine(number, None, sentence)
    key, name, value = sent.get("client_key"), sent.get("name", ""), sent[ways[0]]
    if not isinstance(key, str) or not 1 <= len(key) <= MOST_KEY or UNSTORABLE.search(key):
        raise _BadLine(number, None, f'"client_key" must be text of 1 to {MOST_KEY} letters.')
    if not isinstance(name, str) or UNSTORABLE.search(name):
        raise _BadLine(number, key, '"name" must be text.')
    if not isinstance(value, str) or (ways[0] != "data_base64" and UNSTORABLE.search(value)):
        raise _BadLine(number, key, f'"{ways[0]}" must be text.')
    return Line(number, key, name, ways[0], value)
