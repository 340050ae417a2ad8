"""Uploads of programs: batches of lines answered one by one, large files in pieces, addresses fetched by a job."""

import base64
import hashlib
import io
import json
import threading
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from crowd.fetching import NotReached
from curation.models import Asset, Event, FileUpload, Job, LinkToFetch, Project
from curation.preprocessing.limits import MEGABYTE
from curation.services import file_uploads, jobs, links
from curation.services.file_uploads import MOST_PIECE
from tests.api.conftest import Caller
from tests.doors.conftest import photo

PIECES = "application/offset+octet-stream"


def batch(caller: Caller, project: Project, lines: list[dict[str, Any]], stage: str = "") -> Any:
    text = "\n".join(json.dumps(line) for line in lines)
    path = f"/api/v1/assets:batch?project={project.public_id}" + (f"&stage={stage}" if stage else "")
    return caller.post(path, text, content_type="application/jsonl").json()


def inline(key: str, data: bytes) -> dict[str, str]:
    return {"client_key": key, "data_base64": base64.b64encode(data).decode()}


def announce(caller: Caller, project: Project, data: bytes, **more: Any) -> Any:
    wish = {
        "project": str(project.public_id),
        "name": "hands.jpg",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        **more,
    }
    return caller.send("POST", "/api/v1/uploads", wish)


def send(caller: Caller, upload: Any, offset: int, data: bytes) -> Any:
    where = f"/api/v1/uploads/{upload['id']}"
    return caller.patch(where, data, content_type=PIECES, headers={"Upload-Offset": str(offset)})


def complete(caller: Caller, upload: Any) -> Any:
    return caller.post(f"/api/v1/uploads/{upload['id']}/complete")


# --- batches ---------------------------------------------------------------------------------------------------------
def test_a_batch_of_hundreds_of_lines_is_taken_in_with_few_queries(
    alice: Caller, project: Project, django_assert_max_num_queries: Any
):
    lines = [inline(f"k{number}", photo(number, (64, 48))) for number in range(300)]
    with django_assert_max_num_queries(120):
        answer = batch(alice, project, [*lines, lines[0]])
    assert (answer["received"], answer["new"], answer["existing"], answer["refused"]) == (301, 300, 1, 0)
    assert answer["lines"][0]["asset"] == answer["lines"][300]["asset"]
    assert Event.objects.get(kind="assets.ingested").text == "300 new of 301 pictures sent by the API."
    assets = Asset.objects.filter(project=project, client_key__startswith="k")
    assert assets.count() == 300
    one = assets.get(client_key="k7")
    assert (one.width, one.height, one.decisions.get().verdict) == (64, 48, "entered")
    assert hashlib.sha256(default_storage.open(one.storage_key).read()).digest() == bytes(one.sha256)
    assert Job.objects.filter(kind="work_stage", key=str(one.stage_id), state="due").exists()


def test_the_same_bytes_under_two_keys_in_one_batch_are_one_asset(alice: Caller, project: Project):
    answer = batch(alice, project, [inline("a", photo(5)), inline("b", photo(5)), inline("a", photo(6))])
    assert [line["status"] for line in answer["lines"]] == ["new", "existing", "existing"]
    assert len({line["asset"] for line in answer["lines"]}) == 1


def test_a_broken_line_after_good_ones_is_named_by_its_number(alice: Caller, project: Project):
    lines = [inline(f"k{number}", photo(number, (64, 48))) for number in range(3)]
    answer = batch(alice, project, [*lines, {"client_key": "x", "colour": "red"}, inline("bad", photo(9)[:300])])
    assert [line["status"] for line in answer["lines"]] == ["new", "new", "new", "refused", "refused"]
    assert answer["lines"][3] | {"detail": ""} == {
        "line": 4,
        "client_key": None,
        "status": "refused",
        "code": "bad_line",
        "detail": "",
    }
    assert answer["lines"][4]["client_key"] == "bad"


