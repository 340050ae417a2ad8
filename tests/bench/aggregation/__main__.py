"""Print the tables, write them to var/bench/aggregation.json, fail when a speed is under half of its goal."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import scipy

import aggregation
from tests.aggregation import judging
from tests.aggregation.drawing import ROOT, SAMPLES
from tests.bench.aggregation import buying, figures, goals, limits, naming_limits, speed, tables

TARGET = ROOT / "var" / "bench" / "aggregation.json"
COMMAND = "make bench-aggregation"
PARTS = ("figures", "limits", "buying", "speed")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    samples = _samples(options.data, options.half) if {*options.only} - {"speed"} else {}
    report: dict[str, Any] = {"command": COMMAND, "machine": machine(), "data": _named(samples, options.seeds)}
    report |= {part: {} for part in PARTS} | {part: WORK[part](samples, options) for part in options.only}
    bought = _bought(report["buying"], report["figures"])
    reached = goals.goals(report["figures"], report["speed"], bought, options.method)
    report["goals"] = [{**asdict(goal), "met": goal.met} for goal in reached]
    tables.show_goals(reached)
    if {*options.only} == {*PARTS}:
        TARGET.parent.mkdir(parents=True, exist_ok=True)
        TARGET.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        print(f"\nwritten to {TARGET.relative_to(ROOT)}")
    print(f"\n{report['machine']}")
    return int("speed" in options.only and any(goal.failed for goal in reached))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.aggregation", description=__doc__)
    parser.add_argument("--data", type=Path, default=SAMPLES, help="folder with NAME.answers.jsonl and NAME.gold.jsonl")
    parser.add_argument("--half", default="dev", help="which half: NAME-HALF.answers.jsonl")
    parser.add_argument("--k", type=int, nargs="+", default=[3, 5], help="answers drawn an image")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="of draws and orders")
    parser.add_argument("--method", default="reliability", help="the method held against the goals")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the images that are timed")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="some parts; then no file is written")
    return parser.parse_args(arguments)


def _samples(folder: Path, half: str) -> dict[str, judging.Sample]:
    readers = {"pedestrians": judging.pedestrians, "gestures": judging.gestures}
    try:
        return {name: read(folder, half) for name, read in readers.items()}
    except OSError as error:
        print(f"no figures of quality: {error.filename} is missing; set WINNOW_SAMPLE_DATA or --data")
        return {}


def _named(samples: Mapping[str, judging.Sample], seeds: Sequence[int]) -> dict[str, str]:
    rule = {True: "with the rule for boxes of at most 30 px", False: "no box ignored"}
    return {
        name: f"{one.name}: {len(one.judged)} images with truth, {rule[one.ignores_small]}, seeds {seeds}"
        for name, one in samples.items()
    }


def machine() -> str:
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {np.__version__}, scipy {scipy.__version__}, aggregation {aggregation.__version__}"
    )


def _figures(samples: Mapping[str, judging.Sample], options: argparse.Namespace) -> dict[str, Any]:
    found = {}
    for name, sample in samples.items():
        found[name] = figures.table(sample, options.k, options.seeds)
        tables.show_quality(f"{name} ({_named(samples, options.seeds)[name]})", found[name])
    return found


def _limits(samples: Mapping[str, judging.Sample], options: argparse.Namespace) -> dict[str, Any]:
    found = {}
    for name, sample in samples.items():
        workers = options.data / f"{sample.name}.workers.jsonl"
        drawn = {count: limits.draws(sample, count, options.seeds) for count in options.k}
        most = drawn[max(options.k)]
        found[name] = {
            "oracles": limits.oracles(most),
            "halves": limits.halves(most),
            "support": limits.support(most),
            "slopes": {count: limits.slopes(some) for count, some in drawn.items()},
            "labels": naming_limits.measured(sample, drawn, options.seeds, workers) if workers.is_file() else {},
        }
        tables.show_limits(f"{name}, {max(options.k)} answers, seeds {options.seeds}", found[name])
    return found


def _curves(samples: Mapping[str, judging.Sample], options: argparse.Namespace) -> dict[str, Any]:
    if "pedestrians" not in samples:
        return {}
    rows = buying.curve(samples["pedestrians"], options.seeds)
    tables.show_buying(f"buying, pedestrians, start 2, most 7, orders {options.seeds}", rows)
    return {"pedestrians": rows}


def _speeds(samples: Mapping[str, judging.Sample], options: argparse.Namespace) -> dict[str, int]:
    found = speed.speeds(options.scale)
    tables.lines(
        "images a second, one core, 5 answers x 2 boxes", [f"{rate:>10,}  {name}" for name, rate in found.items()]
    )
    return found


def _bought(curves: Mapping[str, Any], rows: Mapping[str, Any]) -> float | None:
    if not curves or not rows:
        return None
    return buying.cheapest(curves["pedestrians"], goals.best_row(rows["pedestrians"], "median"))


WORK = {"figures": _figures, "limits": _limits, "buying": _curves, "speed": _speeds}


if __name__ == "__main__":
    sys.exit(main())
