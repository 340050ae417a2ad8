"""`./winnow up`: one command starts the whole product, one request to stop ends all of it."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from .observe import eventually, kill, processes_of

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("up") / "var"


def environment(data_dir: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "WINNOW_TEST_DATA_DIR"}
    return {**inherited, "DJANGO_SETTINGS_MODULE": "curation.settings.local", "DATA_DIR": str(data_dir)}


@pytest.fixture(scope="module")
def product(data_dir, port):
    process = subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "up", "--no-demo", "--port", str(port)],
        env=environment(data_dir),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()
    assert eventually(lambda: family(data_dir) == [])


def family(data_dir: Path) -> list[int]:
    """Return every process of this DATA_DIR: the servers by their folder, the product by its environment."""
    mark = f"DATA_DIR={data_dir}".encode()
    ours = [pid for pid in _all_processes() if pid != os.getpid() and mark in _environ(pid)]
    return sorted({*ours, *processes_of(data_dir)})


def _all_processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _environ(pid: int) -> bytes:
    try:
        return (Path("/proc") / str(pid) / "environ").read_bytes()
    except OSError:
        return b""


def role_pid(data_dir: Path, role: str) -> int:
    """Return the oldest process of the role, which is the one that the supervisor started."""
    mark = f"WINNOW_ROLE={role}\0".encode()
    return min((pid for pid in family(data_dir) if mark in _environ(pid) + b"\0"), default=0)


def status_of(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def test_it_prints_the_address_and_a_link_that_signs_in_once(product, port):
    assert product.stdout.readline() == f"Winnow is ready: http://127.0.0.1:{port}\n", product.stderr.read()
    link = product.stdout.readline().removeprefix("Sign in once with: ").strip()
    assert link.startswith(f"http://127.0.0.1:{port}/sign-in/link/")
    assert product.stdout.readline() == "Stop with Ctrl-C\n"
    assert status_of(port, "/healthz") == 200


@pytest.mark.parametrize("role", ["web", "worker", "beat"])
def test_a_killed_process_is_replaced_and_its_children_do_not_stay(product, data_dir, port, role):
    before = role_pid(data_dir, role)
    kill(before)
    assert eventually(lambda: role_pid(data_dir, role) not in {0, before})
    assert eventually(lambda: status_of(port, "/healthz") == 200)


def test_the_doctor_finds_workers_and_the_clock_at_work(product, data_dir):
    def healthy() -> bool:
        checked = subprocess.run(
            [sys.executable, ROOT / "manage.py", "doctor"], env=environment(data_dir), capture_output=True, text=True
        )
        return "ok   workers: winnow@" in checked.stdout and "ok   scheduler: last tick" in checked.stdout

    assert eventually(healthy, seconds=60)


def test_a_request_to_stop_ends_all_of_it_within_thirty_seconds(product, data_dir):
    product.send_signal(signal.SIGINT)
    assert product.wait(timeout=30) == 0
    assert family(data_dir) == []
