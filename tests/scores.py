"""Hold what `find_duplicates` said of a judged set against its truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from curation.preprocessing.pixels import TURNS, inverse, turned
from tests.judged import Entry

Counts = dict[str, tuple[int, int]]
"""Measure -> how often it was so, of how many."""

GOALS: Mapping[str, tuple[str, float]] = {
    "removed": (">=", 0.95),
    "found": (">=", 0.99),
    "honest 1% wrongly removed": ("<=", 0.02),
    "honest 3% wrongly removed": ("<=", 0.0),
    "honest 6% wrongly removed": ("<=", 0.0),
    "honest 12% wrongly removed": ("<=", 0.0),
    "strangers tied": ("<=", 0.0),
    "byte copies called same_file": (">=", 1.0),
    "orientation right": (">=", 0.98),
    "representative undisguised": (">=", 0.9),
    "template copies found": (">=", 0.98),
    "others accused": ("<=", 0.0),
    "template level right": (">=", 0.95),
    "template words right": (">=", 0.9),
    "broken refused": (">=", 1.0),
    "blurred flagged": (">=", 0.9),
    "untouched flagged": ("<=", 0.05),
}
AS_IT_IS = frozenset({"byte copy", "other metadata", "EXIF turn", "re-encode q40", "resize 1/3"})
"""What any chat does to a picture: a template sent so has level 5."""
WITHOUT_A_WORD = frozenset({"grey", "hue 60", "blur 8 px", "noise 25", "watermark"})
"""Disguises for which no word is asked."""
_STRONG = ("same_file", "same_photo")


def meets(measure: str, share: float) -> bool:
    sign, goal = GOALS[measure]
    return share >= goal if sign == ">=" else share <= goal


def scores(report: Mapping[str, Any], truth: Sequence[Entry]) -> Counts:
    """Count each measure over one report."""
    entries = {entry.name: entry for entry in truth}
    ties = _ties(report)
    counts = {**_copies(truth, ties), **_honest(truth, ties), **_templates(report, truth), **_poor(report, truth)}
    counts["orientation right"] = _counted(_orientations(report, entries))
    counts["representative undisguised"] = _counted(
        entries[group["representative"]].undisguised
        for group in report["clusters"]
        if any(member["verdict"] in _STRONG for member in group["members"])
    )
    return counts


def missed(report: Mapping[str, Any], truth: Sequence[Entry]) -> dict[str, tuple[int, int, int]]:
    """Return per disguise: removed, only tied, of how many."""
    ties = _ties(report)
    table: dict[str, list[str | None]] = defaultdict(list)
    for entry in truth:
        if entry.kind == "copy":
            table[entry.detail].append(ties.get(frozenset((entry.name, str(entry.source)))))
    return {
        detail: (sum(one in _STRONG for one in said), sum(one == "same_scene" for one in said), len(said))
        for detail, said in table.items()
    }


def _counted(answers: Iterable[bool]) -> tuple[int, int]:
    listed = list(answers)
    return sum(listed), len(listed)


def _ties(report: Mapping[str, Any]) -> dict[frozenset[str], str]:
    """Return pair -> verdict; members of one group that are proven against its leader are tied by it."""
    ties: dict[frozenset[str], str] = {}
    for group in report["clusters"]:
        verdicts = {group["representative"]: "same_file"} | {m["file"]: m["verdict"] for m in group["members"]}
        names = list(verdicts)
        for position, left in enumerate(names):
            for right in names[:position]:
                weakest = max(verdicts[left], verdicts[right], key=("same_file", "same_photo", "same_scene").index)
                pair = frozenset((left, right))
                if weakest in _STRONG or pair not in ties:
                    ties[pair] = weakest
    return ties


def _copies(truth: Sequence[Entry], ties: Mapping[frozenset[str], str]) -> Counts:
    said = [(entry, ties.get(frozenset((entry.name, str(entry.source))))) for entry in truth if entry.kind == "copy"]
    return {
        "removed": _counted(verdict in _STRONG for _, verdict in said),
        "found": _counted(verdict is not None for _, verdict in said),
        "byte copies called same_file": _counted(v == "same_file" for one, v in said if one.detail == "byte copy"),
    }


def _honest(truth: Sequence[Entry], ties: Mapping[frozenset[str], str]) -> Counts:
    strong: defaultdict[str, set[str]] = defaultdict(set)
    tied: set[str] = set()
    for pair, verdict in ties.items():
        tied |= pair
        if verdict in _STRONG:
            for name in pair:
                strong[name] |= pair - {name}
    counts: Counts = {}
    for share in ("1%", "3%", "6%", "12%"):
        scenes = [entry for entry in truth if entry.kind == "scene" and entry.detail == share]
        counts[f"honest {share} wrongly removed"] = _counted(bool(strong[one.name]) for one in scenes)
    counts["strangers tied"] = _counted(one.name in tied for one in truth if one.kind == "stranger")
    return counts


def _orientations(report: Mapping[str, Any], entries: Mapping[str, Entry]) -> Iterable[bool]:
    for group in report["clusters"]:
        leader = entries[group["representative"]]
        for member in group["members"]:
            entry = entries[member["file"]]
            if member["verdict"] in _STRONG and (entry.source or entry.name) == (leader.source or leader.name):
                yield member["orientation"] == _composed(inverse(leader.turn), entry.turn)


def _composed(first: str, then: str) -> str:
    square = np.arange(9, dtype=np.uint8).reshape(3, 3)
    wanted = turned(turned(square, first), then)
    return next(turn for turn in TURNS if np.array_equal(turned(square, turn), wanted))


def _templates(report: Mapping[str, Any], truth: Sequence[Entry]) -> Counts:
    copies = {copy["file"]: copy for copy in report["template_copies"]}
    planted = [entry for entry in truth if entry.kind == "template"]
    found = [(entry, copies[entry.name]) for entry in planted if entry.name in copies]
    return {
        "template copies found": (len(found), len(planted)),
        "others accused": _counted(entry.name in copies for entry in truth if entry.kind != "template"),
        "template level right": _counted(
            copy["level"] == (5 if entry.detail in AS_IT_IS else 20)
            for entry, copy in found
            if entry.detail not in WITHOUT_A_WORD
        ),
        "template words right": _counted(
            set(entry.words.split("+")) == set(copy["transform"].split("+"))
            for entry, copy in found
            if entry.detail not in WITHOUT_A_WORD
        ),
    }


def _poor(report: Mapping[str, Any], truth: Sequence[Entry]) -> Counts:
    unreadable = {one["file"] for one in report["unreadable"]}
    blurred = {one["file"] for one in report["blurred"]}
    return {
        "broken refused": _counted(one.name in unreadable for one in truth if one.kind == "broken"),
        "blurred flagged": _counted(
            one.name in blurred for one in truth if one.kind == "blurred" or one.detail == "blur 8 px"
        ),
        "untouched flagged": _counted(
            one.name in blurred for one in truth if one.kind in ("photo", "scene", "stranger")
        ),
    }
