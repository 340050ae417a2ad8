"""Crops, mirrored crops and turned hues are found in a project as in a folder; strangers are left alone."""

import io

import numpy as np
import pytest
from PIL import Image

from crowd.models import Assignment, Evidence
from curation.models import AssetCorners, Decision
from curation.preprocessing.corner_index import CornerIndex, voted
from curation.preprocessing.decode import analyse
from curation.preprocessing.voting import NO_KEY, both_keys, packed, unpacked, unpacked_all
from curation.services import corners
from tests.disguises import brighter, crop, encoded, gamma, hue, mirrored
from tests.engine import world
from tests.factories import make_asset, make_project, make_worker


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def resized(picture):
    return np.asarray(Image.fromarray(picture).resize((1920, 1080)))


def draw():
    return np.random.default_rng(3)


WAYS = {
    "crop": lambda photo: resized(crop(photo, 0.7, draw())),
    "mirror and crop": lambda photo: resized(gamma(crop(mirrored(photo), 0.75, draw()), 1.4)),
    "hue": lambda photo: hue(photo, 90),
}


@pytest.fixture
def project():
    return world.campaign(wanted=20)


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_a_photo_cropped_mirrored_or_recoloured_is_the_same_photo_and_a_strangers_is_not(way, project):
    otto, wanda = world.worker(project, "otto"), world.worker(project, "wanda")
    first = world.checked(project, world.photo("one"), wanda)
    stranger = world.checked(project, world.photo("two"), otto)
    assert world.stands(stranger)[1] != "dropped"
    again = world.checked(project, encoded(WAYS[way](pixels(world.photo("one")))), otto)
    assert world.stands(again)[1:] == ("dropped", "same_photo")
    evidence = Evidence.objects.get()
    assert (evidence.worker_id, evidence.other_item_id, evidence.level) == (otto.pk, first.pk, 0)
    assert world.page_of(again).state == Assignment.State.REJECTED
    other = world.checked(project, encoded(WAYS[way](pixels(world.photo("three")))), otto)
    assert world.stands(other)[1] != "dropped"
    assert Evidence.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("way", "word"), [("crop", "crop"), ("mirror and crop", "mirror"), ("hue", "")])
def test_an_example_cropped_mirrored_or_recoloured_accuses_its_sender(way, word, project):
    sent = world.checked(project, encoded(WAYS[way](pixels(world.example()))))
    assert world.stands(sent)[2] == "template_copy"
    evidence = Evidence.objects.get()
    assert evidence.level in {5, 20}
    assert word in evidence.details["transform"]
    assert {"inliers", "block_difference", "visible", "template_class"} <= set(evidence.details)


def colourful(red):
    """A photo with a large surface of one colour, whose strongest channel clips first when light is added."""
    photo = pixels(world.photo("one")).astype(int)
    photo[60:460, 200:1000] += np.array(red)
    return np.clip(photo, 0, 255).astype(np.uint8)


@pytest.mark.django_db
def test_light_that_clips_one_channel_first_is_seen_through_and_another_object_in_that_light_is_honest(project):
    first = world.checked(project, encoded(colourful((150, -40, -40))), world.worker(project, "wanda"))
    otto = world.worker(project, "otto")
    shown = colourful((150, -40, -40))
    shown[300:420, 1200:1380] = (40, 200, 60)
    honest = world.checked(project, encoded(brighter(shown, 70)), otto)
    assert world.stands(honest)[1] != "dropped"
    again = world.checked(project, encoded(brighter(colourful((150, -40, -40)), 70)), otto)
    assert world.stands(again)[1:] == ("dropped", "same_photo")
    assert Evidence.objects.get().other_item_id in {first.pk, honest.pk}


@pytest.mark.django_db
def test_without_corners_a_crop_goes_by_unnoticed_and_nothing_is_kept():
    project = world.campaign(wanted=20, checks={"corners": False})
    world.checked(project, world.photo("one"))
    again = world.checked(project, encoded(WAYS["crop"](pixels(world.photo("one")))))
    assert world.stands(again)[1] != "dropped"
    assert not AssetCorners.objects.exists()


@pytest.mark.django_db
def test_what_was_sent_before_is_found_by_a_process_that_knows_nothing_of_it_yet(project):
    first = world.checked(project, world.photo("one"))
    corners._newest_of.cache_clear()
    again = world.checked(project, encoded(WAYS["crop"](pixels(world.photo("one")))), world.worker(project, "otto"))
    assert Decision.objects.filter(asset=again).latest("id").evidence["other_asset"] == str(first.public_id)


@pytest.mark.django_db
def test_an_old_picture_that_comes_back_beside_a_new_one_is_compared_with_those_just_before_each(monkeypatch):
    monkeypatch.setattr(corners, "MOST_OWN", 2)
    project, wanda, otto = make_project(), make_worker("Wanda"), make_worker("Otto")
    pictures = [make_asset(project, worker=otto if place == 2 else wanda) for place in range(9)]
    shown = keys_of(1)
    corners.keep_all([(one, (shown, shown)) for one in pictures])
    part = [(pictures[place], (shown, keys_of(2))) for place in (3, 8)]
    found = corners.near(pictures=part, newest=CornerIndex(16))
    before = {place: {one.id for one in found[pictures[place].pk]} for place in (3, 8)}
    assert before == {place: {pictures[at].pk for at in near} for place, near in {3: (0, 1), 8: (6, 7)}.items()}


# The index


def keys_of(number):
    rng = np.random.default_rng(number)
    return rng.integers(0, 1 << 24, (3, 150)).astype(np.uint32)


def test_keys_are_the_same_after_they_were_stored():
    plain, _ = both_keys(analyse(world.photo("one")).preview)
    assert (unpacked(packed(plain)) == plain).all()
    assert len(packed(plain)) <= 1350


def test_keys_of_pictures_with_many_and_with_few_corners_are_read_together():
    few, none = keys_of(2), np.full((3, 150), NO_KEY, np.uint32)
    few[:, 40:] = NO_KEY
    stored = [keys_of(1), none, few, keys_of(3)]
    assert (unpacked_all([packed(one) for one in stored]) == np.stack(stored)).all()
    assert unpacked_all([]).shape == (0, 3, 150)


def test_the_index_finds_each_picture_by_some_of_its_keys_and_forgets_the_oldest():
    index = CornerIndex(most=4096)
    for number in range(6500):
        index.add(number, keys_of(number))
    assert 4096 <= len(index) <= 4096 + 2048
    for wanted in (6499, 6300, 6000, 4097, 2500):
        asked = keys_of(99_000)
        asked[:, :5] = keys_of(wanted)[:, :5]
        (found,) = index.near(asked, keys_of(98_000))
        assert (found.id, found.votes, found.mirrored) == (wanted, 15, False)
        (found,) = index.near(keys_of(98_000), asked)
        assert (found.id, found.mirrored) == (wanted, True)
    assert index.near(keys_of(3), keys_of(98_000)) == []
    part = [(keys_of(wanted), keys_of(98_000)) for wanted in (6499, 3, 6300)]
    assert index.near_all(part) == [index.near(*both) for both in part]
    few = np.stack([keys_of(number) for number in range(20)])
    assert [one.id for one in voted(range(20), few, keys_of(7), keys_of(98_000))] == [7]
