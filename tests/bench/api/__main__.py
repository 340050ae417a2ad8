"""Run the parts, say which goals are met and write var/bench/api.json: `make bench-api`, or some with --only.

A part is a module here that prints what it does on standard error and one JSON document as its last line.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.api import goals

ROOT = Path(__file__).resolve().parents[3]
RESULT = ROOT / "var" / "bench" / "api.json"
PARTS = ("pages", "uploads", "data_sets", "label_studio")


def run(part: str, peers: str) -> dict[str, Any]:
    """Run one part; a failure is its last words."""
    environment = {**os.environ, "PEERS": peers}
    command = [sys.executable, "-m", f"tests.bench.api.{part}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return {"failed": f"exit status {done.returncode}; its words are above"}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def everything(path: str, found: Any) -> Iterator[str]:
    """Say it all in a line a figure."""
    if not isinstance(found, dict):
        yield f"{path:<90} {found}"
        return
    for name, value in found.items():
        yield from everything(f"{path}: {name}" if path else str(name), value)


def main() -> int:
    reader = argparse.ArgumentParser(prog="python -m tests.bench.api")
    reader.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    reader.add_argument("--peers", default=os.environ.get("PEERS", ""), help="a Python that has Label Studio 1.23")
    chosen = reader.parse_args()
    result: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    result["machine"] = f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    for part in chosen.only:
        result[part] = run(part, chosen.peers)
        RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("\n".join(everything("", {name: result[name] for name in ("machine", *PARTS) if name in result})))
    print("\n" + "\n".join(goals.table(result)))
    return int(any("failed" in result[part] for part in chosen.only) or bool(goals.missed(result)))


if __name__ == "__main__":
    sys.exit(main())
