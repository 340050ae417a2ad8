"""A PostgreSQL that is frozen keeps its connections and says nothing: who asks whether we are ready is told so."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tests.embedded.observe import postmaster

pytestmark = pytest.mark.faults
LONG = 120  # seconds, where nobody gave up


@contextmanager
def frozen() -> Iterator[None]:
    """Freeze the server that the suite has for itself, and thaw it also when nothing would ever answer."""
    server = postmaster(settings.PATHS)
    everything = [*map(int, Path(f"/proc/{server}/task/{server}/children").read_text().split()), server]
    rescue = threading.Timer(LONG, _send, (everything, signal.SIGCONT))
    rescue.start()
    _send(everything, signal.SIGSTOP)
    try:
        yield
    finally:
        _send(everything, signal.SIGCONT)
        rescue.cancel()


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # of those that were listed some end by themselves
            os.kill(pid, number)


@pytest.mark.django_db
def test_a_frozen_database_is_not_ready_and_is_again_once_it_thaws(client: Client):
    assert client.get("/readyz").status_code == 200
    with frozen():
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "away"
    assert client.get("/readyz").status_code == 200
