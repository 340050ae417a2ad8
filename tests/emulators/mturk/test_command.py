"""The command and the example, as an outsider starts them."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from crowd.emulators.mturk.command import prepare, serve
from crowd.emulators.registry import BadOption, server
from tests.emulators.mturk.turk import SESSION, Turk, official_client

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "mturk_emulator.py"
CHILD = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()} | {"PYTHONPATH": str(ROOT)}


@pytest.fixture
def served() -> Iterator[str]:
    """A process of its own, and the address that it prints."""
    words = [sys.executable, "manage.py", "emulate", "mturk", "--port", "0", "--balance", "5", "--people", "2"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=CHILD, cwd=ROOT)
    found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    assert found
    yield found[0]
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0
    process.stdout.close()


def test_the_example_works_against_the_served_emulator(served: str) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLE, served], capture_output=True, text=True, env=CHILD, check=False, timeout=300
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "AWANDA is paid; left: 4.94\n", "")


def test_only_the_key_that_is_printed_opens_the_served_emulator(served: str) -> None:
    with pytest.raises(Exception, match="UnrecognizedClientException"):
        official_client(served, SESSION).get_account_balance()
    assert httpx.get(f"{served}/_emulator/workers", trust_env=False).json()["workers"][0]["worker_id"].startswith("A")


def test_the_example_works_with_any_emulator_that_takes_its_key(turk: Turk) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLE, turk.emulator.url],
        capture_output=True,
        text=True,
        env=CHILD,
        check=False,
        timeout=300,
    )
    assert done.stdout == "AWANDA is paid; left: 999.94\n"


def test_options_make_the_emulator_that_was_asked_for(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('{"workers": [{"id": "AWANDA", "visits": []}]}')
    emulator, read = prepare(
        {"seed": 4, "balance": "7.50", "people": 3, "fault": ["throttle=0.5", "half-page=1"], "script": str(script)}
    )
    assert emulator.market.books.available == 7_500_000
    assert len(emulator.market.workers) == 4
    assert {fault["name"] for fault in emulator.faults.as_json()["set"]} == {"throttle", "half_page"}
    assert read is not None
    assert read.done


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"balance": "much"}, "much"),
        ({"balance": "-3"}, "-3.00"),
        ({"fault": ["quake=1"]}, "quake"),
        ({"script": "/nowhere.json"}, "/nowhere.json"),
        ({"port": "eighty"}, "eighty"),
        ({"port": "70000"}, "70000"),
        ({"people": "-1"}, "-1"),
        ({"visits_per_second": "0"}, "visits_per_second"),
        ({"days_per_second": "nan"}, "nan"),
        ({"commission": "0.3"}, "commission"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options: dict[str, object], named: str) -> None:
    with pytest.raises(BadOption, match=re.escape(named)):
        serve(options)


def test_a_port_that_is_taken_is_named(turk: Turk) -> None:
    port = int(turk.emulator.url.rpartition(":")[2])
    with pytest.raises(BadOption, match=str(port)):
        serve({"port": port})


def test_the_registry_knows_the_emulator() -> None:
    assert server("mturk") is serve
