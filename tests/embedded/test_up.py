"""`./winnow up`: one command starts the whole product, one request to stop ends all of it."""

import signal
import socket
import subprocess
import sys

import pytest

from curation.services.people import OPERATOR_EMAIL

from .observe import eventually, kill
from .running import ROOT, environment, family, role_pid, start, status_of

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
def product(data_dir, port):
    process = start(data_dir, port)
    yield process
    process.kill()
    process.communicate()
    assert eventually(lambda: family(data_dir) == [])


def test_it_prints_the_address_and_a_link_that_signs_in_once(product, port):
    assert product.stdout.readline() == f"Winnow is ready: http://127.0.0.1:{port}\n", product.stderr.read()
    link = product.stdout.readline().removeprefix("Sign in once with: ").strip()
    assert link.startswith(f"http://127.0.0.1:{port}/sign-in/link/")
    assert product.stdout.readline() == "Stop with Ctrl-C\n"
    assert status_of(port, "/healthz") == 200


def test_a_link_asked_for_in_another_shell_leads_to_the_port_it_runs_on(product, data_dir, port):
    asked = [sys.executable, ROOT / "manage.py", "sign_in_link", OPERATOR_EMAIL]
    printed = subprocess.run(asked, env=environment(data_dir), capture_output=True, text=True)
    assert printed.stdout.startswith(f"http://127.0.0.1:{port}/sign-in/link/"), printed.stderr


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

    assert eventually(healthy)


def test_a_request_to_stop_ends_all_of_it(product, data_dir):
    product.send_signal(signal.SIGINT)
    assert product.wait(timeout=300) == 0
    assert family(data_dir) == []
