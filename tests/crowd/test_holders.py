"""Who holds a lease is known to be gone only when it surely is."""

import os
import signal
import subprocess
import sys

import pytest

from crowd import holders

NAMING = "from crowd import holders; import time; print(holders.myself(), flush=True); time.sleep(60)"


@pytest.fixture
def other():
    with subprocess.Popen([sys.executable, "-c", NAMING], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def named(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_who_is_alive_is_not_gone(other):
    assert not holders.is_gone(holders.myself())
    assert not holders.is_gone(named(other))


def test_who_was_killed_is_gone_even_before_its_parent_has_noticed(other):
    name = named(other)
    other.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # a zombie: nobody has asked how it ended
    assert holders.is_gone(name)
    other.wait()
    assert holders.is_gone(name)


def test_another_process_under_the_same_number_is_not_taken_for_it():
    where, pid, began = holders.myself().split("/")
    assert holders.is_gone(f"{where}/{pid}/{int(began) - 1}")


@pytest.mark.parametrize("name", ["", "the dead", "elsewhere:0a1b2c3d:4026531836/1/5", "a/b/c"])
def test_nothing_is_known_of_processes_on_other_machines(name):
    assert not holders.is_gone(name)
