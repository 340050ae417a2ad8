"""Somebody at the pages of a running product while its parts are away."""

import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

import httpx

from tests.embedded.observe import eventually
from tests.faults.sides import Product


class Look(NamedTuple):
    path: str
    status: int
    began: float
    ended: float


class Visitor(threading.Thread):
    """Somebody who is signed in, reloads pages all the time, and notes what comes back."""

    def __init__(self, ours: Product, link: str, token: str) -> None:
        super().__init__(daemon=True)
        self.home, self.link, self.token = f"http://127.0.0.1:{ours.port}", link, token
        self.seen: list[Look] = []
        self.error: Exception | None = None
        self.inside, self.left = threading.Event(), threading.Event()

    def run(self) -> None:
        try:
            self.look()
        except Exception as error:  # noqa: BLE001  the test tells of it
            self.error = error

    def look(self) -> None:
        with httpx.Client(base_url=self.home, trust_env=False, timeout=60) as client:
            client.get(self.link)
            form = {"csrfmiddlewaretoken": client.cookies["csrftoken"]}
            assert client.post(self.link, data=form).status_code == 302
            self.inside.set()
            while not self.left.wait(0.05):
                for path in ("/", "/account/", "/api/v1/projects"):
                    headers = {"Authorization": f"Bearer {self.token}"} if path.startswith("/api") else {}
                    began = time.monotonic()
                    status = client.get(path, headers=headers).status_code
                    self.seen.append(Look(path, status, began, time.monotonic()))

    def served_since(self, moment: float) -> float:
        """Return when the first page had come that was asked for after a moment."""
        assert eventually(lambda: self.error or any(self._good(moment)), seconds=60), "no page came any more"
        assert self.error is None
        return next(self._good(moment))

    def _good(self, moment: float) -> Iterator[float]:
        return (one.ended for one in self.seen if one.path == "/" and one.status == 200 and one.began > moment)
