"""`./winnow up`: one command starts the whole product, one request to stop ends all of it."""

import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from curation.services.people import OPERATOR_EMAIL

from .observe import eventually, kill
from .running import ROOT, environment, family, role_pid, role_pids, start, status_of

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("up") / "var"


@pytest.fixture(scope="module")
def up(data_dir, port):
    """Return the process of `up` with the three lines that it prints when it is ready."""
    process = start(data_dir, port)
    try:
        said = [process.stdout.readline() for _ in range(3)]
        assert all(said), process.stderr.read()
        yield process, said
    finally:
        process.kill()
        process.communicate()
        assert eventually(lambda: family(data_dir) == [])


@pytest.fixture
def product(up):
    return up[0]


def test_it_prints_the_address_and_a_link_that_signs_in_once(up, port):
    _, (address, link, end) = up
    assert address == f"Winnow is ready: http://127.0.0.1:{port}\n"
    assert link.startswith(f"Sign in once with: http://127.0.0.1:{port}/sign-in/link/")
    assert end == "Stop with Ctrl-C\n"
    assert status_of(port, "/healthz") == 200


def test_a_link_asked_for_in_another_shell_leads_to_the_port_it_runs_on(product, data_dir, port):
    asked = [sys.executable, ROOT / "manage.py", "sign_in_link", OPERATOR_EMAIL]
    printed = subprocess.run(asked, env=environment(data_dir), capture_output=True, text=True)
    assert printed.stdout.startswith(f"http://127.0.0.1:{port}/sign-in/link/"), printed.stderr


def test_any_web_process_tells_how_many_requests_all_have_answered(product, data_dir, port):
    assert eventually(lambda: len(role_pids(data_dir, "web")) == 2)
    before = answered(port)
    for _ in range(30):
        assert status_of(port, "/healthz") == 200
    assert eventually(lambda: {answered(port) >= before + 30 for _ in range(8)} == {True})


def answered(port: int) -> int:
    """Return how often the whole product says that /healthz was asked."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=600) as told:
        found = re.search(r'requests_total{view="healthz",method="GET",status="200"} (\d+)', told.read().decode())
    return int(found[1]) if found else 0


def test_while_all_web_processes_are_started_again_a_request_waits_and_no_number_goes_back(product, data_dir, port):
    assert eventually(lambda: len(role_pids(data_dir, "web")) == 2)
    for _ in range(30):
        assert status_of(port, "/healthz") == 200
    before = answered(port)
    counted = set(role_pids(data_dir, "web"))
    for pid in counted:
        kill(pid)
    assert eventually(lambda: counted.isdisjoint(role_pids(data_dir, "web")))
    assert answered(port) >= before > 30


def test_a_killed_web_process_is_replaced_beside_the_other(product, data_dir, port):
    assert eventually(lambda: len(role_pids(data_dir, "web")) == 2)
    killed, other = role_pids(data_dir, "web")
    kill(killed)
    assert eventually(lambda: len(now := role_pids(data_dir, "web")) == 2 and killed not in now and other in now)
    assert eventually(lambda: status_of(port, "/healthz") == 200)


@pytest.mark.parametrize("role", ["worker", "beat"])
def test_a_killed_process_is_replaced_and_its_children_do_not_stay(product, data_dir, role):
    assert eventually(lambda: role_pids(data_dir, role))
    known = set(role_pids(data_dir, role))
    kill(role_pid(data_dir, role))
    assert eventually(lambda: (now := role_pids(data_dir, role)) and known.isdisjoint(now))


def test_the_doctor_finds_workers_and_the_clock_at_work(product, data_dir):
    def healthy() -> bool:
        checked = subprocess.run(
            [sys.executable, ROOT / "manage.py", "doctor"], env=environment(data_dir), capture_output=True, text=True
        )
        return "ok   workers: winnow@" in checked.stdout and "ok   scheduler: last tick" in checked.stdout

    assert eventually(healthy)


def test_a_request_to_stop_ends_all_of_it(product, data_dir):
    product.send_signal(signal.SIGINT)
    assert product.wait(timeout=300) == 0
    assert family(data_dir) == []
