"""Sending notifications by real HTTP, signed."""

import threading
import time
from datetime import UTC, datetime
from typing import Any

import httpx

from crowd.emulators.toloka.mailbox import Letter, Mailbox
from crowd.emulators.toloka.moments import written
from crowd.emulators.toloka.webhooks import body_of, signature

TIMEOUT = 10.0
_PAUSE = 0.2


def sent(client: httpx.Client, letter: Letter) -> httpx.Response:
    """POST a letter; the time in its signature is that of the wall, since its receiver has no other clock."""
    body = body_of(letter)
    headers = {"Content-Type": "application/json"}
    if letter.secret is not None:
        headers["Toloka-Signature"] = signature(letter.secret, body, time.time_ns() // 1_000_000)
    return client.post(letter.url, content=body, headers=headers)


def result_of_test(letter: Letter) -> dict[str, Any]:
    """Send a test notification and tell how it went."""
    result: dict[str, Any] = {"success": False, "uuids": [letter.event["uuid"]]}
    try:
        with _client() as client:
            status = sent(client, letter).status_code
    except httpx.TimeoutException:
        result["errorType"] = "REQUEST_TIMEOUT"
    except httpx.HTTPError:
        result["errorType"] = "CONNECTION_ERROR"
    else:
        result["originalStatusCode"] = status
        result["success"] = httpx.codes.is_success(status)
        if not result["success"]:
            result["errorType"] = "WRONG_STATUS_CODE"
    return {**result, "responseReceivedAt": written(datetime.now(UTC))}


def _client() -> httpx.Client:
    return httpx.Client(timeout=TIMEOUT, trust_env=False)


class Courier:
    """One thread that empties the mailbox, letter by letter, in order."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="toloka-courier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._mailbox.wake()
        self._thread.join(TIMEOUT)

    def _work(self) -> None:
        with _client() as client:
            while not self._stopping.is_set():
                letter = self._mailbox.take(_PAUSE)
                if letter is not None:
                    self._mailbox.delivered(letter, _outcome(client, letter))


def _outcome(client: httpx.Client, letter: Letter) -> str:
    try:
        return str(sent(client, letter).status_code)
    except httpx.HTTPError as error:
        return type(error).__name__
