"""How the cost of requests grows with the rows, drawn as docs/pictures/load-growth.svg from what the bench has kept.

Run: python -m tests.bench.load.growth
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PICTURE = ROOT / "docs" / "pictures" / "load-growth.svg"
SIZES = (10_000, 100_000, 1_000_000)
PANELS = ("lead", "API", "workers and reviewers")
WIDTH, HEIGHT, PANEL, LEFT, TOP, NAMES = 1000, 420, 310, 56, 60, 120
COST = "processor ms of a request alone: web, database"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#555555")
TICKS = (1, 10, 100, 1_000)


def kept() -> list[dict[str, Any]]:
    return [json.loads((ROOT / "var" / "bench" / f"load-{n}.json").read_text(encoding="utf-8")) for n in SIZES]


def draw(found: Sequence[Mapping[str, Any]]) -> None:
    PICTURE.write_text(drawing(found), encoding="utf-8")


def drawing(found: Sequence[Mapping[str, Any]]) -> str:
    """Return a panel for each kind of caller: a line for each request, processor time against assets, both by tens."""
    sizes = [one["rows"]["curation_asset"] for one in found]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' font-family="ui-sans-serif, system-ui, sans-serif" font-size="12" role="img">',
        "<title>Processor time of a request against the number of assets</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 22, "Processor milliseconds of one request, web process and database together", bold=True),
    ]
    for place, name in enumerate(PANELS):
        lines = {
            what.partition(": ")[2]: [sum(one[COST][what]) for one in found]
            for what in found[0][COST]
            if what.partition(": ")[0] in name
        }
        parts += _panel(LEFT + place * (PANEL + 10), name, sizes, lines)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(left: int, title: str, sizes: Sequence[int], lines: Mapping[str, Sequence[float]]) -> list[str]:
    right = left + PANEL - NAMES
    parts = [_text(left, TOP - 12, title, bold=True)]
    for tick in TICKS:
        y = _y(tick)
        parts.append(f'<line x1="{left}" x2="{right}" y1="{y}" y2="{y}" stroke="#dddddd"/>')
        if left == LEFT:
            parts.append(_text(left - 5, y + 4, f"{tick:,}", anchor="end"))
    places = [left + (right - left) * at / (len(sizes) - 1) for at in range(len(sizes))]
    for place, size in zip(places, sizes, strict=True):
        parts.append(_text(place, HEIGHT - 18, _short(size), anchor="middle"))
    ends = _apart([_y(values[-1]) for values in lines.values()])
    for (name, values), end, colour in zip(lines.items(), ends, COLOURS, strict=False):
        points = " ".join(f"{x:.0f},{_y(value)}" for x, value in zip(places, values, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(right + 6, end + 4, f"{name} {values[-1]:.0f}", colour=colour))
    return parts


def _y(value: float) -> float:
    share = math.log10(max(1.0, value)) / math.log10(TICKS[-1])
    return round(HEIGHT - 40 - share * (HEIGHT - 40 - TOP), 1)


def _apart(places: Sequence[float], least: float = 14) -> list[float]:
    """Return the places moved down as little as keeps their names readable."""
    moved, floor = dict.fromkeys(range(len(places)), 0.0), -math.inf
    for at in sorted(moved, key=lambda one: places[one]):
        floor = moved[at] = max(places[at], floor + least)
    return list(moved.values())


def _short(size: int) -> str:
    return f"{size // 1_000_000} M" if size >= 1_000_000 else f"{size // 1_000},000"


def _text(x: float, y: float, text: str, *, colour: str = "#111111", anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{colour}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'


if __name__ == "__main__":
    draw(kept())
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)}\n")
