"""`emulate toloka`: it starts without a database, says where it is, lives, and ends with Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.core.management import CommandError, call_command

from crowd.emulators.toloka.command import read
from tests.conftest import ROOT
from tests.emulators.toloka import bodies

WITHIN = 120.0


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.json"
    steps = [{"worker": "wanda", "answers": [{"verdict": "bad"}]}]
    path.write_text(json.dumps({"workers": [{"id": "wanda"}], "steps": steps}))
    return path


@pytest.fixture
def running(script: Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """The command in a process of its own, where no database can be reached; its address and token."""
    options = ["--port", "0", "--seed", "7", "--script", str(script), "--people", "3", "--visits-per-second", "20",
               "--commission", "0.2", "--balance", "50", "--days-per-second", "1"]  # fmt: skip
    environment = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:9/nothing"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    process = subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "emulate", "toloka", *options],
        stdout=subprocess.PIPE, env=environment, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    address, token = process.stdout.readline(), process.stdout.readline()
    yield process, address.split()[3].rstrip(","), token.split()[3]
    process.kill()
    process.wait()
    process.stdout.close()


def test_it_serves_a_living_market_until_ctrl_c(running: tuple[subprocess.Popen[str], str, str]) -> None:
    process, url, token = running
    with httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"OAuth {token}"}, trust_env=False) as api:
        assert api.get("/requester").json()["balance"] == 50
        project = api.post("/projects", json=bodies.project()).json()["id"]
        pool = api.post("/pools", json=bodies.pool(project, will_expire="2100-01-01T00:00:00")).json()["id"]
        api.post("/tasks", json=[bodies.task(pool, number, overlap=2) for number in range(8)])
        api.post(f"/pools/{pool}/open")
        until = time.monotonic() + WITHIN
        pages: list[str] = []
        while "wanda" not in pages or len(set(pages)) < 2:
            assert time.monotonic() < until, "nobody came"
            time.sleep(0.05)
            found = api.get("/assignments", params={"pool_id": pool, "status": "ACCEPTED"}).json()["items"]
            pages = [page["user_id"] for page in found]
    books = httpx.get(f"{url}/_emulator/books", trust_env=False).json()
    assert (books["adds_up"], books["commission"]) == (True, "0.2")
    process.send_signal(signal.SIGINT)
    assert process.wait(WITHIN) == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"fault": ["rain=1"]}, "'rain' is not a fault"),
        ({"fault": ["hang"]}, "'hang' is not NAME=RATE"),
        ({"fault": ["hang=7"]}, "7 is not a rate"),
        ({"port": "many"}, "--port 'many' is not a number"),
        ({"people": "-1"}, "--people '-1' is not a number"),
        ({"commission": "a third"}, "--commission 'a third' is not a number"),
        ({"script": "/nowhere.json"}, "/nowhere.json cannot be read"),
    ],
)
def test_an_option_that_cannot_be_used_is_named_in_one_sentence(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence) as refused:
        call_command("emulate", "toloka", **options)
    assert refused.value.returncode == 2
    assert str(refused.value).count("\n") == 0


def test_a_platform_that_is_not_emulated() -> None:
    with pytest.raises(CommandError, match="'ebay' is not a platform we emulate") as refused:
        call_command("emulate", "ebay")
    assert refused.value.returncode == 2


def test_a_port_that_is_taken() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} cannot be used"):
            call_command("emulate", "toloka", port=str(port))


def test_a_script_that_is_no_script(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_text("[]")
    with pytest.raises(CommandError, match=r"script\.json is no script"):
        call_command("emulate", "toloka", script=str(path))


def test_options_have_their_usual_values() -> None:
    wishes = read({})
    assert (wishes.port, wishes.people, wishes.days_per_second, wishes.script) == (8200, 0, None, None)


def test_the_emulator_is_free_of_django() -> None:
    code = "import sys, crowd.emulators.toloka; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
