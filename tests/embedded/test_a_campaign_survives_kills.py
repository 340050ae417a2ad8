"""kill -9 of worker, Redis, PostgreSQL and web in the middle of a campaign: nothing lost, nothing paid twice."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time

import pytest

from curation.embedded.paths import Paths

from .observe import eventually, kill, postmaster, redis_pid
from .running import ROOT, environment, family, role_pid, start, status_of

pytestmark = pytest.mark.faults
PHOTOS_A_CLASS = int(os.environ.get("CHAOS_PHOTOS", "8"))
SECONDS = 400 + 20 * PHOTOS_A_CLASS

BOOKS = """
import json
from django.db.models import Count, Sum
from crowd.models import Assignment, LedgerEntry, Reservation
from crowd.services import ledger
from curation.models import Asset, Project
project = Project.objects.get(slug="kills")
pages = Assignment.objects.filter(project_id=project.pk)
sent = pages.filter(batch__interface="photo", state__in=["submitted", "accepted", "rejected"])
totals = ledger.totals(project_id=project.pk)
twice = LedgerEntry.objects.filter(project_id=project.pk).values("kind", "ref").annotate(n=Count("id")).filter(n__gt=1)
in_hand = pages.filter(state__in=["active", "submitted"]).aggregate(total=Sum("price_micro"))["total"] or 0
print("BOOKS", json.dumps({
    "paid": totals.paid_micro, "spent": totals.spent_micro, "reserved": totals.reserved_micro, "in_hand": in_hand,
    "accepted": pages.filter(state="accepted").aggregate(total=Sum("price_micro"))["total"] or 0,
    "twice": twice.count(), "sent": sent.count(), "assets": Asset.objects.filter(project=project).count(),
    "unprocessed": pages.filter(submitted_at__isnull=False, processed_at__isnull=True).count(),
    "moving": Asset.objects.filter(project=project, state__in=["waiting", "working"]).count(),
    "accepted_photos": sent.filter(state="accepted").count(),
}))
"""


@pytest.fixture
def product(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data_dir = tmp_path / "var"
    process = start(data_dir, port)
    assert process.stdout.readline().startswith("Winnow is ready"), process.stderr.read()
    yield data_dir, port
    process.kill()
    process.communicate()
    assert eventually(lambda: family(data_dir) == [])


def manage(data_dir, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", *words], env=environment(data_dir), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def books(data_dir) -> dict[str, int]:
    line = next(line for line in manage(data_dir, "shell", "-c", BOOKS).splitlines() if line.startswith("BOOKS"))
    return json.loads(line.removeprefix("BOOKS "))


def mine(data_dir) -> dict:
    classes = ["call", "like", "fist"]
    line = ["mine", "-p", "gestures", "-d", "image", "-c", "rehearsal", "-t", *classes]
    return json.loads(manage(data_dir, *line, "-overlap", str(PHOTOS_A_CLASS), "--project", "Kills", "--json"))


def is_over(data_dir) -> bool:
    found = books(data_dir)
    return found["accepted_photos"] == 3 * PHOTOS_A_CLASS and not found["moving"] and not found["unprocessed"]


def process_of(data_dir, name: str) -> int:
    """Return the process that is to be killed, or 0 while it starts."""
    servers = {"redis": redis_pid, "postgres": postmaster}
    with contextlib.suppress(OSError, IndexError, ValueError):
        return servers[name](Paths(data_dir)) if name in servers else role_pid(data_dir, name)
    return 0


def test_nothing_accepted_is_lost_and_nothing_is_paid_twice(product):
    data_dir, port = product
    mine(data_dir)
    for name in ("worker", "redis", "postgres", "web", "beat"):
        time.sleep(6)  # let the campaign move on between two kills
        assert eventually(lambda name=name: process_of(data_dir, name))
        kill(process_of(data_dir, name))
        assert eventually(lambda: status_of(port, "/healthz") == 200)
    assert eventually(lambda: is_over(data_dir), seconds=SECONDS)
    found = books(data_dir)
    assert found["paid"] == found["spent"] == found["accepted"]
    assert found["reserved"] == found["in_hand"]
    assert found["twice"] == 0
    assert found["assets"] == found["sent"]
    before = found["paid"]
    assert mine(data_dir)["created"] == {"projects": 0, "classes": 0, "pools": 0, "tasks": 0}
    assert books(data_dir)["paid"] == before
