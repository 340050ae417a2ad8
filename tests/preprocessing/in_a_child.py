"""What tests call in child processes: each function does one thing that a file of strangers might cause."""

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

from curation.preprocessing.decode import Analysis, analyse
from curation.preprocessing.gate import read_bounded
from curation.preprocessing.limits import Unreadable


def analysed(path: Path) -> Analysis:
    return analyse(read_bounded(path))


def squared(number: int) -> int:
    return number * number


def process_id() -> int:
    return os.getpid()


def secrets_seen() -> list[str]:
    """Return the names of the environment's variables, and what is open beyond the three usual files."""
    return sorted(os.environ)


def refuse(sentence: str) -> None:
    raise Unreadable("refused_by_test", sentence)


def fail() -> None:
    raise ZeroDivisionError("a mistake of ours")


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def crash_on(*_file: object) -> None:
    """End the process, but never the one that runs the tests."""
    if "pytest" not in sys.modules:
        crash()
    raise AssertionError("a stranger's file is decoded outside the limited child")


def exhaust_memory() -> int:
    return len(bytearray(2_000_000_000))


def spin() -> None:
    while True:
        pass


def sleep() -> None:
    time.sleep(600)


def program() -> object:
    """Answer with what would run a program when it is read."""

    class Program:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, ("true",)

    return Program()


def silence() -> None:
    """Answer with nothing, as a decoder that was taken over can."""
    _send(b"")


def nonsense() -> None:
    _send(b"\x00 this was never pickled")


def _send(answer: bytes) -> None:
    settings = dict(argument.split("=") for argument in sys.argv[1:])
    Connection(int(settings["connection"])).send_bytes(answer)
    time.sleep(600)


def squared_or_crash(number: int) -> int:
    if number % 5 == 3:
        crash()
    return squared(number)


def work_in_a_pool_for_ever(place: str) -> None:
    """Be a parent: write down the children's ids, then go on calling them."""
    from curation.preprocessing.pool import Pool

    with Pool(2) as pool:
        ids = set(pool.map(process_id, (() for _ in range(20))))
        Path(place).write_text(" ".join(str(one) for one in ids), encoding="ascii")
        list(pool.map(spin, [(), ()]))
