"""Compare what `find_duplicates` said with what was planted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.planted import Planted


@dataclass(frozen=True)
class Confusion:
    """Per kind, how often each set of words was said; and every file that was called wrongly."""

    table: dict[str, dict[str, int]]
    wrong: list[tuple[Planted, set[str]]]


def confusion(report: dict[str, Any], truth: Sequence[Planted]) -> Confusion:
    said = _said(report, truth)
    table: dict[str, Counter[str]] = defaultdict(Counter)
    wrong = []
    for planted in truth:
        words = said[planted.name]
        table[planted.kind][", ".join(sorted(words)) or "nothing"] += 1
        if not _right(planted, words):
            wrong.append((planted, words))
    return Confusion({kind: dict(counts) for kind, counts in table.items()}, wrong)


def _said(report: dict[str, Any], truth: Sequence[Planted]) -> dict[str, set[str]]:
    said: dict[str, set[str]] = defaultdict(set)
    root = {planted.name: planted.source or planted.name for planted in truth}
    for group in report["clusters"]:
        leader = group["representative"]
        for member in group["members"]:
            related = root[member["file"]] == root[leader]
            # Of a pair, whichever is not the original carries the verdict.
            for name in (member["file"], leader):
                if root[name] != name or not related:
                    said[name].add(member["verdict"] if related else "tied to a stranger")
    for copy in report["template_copies"]:
        said[copy["file"]].add(f"template {copy['level']} {copy['transform']}")
    for word in ("low_resolution", "blurred", "unreadable"):
        for line in report[word]:
            said[line["file"]].add(word)
    return said


def _right(planted: Planted, words: set[str]) -> bool:
    expected = {
        "clean": set(),
        "turned": set(),
        "copy": {"same_file"},
        "reencoded": {"same_photo"},
        "changed": {"same_scene"},
        "template": {"template 5 none"},
        "processed": {f"template 20 {planted.transform}"},
        "blurred": {"blurred"},
        "small": {"low_resolution"},
        "html": {"unreadable"},
        "truncated": {"unreadable"},
        "empty": {"unreadable"},
    }[planted.kind]
    if planted.kind == "reencoded":
        words = words - {"blurred"}  # a picture made small and large again has lost its detail
    if planted.kind == "changed":
        return words <= expected
    return words == expected
