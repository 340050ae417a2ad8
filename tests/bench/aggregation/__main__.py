"""Print the tables, write them to var/bench/aggregation.json, fail when a speed is under half of its goal."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import scipy

import aggregation
from tests.aggregation import judging
from tests.aggregation.drawing import ROOT, SAMPLES
from tests.bench.aggregation import buying, figures, goals, speed

TARGET = ROOT / "var" / "bench" / "aggregation.json"
COMMAND = "make bench-aggregation"
ORDERS = 2  # random orders that are replayed: every round of buying learns anew
HEAD = (
    "k",
    "method",
    "f1_50",
    "f1_75",
    "f1_90",
    "miou",
    "label",
    "exact_50",
    "exact_75",
    "exact90",
    "hard",
    "soft",
    "drop",
)
PROMISES = ("confidence", "confidence_75", "image")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    samples = _samples(options.data, options.half) if not options.speed_only else {}
    report: dict[str, Any] = {"command": COMMAND, "machine": machine(), "data": {}, "speed": {}}
    tables = {}
    for name, sample in samples.items():
        rule = "with the rule for boxes of at most 30 px" if sample.ignores_small else "no box ignored"
        report["data"][name] = f"{sample.name}: {len(sample.judged)} images with truth, {rule}, seeds {options.seeds}"
        tables[name] = figures.table(sample, options.k, options.seeds)
        show(f"{name} ({report['data'][name]})", tables[name])
    curves = _curves(samples, options.seeds[:ORDERS]) if not options.no_buying else {}
    report |= {"figures": tables, "buying": curves}
    report["speed"] = speed.speeds(options.scale)
    _lines("images a second, one core, 5 answers x 2 boxes", [f"{v:>10,}  {k}" for k, v in report["speed"].items()])
    reached = goals.goals(tables, report["speed"], _bought(curves, tables), options.method)
    report["goals"] = [{**asdict(goal), "met": goal.met} for goal in reached]
    _lines("goals", [_goal(goal) for goal in reached])
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten to {TARGET.relative_to(ROOT)}; {report['machine']}")
    return 1 if any(goal.failed for goal in reached) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.aggregation", description=__doc__)
    parser.add_argument("--data", type=Path, default=SAMPLES, help="folder with NAME.answers.jsonl and NAME.gold.jsonl")
    parser.add_argument("--half", default="dev", help="which half: NAME-HALF.answers.jsonl")
    parser.add_argument("--k", type=int, nargs="+", default=[3, 5], help="answers drawn an image")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--method", default="reliability", help="the method held against the goals")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the images that are timed")
    parser.add_argument("--speed-only", action="store_true")
    parser.add_argument("--no-buying", action="store_true")
    return parser.parse_args(arguments)


def _samples(folder: Path, half: str) -> dict[str, judging.Sample]:
    readers = {"pedestrians": judging.pedestrians, "gestures": judging.gestures}
    try:
        return {name: read(folder, half) for name, read in readers.items()}
    except OSError as error:
        print(f"no figures of quality: {error.filename} is missing; set WINNOW_SAMPLE_DATA or --data")
        return {}


def machine() -> str:
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {np.__version__}, scipy {scipy.__version__}, aggregation {aggregation.__version__}"
    )


def _curves(samples: Mapping[str, judging.Sample], seeds: Sequence[int]) -> dict[str, Any]:
    if "pedestrians" not in samples:
        return {}
    rows = buying.curve(samples["pedestrians"], seeds)
    words = [
        f"{row['answers']:7.2f} {row['exact_50']:8.3f} {row['f1_75']:6.3f}  {row['method']}, {row['rule']}"
        for row in rows
    ]
    _lines(f"buying, pedestrians, start 2, most 7, orders {seeds}", ["answers exact@.5 F1@.75", *words])
    return {"pedestrians": rows}


def _bought(curves: Mapping[str, Any], tables: Mapping[str, Any]) -> float | None:
    return buying.cheapest(curves["pedestrians"], goals.best_row(tables["pedestrians"], "median")) if curves else None


def show(title: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Print one table of quality and one of the promises."""
    rows = list(rows)
    _lines(title, [_columns(HEAD), *(_columns([row[key] for key in HEAD]) for row in rows)])
    said = [
        f"{row['k']:>2} {row['method']:<26}" + "".join(f"  {key} {_promise(row[key])}" for key in PROMISES)
        for row in rows
    ]
    _lines("ECE, Brier (constant)", said)
    refusing = [row for row in rows if row["drop"] > 0.01]
    keys = [key for key in HEAD if key in rows[0]["resolved"]]
    _lines(
        "resolved images alone",
        [
            _columns(("k", "method", *keys)),
            *(_columns([row["k"], row["method"], *(row["resolved"][k] for k in keys)]) for row in refusing),
        ],
    )


def _columns(values: Sequence[Any]) -> str:
    k, method, *rest = values
    return f"{k:>2} {method:<26}" + "".join(f"{_number(value):>9}" for value in rest)


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value if value is not None else "-")


def _promise(kept: Mapping[str, float] | None) -> str:
    return f"{kept['ece']:.3f}, {kept['brier']:.4f} ({kept['constant']:.4f})" if kept else "-"


def _goal(goal: goals.Goal) -> str:
    word = "met" if goal.met else "not met" if goal.reached is not None else "not measured"
    sign = "<=" if goal.at_most else ">="
    return f"{word:<13}{goal.name}: {_number(goal.reached)} ({sign} {goal.wanted:g})"


def _lines(title: str, lines: Iterable[str]) -> None:
    print(f"\n{title}")
    print("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())
