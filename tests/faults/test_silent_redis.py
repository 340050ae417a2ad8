"""A Redis that takes connections and says nothing costs a request a second at most: its row is rung by the sweeper."""

import json
import os
import socket
import subprocess
import sys
import threading

import pytest

from tests.embedded.running import LOCAL, ROOT

pytestmark = pytest.mark.faults
RINGS = 5
ASK = f"""
import django, json
django.setup()
from django.conf import settings
from curation.services import bell
for number in range({RINGS}):
    bell.ring(number, "default")
print(json.dumps(settings.CELERY_BROKER_TRANSPORT_OPTIONS))
"""


class Silent:
    """A server that takes connections, keeps them and never answers."""

    def __init__(self) -> None:
        self.server, self.met = socket.create_server(("127.0.0.1", 0)), []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            self.met.append(self.server.accept()[0])

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.server.getsockname()[1]}/0"


def test_the_web_process_gives_a_silent_redis_a_second_and_then_leaves_it_alone(tmp_path):
    redis = Silent()
    told = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, "WINNOW_ROLE": "web", "REDIS_URL": redis.url, "DATA_DIR": str(tmp_path),
             "DJANGO_SETTINGS_MODULE": LOCAL},
    )  # fmt: skip
    assert 1 <= len(redis.met) < RINGS
    options = json.loads(told.stdout.splitlines()[-1])
    assert options["socket_timeout"] <= 1
    assert options["socket_connect_timeout"] <= 1
    assert options["max_retries"] <= 1
