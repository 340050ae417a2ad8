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
ASK_BY_MANY = """
import django, asyncio
django.setup()
from channels.layers import get_channel_layer
from curation.services import bell, redis_away, shared_cache, versions
try:
    asyncio.run(versions._send(get_channel_layer(), "project.1", {"type": "doorbell", "version": 1}))
except TimeoutError:
    redis_away.SECONDS = 3600.0
    redis_away.note()
shared_cache.found(["a list"])
bell.ring(1, "default")
print(redis_away.is_known())
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


def asked(code, redis, folder):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, "WINNOW_ROLE": "web", "REDIS_URL": redis.url, "DATA_DIR": str(folder),
             "DJANGO_SETTINGS_MODULE": LOCAL},
    ).stdout.splitlines()[-1]  # fmt: skip


def test_what_one_part_finds_silent_the_others_do_not_ask(tmp_path):
    redis = Silent()
    assert asked(ASK_BY_MANY, redis, tmp_path) == "True"
    assert len(redis.met) == 1


def test_the_web_process_gives_a_silent_redis_a_second_and_then_leaves_it_alone(tmp_path):
    redis = Silent()
    options = json.loads(asked(ASK, redis, tmp_path))
    assert 1 <= len(redis.met) < RINGS
    assert options["socket_timeout"] <= 1
    assert options["socket_connect_timeout"] <= 1
    assert options["max_retries"] <= 1
