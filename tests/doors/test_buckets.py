"""Buckets: files sent straight to ours, originals by signed links, pictures of others registered where they lie."""

import base64
import hashlib
import json
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx
import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from moto.server import ThreadedMotoServer
from pytest_django.live_server_helper import LiveServer

from curation.models import Asset, AssetPreview, Event, Export, Job, Project, User
from curation.services import jobs, registering, system
from curation.services.asset_query import matching, parse
from curation.services.datasets import freeze_version, request_export
from curation.services.tokens import SCOPES, create_token
from curation.settings import env
from curation.storing.bucket import BucketStorage
from curation.storing.errors import BucketRefused
from curation.storing.outside import opened
from curation.storing.sources import SourceBucket
from tests.doors.conftest import photo, publish
from tests.factories import make_asset, make_project

sys.path.insert(0, str(Path(django_settings.BASE_DIR) / "docs" / "client"))
import winnow_client

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def object_server() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(object_server: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """An empty bucket called winnow, and the keys to it in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    httpx.post(f"{object_server}/moto-api/reset")
    opened.cache_clear()
    client = boto3.client("s3", endpoint_url=object_server, region_name="us-east-1")
    client.create_bucket(Bucket="winnow")
    return client


@pytest.fixture
def ours(bucket: Any, object_server: str, settings: Any) -> Any:
    """Our own files lie in the bucket."""
    settings.STORAGE_URL = f"s3://winnow?endpoint={object_server}&region=us-east-1"
    settings.STORAGES = {**settings.STORAGES, "default": env.storage(settings.STORAGE_URL)}
    return bucket


@pytest.fixture
def cameras(bucket: Any, object_server: str, settings: Any) -> Any:
    """A bucket of another team: two pictures, one twice, a text, a damaged picture, and one outside the prefix."""
    settings.SOURCE_BUCKETS = (SourceBucket("cameras", "day-1/", object_server, "us-east-1"),)
    bucket.create_bucket(Bucket="cameras")
    files = {"a.jpg": photo(1), "b.jpg": photo(2), "copy.jpg": photo(1), "notes.txt": b"no", "bad.jpg": photo(3)[:400]}
    for name, data in files.items():
        bucket.put_object(Bucket="cameras", Key=f"day-1/{name}", Body=data)
    bucket.put_object(Bucket="cameras", Key="private/c.jpg", Body=photo(9))
    return bucket


@pytest.fixture
def caller(alice: User) -> Client:
    text = create_token(user=alice, name="t", scopes=SCOPES, all_projects=True, now=timezone.now())[1]
    return Client(headers={"authorization": f"Bearer {text}"})


@pytest.fixture
def project(alice: User) -> Project:
    return make_project(lead=alice)


def announced(caller: Client, project: Project, data: bytes) -> Any:
    wish = {"project": str(project.public_id), "name": "a.jpg", "size": len(data), "direct": True}
    wish["sha256"] = hashlib.sha256(data).hexdigest()
    return caller.post("/api/v1/uploads", wish, content_type="application/json").json()


# --- our own bucket --------------------------------------------------------------------------------------------------
def test_a_file_goes_straight_into_the_bucket_and_is_taken_in(caller: Client, project: Project, ours: Any):
    data = photo(1)
    upload = announced(caller, project, data)
    where = f"/api/v1/uploads/{upload['id']}"
    assert caller.post(f"{where}/complete").json()["code"] == "wrong_offset"
    refused = caller.patch(where, b"x", content_type="application/offset+octet-stream", headers={"Upload-Offset": "0"})
    assert "straight to the bucket" in refused.json()["detail"]
    direct = upload["direct"]
    assert httpx.put(direct["url"], content=data, headers=direct["headers"]).status_code == 200
    done = caller.post(f"{where}/complete").json()
    asset = Asset.objects.get(project=project)
    assert (done["state"], done["asset"]) == ("done", str(asset.public_id))
    original = caller.get(f"/api/v1/assets/{asset.public_id}/original")
    assert original.status_code == 302
    assert httpx.get(original["Location"]).content == data
    assert httpx.get(original["Location"].partition("?")[0]).status_code == 403


def test_other_bytes_than_announced_are_not_taken_in(caller: Client, project: Project, ours: Any):
    data = photo(1)
    upload = announced(caller, project, data)
    key = upload["direct"]["url"].partition("?")[0].partition("/winnow/")[2]
    ours.put_object(Bucket="winnow", Key=key, Body=data[::-1])
    answer = caller.post(f"/api/v1/uploads/{upload['id']}/complete")
    assert answer.status_code == 409
    assert "damaged" in answer.json()["detail"]
    assert not Asset.objects.exists()


def test_the_test_of_a_bucket_tries_what_is_done_with_it(ours: Any, monkeypatch: pytest.MonkeyPatch):
    steps = system.probe()
    assert [step.what for step in steps] == ["Write", "Read", "Signed download", "Signed upload", "CORS", "Delete"]
    assert all(step.is_well for step in steps)
    assert ours.list_objects_v2(Bucket="winnow")["KeyCount"] == 0
    monkeypatch.setattr(httpx, "options", lambda *_, **__: httpx.Response(403))
    (step,) = (step for step in system.probe() if not step.is_well)
    assert (step.what, step.is_optional) == ("CORS", True)
    assert "no rule lets scripts of" in step.says


def test_a_bucket_that_is_not_there_is_said_in_words(ours: Any):
    ours.delete_bucket(Bucket="winnow")
    (step,) = system.probe()
    assert not step.is_well
    assert step.says.startswith("there is no such bucket: make it, or mend its name")


def test_a_server_that_does_not_answer_is_said_in_words(bucket: Any, settings: Any):
    url = "s3://winnow?endpoint=http://127.0.0.1:9&region=us-east-1"
    settings.STORAGE_URL, settings.STORAGES = url, {**settings.STORAGES, "default": env.storage(url)}
    (step,) = system.probe()
    assert "the endpoint does not answer" in step.says


def test_a_bucket_that_says_nothing_is_given_up_soon(bucket: Any, settings: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("curation.storing.bucket.READ_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.SOURCE_BUCKETS = (SourceBucket("cameras", "", f"http://127.0.0.1:{silent.getsockname()[1]}", "eu"),)
        began = time.monotonic()
        with pytest.raises(registering.SourceRefused, match="answers too slowly"):
            registering.check("s3://cameras/")
    assert time.monotonic() - began < 120


def test_a_bucket_that_refuses_is_an_answer_that_says_what_to_mend(
    caller: Client, alice: User, project: Project, ours: Any
):
    data = photo(1)
    original = default_storage.save("originals/x", ContentFile(data))
    opened_before = default_storage.open(original)
    wish = {"project": str(project.public_id), "name": "a.jpg", "size": len(data)}
    wish["sha256"] = hashlib.sha256(data).hexdigest()
    upload = caller.post("/api/v1/uploads", wish, content_type="application/json").json()
    ours.delete_object(Bucket="winnow", Key=original)
    with pytest.raises(FileNotFoundError):
        opened_before.read()
    ours.delete_bucket(Bucket="winnow")
    where, binary = f"/api/v1/uploads/{upload['id']}", "application/offset+octet-stream"
    piece = caller.patch(where, data, content_type=binary, headers={"Upload-Offset": "0"})
    line = json.dumps({"client_key": "a", "data_base64": base64.b64encode(data).decode()})
    batch = caller.post(f"/api/v1/assets:batch?project={project.public_id}", line, content_type="application/jsonl")
    for answer in (piece, batch):
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_refused")
        assert "there is no such bucket: make it, or mend its name" in answer.json()["detail"]


# --- buckets of others -----------------------------------------------------------------------------------------------
def ask(caller: Client, project: Project, address: str, **more: str) -> Any:
    path = f"/api/v1/projects/{project.public_id}/buckets"
    return caller.post(path, {"address": address, **more}, content_type="application/json")


def run(job_id: int) -> dict[str, Any]:
    assert jobs.run(job_id=job_id, now=timezone.now())
    return dict(Event.objects.filter(kind="assets.registered").latest("pk").data)


def test_pictures_of_a_bucket_become_assets_where_they_lie(caller: Client, project: Project, cameras: Any):
    answer = ask(caller, project, "s3://cameras/day-1/", label_class="peace", licence="CC-BY-4.0")
    assert answer.status_code == 202
    told = run(answer.json()["job"])
    assert (told["received"], told["new"], told["existing"], told["refused"]) == (5, 2, 1, 2)
    assert told["reasons"]["not_an_image"] == 1
    assets = Asset.objects.filter(project=project).order_by("storage_key")
    assert [asset.storage_key for asset in assets] == ["s3://cameras/day-1/a.jpg", "s3://cameras/day-1/b.jpg"]
    assert {(asset.label_class.name, asset.licence) for asset in assets if asset.label_class} == {
        ("peace", "CC-BY-4.0")
    }
    assert default_storage.open(assets[0].storage_key).read() == photo(1)
    default_storage.delete(assets[0].storage_key)
    assert default_storage.exists(assets[0].storage_key)
    original = caller.get(f"/api/v1/assets/{assets[0].public_id}/original")
    assert httpx.get(original["Location"]).content == photo(1)


def test_the_same_bucket_again_adds_only_what_is_new_and_reads_nothing_twice(
    caller: Client, project: Project, cameras: Any, monkeypatch: pytest.MonkeyPatch
):
    run(ask(caller, project, "s3://cameras/day-1/").json()["job"])
    cameras.put_object(Bucket="cameras", Key="day-1/new.jpg", Body=photo(7))
    read: list[str] = []
    first = registering._read
    monkeypatch.setattr(
        registering, "_read", lambda wish, one, progress: read.append(one.key) or first(wish, one, progress)
    )
    told = run(ask(caller, project, "s3://cameras/day-1/").json()["job"])
    assert (told["new"], told["existing"]) == (1, 3)
    assert "day-1/a.jpg" not in read
    assert Asset.objects.filter(project=project).count() == 3


@pytest.mark.parametrize(("at_once", "expected"), [({"LISTED_AT_ONCE": 2}, 4), ({"BYTES_AT_ONCE": 1}, 6)])
def test_a_registration_that_is_cut_off_goes_on_behind_the_last_picture(
    caller: Client,
    project: Project,
    cameras: Any,
    monkeypatch: pytest.MonkeyPatch,
    *,
    at_once: dict[str, int],
    expected: int,
):
    monkeypatch.setattr(registering, "A_RUN", -1.0)
    for name, value in at_once.items():
        monkeypatch.setattr(registering, name, value)
    job_id = ask(caller, project, "s3://cameras/day-1/").json()["job"]
    runs = 0
    while Job.objects.get(pk=job_id).state != Job.State.DONE:
        assert jobs.run(job_id=job_id, now=timezone.now())
        runs += 1
    told = Event.objects.get(kind="assets.registered").data
    assert runs == expected
    assert (told["received"], told["new"], told["existing"], told["refused"]) == (5, 2, 1, 2)


@pytest.mark.parametrize(
    "address", ["s3://cameras/private/", "s3://winnow/", "s3://cameras", "s3://cameras/day-1/../private/", "/etc"]
)
def test_only_what_the_operator_named_is_read(caller: Client, project: Project, cameras: Any, address: str):
    answer = ask(caller, project, address)
    assert answer.status_code == 409
    assert "SOURCE_BUCKETS" in answer.json()["detail"]
    assert not Job.objects.filter(kind="register").exists()


def test_a_key_that_may_mean_another_file_is_refused_by_name(caller: Client, project: Project, cameras: Any):
    odd = ["day-1//a.jpg", "day-1/../private/c.jpg", "day-1/./a.jpg", "day-1/x\\c.jpg"]
    for key in odd:
        cameras.put_object(Bucket="cameras", Key=key, Body=photo(8))
    told = run(ask(caller, project, "s3://cameras/day-1/").json()["job"])
    assert told["reasons"]["bad_name"] == 4
    assert {f"s3://cameras/{key}" for key in odd} < {one["file"] for one in told["files_refused"]}
    assert set(Asset.objects.values_list("storage_key", flat=True)) == {
        "s3://cameras/day-1/a.jpg",
        "s3://cameras/day-1/b.jpg",
    }
    with pytest.raises(FileNotFoundError):
        default_storage.open("s3://cameras/day-1/../private/c.jpg")


def test_the_command_registers_a_bucket_too(project: Project, cameras: Any, capsys: pytest.CaptureFixture[str]):
    call_command("ingest", project.slug, "s3://cameras/day-1/", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["received"], told["new"], told["existing"], told["refused"]) == (5, 2, 1, 2)


def test_a_lead_registers_a_bucket_on_the_storage_page(alice: User, project: Project, cameras: Any):
    browser = Client()
    browser.force_login(alice)
    page = reverse("settings-storage", args=[project.public_id])
    assert "s3://cameras/day-1/" in browser.get(page).content.decode()
    where = reverse("settings-storage-register", args=[project.public_id])
    wrong = browser.post(where, {"bucket": "s3://cameras/day-1/", "prefix": "", "label_class": "soup"})
    assert wrong.status_code == 400
    assert "is no class" in wrong.content.decode()
    assert browser.post(where, {"bucket": "s3://cameras/day-1/", "prefix": ""}).status_code == 302
    job = Job.objects.get(kind="register")
    Job.objects.filter(pk=job.pk).update(state=Job.State.DEAD, last_error="BucketRefused: the keys are unknown.")
    assert "BucketRefused: the keys are unknown. It is tried again by itself." in browser.get(page).content.decode()
    Job.objects.filter(pk=job.pk).update(state=Job.State.DUE, last_error="")
    run(job.pk)
    text = browser.get(page).content.decode()
    link = text.split('data-label="New"><a class="link" href="')[1].split('"')[0].replace("&quot;", '"')
    query = parse_qs(urlsplit(link).query)["q"][0]
    assert matching(parse(query), among=Asset.objects.filter(project=project)).count() == 2
    assert "only JPEG, PNG and WEBP are registered" in text


# --- downloads ---------------------------------------------------------------------------------------------------
class Asked(urllib.request.BaseHandler):
    """Keeps what the client asks of whom, redirects included."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str | None, bool]] = []

    def http_request(self, request: urllib.request.Request) -> urllib.request.Request:
        self.calls.append((request.host, request.get_header("Range"), request.has_header("Authorization")))
        return request


@pytest.fixture
def too_old() -> Iterator[str]:
    """A bucket's answer to a link whose time is over."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/export.zip"
    server.shutdown()
    server.server_close()


@pytest.fixture
def packed(ours: Any, alice: User, project: Project) -> Export:
    """An export whose archive lies in the bucket."""
    publish(project, photo(1), [("gesture", 0.1)])
    version = freeze_version(project_id=project.pk, by=alice, now=timezone.now())
    export = request_export(dataset_id=version.pk, format="coco", by=alice, now=timezone.now())
    jobs.run(job_id=Job.objects.get(kind="export").pk, now=timezone.now())
    export.refresh_from_db()
    return export


@pytest.mark.django_db(transaction=True)
def test_a_broken_download_goes_on_in_the_bucket_and_an_old_link_is_replaced(
    live_server: LiveServer, packed: Export, too_old: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked = Asked()
    monkeypatch.setattr(winnow_client, "_OPENER", urllib.request.build_opener(winnow_client._Redirects, asked))
    monkeypatch.setattr(winnow_client, "PAUSES", (0.0,))
    signed, links = BucketStorage.url, [too_old]

    def url(storage: BucketStorage, *of: Any, **more: Any) -> str:
        return links.pop() if links else signed(storage, *of, **more)

    monkeypatch.setattr(BucketStorage, "url", url)
    lead = packed.created_by
    token = create_token(user=lead, name="t", scopes=SCOPES, all_projects=True, now=timezone.now())[1]
    winnow = winnow_client.Winnow(live_server.url, token)
    row = winnow.get(f"exports/{packed.public_id}")
    whole = default_storage.open(packed.storage_key).read()
    (tmp_path / f"set.zip.{row['receipt']['zip_sha256'][:12]}.part").write_bytes(whole[:100])
    asked.calls.clear()
    winnow.fetch_export(row, to=tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == whole
    ours_host, bucket_host = (urlsplit(url).netloc for url in (live_server.url, default_storage.url("x")))
    assert asked.calls == [
        (ours_host, "bytes=100-", True),
        (urlsplit(too_old).netloc, "bytes=100-", False),
        (ours_host, "bytes=100-", True),
        (bucket_host, "bytes=100-", False),
    ]


def test_a_picture_of_a_bucket_that_refuses_is_a_placeholder_with_a_sentence(
    client: Client, alice: User, project: Project, monkeypatch: pytest.MonkeyPatch
):
    asset = make_asset(project)
    AssetPreview.objects.create(asset=asset, thumb_key="t.jpg", screen_key="s.jpg", grey_key="g.jpg")

    def refuses(*_: Any, **__: Any) -> Any:
        raise BucketRefused("the keys may not do this (AccessDenied)")

    monkeypatch.setattr(default_storage, "open", refuses)
    monkeypatch.setattr(default_storage, "exists", refuses)
    client.force_login(alice)
    shown = client.get(reverse("media", args=[asset.public_id, "thumb"]), headers={"Sec-Fetch-Dest": "image"})
    assert (shown.status_code, shown["Content-Type"], shown["Cache-Control"]) == (503, "image/svg+xml", "no-store")
    assert "This picture cannot be fetched" in shown.content.decode()
    told = client.get(reverse("media", args=[asset.public_id, "original"]))
    assert (told.status_code, "The storage it lies in refuses" in told.content.decode()) == (503, True)
    assert "AccessDenied" not in told.content.decode() + shown.content.decode()
