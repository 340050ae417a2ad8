"""The database's clock decides about leases, deadlines and money; a process may ask its own only for what is named."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.faults
ROOT = Path(settings.BASE_DIR)
WORK = ("crowd/services", "crowd/models", "crowd/platforms", "crowd/rules", "curation/services", "curation/engine",
        "curation/stages", "curation/portal", "curation/models", "curation/tasks.py")  # fmt: skip
OWN_CLOCK = {"timezone.now", "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time",
             "time.time_ns"}  # fmt: skip
MAY = {
    "curation/services/backups/archive.py": "the time on a file",
    "curation/services/backups/automatic.py": "the name of a file",
    "curation/services/backups/taking.py": "when a backup was taken, for people",
    "curation/services/workers.py": "what a list marks as banned; who may work is asked of the database",
    "curation/services/delivering.py": "pauses between tries of a webhook",
    "curation/services/shared_cache.py": "how old a kept count is",
    "curation/services/tag_counts.py": "how old a kept count is",
    "curation/services/asset_query/counting.py": "how old a kept count is",
    "curation/services/system/processes.py": "how long the process has run",
}


def asks(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in OWN_CLOCK:
            yield f"{path.relative_to(ROOT)}:{node.lineno}"


def test_nothing_that_pays_or_expires_asks_the_clock_of_its_own_process():
    files = [path for room in WORK for path in ([ROOT / room] if room.endswith(".py") else (ROOT / room).rglob("*.py"))]
    found = [place for path in files for place in asks(path)]
    assert [place for place in found if place.split(":")[0] not in MAY] == []
    assert {place.split(":")[0] for place in found} == set(MAY), "a reason for a file that does not ask any more"
