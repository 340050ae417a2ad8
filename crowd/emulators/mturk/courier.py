"""Carries notifications to the address that stands in for SNS or SQS, beside the requests."""

import queue
import threading
from typing import Final
from urllib.parse import urlsplit

import httpx

from crowd.emulators.mturk.nouns.notices import Notice

PATIENCE: Final = 5.0
_HEADERS: Final = {
    "SQS": {"Content-Type": "application/json"},
    "SNS": {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": "Notification"},
}


class Courier:
    """One thread, one attempt a notice; what cannot be delivered is kept and says why."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Notice | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="mturk-courier", daemon=True)
        self._thread.start()

    def __call__(self, notice: Notice) -> None:
        if notice.transport == "Email" or urlsplit(notice.destination).scheme not in ("http", "https"):
            notice.state = "kept"
        else:
            self._waiting.put(notice)

    def flush(self) -> None:
        """Wait until everything is delivered or has failed."""
        self._waiting.join()

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        with httpx.Client(timeout=PATIENCE, trust_env=False) as client:
            while notice := self._waiting.get():
                self._deliver(client, notice)
                self._waiting.task_done()
        self._waiting.task_done()

    def _deliver(self, client: httpx.Client, notice: Notice) -> None:
        try:
            answer = client.post(notice.destination, content=notice.body(), headers=_HEADERS[notice.transport])
            answer.raise_for_status()
        except httpx.HTTPError as error:
            notice.state, notice.error = "failed", str(error)
        else:
            notice.state = "delivered"
