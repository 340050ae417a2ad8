"""People of a hosted platform on Winnow's own page, as JSON over HTTP.

What there is to read and to send is told in docs/platforms/mturk.md, "The page for machines".
"""

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

Answer = Callable[[Mapping[str, Any], Mapping[str, Any], random.Random], Mapping[str, Any] | bytes]
"""Given the page and one of its tasks, what a person answers: a payload, or the bytes of a photo."""


class People(Protocol):
    """Who comes from a platform: one character for each of its worker ids."""

    def of(self, worker_id: str) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Guest:
    """Agrees, goes through training and exam, and hands the page in that was come for."""

    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, follow_redirects=True, timeout=30))
    most_pages: int = 10

    def work(self, url: str, answer: Answer, chance: random.Random) -> dict[str, Any]:
        """Return what the page says last: its `state` is `done` when there is something to hand in elsewhere."""
        told = self.get(url)
        if told["state"] == "consent":
            told = self._post(told["agree"], {"agree": True, "adult": True}, base=url)
        for _ in range(self.most_pages):
            if told["state"] != "page":
                break
            told = self._do(told, url, answer, chance)
        return told

    def _do(self, page: dict[str, Any], base: str, answer: Answer, chance: random.Random) -> dict[str, Any]:
        given = {one["id"]: answer(page, one, chance) for one in page["tasks"]}
        photos = {number: data for number, data in given.items() if isinstance(data, bytes)}
        for number, data in photos.items():
            self._send(page["uploads"], number, data, base)
        answers = {number: payload for number, payload in given.items() if number not in photos}
        if page["kind"] == "training":
            for number, payload in answers.items():
                self._train(page, number, payload, base)
        sent = self._post(page["submit"], {"answers": answers, "ms": chance.randrange(5_000, 60_000)}, base=base)
        return self.get(_join(base, sent["next"])) if "next" in sent else {"state": "closed"}

    def _train(self, page: Mapping[str, Any], number: int, payload: Any, base: str) -> None:
        """Answer, and if that is wrong, learn: every other choice is tried until it is right."""
        for one in (payload, *({"answer": option["value"]} for option in page["options"])):
            if self._post(f"{page['answers']}{number}/", {"payload": one}, base=base).get("ok"):
                return

    def _send(self, uploads: str, number: int, photo: bytes, base: str) -> None:
        about = {"answer": number, "size": len(photo), "sha256": hashlib.sha256(photo).hexdigest()}
        begun = self._post(uploads, about, base=base)
        here = f"{_join(base, uploads)}{begun['id']}/"
        for start in range(begun["received"], len(photo), begun["piece"]):
            piece = photo[start : start + begun["piece"]]
            self.http.put(here, params={"offset": start}, content=piece).raise_for_status()
        self.http.post(f"{here}done/").raise_for_status()

    def get(self, url: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(url, headers={"Accept": "application/json"}).json()
        return found

    def _post(self, path: str, body: Any, *, base: str) -> dict[str, Any]:
        answer = self.http.post(_join(base, path), json=body, headers={"Accept": "application/json"})
        told: dict[str, Any] = answer.json()
        return told


def _join(base: str, path: str) -> str:
    return str(httpx.URL(base).join(path))
