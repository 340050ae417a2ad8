"""The far side of `pool`: a process that lowers its own limits and answers calls until its parent is gone."""

from __future__ import annotations

import os
import pickle
import resource
import select
import sys
import threading
import time
import traceback
import warnings
from math import ceil
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2

from .gate import TOO_MUCH_MEMORY
from .large import take_turns
from .limits import Unreadable

READY = b"ready"


def main(arguments: list[str]) -> None:
    settings = dict(argument.split("=") for argument in arguments)
    connection = Connection(int(settings["connection"]))
    threading.Thread(target=_end_with_parent, args=(connection.fileno(),), daemon=True).start()
    cv2.setNumThreads(1)
    warnings.simplefilter("ignore")  # what is odd about a file of strangers is no news
    take_turns(int(settings["turns"]))
    _limit_memory(int(settings["memory_bytes"]))
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # decoders complain there about every odd file
    connection.send_bytes(READY)
    while True:
        try:
            call = connection.recv_bytes()
        except EOFError:
            return
        _limit_time(int(settings["cpu_seconds"]))
        connection.send_bytes(_answer(call))


def _end_with_parent(connection: int) -> None:
    """Wait for the other end to be closed, which the system does however the parent ends."""
    watch = select.poll()
    watch.register(connection, 0)
    watch.poll()
    os._exit(1)


def _limit_memory(more: int) -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(seconds: int) -> None:
    """Grant the next call so much processor time; the system ends the process after it (SIGXCPU)."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (ceil(time.process_time()) + seconds, hard))


def _answer(call: bytes) -> bytes:
    answer: tuple[str, Any]
    try:
        work, arguments = pickle.loads(call)  # noqa: S301 - of our own parent
        answer = ("done", work(*arguments))
    except Unreadable as refusal:
        answer = ("refused", (refusal.reason_code, refusal.sentence))
    except MemoryError:
        answer = ("refused", ("too_much_memory", TOO_MUCH_MEMORY))
    except Exception:  # noqa: BLE001 - whatever it is, the parent must hear of it
        answer = ("failed", traceback.format_exc())
    return pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    main(sys.argv[1:])
