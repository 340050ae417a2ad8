"""10,000 small JPEGs through REST in batches, and what a second sending costs: pictures a second and processor time.

Run: .venv/bin/python -m tests.bench.api.uploads [pictures]
"""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PICTURES = 10_000
A_BATCH = 500
SIZE = (320, 240)
AIM_PER_SECOND = 200


def batches(pictures: int) -> list[str]:
    from tests.doors.conftest import photo

    lines = [
        json.dumps({"client_key": f"k{number}", "data_base64": base64.b64encode(photo(number, SIZE)).decode()})
        for number in range(pictures)
    ]
    return ["\n".join(lines[start : start + A_BATCH]) for start in range(0, pictures, A_BATCH)]


def processor_seconds() -> float:
    """Return what this process, its children that live, and its process of the database have used."""
    from django.db import connection

    connection.ensure_connection()
    return processor_seconds_of(os.getpid()) + _of(connection.connection.info.backend_pid)


def processor_seconds_of(pid: int) -> float:
    """Return what a process and its children that live have used."""
    return _of(pid) + sum(_of(child) for child in _children(pid))


def _children(parent: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        for word in (task / "children").read_text().split():
            found += [int(word), *_children(int(word))]
    return found


def _of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def send(client: Any, project: Any, texts: list[str], pictures: int) -> dict[str, Any]:
    counts: dict[str, int] = {"new": 0, "existing": 0, "refused": 0}
    began, before = time.perf_counter(), processor_seconds()
    for text in texts:
        path = f"/api/v1/assets:batch?project={project.public_id}"
        answer = client.post(path, text, content_type="application/jsonl").json()
        for name in counts:
            counts[name] += answer[name]
    took, used = time.perf_counter() - began, processor_seconds() - before
    return {
        **counts,
        "pictures a second": round(pictures / took),
        "seconds": round(took, 1),
        "processor ms a picture": round(1000 * used / pictures, 2),
    }


def measure(pictures: int) -> dict[str, Any]:
    from django.test import Client
    from django.utils import timezone

    from curation.services.tokens import SCOPES, create_token
    from tests.factories import make_project, make_user

    lead = make_user("Alice")
    project = make_project(lead=lead)
    token = create_token(user=lead, name="bench", scopes=SCOPES, all_projects=True, now=timezone.now())[1]
    client = Client(headers={"authorization": f"Bearer {token}"}, SERVER_NAME="localhost")
    texts = batches(pictures)
    found = {name: send(client, project, texts, pictures) for name in ("first", "again")}
    assert (found["first"]["new"], found["again"]["existing"]) == (pictures, pictures)
    return found


def main() -> int:
    from tests.bench.ground import database

    pictures = int(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    with tempfile.TemporaryDirectory() as folder, database(folder):
        found = measure(pictures)
    for name, row in found.items():
        print(f"  {name}: {row}", file=sys.stderr)
    print(json.dumps({"aim": f"at least {AIM_PER_SECOND} pictures a second", "pictures": pictures, **found}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
