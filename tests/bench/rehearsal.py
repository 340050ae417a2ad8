"""How fast a rehearsal is, drawn and without pictures, and whether both take the same course.

Run: .venv/bin/python tests/bench/rehearsal.py [photos] [--only planted|drawn] [--visits-a-turn N]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from curation.preprocessing.pool import drawing_pool, shared_pool  # noqa: E402


def run(photos: int, *, pictures: bool, visits: int) -> tuple[dict[str, Any], dict[str, float]]:
    """Rehearse once; return the document without its times, and what was counted."""
    from django.db import connection

    from crowd.models import Answer, Assignment
    from curation.engine.crowds import OwnCrowd
    from curation.engine.rehearsal import rehearse
    from curation.engine.rehearsal_driver import Driver
    from curation.engine.rehearsal_setup import ran_as
    from curation.engine.wish import Wish
    from curation.models import Asset

    wish = Wish("gestures", 7, photos, {"review": {"sample": 0}}, pictures=pictures, visits_a_turn=visits)
    statements = Statements()
    crowd, machine = Part(statements), Part(statements)
    began, worked, beside = time.monotonic(), time.process_time(), _children()
    with (
        connection.execute_wrapper(statements),
        mock.patch.object(OwnCrowd, "visit", crowd.counts(OwnCrowd.visit)),
        mock.patch.object(Driver, "_work", machine.counts(Driver._work)),
    ):
        document = rehearse(wish=wish)
    took, worked = time.monotonic() - began, time.process_time() - worked
    project = ran_as(wish)
    assert project is not None
    pages = Assignment.objects.filter(project_id=project.pk, submitted_at__isnull=False).count()
    answers = Answer.objects.filter(assignment__project_id=project.pk).count()
    document["time"].pop("wall_seconds")
    counted = {"seconds": took, "processor_seconds": worked, "pages": pages, "answers": answers}
    sent = Asset.objects.filter(project=project).count()
    counted |= {"photos_sent": sent, "children_processor_seconds": _children() - beside}
    rates = {"pages_a_second": pages / took, "pages_a_processor_second": pages / worked}
    parts = {**crowd.a_page("crowd", pages), **machine.a_page("machine", pages)}
    return document, {**counted, **rates, "statements_a_page": statements.n / pages, **parts}


def _children() -> float:
    """End the processes that draw and measure, and return what processor time all of them have taken."""
    for pool in (drawing_pool(), shared_pool()):
        pool.close()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Statements:
    """Counts what is asked of the database."""

    def __init__(self) -> None:
        self.n = 0

    def __call__(self, execute: Callable[..., Any], *given: Any) -> Any:
        self.n += 1
        return execute(*given)


class Part:
    """What one side of a campaign costs: statements, and seconds of the processor."""

    def __init__(self, statements: Statements) -> None:
        self.statements = statements
        self.n, self.seconds = 0, 0.0

    def counts(self, whole: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            before, began = self.statements.n, time.process_time()
            try:
                return whole(*given, **named)
            finally:
                self.n += self.statements.n - before
                self.seconds += time.process_time() - began

        return counted

    def a_page(self, name: str, pages: int) -> dict[str, float]:
        return {f"{name}_statements_a_page": self.n / pages, f"{name}_ms_a_page": 1_000 * self.seconds / pages}


OUT = ROOT / "var" / "bench"
WAYS = ("planted", "drawn")


def main() -> int:
    asked = argparse.ArgumentParser()
    asked.add_argument("photos", type=int, nargs="?", default=1_000)
    asked.add_argument("--only", choices=WAYS)
    asked.add_argument("--visits-a-turn", type=int, default=0)
    given = asked.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    if given.only:
        _keep(given.only, *_alone(given))
        return 0
    documents = [_beside(name, sys.argv[1:]) for name in WAYS]
    same = documents[0] == documents[1]
    print("the same document" if same else "the documents differ")
    return int(not same)


def _alone(given: argparse.Namespace) -> tuple[dict[str, Any], dict[str, float]]:
    from tests.bench.ground import database

    with tempfile.TemporaryDirectory() as folder, database(folder):
        document, counted = run(given.photos, pictures=given.only == "drawn", visits=given.visits_a_turn)
    print(f"{given.only:<8}" + "  ".join(f"{what} {value:,.1f}" for what, value in counted.items()))
    return document, {"photos": given.photos, "cores": os.cpu_count() or 1, **counted}


def _keep(name: str, document: dict[str, Any], counted: dict[str, float]) -> None:
    text = json.dumps({**counted, "document": document}, indent=2)
    (OUT / f"rehearsal-{name}.json").write_text(text, encoding="utf-8")


def _beside(name: str, arguments: Sequence[str]) -> Any:
    """Rehearse in a process of its own, which has a database of its own, and return the document."""
    subprocess.run([sys.executable, __file__, *arguments, "--only", name], check=True)
    return json.loads((OUT / f"rehearsal-{name}.json").read_text(encoding="utf-8"))["document"]


if __name__ == "__main__":
    raise SystemExit(main())
