"""What benchmarks of the product stand on: a database of their own, and stored answers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import httpx


@contextmanager
def database(folder: str, *, redis: bool = True, durable: bool = True) -> Iterator[None]:
    """Have a migrated embedded PostgreSQL and Redis; what is not durable may forget when the power fails."""
    os.environ["DATA_DIR"] = os.environ["WINNOW_TEST_DATA_DIR"] = folder
    os.environ["DJANGO_SETTINGS_MODULE"] = "curation.settings.test"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from curation.embedded.keeper import Plan
    from curation.embedded.services import running_services

    with running_services(settings.PATHS, Plan(redis=redis, durable=durable)):
        call_command("migrate", verbosity=0)
        yield


@contextmanager
def web_processes(n: int) -> Iterator[tuple[str, list[int]]]:
    """Serve as the product does: by so many web processes at one door; yield their address and ids."""
    from django.conf import settings

    from curation.embedded.door import listening
    from curation.embedded.processes import spawn
    from curation.embedded.programs import web
    from curation.embedded.services import make_folders

    make_folders(settings.PATHS)
    with listening("127.0.0.1", 0) as door:
        port, program = door.getsockname()[1], web(settings.PATHS, door.fileno())
        own = {**program.environment, "DJANGO_SETTINGS_MODULE": "curation.settings.local"}
        collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "-v", "0"]
        subprocess.run(collect, check=True, env=own, cwd=program.folder)
        command = (*program.command, "--log-level", "warning")
        started = [spawn(replace(program, command=command, environment=own)) for _ in range(n)]
        try:
            _until_they_answer(f"http://127.0.0.1:{port}", started)
            yield f"http://127.0.0.1:{port}", [one.pid for one in started]
        finally:
            for one in started:
                one.terminate()
            for one in started:
                one.wait()


def _until_they_answer(base: str, started: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait until each has answered, by the moments they say they began."""
    began: set[str] = set()
    while len(began) < len(started):
        assert all(one.poll() is None for one in started), "a web process ended"
        text = httpx.get(f"{base}/metrics", timeout=60, trust_env=False).text
        began |= {line for line in text.splitlines() if line.startswith("winnow_web_start_seconds")}


def thumb(number: int) -> bytes:
    """Return a small picture, another one for each number."""
    import io

    from tests.scenes import picture

    data = io.BytesIO()
    picture(str(number)).image.resize((320, 180)).save(data, "WEBP", quality=70)
    return data.getvalue()


def processor_seconds() -> float:
    """Return what this thread, its connection's process of the database and helpers of that which ended have used."""
    from django.db import connection

    connection.ensure_connection()
    backend = connection.connection.info.backend_pid
    own = int(Path(f"/proc/{backend}/schedstat").read_text().split()[0]) / 1e9
    server = Path(f"/proc/{_parent_of(backend)}/stat").read_text().rpartition(")")[2].split()
    ended = sum(map(int, server[13:15])) / os.sysconf("SC_CLK_TCK")  # children it has waited for, parallel workers too
    return time.thread_time() + own + ended


def _parent_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]


def bare_answers(stage: Any, images: Sequence[Any], *, people: int, answers: int, rng: Random) -> list[Any]:
    """Store so many answers to each image, still without boxes, each by one of so many people."""
    from curation.models import Annotation
    from tests import scenes

    workers = [scenes.worker(f"worker-{number}").pk for number in range(people)]
    return Annotation.objects.bulk_create(
        Annotation(
            project_id=stage.project_id,
            asset=image,
            stage=stage,
            answer_id=place * answers + turn + 1,
            worker_id=worker,
            kind=Annotation.Kind.BOXES,
        )
        for place, image in enumerate(images)
        for turn, worker in enumerate(rng.sample(workers, answers))
    )
