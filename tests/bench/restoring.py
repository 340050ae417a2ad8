"""Backup, loss of everything, restore: how long each takes with 10,000 pictures, and whether all of it came back.

Run: python tests/bench/restoring.py [--assets 10000]. Prints JSON, also into var/bench/restoring.json; the exit status
is 1 when rows, sums or files differ, or when the restore took longer than five minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.faults.sides import Product, free_port  # noqa: E402

RESTORED_WITHIN = 300.0  # seconds
BYTES = 40_000  # of a file: what is packed and compared is bytes, whatever they show
BRING = """
import json, random
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from curation.models import Asset, Project
project = Project.objects.get(slug="hands")
stage, label = project.stages.get(kind="publish"), project.classes.first()
chance = random.Random(11)
Asset.objects.bulk_create(
    (Asset(project=project, stage=stage, label_class=label, state=Asset.State.PUBLISHED,
           sha256=number.to_bytes(32, "big"),
           storage_key=default_storage.save(f"assets/{{number}}", ContentFile(chance.randbytes({size}))))
     for number in range({assets})), batch_size=1000)
print(json.dumps(Asset.objects.count()))
"""
COUNT = "import json; from curation.models import Asset; print(json.dumps(Asset.objects.count()))"


def measured(assets: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="winnow-restoring-") as folder:
        here, port = Path(folder), free_port()
        old, new, backup = Product(here / "old", port), Product(here / "new", port), here / "backup.tar"
        old.manage("ingest", "hands", folder, "--create", "gestures", may_fail=True)  # the project, with a few pictures
        brought = old.shell(BRING.format(assets=assets, size=BYTES))
        before = digests(here / "old" / "media")
        taken, backup_seconds = timed(old, "backup", str(backup))
        shutil.rmtree(here / "old")
        restored, restore_seconds = timed(new, "restore", str(backup))
        rows = new.shell(COUNT)
        return {
            "machine": f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.0f}",
            "assets": brought,
            "files": len(before),
            "archive, MB": round(backup.stat().st_size / 1e6),
            "backup, s": backup_seconds,
            "restore, s": restore_seconds,
            "missed": [
                *([] if digests(here / "new" / "media") == before else ["files differ"]),
                *([] if rows == brought else [f"{rows} rows of {brought} came back"]),
                *([] if not taken["missing"] and not restored["not_there"] else ["files are missing"]),
                *([] if restore_seconds <= RESTORED_WITHIN else [f"the restore took {restore_seconds} s"]),
            ],
        }


def timed(product: Product, *words: str) -> tuple[dict[str, Any], float]:
    began = time.monotonic()
    told = product.manage(*words, "--json")
    return json.loads(told), round(time.monotonic() - began, 1)


def digests(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def main() -> int:
    reader = argparse.ArgumentParser()
    reader.add_argument("--assets", type=int, default=10_000)
    found = measured(reader.parse_args().assets)
    text = json.dumps(found, indent=1)
    target = ROOT / "var" / "bench" / "restoring.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    return 1 if found["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
