"""The same rehearsal in our own market and through Toloka's protocol: equal documents, and what the way costs.

Run: .venv/bin/python tests/bench/parity.py [photos]
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PHOTOS = sys.argv[1] if len(sys.argv) > 1 else "12"
COMMAND = [
    str(ROOT / "winnow"), "rehearse", "gestures", "--seed", "7", "--size", PHOTOS, "--visits-a-turn", "1",
    "--set", "validate.whole_pages=true", "--set", "boxes.whole_pages=true", "--json",
]  # fmt: skip


def rehearsed(folder: str, *more: str) -> dict:
    done = subprocess.run(
        [*COMMAND, *more], env={**os.environ, "DATA_DIR": folder}, capture_output=True, text=True, check=True
    )
    document: dict = json.loads(done.stdout)
    return document


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        own, elsewhere = rehearsed(folder), rehearsed(folder, "--platform", "toloka")
    seconds = own["time"].pop("wall_seconds"), elsewhere["time"].pop("wall_seconds")
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores; data: drawn; command: {' '.join(COMMAND[1:])}")
    print(f"{'':<28}{'own market':>14}{'through Toloka':>16}")
    for name in ("charged_usd", "accepted_work_usd", "reserved_usd"):
        print(f"{name:<28}{own['ledger'][name]:>14}{elsewhere['ledger'][name]:>16}")
    print(f"{'seconds':<28}{seconds[0]:>14}{seconds[1]:>16}")
    print("the documents are equal" if own == elsewhere else "THE DOCUMENTS DIFFER")
    out = ROOT / "var" / "bench" / "parity.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"own": own, "elsewhere": elsewhere, "seconds": seconds}, indent=2), encoding="utf-8")
    return 0 if own == elsewhere else 1


if __name__ == "__main__":
    raise SystemExit(main())
