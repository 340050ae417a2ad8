"""What benchmarks of the product stand on: a database of their own, and stored answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any


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
def web_process() -> Iterator[tuple[str, int]]:
    """Serve as the product does: by its web process, with a pool of connections; yield its address and its id."""
    from django.conf import settings

    from curation.embedded.programs import Serving, web

    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    program = web(settings.PATHS, Serving("127.0.0.1", port, workers=0))
    own = {"env": {**program.environment, "DJANGO_SETTINGS_MODULE": "curation.settings.local"}, "cwd": program.folder}
    subprocess.run([sys.executable, "manage.py", "collectstatic", "--no-input", "-v", "0"], check=True, **own)
    program.log.parent.mkdir(parents=True, exist_ok=True)
    with program.log.open("wb") as log:
        process = subprocess.Popen((*program.command, "--log-level", "warning"), stdout=log, stderr=log, **own)
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert process.poll() is None, "the web process ended"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait()


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
