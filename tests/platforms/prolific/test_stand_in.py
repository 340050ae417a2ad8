"""The stand-in as an outsider meets it: over HTTP, with its control door, started by its command."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from crowd.emulators.prolific.clock import RunningClock
from crowd.emulators.registry import BadOption, server

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def door(there) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{there.running.url}/_emulator/") as client:
        yield client


@pytest.mark.django_db
def test_a_script_plays_people_through_the_control_door(adapter, account, study, door):
    taken = door.post("take", json={"study": study}).json()
    assert f"sid={taken['submission']}" in taken["url"]
    assert door.post("eligible", json={"study": study, "participant": "p1"}).json() == {"eligible": True}
    door.post("clock", json={"seconds": 60})
    ended = door.post("end", json={"submission": taken["submission"], "how": "complete"}).json()
    assert ended["status"] == "AWAITING REVIEW"
    adapter.accept(account, taken["submission"], None)
    books = door.post("books", json={"workspace": account.settings["workspace"]}).json()
    assert books["lines"] == [{"kind": "reward", "ref": taken["submission"], "amount": 90}]


def test_a_move_that_cannot_be_is_refused_in_a_sentence(door):
    assert door.post("clock", json={"at": "2020-01-01T00:00:00+00:00"}).status_code == 400
    assert door.post("end", json={"submission": "nothing", "how": "complete"}).status_code == 400


def test_a_running_clock_goes_on_and_never_back():
    clock = RunningClock()
    before = clock.now()
    clock.advance(timedelta(days=1))
    assert clock.now() >= before + timedelta(days=1)
    with pytest.raises(ValueError, match="only goes forward"):
        clock.set(before)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"port": "70000"}, "port is '70000'"),
        ({"balance": "much"}, "balance is 'much'"),
        ({"people": "5"}, "people means"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options, words):
    with pytest.raises(BadOption, match=words):
        server("prolific")(options)


def test_the_command_serves_until_it_is_interrupted():
    command = [sys.executable, str(ROOT / "manage.py"), "emulate", "prolific", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as running:
        try:
            first, second = running.stdout.readline(), running.stdout.readline()
            url, token = re.search(r"http://\S+\d", first)[0], re.search(r"Token (\S+),", second)[1]
            answer = httpx.get(f"{url}/api/v1/users/me/", headers={"Authorization": f"Token {token}"})
            assert answer.json()["email"] == "researcher@example.org"
        finally:
            running.send_signal(signal.SIGINT)
        assert running.wait(120) == 0
