"""Videos that workers send in pieces: long enough, large enough, really videos."""

import hashlib

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from crowd.models import AnswerRaw, Assignment, Upload
from curation.services.sendable import sendable
from curation.stages.collect import Collect
from tests import scenes
from tests.portal.test_uploads import begin, finish, put
from tests.preprocessing.clips import audio_only, clip, steady

pytestmark = pytest.mark.django_db


@pytest.fixture
def answer(wandas, world):
    batch = scenes.batch(world, "photo", auto_accept=False)
    batch.spec |= {"media": "video", "seconds": [2, 4], "least_pixels": [320, 180], "most_megabytes": 1}
    batch.save(update_fields=["spec"])
    scenes.task(batch, "slot")
    wandas.post(reverse("w-take", args=[batch.pk]))
    return Assignment.objects.latest("id").answers.get()


def sent(client, answer_id: int, data: bytes, piece: int = 40_000):
    upload_id = begin(client, answer_id, data, name="me.mp4").json()["id"]
    for at in range(0, len(data), piece):
        put(client, upload_id, at, data[at : at + piece])
    return finish(client, upload_id)


def test_a_video_is_kept_whole_and_handed_in(wandas, answer, tmp_path):
    data = clip(tmp_path / "me.mp4", times=steady(90)).read_bytes()
    assert sent(wandas, answer.pk, data).json()["state"] == "done"
    upload = Upload.objects.get()
    assert (upload.parts, default_storage.open(upload.key).read()) == ([], data)
    wandas.post(reverse("w-submit", args=[answer.assignment_id]))
    file = AnswerRaw.objects.get().payload["file"]
    assert (file["sha256"], file["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))


@pytest.mark.parametrize(
    ("frames", "sentence"),
    [
        (30, "The video lasts 1.0 s; at least 2 s are needed."),
        (150, "The video lasts 5.0 s; at most 4 s are allowed."),
    ],
)
def test_a_video_that_is_too_short_or_too_long_is_refused_in_one_sentence(wandas, answer, tmp_path, frames, sentence):
    data = clip(tmp_path / "me.mp4", times=steady(frames)).read_bytes()
    reply = sent(wandas, answer.pk, data)
    assert (reply.status_code, reply.json()["title"]) == (422, sentence)
    assert Upload.objects.get().key == ""


def test_what_is_no_video_is_refused_in_one_sentence(wandas, answer, tmp_path):
    for data in (scenes.jpeg(size=(320, 180)), b"hello " * 40, audio_only(tmp_path / "a.m4a").read_bytes()):
        reply = sent(wandas, answer.pk, data)
        assert reply.status_code == 422
        assert reply.json()["title"].startswith("This video cannot be taken: the file ")
    reply = begin(wandas, answer.pk, b"x", size=2_000_000)
    assert reply.json()["title"] == "The file must have between 1 byte and 1 MB."


def test_a_photo_task_takes_no_video(wandas, world, tmp_path):
    batch = scenes.batch(world, "photo", auto_accept=False)
    scenes.task(batch, "slot")
    wandas.post(reverse("w-take", args=[batch.pk]))
    data = clip(tmp_path / "me.mp4", times=steady(60)).read_bytes()
    reply = sent(wandas, Assignment.objects.latest("id").answers.get().pk, data)
    assert reply.json()["title"].startswith("This photo cannot be taken: the file ")


def test_the_page_asks_for_a_video_and_says_how_long(wandas, answer):
    html = wandas.get(reverse("w-page", args=[answer.assignment_id])).content.decode()
    assert '<input class="vh" type="file" accept="video/*" capture="environment" data-file>' in html
    assert "2 to 4 seconds" in html


def test_a_recipe_says_what_its_videos_are_to_be(world):
    stage = world.stages.get(kind="collect")
    stage.settings = {"media": "video", "min_seconds": 3, "max_seconds": 20, "min_long": 1280, "min_short": 720}
    draft = Collect().pools(stage, list(world.classes.all()), 1)[0]
    wanted = sendable(draft.spec)
    assert (wanted.media, wanted.seconds, wanted.least) == ("video", (3, 20), (1280, 720))
    assert wanted.most_bytes == 500 * 1024 * 1024
