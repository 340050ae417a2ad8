"""A whole product under `up` with many browsers: websockets, requests at once, and jobs by the thousand.

Run: python -m tests.bench.load.running [--sockets 500] [--connects 10000] [--requests 64] [--jobs 20000] [--minutes 0]
With --minutes the product is at work so long at the end, all sockets open; what its processes have grown by is told.
Prints JSON, also into var/bench/running.json; the exit status is 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))
SETTINGS = "tests.faults.breakable"


def prepared(ours: Any) -> tuple[Any, str]:
    """Join the running product: return a project of its database, and the cookie of somebody who may see it."""
    os.environ |= {"DATA_DIR": str(ours.data_dir), "DJANGO_SETTINGS_MODULE": SETTINGS}
    import django

    django.setup()
    from django.test import Client

    from curation.models import Membership, Project, User

    lead = User.objects.create(email="lead@example.org", name="Lead")
    project = Project.objects.create(slug="load", name="Load", recipe="gestures")
    Membership.objects.create(project=project, user=lead, role="lead")
    client = Client()
    client.force_login(lead)
    return Project.objects.get(pk=project.pk), f"sessionid={client.cookies['sessionid'].value}"


def main() -> int:
    reader = argparse.ArgumentParser()
    for name, usual in (("sockets", 500), ("connects", 10_000), ("requests", 64), ("jobs", 20_000)):
        reader.add_argument(f"--{name}", type=int, default=usual)
    reader.add_argument("--minutes", type=float, default=0)
    wanted = reader.parse_args()
    from tests.bench.load import at_once, jobs, lasting, sockets
    from tests.faults.sides import running

    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "var", SETTINGS) as (ours, _):
        project, cookie = prepared(ours)
        found: dict[str, Any] = {
            "machine": f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.0f}",
            "command": f"python -m tests.bench.load.running {' '.join(sys.argv[1:])}".strip(),
            "requests at once": at_once.asked(ours, cookie, wanted.requests),
            "websockets": sockets.watched(ours, project, cookie, wanted.sockets, wanted.connects),
            "jobs": jobs.done(ours, wanted.jobs),
        }
        if wanted.minutes:
            found["lasting"] = lasting.lasted(ours, project, cookie, wanted.minutes, wanted.sockets)
    text = json.dumps(found, indent=1)
    target = ROOT / "var" / "bench" / "running.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    return int(any(part["missed"] for part in found.values() if isinstance(part, dict)))


if __name__ == "__main__":
    sys.exit(main())
