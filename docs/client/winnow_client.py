"""Winnow's REST API from Python 3.10 or newer, without any package: copy this file, or install it with pip.

    winnow = Winnow("https://winnow.example", token)
    winnow.send_folder(project, "photos", progress=print)
    for asset in winnow.assets(project=project, q="state:published class:palm"): ...
    receipt = winnow.export(dataset, "coco", to="palms.zip")

Calls that fail for a while are tried again with growing pauses. Writes carry an Idempotency-Key, and pictures a key of
yours, so that trying again never does anything twice. Downloads and uploads go on where they broke off, and are
compared with their SHA-256.
"""

from __future__ import annotations

import base64
import glob
import hashlib
import hmac
import http.client
import io
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.response import addinfourl

MEGABYTE = 1024 * 1024
BATCH_LINES, BATCH_BYTES = 500, 12 * MEGABYTE  # what is answered at once
SMALL = MEGABYTE  # larger files are sent in pieces
TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
UNDER_WAY = "still_under_way"  # the first try of this very request
TOO_OLD = (403, "no_problem_document")  # what a bucket says to a link whose time is over
ENDS = frozenset({"done", "frozen", "failed", "refused", "cancelled"})
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
OLDEST_MESSAGE = 300  # seconds
Progress = Callable[[int, int], object]
Json = dict[str, Any]