def test_empty_lines_count_for_the_number_of_a_line(alice: Caller, project: Project):
    text = "\n\n" + json.dumps(inline("a", photo(1, (64, 48)))) + "\n\n{broken\n"
    path = f"/api/v1/assets:batch?project={project.public_id}"
    answer = alice.post(path, text, content_type="application/jsonl").json()
    assert [(line["line"], line["status"]) for line in answer["lines"]] == [(3, "new"), (5, "refused")]
    assert answer["received"] == 2


# --- files in pieces --------------------------------------------------------------------------------------------------
@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_uploads, "LEAST_PIECE", 1)


def test_a_file_is_not_cut_into_crumbs(alice: Caller, project: Project):
    upload = announce(alice, project, bytes(MEGABYTE + 1)).json()
    crumb = send(alice, upload, 0, bytes(upload["least_piece"] - 1))
    assert (crumb.status_code, crumb.json()["code"]) == (409, "refused")
    assert "at least 1,048,576 bytes" in crumb.json()["detail"]
    assert [send(alice, upload, at, bytes(n)).status_code for at, n in ((0, MEGABYTE), (MEGABYTE, 1))] == [204, 204]


def test_a_camera_says_where_and_when_and_counts_know_it(alice: Caller, project: Project):
    data = photo(1, (900, 700))
    upload = announce(alice, project, data).json()
    assert send(alice, upload, 0, data).status_code == 204
    where = f"/api/v1/uploads/{upload['id']}/complete"
    wrong = alice.send("POST", where, {"started_at": "yesterday"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_clip")
    assert "such as 2026-01-05T08:10:00+01:00, not 'yesterday'" in wrong.json()["detail"]
    said = {"camera": "gate-1", "location": "gate", "started_at": "2026-01-05T08:10:00+01:00"}
    assert alice.send("POST", where, said).json()["state"] == "done"
    counts = alice.get(f"/api/v1/projects/{project.public_id}/tags", {"q": 'tag:"camera: gate-1"'}).json()
    assert {"key": "hour", "value": "08", "n": 1, "share": 1.0} in counts
    assert alice.get(f"/api/v1/projects/{project.public_id}/tags", {"q": 'tag:"hour: 09"'}).json() == []
    bad = alice.get(f"/api/v1/projects/{project.public_id}/tags", {"q": "colour:red"})
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_query")


@pytest.mark.usefixtures("small_pieces")
def test_a_file_goes_on_where_the_connection_broke_and_arrives_whole(alice: Caller, project: Project):
    data = photo(1, (900, 700))
    upload = announce(alice, project, data, client_key="big-1").json()
    assert (upload["state"], upload["most_piece"], upload["direct"]) == ("receiving", MOST_PIECE, None)
    assert send(alice, upload, 0, data[:1000])["Upload-Offset"] == "1000"
    gap = send(alice, upload, 5000, data[5000:])
    assert (gap.status_code, gap.json()["code"]) == (409, "wrong_offset")
    again = announce(alice, project, data)
    assert (again.status_code, again.json()["id"], again.json()["received"]) == (200, upload["id"], 1000)
    assert alice.head(f"/api/v1/uploads/{upload['id']}")["Upload-Offset"] == "1000"
    assert complete(alice, upload).json()["code"] == "wrong_offset"
    assert send(alice, upload, 1000, data[1000:]).status_code == 204
    done = complete(alice, upload).json()
    asset = Asset.objects.get(client_key="big-1")
    assert (done["state"], done["asset"], done["receipt"]["new"]) == ("done", str(asset.public_id), 1)
    assert bytes(asset.sha256) == hashlib.sha256(data).digest()
    assert complete(alice, upload).json()["asset"] == done["asset"]
    assert Event.objects.filter(kind="assets.ingested").count() == 1
    assert Asset.objects.filter(project=project, client_key="big-1").count() == 1


def test_a_file_that_arrives_damaged_is_refused_and_leaves_nothing(
    alice: Caller, project: Project, django_capture_on_commit_callbacks: Any
):
    before = Asset.objects.count()
    upload = announce(alice, project, photo(1), sha256="a" * 64).json()
    send(alice, upload, 0, photo(1))
    parts = FileUpload.objects.get().parts
    with django_capture_on_commit_callbacks(execute=True):
        answer = complete(alice, upload)
    assert answer.status_code == 409
    assert "arrived damaged" in answer.json()["detail"]
    assert alice.get(f"/api/v1/uploads/{upload['id']}").json()["state"] == "refused"
    assert Asset.objects.count() == before
    assert not any(default_storage.exists(part) for part in parts)


def test_an_archive_is_taken_in_by_a_job_and_its_receipt_adds_up(alice: Caller, project: Project):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(3):
            archive.writestr(f"{number}.jpg", photo(number))
        archive.writestr("again.jpg", photo(0))
        archive.writestr("notes.txt", "no picture")
    data = packed.getvalue()
    upload = announce(alice, project, data, name="hands.zip").json()
    send(alice, upload, 0, data)
    answer = complete(alice, upload)
    assert (answer.status_code, answer.json()["state"]) == (202, "taking_in")
    jobs.run(job_id=Job.objects.get(kind="take_upload").pk, now=timezone.now())
    done = alice.get(f"/api/v1/uploads/{upload['id']}").json()
    receipt = done["receipt"]
    assert (done["state"], receipt["new"], receipt["existing"], receipt["refused"]) == ("done", 3, 1, 1)
    assert receipt["received"] == 5
    assert receipt["files_refused"][0]["file"] == "notes.txt"


@pytest.mark.parametrize("name", ["..", "手" * 97 + ".zip", "C:\\photos\\"])
def test_an_archive_may_have_any_name(alice: Caller, project: Project, name: str):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("0.jpg", photo(0))
    upload = announce(alice, project, packed.getvalue(), name=name).json()
    send(alice, upload, 0, packed.getvalue())
    complete(alice, upload)
    jobs.run(job_id=Job.objects.get(kind="take_upload").pk, now=timezone.now())
    done = alice.get(f"/api/v1/uploads/{upload['id']}").json()
    assert (done["state"], done["name"], done["receipt"]["new"]) == ("done", name, 1)


def test_an_upload_that_can_never_be_taken_in_ends_with_a_reason(alice: Caller, project: Project):
    for number in range(2):
        data = b"PK\x03\x04" + bytes([number])
        upload = announce(alice, project, data, name="hands.zip").json()
        send(alice, upload, 0, data)
        complete(alice, upload)
    lost, forgotten = FileUpload.objects.order_by("pk")
    default_storage.delete(lost.parts[0])
    job, now = Job.objects.get(kind="take_upload", key=str(lost.pk)), timezone.now()
    for _ in range(jobs.MOST_FAILURES):
        jobs.run(job_id=job.pk, now=now)
        now += timedelta(minutes=6)
    lost.refresh_from_db()
    job.refresh_from_db()
    assert (lost.state, lost.reason, job.state) == (
        "refused",
        "It could not be taken in: FileNotFoundError",
        "done",
    )
    assert file_uploads.forget_unfinished(now=timezone.now() + timedelta(days=3)) == 0
    assert file_uploads.forget_unfinished(now=timezone.now() + timedelta(days=5)) == 1
    forgotten.refresh_from_db()
    assert (forgotten.state, forgotten.reason) == ("refused", file_uploads.NOT_TAKEN)


def test_a_line_may_name_an_upload(alice: Caller, project: Project):
    data = photo(3)
    upload = announce(alice, project, data).json()
    send(alice, upload, 0, data)
    named = {"client_key": "mine", "upload": upload["id"]}
    first, second = (batch(alice, project, [named])["lines"][0] for _ in range(2))
    assert (first["status"], second["status"], first["asset"]) == ("new", "existing", second["asset"])
    unknown = batch(alice, project, [{"client_key": "x", "upload": str(project.public_id)}])["lines"][0]
    assert unknown["code"] == "unknown_upload"


@pytest.mark.django_db(transaction=True)
def test_a_batch_sent_again_while_the_first_is_at_work_is_answered_as_that_is(
    alice: Caller, project: Project, monkeypatch: pytest.MonkeyPatch
):
    upload = announce(alice, project, photo(3)).json()
    send(alice, upload, 0, photo(3))
    lines = [{"client_key": "mine", "upload": upload["id"]}]
    statuses, take = [], file_uploads._take

    def send_again() -> None:
        statuses.append(batch(alice, project, lines)["lines"][0]["status"])
        connection.close()

    second = threading.Thread(target=send_again)

    def slowly(*about: Any) -> Any:
        if not second.ident:
            second.start()
            second.join(1)
            assert second.is_alive(), "it waits for the first"
        return take(*about)

    monkeypatch.setattr(file_uploads, "_take", slowly)
    statuses.append(batch(alice, project, lines)["lines"][0]["status"])
    second.join(120)
    assert statuses == ["new", "new"]
    assert Asset.objects.filter(client_key="mine").count() == 1


def test_a_lost_piece_refuses_its_line_and_no_other(alice: Caller, project: Project):
    upload = announce(alice, project, photo(3)).json()
    send(alice, upload, 0, photo(3))
    default_storage.delete(FileUpload.objects.get().parts[0])
    answer = batch(alice, project, [{"client_key": "lost", "upload": upload["id"]}, inline("there", photo(4))])
    assert [(line["status"], line.get("code")) for line in answer["lines"]] == [
        ("refused", "refused"),
        ("new", None),
    ]
    assert announce(alice, project, photo(3)).status_code == 201, "it can be sent again"


def test_a_stage_is_that_of_all_lines_and_the_name_of_a_line_is_its_picture_s(alice: Caller, project: Project):
    entry, boxes = project.stages.get(kind="checks").name, project.stages.get(kind="validate").name
    ids = []
    for number in (3, 4):
        ids.append(announce(alice, project, photo(number), stage=entry).json()["id"])
        send(alice, {"id": ids[-1]}, 0, photo(number))
    lines = [{"client_key": "large", "name": "left.jpg", "upload": ids[0]}, inline("small", photo(5))]
    assert batch(alice, project, lines, stage=boxes)["new"] == 2
    assert batch(alice, project, [{"client_key": "announced", "upload": ids[1]}])["new"] == 1
    rows = Asset.objects.filter(project=project, client_key__isnull=False).order_by("client_key")
    assert [(row.client_key, row.stage and row.stage.name, row.name) for row in rows] == [
        ("announced", entry, "hands.jpg"),
        ("large", boxes, "left.jpg"),
        ("small", boxes, "small"),
    ]


@pytest.mark.usefixtures("small_pieces")
def test_an_upload_that_nobody_goes_on_with_is_given_up_with_its_pieces(
    alice: Caller, project: Project, django_capture_on_commit_callbacks: Any
):
    upload = announce(alice, project, photo(1)).json()
    send(alice, upload, 0, photo(1)[:100])
    part = FileUpload.objects.get().parts[0]
    with django_capture_on_commit_callbacks(execute=True):
        assert file_uploads.forget_unfinished(now=timezone.now() + timedelta(days=3)) == 1
    assert not default_storage.exists(part)
    assert complete(alice, upload).json()["state"] == "refused"
    late = send(alice, upload, 100, photo(1)[100:])
    assert (late.status_code, late.json()["code"], late.json()["detail"]) == (409, "refused", file_uploads.TOO_LATE)


@pytest.mark.usefixtures("small_pieces")
def test_whoever_goes_on_with_an_upload_has_time_again(alice: Caller, project: Project):
    upload = announce(alice, project, photo(1)).json()
    nearly_over = timezone.now() + timedelta(minutes=1)
    for go_on in (lambda: announce(alice, project, photo(1)), lambda: send(alice, upload, 0, photo(1)[:100])):
        FileUpload.objects.update(expires_at=nearly_over)
        go_on()
        assert file_uploads.forget_unfinished(now=nearly_over + timedelta(days=1)) == 0


@pytest.mark.usefixtures("small_pieces")
def test_an_upload_that_is_given_up_makes_room_for_another(
    alice: Caller, project: Project, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
):
    monkeypatch.setattr(file_uploads, "MOST_OPEN", 1)
    first = announce(alice, project, photo(1)).json()
    send(alice, first, 0, photo(1)[:100])
    part = FileUpload.objects.get().parts[0]
    assert "complete or delete some" in announce(alice, project, photo(2)).json()["detail"]
    with django_capture_on_commit_callbacks(execute=True):
        assert [alice.delete(f"/api/v1/uploads/{first['id']}").status_code for _ in range(2)] == [204, 204]
    assert not default_storage.exists(part)
    assert announce(alice, project, photo(2)).status_code == 201
    assert FileUpload.objects.get(public_id=first["id"]).reason == file_uploads.GIVEN_UP


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({"size": 0}, "size"),
        ({"sha256": "abc"}, "sha256"),
        ({"stage": "polish"}, "polish"),
        ({"direct": True}, "bucket"),
    ],
)
def test_an_announcement_that_cannot_be_says_why(alice: Caller, project: Project, wish: dict[str, Any], word: str):
    answer = announce(alice, project, photo(1), **wish)
    assert answer.status_code in {400, 409}
    assert word in answer.json()["detail"]
    assert not FileUpload.objects.exists()


