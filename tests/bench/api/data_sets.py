"""Data sets at size: rows in, exports out, two versions compared. Processor time of Python and of its database backend.

One JSON document on the last line; `make bench-api` runs it, `--small` tries it with a hundredth of the rows.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20
WRONG_LINE = 0.70001
SHARE_OF_CHANGED = 20  # every twentieth picture

ITEMS = """
    INSERT INTO curation_datasetitem (dataset_id, asset_id, label_class_id, boxes, split)
    SELECT %s, id, label_class_id, CASE WHEN n <= %s THEN jsonb_build_array(box, box)
           WHEN n <= %s THEN jsonb_build_array(box) ELSE '[]' END, ''
    FROM (SELECT id, label_class_id, row_number() OVER (ORDER BY id) AS n FROM curation_asset WHERE project_id = %s) a,
         (SELECT jsonb_build_object('label', 'peace', 'index', 0, 'x', 0.1, 'y', 0.2, 'w', 0.3, 'h', 0.4,
                                    'confidence', 0.9) AS box) b
    WHERE n > %s AND n <= %s
"""


def backend_seconds() -> float:
    """Return the processor time of the database process that serves us."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0


@contextmanager
def measured(told: dict[str, Any]) -> Iterator[None]:
    """Measure the block; the peak of memory is that of the block."""
    Path("/proc/self/clear_refs").write_text("5")
    before, backend, wall, cpu = memory("VmRSS"), backend_seconds(), time.perf_counter(), time.process_time()
    yield
    told["wall s"] = round(time.perf_counter() - wall, 2)
    told["Python CPU s"] = round(time.process_time() - cpu, 2)
    told["database CPU s"] = round(backend_seconds() - backend, 2)
    told["CPU s"] = round(told["Python CPU s"] + told["database CPU s"], 2)
    told["memory grew by MiB"] = round(memory("VmHWM") - before, 1)
    told["peak memory MiB"] = round(memory("VmHWM"), 1)


def say(text: str, told: Any) -> None:
    print(f"{text}: {told}", file=sys.stderr, flush=True)


def fresh_project(name: str) -> Any:
    from tests.factories import make_project

    return make_project(name)


def fill(project: Any, n: int) -> dict[str, Any]:
    """Insert so many pictures known by their addresses, as an import does."""
    from crowd.bulk import bulk_load
    from curation.models import Asset

    stage, label, told = project.stages.get(kind="publish"), project.classes.get(), dict[str, Any]()
    with measured(told):
        for first in range(0, n, 10_000):
            keys = [f"s3://bucket/folder/{number:08d}.jpg" for number in range(first, min(first + 10_000, n))]
            bulk_load(
                model=Asset,
                columns=["client_key", "sha256", "storage_key", "name"],
                rows=[(key, sha256(key.encode()).digest(), key, key[-12:]) for key in keys],
                conflict=["project_id", "sha256"],
                only_where="answer_id IS NULL AND parent_id IS NULL",
                same={
                    "project_id": project.pk,
                    "stage_id": stage.pk,
                    "label_class_id": label.pk,
                    "state": Asset.State.PUBLISHED,
                    "width": 1920,
                    "height": 1080,
                },
            )
    return {**told, "rows a second": round(n / told["wall s"]), "rows a CPU second": round(n / told["CPU s"])}


def import_rows(project: Any, n: int, folder: Path) -> dict[str, Any]:
    """Take boxes for every picture in from JSON Lines with one broken line, and the same again."""
    from django.utils import timezone

    from curation.models import ConsensusBox
    from curation.services.import_preparing import Wanted
    from curation.services.importing import import_dataset

    wrong = int(n * WRONG_LINE)
    path = folder / "rows.jsonl"
    box = {"label": "peace", "x": 10, "y": 20, "width": 300, "height": 400, "confidence": 0.9}
    with path.open("w", encoding="utf-8") as file:
        for number in range(1, n + 1):
            told = {"image": f"s3://bucket/folder/{number - 1:08d}.jpg", "width": 1920, "height": 1080, "boxes": [box]}
            file.write("{broken\n" if number == wrong else json.dumps(told) + "\n")
    result: dict[str, Any] = {}
    for name in ("first", "the same again"):
        told = {}
        with measured(told):
            done = import_dataset(project=project, path=path, form="jsonl", wanted=Wanted(), now=timezone.now())
        told |= {"labels": dict(done.labels), "refused": len(done.files_refused)}
        assert [one.file for one in done.files_refused] == [f"rows.jsonl:{wrong}"]
        result[name] = told
        say(f"import, {name}", told)
    again = result["the same again"]["labels"]
    result["changed by the second"] = sum(again.values()) - again["existing"]
    result["boxes missing"] = n - 1 - ConsensusBox.objects.filter(consensus__project_id=project.pk).count()
    return result


