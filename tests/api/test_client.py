"""The Python client and another team's script, against a real server that really works its jobs off."""

import io
import json
import os
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections
from django.utils import timezone
from PIL import Image

from curation.models import Asset, Export, Job, Project, Stage, Webhook
from curation.services import file_uploads, jobs
from tests.api.conftest import token_of
from tests.doors.conftest import photo
from tests.factories import make_project, make_user
from tests.pages.conftest import server as server

ROOT = Path(django_settings.BASE_DIR)
sys.path.insert(0, str(ROOT / "docs" / "client"))
sys.path.insert(0, str(ROOT / "docs" / "scripts"))
import winnow_client  # noqa: E402
from another_team import Told  # noqa: E402
from winnow_client import NotVerified, Winnow, WinnowError, verify_export, verify_message  # noqa: E402

pytestmark = pytest.mark.django_db(transaction=True)
SMALL_IS_WELL = {"min_long": 100, "min_short": 100}


@pytest.fixture
def machine() -> Project:
    """A project without people: what passes the checks is published."""
    project = make_project("Machine", lead=make_user("Alice"))
    project.stages.filter(kind__in=["collect", "validate"]).delete()
    Stage.objects.filter(project=project, kind="checks").update(settings=SMALL_IS_WELL)
    return project


@pytest.fixture
def token(machine: Project) -> str:
    return token_of(machine.memberships.get().user)


@pytest.fixture
def served(server: str, workers: None) -> str:
    return server


@pytest.fixture
def workers() -> Iterator[None]:
    """Jobs are done as they become due."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.05):
            now = timezone.now()
            for job_id in Job.objects.filter(state=Job.State.DUE, next_at__lte=now).values_list("pk", flat=True):
                jobs.run(job_id=job_id, now=now)
        connections.close_all()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(120)


def folder_of_photos(folder: Path) -> Path:
    (folder / "day-1").mkdir(parents=True)
    for number in range(4):
        (folder / "day-1" / f"{number}.jpg").write_bytes(photo(number, (480, 320)))
    Image.open(io.BytesIO(photo(9, (1600, 1200)))).save(folder / "large.png")
    assert (folder / "large.png").stat().st_size > winnow_client.SMALL
    (folder / "tiny.jpg").write_bytes(photo(10, (64, 48)))
    (folder / "notes.txt").write_text("left out")
    return folder


def test_another_team_sends_is_told_queries_exports_and_verifies(
    served: str, machine: Project, token: str, tmp_path: Path, settings: Any
):
    folder_of_photos(tmp_path / "photos")
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    settings.ALLOWED_PRIVATE_HOSTS = [listen]
    arguments = ["--server", served, "--project", machine.slug, "--folder", str(tmp_path / "photos")]
    arguments += ["--listen", listen, "--told-at", f"http://{listen}/told", "--out", str(tmp_path / "set.zip")]
    done = subprocess.run(
        [sys.executable, "docs/scripts/another_team.py", *arguments, "--patience", "400"],
        cwd=ROOT,
        env={**os.environ, "TOKEN": token, "PYTHONPATH": "docs/client"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["sent"] == {"received": 6, "new": 6, "existing": 0, "refused": 0}
    assert told["rejected"] == ["tiny.jpg"]
    assert told["accepted"] == [*(f"day-1/{number}.jpg" for number in range(4)), "large.png"]
    assert (told["published"], told["images"], told["version"], told["verified"]) == (5, 5, 1, True)
    assert "receipt.json" in zipfile.ZipFile(tmp_path / "set.zip").namelist()
    assert not Webhook.objects.exists()
    again = Winnow(served, token).send_folder(str(machine.public_id), tmp_path / "photos")
    assert (again["new"], again["existing"]) == (0, 6)
    _goes_on_where_it_broke(served, token, tmp_path)


def _goes_on_where_it_broke(server: str, token: str, folder: Path) -> None:
    """A download that broke off in the middle is finished, and a file that was changed is found out."""
    winnow, export = Winnow(server, token), Export.objects.get()
    row = winnow.get(f"exports/{export.public_id}")
    whole = (folder / "set.zip").read_bytes()
    part = folder / f"again.zip.{row['receipt']['zip_sha256'][:12]}.part"
    part.write_bytes(whole[:1000])
    (folder / "again.zip.0123456789ab.part").write_bytes(b"x" * (len(whole) + 1))
    steps: list[int] = []
    winnow.fetch_export(row, to=folder / "again.zip", progress=lambda there, _: steps.append(there))
    assert (folder / "again.zip").read_bytes() == whole
    assert steps[0] > 1000
    part.write_bytes(b"x" * len(whole))
    with pytest.raises(NotVerified):
        winnow.fetch_export(row, to=folder / "again.zip")
    assert not list(folder.glob("again.zip.*")), "what is wrong is not met again the next night"
    winnow.fetch_export(row, to=folder / "again.zip")
    (folder / "bad.zip").write_bytes(whole[:-1] + b"x")
    with pytest.raises(NotVerified, match="is not the file whose SHA-256"):
        verify_export(folder / "bad.zip", row["receipt"])


def test_a_webhook_that_never_comes_is_asked_for_after_a_while():
    answers = iter([False, True])
    Told().wait(lambda: False, "it", ask=lambda: next(answers), ask_after=0.01, patience=60)
    assert next(answers, None) is None
    asked, told = [], Told()

    def other_news() -> bool:  # of something else, and more often than it asks
        with told._news:
            told._news.notify_all()
        return False

    def busy() -> bool:
        threading.Timer(0.005, other_news).start()
        return False

    told.wait(busy, "it", ask=lambda: asked.append(1) or True, ask_after=0.05, patience=60)
    assert asked == [1]
    with pytest.raises(TimeoutError, match=r"Nothing was told of it for 0\.02 s"):
        Told().wait(lambda: False, "it", ask=lambda: False, ask_after=0.01, patience=0.02)


def test_a_large_file_is_taken_in_by_itself_and_a_refusal_says_why(
    served: str, machine: Project, token: str, tmp_path: Path
):
    winnow, project = Winnow(served, token), str(machine.public_id)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.jpg", photo(1, (480, 320)))
    (tmp_path / "hands.zip").write_bytes(packed.getvalue())
    done = winnow.complete(winnow.upload(project, tmp_path / "hands.zip")["id"], patience=300)
    assert (done["state"], done["receipt"]["new"]) == ("done", 1)
    assert Asset.objects.filter(project=machine).count() == 1
    with pytest.raises(WinnowError) as refused:
        next(winnow.assets(project=project, q="colour:red"))
    assert (refused.value.status, refused.value.code) == (400, "bad_query")
    with pytest.raises(WinnowError, match="opens no project"):
        winnow.project("nobody")


def test_a_folder_of_more_large_photos_than_may_be_under_way_is_sent(
    served: str, machine: Project, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Room for two stands for that of two hundred."""
    monkeypatch.setattr(file_uploads, "MOST_OPEN", 2)
    monkeypatch.setattr(winnow_client, "BATCH_BYTES", 2 * winnow_client.SMALL)
    for number in range(5):
        padded = photo(number, (480, 320)) + bytes(winnow_client.SMALL)
        (tmp_path / f"{number}.jpg").write_bytes(padded)
    sent = Winnow(served, token).send_folder(str(machine.public_id), tmp_path)
    assert (sent["received"], sent["new"]) == (5, 5), sent["lines"]


