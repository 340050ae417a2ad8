"""What another team's nightly job may look like: send pictures, be told, query, freeze, export, verify.

    TOKEN=wnw_… PYTHONPATH=docs/client python docs/scripts/another_team.py \
        --server https://winnow.example --project gestures --folder photos \
        --listen 0.0.0.0:8443 --told-at https://team.example:8443/told --out set.zip

It asks nothing again and again: that pictures are judged and that the export is ready, webhooks tell. It prints one
JSON document.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

    def wait(self, is_there: Callable[[], bool], what: str, patience: float) -> None:
        """Wait as long as there is news at least every `patience` seconds."""
        with self._news:
            while not is_there():
                if not self._news.wait(patience):
                    raise TimeoutError(f"Nothing was told of {what} for {patience:g} s.")


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

        def judged() -> set[str]:
            return told.values("asset.accepted", "client_key") | told.values("asset.rejected", "client_key")

        told.wait(lambda: mine <= judged(), "the pictures", asked.patience)
        published = [row["client_key"] for row in winnow.assets(project=project, q="state:published")]
        version = winnow.freeze(project, note=asked.note)
        told.wait(lambda: version["id"] in told.values("version.published", "datasetversion"), "it", asked.patience)
        export = winnow.post("exports", {"dataset": version["id"], "format": asked.format})
        told.wait(lambda: export["id"] in told.values("export.ready", "export"), "the export", asked.patience)
        receipt = winnow.fetch_export(winnow.get(f"exports/{export['id']}"), to=asked.out)
    finally:
        winnow.delete(f"webhooks/{hook['id']}")
    counts = {name: sent[name] for name in ("received", "new", "existing", "refused")}
    return {
        "sent": counts,
        "accepted": sorted(mine & told.values("asset.accepted", "client_key")),
        "rejected": sorted(mine & told.values("asset.rejected", "client_key")),
        "published": len(published),
        "version": version["number"],
        "images": receipt["images"],
        "verified": True,
        "file": str(asked.out),
    }


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("server", "project", "folder", "listen", "told-at", "out"):
        reader.add_argument(f"--{name}", required=True)
    reader.add_argument("--format", default="coco")
    reader.add_argument("--note", default="nightly")
    reader.add_argument("--patience", type=float, default=24 * 3600.0, help="seconds without news after which to stop")
    asked = reader.parse_args()
    told = Told()
    with listening(asked.listen, told):
        found = work(Winnow(asked.server, os.environ["TOKEN"]), told, asked)
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
