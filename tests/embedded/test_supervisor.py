"""One supervisor keeps everything running, stops all of it, and refuses what cannot work before it starts anything."""

import http.client
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from curation.embedded import readiness
from curation.embedded.door import Question, listening
from curation.embedded.paths import Paths
from curation.embedded.services import make_folders
from curation.embedded.supervisor import note_address, only_supervisor, running_at

from .observe import eventually, is_new, keeper_pid, kill, postmaster, processes_of, redis_pid

STAND_IN = Path(__file__).with_name("stand_in.py")


@pytest.fixture
def paths(tmp_path):
    return Paths(tmp_path / "var")


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(paths: Paths, port: int, *roles: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, STAND_IN, paths.data_dir, str(port), *roles],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def supervisor(paths: Paths, port: int, *roles: str):
    process = start(paths, port, *(roles or ("web", "worker")))
    assert process.stdout
    assert process.stderr
    try:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        yield process
    finally:
        process.kill()
        process.communicate()
        assert eventually(lambda: processes_of(paths.data_dir) == [])


def web_pid(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/")
        return int(connection.getresponse().read())
    except OSError:
        return 0
    finally:
        connection.close()


def one_sentence(process: subprocess.Popen[str]) -> str:
    _, complaint = process.communicate(timeout=600)
    assert complaint.startswith("winnow: ")
    assert complaint.count("\n") == 1
    return complaint


def test_the_address_of_a_running_product_is_known_and_that_of_a_stopped_one_is_not(paths):
    assert running_at(paths, otherwise="http://here:8000") == "http://here:8000"
    make_folders(paths)
    with only_supervisor(paths):
        note_address(paths, "http://here:8123")
        assert running_at(paths, otherwise="http://here:8000") == "http://here:8123"
    assert running_at(paths, otherwise="http://here:8000") == "http://here:8000"


def test_a_killed_web_process_serves_again_within_seconds(paths, port):
    with supervisor(paths, port):
        before = web_pid(port)
        kill(before)
        assert eventually(lambda: web_pid(port) not in {0, before})


def test_a_process_killed_four_times_in_a_minute_still_serves_again(paths, port):
    with supervisor(paths, port) as process:
        for _ in range(4):
            before = web_pid(port)
            assert before
            kill(before)
            assert eventually(lambda before=before: web_pid(port) not in {0, before})
        assert process.poll() is None


def both_answer(paths: Paths) -> bool:
    return readiness.redis_answers(paths) and readiness.postgres_answers(paths)


@pytest.mark.parametrize("victim", [postmaster, redis_pid, keeper_pid])
def test_a_killed_service_is_back_within_seconds_and_the_product_stays_up(paths, port, victim):
    with supervisor(paths, port):
        web, before = web_pid(port), victim(paths)
        kill(before)
        assert eventually(lambda: both_answer(paths) and is_new(victim, paths, before))
        assert web_pid(port) == web


def test_a_killed_supervisor_leaves_nothing_behind_and_starts_again_at_once(paths, port):
    with supervisor(paths, port) as first:
        kill(first.pid)
        first.wait()
        with supervisor(paths, port):
            assert web_pid(port)


@pytest.mark.parametrize("request_to_stop", [signal.SIGINT, signal.SIGTERM])
def test_a_request_to_stop_ends_everything_in_order(paths, port, request_to_stop):
    log = paths.log / "worker.log"
    with supervisor(paths, port) as process:
        assert eventually(lambda: "at work" in log.read_text())
        process.send_signal(request_to_stop)
        assert process.wait(timeout=300) == 0
        assert processes_of(paths.data_dir) == []
    assert "finished what it had begun" in log.read_text()


def test_who_comes_while_it_stops_is_refused_and_a_second_request_to_stop_does_not_wait(paths, port):
    with supervisor(paths, port, "web", "stubborn") as process:
        process.send_signal(signal.SIGTERM)
        assert eventually(lambda: is_refused(port))
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=300) == 0


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_while_no_web_process_answers_one_question_waits_at_the_door_however_often_one_looks():
    with listening("127.0.0.1", 0) as door:
        question = Question("127.0.0.1", door.getsockname()[1])
        assert [question.is_answered() for _ in range(5)] == [False] * 5
        with taken(door, question) as asked, pytest.raises(BlockingIOError):
            door.accept()
        with taken(door, question) as asked:  # the first broke off, so it is asked again
            assert asked.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            asked.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            assert eventually(question.is_answered)
    assert not question.is_answered()


def taken(door: socket.socket, question: Question) -> socket.socket:
    """Return the connection of a question that waits, or will be asked again."""
    door.setblocking(False)
    found: list[socket.socket] = []

    def take() -> bool:
        with suppress(BlockingIOError):
            found.append(door.accept()[0])
        return bool(found) or question.is_answered()

    assert eventually(take)
    return found[0]


def test_a_second_supervisor_on_the_same_data_is_refused_with_the_first_ones_number(paths, port):
    with supervisor(paths, port) as first:
        second = start(paths, port, "web", "worker")
        assert f"process {first.pid}" in one_sentence(second)
        assert second.returncode == 2
        assert web_pid(port)


def test_a_taken_port_is_one_sentence_before_anything_is_started(paths, port):
    with socket.create_server(("127.0.0.1", port)):
        refused = start(paths, port, "web", "worker")
        assert f"Port {port} of 127.0.0.1 is taken" in one_sentence(refused)
    assert refused.returncode == 2
    assert not paths.pg_data.exists()


def test_a_process_that_falls_three_times_in_a_minute_stops_everything_with_its_last_words(paths, port):
    process = start(paths, port, "web", "faller")
    _, complaint = process.communicate(timeout=600)
    assert process.returncode == 1
    assert "faller fell 3 times within a minute" in complaint
    assert "the reason of the fall" in complaint
    assert processes_of(paths.data_dir) == []
