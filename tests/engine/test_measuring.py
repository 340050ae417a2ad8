"""Stored pictures are measured many at once: in order, each with its own answer, and no more than time allows."""

import math
from types import SimpleNamespace

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from curation.models import Asset
from curation.preprocessing.copies import Measured
from curation.stages.measuring import look, look_ahead
from tests.disguises import encoded
from tests.planted import scene

SETTINGS = SimpleNamespace(most_megabytes=1, corners=True)


def stored(pk: int, data: bytes) -> Asset:
    return Asset(pk=pk, storage_key=default_storage.save(f"original/measuring-{pk}.jpg", ContentFile(data)))


@pytest.fixture
def waiting() -> list[Asset]:
    lost = Asset(pk=3, storage_key="original/never-stored.jpg")
    photos = [
        stored(1, encoded(scene(1)[::4, ::4])),
        stored(2, b"<html>"),
        lost,
        stored(4, encoded(scene(4)[::5, ::5])),
    ]
    return [*photos, stored(5, b"\0\0\0\x18ftypmp42" + bytes(32))]


def test_each_picture_has_its_own_answer_in_order(waiting: list[Asset]) -> None:
    found = look(waiting, SETTINGS, math.inf)
    assert [asset.pk for asset, _ in found] == [1, 2, 3, 4, 5]
    first, junk, lost, second, video = (seen for _, seen in found)
    assert isinstance(first, Measured)
    assert isinstance(second, Measured)
    assert (first.analysis.width, second.analysis.width) == (480, 384)
    assert first.corners is not None
    assert isinstance(junk, tuple)
    assert (junk[0], junk[1]["code"]) == ("unreadable", "not_an_image")
    assert lost == ("unreadable", {"code": "lost", "sentence": "the stored file is missing"})
    assert video == ("video_not_asked", {})


def test_when_time_is_up_one_more_is_measured_and_the_rest_is_left(waiting: list[Asset]) -> None:
    assert [asset.pk for asset, _ in look(waiting, SETTINGS, -math.inf)] == [1]


@pytest.mark.parametrize(("together", "sizes"), [(1, [1] * 5), (2, [1, 2, 2]), (8, [2, 3]), (20, [5])])
def test_what_is_measured_ahead_comes_in_order(waiting: list[Asset], together: int, sizes: list[int]) -> None:
    parts = list(look_ahead(waiting, SETTINGS, math.inf, together))
    assert [len(part) for part in parts] == sizes
    assert [asset.pk for part in parts for asset, _ in part] == [1, 2, 3, 4, 5]


def test_nothing_is_begun_ahead_when_time_is_up(waiting: list[Asset]) -> None:
    parts = list(look_ahead(waiting, SETTINGS, -math.inf, 2))
    assert [[asset.pk for asset, _ in part] for part in parts] == [[1]]
    assert list(look_ahead([], SETTINGS, math.inf, 2)) == []
