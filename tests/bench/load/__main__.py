"""A campaign of many rows and everybody at work at once. `make bench-load` runs it.

Run: python -m tests.bench.load [--assets 1000000] [--workers 100] [--lead 1] [--rate 30] [--pace 30] [--seconds 120]
[--at FOLDER]. A lead reads --lead pages a second, programs send --rate requests a second, a worker takes --pace seconds
for a page. Answers and ledger entries are five times the assets. With --at what is loaded stays in that folder and is
used again; --seconds 0 only loads it. With --grow it is run with 10,000, 100,000 and 1,000,000 assets, and
docs/pictures/load-growth.svg is drawn. Prints JSON, also into var/bench; status 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

MOST_KNOWN, CLASSES, PAGE, ANSWERS_EACH = 35_000, 50, 2, 5
PICTURE_SECONDS = 4.0  # of a reviewer
OUT = ROOT / "var" / "bench"
COUNTED = (
    "curation_asset", "crowd_answer", "curation_annotation", "crowd_assignment", "crowd_worker", "curation_pool",
    "crowd_ledgerentry",
)  # fmt: skip


def rows() -> dict[str, int]:
    from django.db import connection

    with connection.cursor() as cursor:
        found = {}
        for table in COUNTED:
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  names of our own
            found[table] = cursor.fetchone()[0]
        cursor.execute("SELECT pg_database_size(current_database()) / 1000000")
        return {**found, "megabytes": cursor.fetchone()[0]}


def measured(wanted: argparse.Namespace) -> dict[str, Any]:
    from tests.bench.ground import database
    from tests.bench.load import mixed
    from tests.bench.load.rows import Size, load
    from tests.bench.load.traffic import Plan

    size = Size(wanted.assets, ANSWERS_EACH * wanted.assets, min(MOST_KNOWN, wanted.assets), CLASSES, PAGE)
    with _folder(wanted.at) as folder, database(folder, durable=False):
        from django.conf import settings

        from curation.models import Project

        settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
        began = time.perf_counter()
        project = Project.objects.first() or load(size)
        found = {
            "machine": mixed.machine(),
            "command": f"python -m tests.bench.load {' '.join(sys.argv[1:])}".strip(),
            "rows": rows(),
            "seconds to load": round(time.perf_counter() - began),
        }
        if not wanted.seconds:
            return found | {"missed": []}
        plan = Plan(wanted.seconds, wanted.lead, wanted.rate, wanted.pace, PICTURE_SECONDS)
        return found | mixed.measured(project, workers=wanted.workers, plan=plan)


@contextmanager
def _folder(given: str) -> Iterator[str]:
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        yield folder


def kept(found: Any, name: str) -> None:
    text = json.dumps(found, indent=1)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / name).write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


def grown(wanted: argparse.Namespace) -> int:
    """Run each size in a process of its own, and draw what became of the times."""
    from tests.bench.load import growth

    others = [f"--{name}={getattr(wanted, name)}" for name in ("workers", "lead", "rate", "pace", "seconds")]
    for n in growth.SIZES:
        (OUT / f"load-{n}.json").unlink(missing_ok=True)  # what an earlier run left
    missed = [
        subprocess.run([sys.executable, "-m", "tests.bench.load", f"--assets={n}", *others], cwd=ROOT, check=False)
        for n in growth.SIZES
    ]
    growth.draw(growth.kept())
    return max(one.returncode for one in missed)


def main() -> int:
    reader = argparse.ArgumentParser()
    reader.add_argument("--grow", action="store_true")
    reader.add_argument("--at", metavar="FOLDER", default="")
    for name, usual in (("assets", 1_000_000), ("workers", 100)):
        reader.add_argument(f"--{name}", type=int, default=usual)
    for name, usual in (("lead", 1.0), ("rate", 30.0), ("pace", 30.0), ("seconds", 120.0)):
        reader.add_argument(f"--{name}", type=float, default=usual)
    wanted = reader.parse_args()
    if wanted.grow:
        return grown(wanted)
    found = measured(wanted)
    kept(found, f"load-{wanted.assets}.json")
    return int(bool(found["missed"]))


if __name__ == "__main__":
    sys.exit(main())
