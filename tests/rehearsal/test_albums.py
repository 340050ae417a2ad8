"""Photos of people who are at work together are stored beside the work, and told of in the order they were taken."""

from concurrent.futures import Future

import pytest
from django.core.files.storage import default_storage

from crowd.rehearsal.acting import StallTask
from crowd.rehearsal.albums import Album
from crowd.rehearsal.answers import Photo
from crowd.rehearsal.darkrooms import PLANTED
from crowd.rehearsal.models import HiddenTruth

pytestmark = pytest.mark.django_db


def photo(seed: str, *, drawn: "Future[bytes] | None" = None) -> Photo:
    data, truth = PLANTED.resaved(b"", PLANTED.template_copy("template", "palm", None)[1], seed)
    return Photo(drawn or data, truth, None)


def test_nobody_waits_for_a_photo_that_is_being_drawn_until_it_is_asked_for():
    album, files = Album(), [{} for _ in range(100)]
    drawing = [Future() for _ in files]
    for number, (file, drawn) in enumerate(zip(files, drawing, strict=True)):
        album.take(file, StallTask(number, {}), photo(str(number), drawn=drawn))
    assert not any(files)
    for number, drawn in enumerate(drawing):
        drawn.set_result(f"photo {number}".encode())
    album.write()
    assert [file["name"] for file in files] == [f"photo-{number}.jpg" for number in range(100)]
    assert [default_storage.open(file["key"]).read() for file in files[::99]] == [b"photo 0", b"photo 99"]
    assert HiddenTruth.objects.count() == 100


def test_a_photo_that_cannot_be_stored_is_told_of_when_it_is_asked_for():
    album, drawn = Album(), Future()
    drawn.set_exception(OSError("the disk is full"))
    album.take({}, StallTask(1, {}), photo("one", drawn=drawn))
    with pytest.raises(OSError, match="the disk is full"):
        album.develop()


def test_a_photo_that_is_sent_again_is_had_from_the_hand_and_nobody_waits_for_another():
    album, drawing = Album(), [Future(), Future()]
    for number, drawn in enumerate(drawing):
        album.take({}, StallTask(number, {}), photo(str(number), drawn=drawn))
    drawing[1].set_result(b"the second photo")
    assert album.photo_of(1) == (b"the second photo", photo("1").truth)
    drawing[0].set_result(b"the first photo")
    album.develop()
    assert album.photo_of(0) == (b"the first photo", photo("0").truth)
    assert album.photo_of(2) is None


def test_a_photo_that_the_storage_refuses_ends_the_round(monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(default_storage, "save", refuse)
    album = Album()
    album.take({}, StallTask(1, {}), photo("one"))
    with pytest.raises(OSError, match="the disk is full"):
        album.write()