# --- addresses -------------------------------------------------------------------------------------------------------
def test_pictures_named_by_their_address_are_fetched_by_a_job(
    alice: Caller, project: Project, monkeypatch: pytest.MonkeyPatch
):
    sent = {"https://pictures.example/1.jpg": photo(1), "https://pictures.example/2.jpg": b"<html>"}
    monkeypatch.setattr(links, "fetch_public", lambda url, **_: _Answered(sent[url]))
    lines = [{"client_key": f"u{url[-5]}", "url": url} for url in sent]
    answer = batch(alice, project, [*lines, {"client_key": "in", "url": "http://10.0.0.1/x.jpg"}])
    assert [line["status"] for line in answer["lines"]] == ["fetching", "fetching", "refused"]
    assert answer["lines"][2]["code"] == "bad_address"
    assert jobs.run(job_id=Job.objects.get(kind="fetch_links").pk, now=timezone.now() + timedelta(seconds=1))
    found = alice.get(f"/api/v1/links?project={project.public_id}").json()["results"]
    assert [(row["client_key"], row["state"], row["code"]) for row in found] == [
        ("u1", "done", ""),
        ("u2", "refused", "not_an_image"),
    ]
    assert found[0]["asset"] == str(Asset.objects.get(client_key="u1").public_id)
    assert batch(alice, project, lines[:1])["lines"][0]["status"] == "existing"