def version(project: Any, images: int, boxes: int) -> Any:
    """Freeze pictures with boxes spread over them, by SQL: freezing itself is not measured."""
    from django.db import connection
    from django.utils import timezone

    from curation.models import DatasetVersion

    number = DatasetVersion.objects.filter(project=project).count() + 1
    frozen = DatasetVersion.objects.create(
        project=project,
        number=number,
        frozen_at=timezone.now(),
        counts={"images": images, "boxes": boxes, "negatives": images - min(images, boxes)},
    )
    with connection.cursor() as cursor:
        for part in range(0, images, 50_000):
            cursor.execute(
                ITEMS, [frozen.pk, max(0, boxes - images), boxes, project.pk, part, min(part + 50_000, images)]
            )
        cursor.execute("ANALYZE curation_datasetitem, curation_asset")
    return frozen


def export(frozen: Any, folder: Path, form: str) -> dict[str, Any]:
    from curation.services.exporting import export_to

    told: dict[str, Any] = {}
    out = folder / f"{form}-{frozen.pk}"
    with measured(told):
        written = export_to(path=out, version=frozen, format=form, with_images=False)
    size = sum(one.bytes for one in written.receipt.files) / MIB
    return {**told, "images": written.receipt.images, "boxes": written.receipt.boxes, "MiB": round(size, 1)}


def comparison(project: Any, old: Any, images: int, boxes: int) -> dict[str, Any]:
    """Move the boxes of every twentieth picture and compare."""
    from django.db import connection

    from curation.services import version_diff

    new = version(project, images, boxes)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE curation_datasetitem SET boxes = jsonb_set(boxes, '{0,x}', '0.12') "
            "WHERE dataset_id = %s AND asset_id %% %s = 0 AND jsonb_array_length(boxes) > 0",
            [new.pk, SHARE_OF_CHANGED],
        )
    counts: dict[str, Any] = {}
    with measured(counts):
        found = version_diff.compare(old=old, new=new)
    details: dict[str, Any] = {}
    with measured(details):
        moved = version_diff.box_changes(old=old, new=new).moved
    page: dict[str, Any] = {}
    with measured(page):
        version_diff.page(old=old, new=new, kind="changed", after=0)
    return {"counts": counts, "boxes": details, "a page": page, "changed": found.changed, "moved": moved}


def main() -> int:
    from tests.bench.ground import database

    small = 100 if "--small" in sys.argv else 1
    hundred, half_million, many = 100_000 // small, 500_000 // small, 750_000 // small
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as name, database(f"{name}/data", redis=False):
        folder = Path(name)
        project, large = fresh_project("Rows"), fresh_project("Large")
        result["insert"] = said("insert", fill(project, hundred))
        result["import"] = import_rows(project, hundred, folder)
        old = version(project, hundred, 30_000 // small)
        result["coco"] = said("COCO", export(old, folder, "coco"))
        fill(large, half_million)
        result["large coco"] = said("large COCO", export(version(large, half_million, many), folder, "coco"))
        result["two versions compared"] = said("compare", comparison(project, old, hundred, 30_000 // small))
        for form in ("parquet", "huggingface"):
            result[form] = said(form, export(old, folder, form))
    print(json.dumps(result))
    return 0


def said(text: str, told: dict[str, Any]) -> dict[str, Any]:
    say(text, told)
    return told


if __name__ == "__main__":
    sys.exit(main())
