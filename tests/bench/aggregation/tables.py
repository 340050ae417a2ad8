"""Tables as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.bench.aggregation.goals import Goal

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
LIMITED = ("f1_75", "label", "exact_50", "exact90")


def show_quality(title: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Print one table of quality and one of the promises."""
    rows = list(rows)
    lines(title, [_columns(HEAD), *(_columns([row[key] for key in HEAD]) for row in rows)])
    said = [
        f"{row['k']:>2} {row['method']:<26}" + "".join(f"  {key} {_promise(row[key])}" for key in PROMISES)
        for row in rows
    ]
    lines("ECE, Brier (constant)", said)
    refusing = [row for row in rows if row["drop"] > 0.01]
    keys = [key for key in HEAD if key in rows[0]["resolved"]]
    lines(
        "resolved images alone",
        [
            _columns(("k", "method", *keys)),
            *(_columns([row["k"], row["method"], *(row["resolved"][k] for k in keys)]) for row in refusing),
        ],
    )


def show_limits(title: str, found: Mapping[str, Any]) -> None:
    """Print what perfect decisions would give, both halves, how often the crowd is right, slopes and labels."""
    named = [(row["perfect"], row) for row in found["oracles"]] + [
        (f"half {row['half']} of the images", row) for row in found["halves"]
    ]
    head = f"{'if this were perfect':<32}" + "".join(f"{key:>10}" for key in LIMITED)
    rows = [f"{name:<32}" + "".join(f"{number(row[key]):>10}" for key in LIMITED) for name, row in named]
    least, most = found["oracles"][0]["exact90_range"]
    lines(f"limits, {title}", [head, *rows, f"exact90 of single draws, as it is: {least:.4f} to {most:.4f}"])
    lines(
        "candidates by how many drew them: how many a draw, share of objects, the same inside another box",
        [
            f"{row['drawn_by']:>2}{row['candidates']:>8}{number(row['objects']):>8}{number(row['objects_inside']):>8}"
            for row in found["support"]
        ],
    )
    slopes = "; ".join(f"{count} answers {' and '.join(map(str, pair))}" for count, pair in found["slopes"].items())
    lines("slope of truth over the log-odds of existence on either half", [slopes])
    lines("labels", [f"{name}: {value}" for name, value in found["labels"].items()])


def show_buying(title: str, rows: Iterable[Mapping[str, Any]]) -> None:
    words = [
        f"{row['answers']:7.2f} {row['exact_50']:8.3f} {row['f1_75']:6.3f}  {row['method']}, {row['rule']}"
        for row in rows
    ]
    lines(title, ["answers exact@.5 F1@.75", *words])


def show_goals(goals: Iterable[Goal]) -> None:
    lines("goals", [_goal(goal) for goal in goals])


def lines(title: str, rows: Iterable[str]) -> None:
    print(f"\n{title}")
    print("\n".join(rows))


def number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value if value is not None else "-")


def _columns(values: Sequence[Any]) -> str:
    k, method, *rest = values
    return f"{k:>2} {method:<26}" + "".join(f"{number(value):>9}" for value in rest)


def _promise(kept: Mapping[str, float] | None) -> str:
    return f"{kept['ece']:.3f}, {kept['brier']:.4f} ({kept['constant']:.4f})" if kept else "-"


def _goal(goal: Goal) -> str:
    word = "met" if goal.met else "not met" if goal.reached is not None else "not measured"
    sign = "<=" if goal.at_most else ">="
    return f"{word:<13}{goal.name}: {number(goal.reached)} ({sign} {goal.wanted:g})"
