"""Run it all and write var/bench/imaging.json: `make bench-imaging`, or parts of it with --photos and --only."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from curation.preprocessing.pool import child_environment
from tests.bench.imaging.peer import TOOLS
from tests.bench.imaging.photos import make_photos
from tests.preprocessing.hostile import write_hostile

ROOT = Path(__file__).resolve().parents[3]
RESULT = ROOT / "var" / "bench" / "imaging.json"
PARTS = ("tools", "again", "memory", "joins", "hostile", "judged", "storyboard")
JUDGED_SETS = 3
LAID_OUT = ("tools", "second run", "memory", "joins", "hostile files", "judged sets", "storyboard")
HOSTILE_FILES = 500
ROUNDS = 5
WARM_UP = 25
PER_PHOTO = "processor milliseconds per photo"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def run(python: str, *arguments: str, **environment: str) -> dict[str, Any]:
    """Run a program of this folder and read the JSON of its last line; a failure is its last words."""
    environment = {**os.environ, **ONE_THREAD, **environment, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([python, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no words"])[-1]
        return {"skipped": f"not installed, or it failed: {last[:200]}"}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def tools(python: str, count: int, share: int) -> dict[str, Any]:
    """Give the tools the same photos in turn, in rounds, and judge the pairs each names; the least time counts.

    Ours runs as it does in the product: with the libraries locked for it, in the environment of a child.
    """
    place = ROOT / "var" / "bench" / f"photos-{count}"
    truth = make_photos(place, count)
    names = sorted(path.name for path in (place / "photos").iterdir())[:share]
    known = {tuple(sorted(pair)) for pair in truth.items() if set(pair) <= set(names)}
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        warm_up, chosen = Path(folder) / "warm", Path(folder) / "photos"
        for target, some in ((warm_up, names[:WARM_UP]), (chosen, names)):
            target.mkdir()
            for name in some:
                (target / name).symlink_to(place / "photos" / name)
        sizes = sorted((chosen / name).stat().st_size for name in names)
        rows: dict[str, Any] = {}
        for tool in ROUNDS * tuple(TOOLS):
            if "skipped" in rows.get(tool, {}):
                continue
            reader, around = (sys.executable, child_environment()) if tool == "ours" else (python, {})
            found = run(reader, "-m", "tests.bench.imaging.peer", tool, str(warm_up), str(chosen), **around)
            row = found if "skipped" in found else judged(found, known, len(names))
            rows[tool] = min(rows.get(tool, row), row, key=lambda one: one.get(PER_PHOTO, 0))
            print(f"{tool:20} {json.dumps(row)}", flush=True)
    about = {"photos": len(names), "median kilobytes": sizes[len(sizes) // 2] // 1024, "known copies": len(known)}
    return {**about, "tools": rows, "times ours": ratios(rows)}


def again(count: int) -> dict[str, Any]:
    place = ROOT / "var" / "bench" / f"photos-{count}"
    make_photos(place, count)
    return run(sys.executable, "-m", "tests.bench.imaging.again", str(place / "photos"))


def judged(found: dict[str, Any], known: set[tuple[str, ...]], count: int) -> dict[str, Any]:
    named = {tuple(pair) for pair in found["pairs"]}
    return {
        "version": found["version"],
        PER_PHOTO: round(1000 * found["processor seconds"] / count, 2),
        "copies found": round(len(named & known) / max(1, len(known)), 3),
        "other pairs named": len(named - known),
    }


def ratios(rows: dict[str, Any]) -> dict[str, float]:
    cost = {tool: row.get(PER_PHOTO) for tool, row in rows.items()}
    return {tool: round(spent / cost["ours"], 1) for tool, spent in cost.items() if spent and tool != "ours"}


def hostile(count: int = HOSTILE_FILES) -> dict[str, Any]:
    """Work through hostile files in two children and say what was called wrongly and the memory it took."""
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        expected = write_hostile(Path(folder), count)
        found = run(sys.executable, "-m", "tests.preprocessing.look_through", folder)
    outcomes = found.pop("outcomes")
    wrong = {name: outcomes[name] for name, codes in expected.items() if outcomes[name][0] not in codes}
    refused = sum(code != "ok" for code, _ in outcomes.values())
    return {"files": count, "refused with a reason": refused, "called wrongly": wrong, **found}


def script(name: str, *arguments: str, peers: str = "") -> dict[str, Any]:
    """Run a bench that prints a table and leaves its numbers under var/bench."""
    environment = {**os.environ, **ONE_THREAD, "PEERS": peers}
    subprocess.run([sys.executable, f"tests/bench/{name}.py", *arguments], cwd=ROOT, env=environment, check=True)
    found: dict[str, Any] = json.loads((RESULT.parent / f"{name}.json").read_text(encoding="utf-8"))
    return found


def table(result: dict[str, Any]) -> Iterator[str]:
    """Say it all in a line a figure."""
    yield result["machine"]
    for name, value in _lines("", {part: result[part] for part in LAID_OUT if part in result}):
        yield f"{name:90} {value}"


def _lines(path: str, found: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(found, dict):
        yield path, found
        return
    for name, value in found.items():
        yield from _lines(f"{path}: {name}" if path else name, value)


def main() -> int:
    reader = argparse.ArgumentParser(prog="python -m tests.bench.imaging")
    reader.add_argument("--photos", type=int, default=1000, help="how many photos to make")
    reader.add_argument("--share", type=int, help="look at so many of them only")
    reader.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    reader.add_argument("--peers", default=os.environ.get("PEERS", ""), help="a Python that has the other tools")
    chosen = reader.parse_args()
    python = chosen.peers or sys.executable
    result: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    result["machine"] = f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    if "tools" in chosen.only:
        result["tools"] = tools(python, chosen.photos, chosen.share or chosen.photos)
    if "again" in chosen.only:
        result["second run"] = again(chosen.photos)
    if "memory" in chosen.only:
        result["memory"] = run(sys.executable, "-m", "tests.bench.imaging.memory")
    if "joins" in chosen.only:
        result["joins"] = run(python, "-m", "tests.bench.imaging.joins")
    if "hostile" in chosen.only:
        result["hostile files"] = hostile()
    if "judged" in chosen.only:
        result["judged sets"] = script("judged", "--sets", str(JUDGED_SETS))
    if "storyboard" in chosen.only:
        result["storyboard"] = script("storyboard", peers=chosen.peers)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("\n".join(table(result)))
    return 1 if result.get("hostile files", {}).get("called wrongly") else 0


if __name__ == "__main__":
    sys.exit(main())
