"""The simulated web over HTTP: `/search` answers as searx does, `/files/` are the addresses it leads to."""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from crowd.emulators.search.world import LICENCES, PICTURE, World, digest_of

HOST: Final = "127.0.0.1"
DEAD_HOST: Final = "127.0.0.2"  # nobody listens there
PRIVATE: Final = "http://169.254.169.254/latest/meta-data"
BLOCKED_EVERY: Final = 40  # so manieth question of an engine is refused, as by engines that are asked too often
Answer = tuple[int, str, bytes]


class SearchEmulator:
    """Serves a world; `asked` counts the questions by query, engine and page."""

    def __init__(self, world: World, *, patient: bool = True) -> None:
        self.world, self.patient = world, patient
        self.asked: Counter[tuple[str, str, str]] = Counter()
        self._engines: list[str] = []
        self._lock = threading.Lock()
        self.url = ""
        self.hosts: frozenset[str] = frozenset()

    @contextmanager
    def serve(self, port: int = 0) -> Iterator["SearchEmulator"]:
        server = ThreadingHTTPServer((HOST, port), _handler(self))
        server.daemon_threads = True
        number = int(server.server_address[1])
        self.url, self.hosts = f"http://{HOST}:{number}", frozenset({f"{HOST}:{number}", f"{DEAD_HOST}:{number}"})
        thread = threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, path: str) -> Answer | str:
        """Return what a path gives; a text is the address it leads on to."""
        parts = urlsplit(path)
        if parts.path == "/search":
            return self._search({name: values[0] for name, values in parse_qs(parts.query).items()})
        return self._file(parts.path)

    def _search(self, question: dict[str, str]) -> Answer:
        text, page = " ".join(question.get("q", "").split()), question.get("pageno", "1")
        engine = question.get("engines", "")
        if question.get("format") != "json" or not text or not engine:
            return 400, "text/plain", b"ask with q, engines and format=json"
        with self._lock:
            self.asked[text, engine, page] += 1
            if engine not in self._engines:
                self._engines.append(engine)
            before = self._engines.index(engine)
            tired = not self.patient and sum(n for (_, of, _), n in self.asked.items() if of == engine) % BLOCKED_EVERY
        document: dict[str, Any] = {"query": text, "results": [], "unresponsive_engines": []}
        if not self.patient and tired == 0:
            document["unresponsive_engines"] = [[engine, "too many requests"]]
        elif question.get("categories") == "images":
            document["results"] = self._hits(text, before) if page == "1" else []
        else:
            document["number_of_results"] = self.world.results(text)
            document["results"] = [{"url": f"{self.url}/pages/{digest_of(text)}", "title": text}]
        return 200, "application/json", json.dumps(document).encode()

    def _hits(self, text: str, before: int) -> list[dict[str, str]]:
        digest, whole = digest_of(text), self.world.behind(text)
        return [
            {
                "url": f"{self.url}/pages/{digest}-{place}",
                "img_src": self._address(digest, place, whole[place].kind),
                "title": f"{text} {place + 1}",
                "license": LICENCES[place % len(LICENCES)],
            }
            for place in self.world.shown_by(text, before)
        ]

    def _address(self, digest: str, place: int, kind: str) -> str:
        base = self.url.replace(HOST, DEAD_HOST) if kind == "dead" else self.url
        return f"{base}/files/{digest}/{place}.jpg"

    def _file(self, path: str) -> Answer | str:
        words = path.strip("/").removesuffix(".jpg").split("/")
        place = int(words[2]) if len(words) == 3 and words[0] == "files" and words[2].isdecimal() else -1
        found = self.world.at(words[1], place) if place >= 0 else None
        if found is None or found.kind == "gone":
            return 404, "text/html", b"<html><body>not here any more</body></html>"
        if found.kind == "private":
            return PRIVATE
        if found.kind == PICTURE:
            drawn = self.world.picture(words[1], place)
            return 200, "image/jpeg", drawn[0] if drawn else b""
        noise = random.Random(path).randbytes(2_000)  # cut off in its header, as when a server gives up
        bodies = {
            "page": b"<!doctype html><html>Please enable scripts</html>" * 5,
            "broken": b"\xff\xd8\xff\xe0" + noise,
        }
        return 200, "image/jpeg", bodies.get(found.kind, b"")


def _handler(emulator: SearchEmulator) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = emulator.answer(self.path)
            with suppress(OSError):
                self._lead_on(found) if isinstance(found, str) else self._send(*found)

        def _lead_on(self, to: str) -> None:
            self.send_response(302)
            self.send_header("Location", to)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
