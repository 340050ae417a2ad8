"""The application of the web process, loaded in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

from curation import sibling_counts
from tests.embedded.observe import eventually

LOADED = """
import gc
before = gc.get_threshold()
import curation.asgi
import sys, threading
told = [thread.name for thread in threading.enumerate()]
print(gc.get_threshold() != before, gc.get_freeze_count() > 0, "curation.urls" in sys.modules, "request counts" in told)
"""


@pytest.mark.parametrize(("role", "settled"), [("web", True), ("worker", False), ("", False)])
def test_only_a_web_process_settles_down_with_all_its_pages_loaded(role, settled, tmp_path):
    surroundings = {**os.environ, "WINNOW_ROLE": role, "WEB_COUNTS": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", LOADED], env=surroundings, capture_output=True, text=True, check=True)
    collected, frozen, pages, tells = done.stdout.split()
    assert [collected, frozen, tells] == [str(settled)] * 3
    assert pages == "True" or not settled


TOLD = """
import curation.asgi
from curation import request_counts
request_counts.note("test", "GET", 200, 0.1)
input()
"""


def test_a_web_process_that_rests_tells_what_it_has_counted(tmp_path):
    surroundings = {**os.environ, "WINNOW_ROLE": "web", "WEB_COUNTS": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", TOLD], env=surroundings, stdin=subprocess.PIPE) as process:
        try:
            assert eventually(lambda: [json.loads(one.read_text()) for one in tmp_path.glob("*.json")])
        finally:
            process.kill()
    [[[row], seconds]] = sibling_counts.others(tmp_path)
    assert (row, seconds) == (["test", "GET", "200", 1], {"test": 0.1})
