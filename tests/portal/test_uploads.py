"""Photos in pieces."""

import hashlib
import json
import uuid
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from crowd.models import AnswerRaw, Assignment, Upload
from curation.services import uploads
from tests import scenes

JSON = "application/json"


@pytest.fixture
def answer(wandas, world):
    """A photo task in Wanda's hands."""
    batch = scenes.batch(world, "photo", auto_accept=False)
    for n in range(2):
        scenes.task(batch, f"slot-{n}")
    wandas.post(reverse("w-take", args=[batch.pk]))
    return Assignment.objects.latest("id").answers.get()


def begin(client, answer_id: int, data: bytes, **changed: object):
    about = {
        "answer": answer_id,
        "name": "me.jpg",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        **changed,
    }
    return client.post(reverse("w-uploads"), about, content_type=JSON)


def put(client, upload_id: str, offset: int, data: bytes):
    url = reverse("w-upload", args=[upload_id])
    return client.put(f"{url}?offset={offset}", data, content_type="application/octet-stream")


def finish(client, upload_id: str):
    return client.post(reverse("w-upload-done", args=[upload_id]), {}, content_type=JSON)


def test_a_photo_goes_on_where_the_connection_broke(wandas, answer):
    data = scenes.jpeg()
    half = len(data) // 2
    upload_id = begin(wandas, answer.pk, data).json()["id"]
    assert put(wandas, upload_id, 0, data[:half]).json()["received"] == half

    again = begin(wandas, answer.pk, data).json()
    assert (again["id"], again["received"]) == (upload_id, half)
    put(wandas, upload_id, half, data[half:])
    assert finish(wandas, upload_id).json()["state"] == "done"

    upload = Upload.objects.get()
    with default_storage.open(upload.key) as file:
        assert file.read() == data
    assert upload.parts == []


def test_a_piece_sent_twice_is_stored_once(wandas, answer):
    data = scenes.jpeg()
    upload_id = begin(wandas, answer.pk, data).json()["id"]
    put(wandas, upload_id, 0, data[:1000])
    reply = put(wandas, upload_id, 0, data[:1000])
    assert (reply.status_code, reply.json()["received"]) == (409, 1000)
    assert len(Upload.objects.get().parts) == 1


def test_a_photo_is_handed_in_with_its_page(wandas, answer):
    data = scenes.jpeg()
    upload_id = begin(wandas, answer.pk, data).json()["id"]
    put(wandas, upload_id, 0, data)
    finish(wandas, upload_id)
    page = wandas.get(reverse("w-page", args=[answer.assignment_id])).content.decode()
    assert Upload.objects.get().key not in page
    wandas.post(reverse("w-submit", args=[answer.assignment_id]), {"ms": 1000}, content_type=JSON)
    file = AnswerRaw.objects.get(answer=answer).payload["file"]
    assert (file["sha256"], file["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
    assert Assignment.objects.get(pk=answer.assignment_id).state == "submitted"


def test_a_page_without_its_photo_is_not_handed_in(wandas, answer):
    reply = wandas.post(reverse("w-submit", args=[answer.assignment_id]), {"ms": 1}, content_type=JSON)
    assert reply.status_code == 422


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (scenes.jpeg(size=(640, 480)), "The photo is 640 by 480 pixels; at least 1920 by 1080 are needed."),
        (b"<html><body>hello</body></html>", "This photo cannot be taken: the file is an HTML page"),
    ],
    ids=["too small", "no picture"],
)
def test_a_photo_that_cannot_be_used_is_refused_with_a_sentence(wandas, answer, data, sentence):
    upload_id = begin(wandas, answer.pk, data).json()["id"]
    put(wandas, upload_id, 0, data)
    reply = finish(wandas, upload_id)
    assert reply.status_code == 422
    assert reply.json()["title"].startswith(sentence)
    assert Upload.objects.get().key == ""


def test_bytes_that_changed_on_the_way_are_noticed(wandas, answer):
    data = scenes.jpeg()
    upload_id = begin(wandas, answer.pk, data, sha256="0" * 64).json()["id"]
    put(wandas, upload_id, 0, data)
    assert finish(wandas, upload_id).json()["title"] == "The file was damaged on its way. Please send it again."


def test_an_unfinished_photo_tells_how_far_it_is(wandas, answer):
    data = scenes.jpeg()
    upload_id = begin(wandas, answer.pk, data).json()["id"]
    put(wandas, upload_id, 0, data[:500])
    reply = finish(wandas, upload_id)
    assert (reply.status_code, reply.json()["received"]) == (409, 500)


@pytest.mark.parametrize("changed", [{"size": 0}, {"size": 10**9}, {"sha256": "xyz"}, {"size": "many"}])
def test_an_upload_that_makes_no_sense_is_refused(wandas, answer, changed):
    reply = begin(wandas, answer.pk, b"photo", **changed)
    assert reply.status_code == 422
    assert json.loads(reply.content)["title"]
    assert not Upload.objects.exists()


def test_an_upload_nobody_goes_on_with_is_forgotten_with_its_pieces(wandas, answer):
    data = scenes.jpeg()
    upload_id = begin(wandas, answer.pk, data).json()["id"]
    put(wandas, upload_id, 0, data[:500])
    (piece,) = Upload.objects.get().parts
    assert uploads.forget_unfinished(now=timezone.now() + timedelta(days=1)) == 0
    assert uploads.forget_unfinished(now=timezone.now() + timedelta(days=3)) == 1
    assert Upload.objects.get().state == "refused"
    assert not default_storage.exists(piece)


def test_another_workers_upload_is_not_there(wandas, willas, answer):
    assert begin(willas, answer.pk, b"x").status_code == 404
    upload_id = begin(wandas, answer.pk, b"x").json()["id"]
    assert put(willas, upload_id, 0, b"x").status_code == 404
    assert finish(willas, upload_id).status_code == 404
    assert wandas.get(reverse("w-upload", args=[uuid.uuid4()])).status_code == 404