def test_an_address_that_fails_for_a_while_is_tried_again_later(
    alice: Caller, project: Project, monkeypatch: pytest.MonkeyPatch
):
    def away(_url: str, **_: Any) -> Any:
        raise NotReached("There is no server called pictures.example.")

    monkeypatch.setattr(links, "fetch_public", away)
    batch(alice, project, [{"client_key": "u", "url": "https://pictures.example/1.jpg"}])
    now, waits = timezone.now() + timedelta(seconds=1), []
    while (outcome := links.run_fetch(Job(kind="fetch_links", key=str(project.pk)), now)) is not None:
        waits.append(round(outcome.after))
        now += timedelta(seconds=outcome.after + 1)
    row = LinkToFetch.objects.get()
    assert tuple(waits) == links.PAUSES
    assert (row.state, row.code, row.detail) == (
        "refused",
        "not_fetched",
        "There is no server called pictures.example.",
    )


class _Answered:
    """What fetching an address gives, without a network."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __enter__(self) -> "_Answered":
        return self

    def __exit__(self, *_: object) -> None: ...

    def read(self) -> bytes:
        return self._data


# --- originals -------------------------------------------------------------------------------------------------------
def test_a_lead_fetches_an_original_and_goes_on_where_it_broke(alice: Caller, project: Project):
    data = photo(4)
    made = batch(alice, project, [inline("a", data)])["lines"][0]
    where = f"/api/v1/assets/{made['asset']}/original"
    assert b"".join(alice.get(where).streaming_content) == data  # type: ignore[attr-defined]
    rest = alice.get(where, headers={"Range": "bytes=100-"})
    assert rest.status_code == 206
    assert b"".join(rest.streaming_content) == data[100:]  # type: ignore[attr-defined]