class WinnowError(Exception):
    """The server refused. `code` is stable; the sentence says what to do."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status, self.code, self.detail = status, code, detail


class NotVerified(Exception):
    """What was downloaded is not what its receipt promises."""


class Winnow:
    """One server and one token. Safe to use from several threads: it holds no state between calls."""

    def __init__(self, url: str, token: str, *, timeout: float = 60.0, tries: int = len(PAUSES) + 1) -> None:
        self._api = f"{url.rstrip('/')}/api/v1"
        self._token, self._timeout, self._tries = token, timeout, tries

    # --- any address -------------------------------------------------------------------------------------------------
    def get(self, path: str, **query: object) -> Any:
        return self._json("GET", path, query=query)

    def post(self, path: str, body: Mapping[str, object] | None = None, **query: object) -> Any:
        return self._json("POST", path, body=body or {}, query=query)

    def patch(self, path: str, body: Mapping[str, object]) -> Any:
        return self._json("PATCH", path, body=body)

    def delete(self, path: str) -> None:
        self._json("DELETE", path)

    def rows(self, path: str, **query: object) -> Iterator[Json]:
        """Yield every row of a list, page by page."""
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            page = self.get(path, **query, **more)
            yield from page["results"]
            cursor = page["next"]
            if cursor is None:
                return

    # --- nouns -------------------------------------------------------------------------------------------------------
    def projects(self) -> Iterator[Json]:
        return self.rows("projects")

    def project(self, slug: str) -> Json:
        """Return the project with this short name."""
        found = next(self.rows("projects", slug=slug), None)
        if found is None:
            raise WinnowError(404, "not_found", f"This token opens no project {slug!r}.")
        return found

    def assets(self, *, project: str, q: str = "", **filters: object) -> Iterator[Json]:
        """Yield assets; `q` is the query language of docs/query.md."""
        return self.rows("assets", project=project, **({"q": q} if q else {}), **filters)

    def freeze(self, project: str, note: str = "", *, patience: float = 3600.0, **more: object) -> Json:
        """Freeze what is published now as the next version of the data set, and wait until it is."""
        asked = self.post("datasets", {"project": project, "note": note, **more})
        return self._ended(f"datasets/{asked['id']}", patience)

    def add_webhook(self, project: str, url: str, topics: Iterable[str]) -> Json:
        """Have an address told; the answer's `secret` is shown only now."""
        return dict(self.post("webhooks", {"project": project, "url": url, "topics": list(topics)}))

    # --- sending -----------------------------------------------------------------------------------------------------
    def send_folder(
        self, project: str, folder: str | Path, *, stage: str = "", progress: Progress | None = None
    ) -> Json:
        """Send every picture below a folder, its path as its key, and return received, new, existing, refused, lines.

        Again it adds nothing: what is there is found by its key.
        """
        root = Path(folder)
        files = [path for path in sorted(root.rglob("*")) if path.suffix.lower() in PICTURES and path.is_file()]
        named = ((path.relative_to(root).as_posix(), path) for path in files)
        return self.send(project, named, stage=stage, total=len(files), progress=progress)

    def send(
        self,
        project: str,
        files: Iterable[tuple[str, Path]],
        *,
        stage: str = "",
        total: int = 0,
        progress: Progress | None = None,
    ) -> Json:
        """Send files with your own keys: small ones together, large ones in pieces; each is answered on its own."""
        answers: list[Json] = []
        lines: list[Json] = []
        size = 0

        def flush() -> None:
            nonlocal lines, size
            answers.extend(self.send_lines(project, lines, stage=stage) if lines else [])
            lines, size = [], 0
            if progress:
                progress(len(answers), total)

        for key, path in files:
            length = path.stat().st_size
            if length > SMALL:
                lines.append({"client_key": key, "name": path.name, "upload": self.upload(project, path)["id"]})
            else:
                data = base64.b64encode(path.read_bytes()).decode()
                lines.append({"client_key": key, "name": path.name, "data_base64": data})
            size += length
            if len(lines) >= BATCH_LINES or size >= BATCH_BYTES:
                flush()
        flush()
        words = ("new", "existing", "fetching", "taking_in", "refused")
        counts = {word: sum(one["status"] == word for one in answers) for word in words}
        return {"received": len(answers), **counts, "lines": answers}

    def send_lines(
        self, project: str, lines: Iterable[Mapping[str, object]], *, stage: str = "", patience: float = 3600.0
    ) -> list[Json]:
        """Send one batch of lines {"client_key", "name"?, "data_base64" | "upload" | "url"} and return the answers.

        A large one is taken in by a job of the server; this waits for it.
        """
        text = "\n".join(json.dumps(line) for line in lines).encode()
        query = {"project": project, **({"stage": stage} if stage else {})}
        answer = self._json("POST", "assets:batch", raw=text, kind="application/jsonl", query=query)
        if answer["state"] != "done":
            self._ended(f"batches/{answer['id']}?fields=state", patience)
            answer = self.get(f"batches/{answer['id']}")
        return list(answer["lines"])

    def upload(self, project: str, path: str | Path, *, progress: Progress | None = None) -> Json:
        """Send all bytes of a large file in pieces; a file that is under way is gone on with. See `complete`."""
        file = Path(path)
        size, digest = file.stat().st_size, sha256_of(file)
        wish = {"project": project, "name": file.name, "size": size, "sha256": digest}
        upload: Json = self.post("uploads", wish)
        offset, piece = int(upload["received"]), int(upload["most_piece"])
        with file.open("rb") as source:
            while offset < size:
                source.seek(offset)
                before, offset = offset, self._send_piece(upload["id"], offset, source.read(piece))
                if offset <= before:
                    raise WinnowError(409, "wrong_offset", f"The server keeps nothing behind byte {offset:,}.")
                if progress:
                    progress(offset, size)
        return upload

    def complete(
        self, upload: str, *, camera: str = "", location: str = "", started_at: str = "", patience: float = 3600.0
    ) -> Json:
        """Have a sent file taken in and wait until that is done; returns the upload with its receipt.

        Of a clip may be said which camera took it, where, and when it begins ("2026-01-05T08:10:00+01:00").
        """
        said = {"camera": camera, "location": location, "started_at": started_at}
        row: Json = self.post(f"uploads/{upload}/complete", {name: text for name, text in said.items() if text} or None)
        return row if row["state"] in {"done", "refused"} else self._ended(f"uploads/{upload}", patience)

    def _send_piece(self, upload: str, offset: int, data: bytes) -> int:
        """Send a piece and return the offset that follows, also when the server had more or less than we thought."""
        headers = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        try:
            with self._call("PATCH", f"uploads/{upload}", data=data, headers=headers) as answer:
                return int(answer.headers["Upload-Offset"])
        except WinnowError as error:
            if error.code != "wrong_offset":
                raise
            return int(self.get(f"uploads/{upload}")["received"])

    # --- fetching ----------------------------------------------------------------------------------------------------
    def export(self, dataset: str, form: str, *, to: str | Path, patience: float = 3600.0, **more: object) -> Json:
        """Ask for an export, wait for it, download and verify it; returns its receipt."""
        asked = self.post("exports", {"dataset": dataset, "format": form, **more})
        return self.fetch_export(self._ended(f"exports/{asked['id']}", patience), to=to)

    def fetch_export(self, export: Json, *, to: str | Path, progress: Progress | None = None) -> Json:
        """Download a finished export, going on where an earlier try broke off, and verify it by its receipt.

        What lies there half of another export is removed; so is a file that is not what the receipt promises.
        """
        receipt: Json = export["receipt"]
        path = Path(to)
        part = path.with_name(f"{path.name}.{receipt['zip_sha256'][:12]}.part")
        for other in path.parent.glob(f"{glob.escape(path.name)}.{'[0-9a-f]' * 12}.part"):
            if other != part:
                other.unlink()
        self._download(f"exports/{export['id']}/download", part, int(receipt["zip_bytes"]), progress)
        try:
            verify_export(part, receipt)
        except NotVerified:
            part.unlink()
            raise
        part.replace(path)
        return receipt

    def _download(self, address: str, part: Path, size: int, progress: Progress | None) -> None:
        tries = 0
        while (there := part.stat().st_size if part.exists() else 0) < size:
            try:
                with (
                    self._call("GET", address, headers={"Range": f"bytes={there}-"}, is_stream=True) as answer,
                    part.open("ab" if answer.status == 206 else "wb") as target,
                ):
                    while block := answer.read(MEGABYTE):
                        target.write(block)
                        if progress:
                            progress(target.tell(), size)
            except (OSError, http.client.HTTPException):
                pass  # what arrived is kept; the next round goes on behind it
            except WinnowError as error:
                if (error.status, error.code) != TOO_OLD:
                    raise  # else the next round asks for a new link
            tries = tries + 1 if part.exists() and part.stat().st_size == there else 0
            if tries >= self._tries:
                raise NotVerified(f"Only {there:,} of {size:,} bytes of {address} arrived.")
            time.sleep(PAUSES[min(tries, len(PAUSES) - 1)] if tries else 0)

    def _ended(self, address: str, patience: float) -> Json:
        """Wait until a row is done, frozen, failed or refused."""
        end, pause = time.monotonic() + patience, 0.2
        while (row := self.get(address))["state"] not in ENDS:
            if time.monotonic() > end:
                raise TimeoutError(f"{address} is still {row['state']} after {patience:g} s.")
            time.sleep(pause)
            pause = min(5.0, 1.5 * pause)
        if row["state"] in {"failed", "cancelled"}:
            raise WinnowError(409, row["state"], row.get("error") or f"{address} ended as {row['state']}.")
        return dict(row)

    # --- the wire ----------------------------------------------------------------------------------------------------
    def _json(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        raw: bytes | None = None,
        kind: str = "application/json",
        query: Mapping[str, object] | None = None,
    ) -> Any:
        data = raw if body is None else json.dumps(body).encode()
        headers = {"Content-Type": kind} if data is not None else {}
        if method == "POST" and kind == "application/json":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        with self._call(method, path, data=data, headers=headers, query=query) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def _call(
        self,
        method: str,
        path: str,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        is_stream: bool = False,
    ) -> Any:
        """Make a call, again while the trouble is temporary. A stream is still to be read, and may break off."""
        url = f"{self._api}/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        every = {"Authorization": f"Bearer {self._token}", "User-Agent": "winnow-client/1", **(headers or {})}
        for left in range(self._tries - 1, -1, -1):
            wait = PAUSES[min(self._tries - 1 - left, len(PAUSES) - 1)] * random.uniform(0.7, 1.3)  # noqa: S311
            try:
                request = urllib.request.Request(url, data=data, headers=every, method=method)  # noqa: S310
                answer = _OPENER.open(request, timeout=self._timeout)
                return answer if is_stream else _whole(answer)
            except urllib.error.HTTPError as refusal:
                error = _refusal(refusal)
                if not left or (error.status not in TEMPORARY and error.code != UNDER_WAY):
                    raise error from None
                wait = max(wait, _seconds(refusal.headers.get("Retry-After")))
            except (OSError, http.client.HTTPException):
                if not left:
                    raise
            time.sleep(wait)
        raise AssertionError("the last try returns or raises")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to where a file lies, but takes the token nowhere else."""

    def redirect_request(self, request: Any, *rest: Any) -> urllib.request.Request | None:
        following = super().redirect_request(request, *rest)
        if following is not None and following.host != request.host:
            following.remove_header("Authorization")
        return following


_OPENER = urllib.request.build_opener(_Redirects)


def _whole(answer: Any) -> addinfourl:
    """Read an answer to its end, so that one that breaks off is asked for again."""
    with answer:
        return addinfourl(io.BytesIO(answer.read()), answer.headers, answer.url, answer.status)


def _refusal(answer: urllib.error.HTTPError) -> WinnowError:
    text = answer.read()
    try:
        told = json.loads(text)
        return WinnowError(answer.code, str(told["code"]), str(told["detail"]))
    except (ValueError, KeyError, TypeError):
        return WinnowError(answer.code, "no_problem_document", text[:200].decode(errors="replace"))


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdecimal() else 0.0


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(MEGABYTE):
            digest.update(block)
    return digest.hexdigest()


def verify_export(path: Path, receipt: Mapping[str, Any]) -> None:
    """Raise NotVerified unless the file, and every file in it, is what the receipt promises."""
    if sha256_of(path) != receipt["zip_sha256"]:
        raise NotVerified(f"{path} is not the file whose SHA-256 the receipt tells.")
    with zipfile.ZipFile(path) as archive:
        promised: dict[str, Any] = json.loads(archive.read("receipt.json"))
        for one in promised["files"]:
            with archive.open(one["path"]) as file:
                found = hashlib.sha256()
                while block := file.read(MEGABYTE):
                    found.update(block)
            if found.hexdigest() != one["sha256"]:
                raise NotVerified(f"{one['path']} in {path} is not the file whose SHA-256 the receipt tells.")
        for name in ("images", "boxes", "negatives"):
            if promised[name] != receipt[name]:
                raise NotVerified(f"The receipt inside {path} counts {promised[name]} {name}, not {receipt[name]}.")


def verify_message(secret: str, headers: Mapping[str, str], body: bytes) -> Json:
    """Return what a webhook says, or raise NotVerified: not signed with this secret, or older than five minutes."""
    given = {name.lower(): value for name, value in headers.items()}
    ident, moment = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    signed = f"{ident}.{moment}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    signatures = given.get("webhook-signature", "").split()
    if not any(hmac.compare_digest(one, expected) for one in signatures):
        raise NotVerified("This message is not signed with the webhook's secret.")
    if abs(time.time() - float(moment)) > OLDEST_MESSAGE:
        raise NotVerified("This message is older than five minutes.")
    told: Json = json.loads(body)
    return told