def test_an_upload_whose_server_keeps_nothing_more_ends_instead_of_sending_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    winnow = Winnow("http://127.0.0.1:9", "t")
    (tmp_path / "a.zip").write_bytes(b"0123456789")
    monkeypatch.setattr(winnow, "post", lambda *_: {"id": "1", "received": 4, "most_piece": 6})
    monkeypatch.setattr(winnow, "_send_piece", lambda _id, offset, _data: offset)
    with pytest.raises(WinnowError, match="keeps nothing behind byte 4"):
        winnow.upload("p", tmp_path / "a.zip")


def test_calls_that_fail_for_a_while_are_tried_again_with_the_same_key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(winnow_client, "PAUSES", (0.01,) * 6)
    keys: list[str | None] = []

    class Shaky(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            keys.append(self.headers["Idempotency-Key"])
            status = (503, 429, 409, 201, 201)[min(len(keys), 5) - 1]
            body = {201: b'{"id": "1"}', 409: b'{"code": "still_under_way", "detail": "wait"}'}.get(status, b"busy")
            breaks_off = len(keys) == 4
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) + breaks_off))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    shaky = ThreadingHTTPServer(("127.0.0.1", 0), Shaky)
    threading.Thread(target=shaky.serve_forever, daemon=True).start()
    assert Winnow(f"http://127.0.0.1:{shaky.server_port}", "t").post("datasets", {"project": "x"}) == {"id": "1"}
    shaky.shutdown()
    assert len(keys) == 5
    assert len(set(keys)) == 1
    assert keys[0]


def test_a_message_that_is_not_signed_or_old_is_refused():
    body = b'{"type": "test"}'
    with pytest.raises(NotVerified, match="not signed"):
        verify_message(
            "whsec_c2VjcmV0", {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,x"}, body
        )
    from curation.services.webhooks import signature

    old = {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": signature("c2VjcmV0", "1", 1, body)}
    with pytest.raises(NotVerified, match="older than"):
        verify_message("whsec_c2VjcmV0", old, body)
