"""Sixteen spenders at once on a budget for 100, again and again: how many are granted. `make bench` runs it.

Beside it the form that is not used: read what is free, then save.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SPENDERS, UNITS, PRICE = 16, 100, 1_000_000
ROUNDS, NAIVE_ROUNDS = 1_000, 100
TRIES = 7  # of each spender: 112 ask for 100

Spend = Callable[[int, str], bool]


@contextmanager
def database(folder: str) -> Iterator[None]:
    """Have a migrated embedded PostgreSQL of our own. It may forget what it did when the power fails."""
    os.environ["DATA_DIR"] = os.environ["WINNOW_TEST_DATA_DIR"] = folder
    os.environ["DJANGO_SETTINGS_MODULE"] = "curation.settings.test"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from curation.embedded.keeper import Plan
    from curation.embedded.services import running_services

    with running_services(settings.PATHS, Plan(redis=False, durable=False)):
        call_command("migrate", verbosity=0)
        yield


def conditional(project_id: int, ref: str) -> bool:
    """Ask as the product does: one conditional UPDATE decides."""
    from crowd.errors import BudgetExceeded
    from crowd.services import ledger

    try:
        ledger.reserve(purse=ledger.Purse(project_id), amount_micro=PRICE, ref=ref)
    except BudgetExceeded:
        return False
    return True


def naive(project_id: int, _: str) -> bool:
    """Read, compare, save: what everybody writes first."""
    from crowd.models import Budget

    budget = Budget.objects.get(project_id=project_id)
    if budget.free_micro < PRICE:
        return False
    budget.reserved_micro += PRICE
    budget.save(update_fields=["reserved_micro"])
    return True


class Spenders:
    """Threads that keep their connection from round to round and start each round together."""

    def __init__(self) -> None:
        self.start = threading.Barrier(SPENDERS)
        self.pool = ThreadPoolExecutor(SPENDERS)

    def spend(self, project_id: int, how: Spend) -> int:
        def one(spender: int) -> int:
            self.start.wait(60)
            return sum(how(project_id, f"{project_id}-{spender}-{n}") for n in range(TRIES))

        return sum(self.pool.map(one, range(SPENDERS)))

    def end(self) -> None:
        def one(_: int) -> None:
            from django.db import connection

            self.start.wait(60)
            connection.close()

        list(self.pool.map(one, range(SPENDERS)))
        self.pool.shutdown()


def measure(spenders: Spenders, how: Spend, rounds: int, first: int) -> dict[str, Any]:
    from crowd.services import ledger

    granted: Counter[int] = Counter()
    started = time.perf_counter()
    for project_id in range(first, first + rounds):
        ledger.create_budget(project_id=project_id, limit_micro=UNITS * PRICE)
        granted[spenders.spend(project_id, how)] += 1
    seconds = time.perf_counter() - started
    return {
        "rounds": rounds,
        "rounds by units granted": {str(units): n for units, n in sorted(granted.items())},
        "seconds": round(seconds, 1),
        "requests a second": round(rounds * SPENDERS * TRIES / seconds),
    }


def differences() -> int:
    """Count the projects whose books do not add up afterwards."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM crowd_budget b WHERE project_id <= %s AND reserved_micro <> "
            "(SELECT coalesce(sum(amount_micro), 0) FROM crowd_reservation r WHERE r.project_id = b.project_id)",
            [ROUNDS],
        )
        return int(cursor.fetchone()[0])


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder, database(folder):
        spenders = Spenders()
        result: dict[str, Any] = {
            "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
            "data": f"{SPENDERS} spenders at once, {TRIES} requests each, a budget for {UNITS} of them",
            "command": "python tests/bench/budget.py",
            "one conditional UPDATE": measure(spenders, conditional, ROUNDS, 1),
            "read, compare, save": measure(spenders, naive, NAIVE_ROUNDS, ROUNDS + 1),
            "projects whose books do not add up": differences(),
        }
        spenders.end()
    text = json.dumps(result, indent=1)
    target = ROOT / "var" / "bench" / "budget.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    exact = result["one conditional UPDATE"]["rounds by units granted"] == {str(UNITS): ROUNDS}
    return 0 if exact and not result["projects whose books do not add up"] else 1


if __name__ == "__main__":
    sys.exit(main())
