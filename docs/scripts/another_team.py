"""What another team's nightly job may look like: send pictures, be told, query, freeze, export, verify.

    TOKEN=wnw_… PYTHONPATH=docs/client python docs/scripts/another_team.py \
        --server https://winnow.example --project gestures --folder photos \
        --listen 0.0.0.0:8443 --told-at https://team.example:8443/told --out set.zip

That pictures are judged, that the version is frozen and that the export is ready, webhooks tell. Every few minutes
(`--ask-after`) it asks itself all the same, for a webhook that never came. It prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from winnow_client import NotVerified, Winnow, verify_message

TOPICS = ("asset.accepted", "asset.rejected", "version.published", "export.ready")


class Told:
    """What the webhooks have said so far; each message counts once, whatever the number of its deliveries."""

    def __init__(self) -> None:
        self.secret = ""
        self._items: dict[str, list[dict[str, Any]]] = {topic: [] for topic in TOPICS}
        self._seen: set[str] = set()
        self._news = threading.Condition()

    def hear(self, headers: dict[str, str], body: bytes) -> None:
        message = verify_message(self.secret, headers, body)
        ident = {name.lower(): value for name, value in headers.items()}["webhook-id"]
        with self._news:
            if ident not in self._seen:
                self._seen.add(ident)
                self._items.setdefault(message["type"], []).extend(message["data"]["items"])
                self._news.notify_all()

    def values(self, topic: str, name: str) -> set[str]:
        return {item[name] for item in self._items[topic]}

    def wait(
        self,
        is_told: Callable[[], bool],
        what: str,
        *,
        topics: Sequence[str] = (),
        ask: Callable[[], bool],
        ask_after: float,
        patience: float,
    ) -> None:
        """Wait while there is news of the topics every `patience` seconds; ask every `ask_after` seconds."""
        began = asked = time.monotonic()
        known = self._told_of(topics)
        while True:
            with self._news:
                if is_told():
                    return
                self._news.wait(max(0.0, min(asked + ask_after, began + patience) - time.monotonic()))
            now, told = time.monotonic(), self._told_of(topics)
            if told > known:
                began, known = now, told
            if now - asked >= ask_after:
                asked = now
                if ask():
                    return
            if now - began >= patience:
                raise TimeoutError(f"Nothing was told of {what} for {patience:g} s.")

    def _told_of(self, topics: Sequence[str]) -> int:
        return sum(len(self._items[topic]) for topic in topics)


@contextmanager
def listening(address: str, told: Told) -> Iterator[None]:
    """Answer webhooks: 204 for what is signed, 400 for everything else."""

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                told.hear(dict(self.headers.items()), body)
                self.send_response(204)
            except (NotVerified, ValueError, KeyError):
                self.send_response(400)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    host, _, port = address.rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def work(winnow: Winnow, told: Told, asked: argparse.Namespace) -> dict[str, Any]:
    project = winnow.project(asked.project)["id"]
    hook = winnow.add_webhook(project, asked.told_at, TOPICS)
    told.secret = hook["secret"]
    try:
        sent = winnow.send_folder(project, asked.folder, progress=lambda done, n: say(f"{done} of {n} sent"))
        mine = {line["client_key"] for line in sent["lines"] if line["status"] == "new"}

        day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()

        def keys(state: str) -> set[str]:
            rows = winnow.assets(project=project, q=f"state:{state} created:{day}..")
            return mine & {row["client_key"] for row in rows}

        def is_judged() -> bool:
            return mine <= told.values("asset.accepted", "client_key") | told.values("asset.rejected", "client_key")

        terms: Any = {"ask_after": asked.ask_after, "patience": asked.patience}
        told.wait(
            is_judged,
            "the pictures",
            topics=("asset.accepted", "asset.rejected"),
            ask=lambda: mine <= keys("published") | keys("dropped"),
            **terms,
        )
        accepted, rejected = keys("published"), keys("dropped")
        version = winnow.post("datasets", {"project": project, "note": asked.note})
        told.wait(
            lambda: version["id"] in told.values("version.published", "datasetversion"),
            "the version",
            ask=lambda: has_ended(winnow.get(f"datasets/{version['id']}"), "frozen"),
            **terms,
        )
        export = winnow.post("exports", {"dataset": version["id"], "format": asked.format})
        told.wait(
            lambda: export["id"] in told.values("export.ready", "export"),
            "the export",
            ask=lambda: has_ended(winnow.get(f"exports/{export['id']}"), "done"),
            **terms,
        )
        receipt = winnow.fetch_export(winnow.get(f"exports/{export['id']}"), to=asked.out)
    finally:
        winnow.delete(f"webhooks/{hook['id']}")
    counts = {name: sent[name] for name in ("received", "new", "existing", "refused")}
    return {
        "sent": counts,
        "accepted": sorted(accepted),
        "rejected": sorted(rejected),
        "published": len(accepted),
        "version": version["number"],
        "images": receipt["images"],
        "verified": True,
        "file": str(asked.out),
    }


def has_ended(row: dict[str, Any], state: str) -> bool:
    if row["state"] in {"failed", "cancelled"}:
        raise RuntimeError(row.get("error") or f"It ended as {row['state']}.")
    return bool(row["state"] == state)


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("server", "project", "folder", "listen", "told-at", "out"):
        reader.add_argument(f"--{name}", required=True)
    reader.add_argument("--format", default="coco")
    reader.add_argument("--note", default="nightly")
    reader.add_argument("--patience", type=float, default=24 * 3600.0, help="seconds without news after which to stop")
    reader.add_argument("--ask-after", type=float, default=300.0, help="seconds after which to ask")
    asked = reader.parse_args()
    told = Told()
    with listening(asked.listen, told):
        found = work(Winnow(asked.server, os.environ["TOKEN"]), told, asked)
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
