"""The product's own processes: web, worker, beat."""

import os
import sys
from dataclasses import dataclass, replace

from .paths import Paths
from .processes import Program
from .services import ROOT

QUEUES = "default,pixels,push,pull,exports"
CELERY = (sys.executable, "-m", "celery", "-A", "curation.celery:app")


@dataclass(frozen=True, slots=True)
class Serving:
    """The socket that all web processes listen on, and how many of them and of worker processes there are."""

    door: int
    web: int
    workers: int


def product_programs(paths: Paths, serving: Serving) -> list[Program]:
    return [*(web(paths, serving.door) for _ in range(serving.web)), worker(paths, serving), beat(paths)]


def web(paths: Paths, door: int) -> Program:
    """Return a uvicorn process for pages, API and websockets; several take turns at the same door."""
    options = (
        *("--fd", str(door)),
        *("--no-access-log", "--no-server-header", "--lifespan", "off"),
        *("--timeout-graceful-shutdown", "8", "--ws-max-size", "65536"),
    )
    command = (sys.executable, "-m", "uvicorn", "curation.asgi:application", *options)
    program = _program(paths, "web", command)
    environment = {**program.environment, "WEB_COUNTS": str(paths.web_counts)}
    return replace(program, environment=environment, descriptors=(door,))


def worker(paths: Paths, serving: Serving) -> Program:
    options = ("-Q", QUEUES, "--concurrency", str(serving.workers), "-n", "winnow@%h")
    quiet = ("--without-gossip", "--without-mingle", "--loglevel", "INFO")
    return _program(paths, "worker", (*CELERY, "worker", *options, *quiet))


def beat(paths: Paths) -> Program:
    """Return the clock; its schedule stands in code, so it needs no file that a crash could damage."""
    return _program(
        paths, "beat", (*CELERY, "beat", "--scheduler", "celery.beat:Scheduler", "--pidfile=", "--loglevel", "INFO")
    )


def _program(paths: Paths, name: str, command: tuple[str, ...]) -> Program:
    """Return a program that a killed supervisor takes along at once: leases and rows keep what it had begun."""
    return Program(
        name=name,
        command=command,
        log=paths.log / f"{name}.log",
        environment={**os.environ, "PYTHONUNBUFFERED": "1", "WINNOW_ROLE": name},
        folder=ROOT,
    )
