"""Photos sent again honestly, pictures that appear late or lose their copies, and how long a slice of checks lasts."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crowd.errors import CrowdError
from crowd.models import Assignment, Evidence
from curation.models import Asset, HeldOutSet
from curation.services import cuts, held_out, sightings
from curation.stages import checks, lookalikes
from curation.stages.checks import Checks
from tests.crowd.market import NOON
from tests.engine import world
from tests.engine.test_lookalikes import do_jobs, in_a_row

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return world.campaign(wanted=20)


# Sent again


def test_a_photo_refused_as_too_small_may_be_sent_again_larger(project):
    wanda = world.worker(project, "wanda")
    small = world.checked(project, world.small_photo("one"), wanda)
    assert world.stands(small)[1:] == ("dropped", "low_resolution")
    again = world.checked(project, world.photo("one"), wanda)
    assert world.stands(again)[1] != "dropped"
    assert world.page_of(again).state == Assignment.State.SUBMITTED
    copied = world.checked(project, world.resaved("one"), wanda)
    assert world.stands(copied)[1:] == ("dropped", "same_photo")
    assert Evidence.objects.get().other_item_id == again.pk


def test_the_same_file_that_was_too_small_is_too_small_again_and_accuses_nobody(project):
    wanda = world.worker(project, "wanda")
    for _ in range(2):
        small = world.checked(project, world.small_photo("one"), wanda)
        assert world.stands(small)[1:] == ("dropped", "low_resolution")
    assert not Evidence.objects.exists()


def test_somebody_elses_small_photo_sent_larger_is_still_a_copy(project):
    first = world.checked(project, world.small_photo("one"), world.worker(project, "wanda"))
    copied = world.checked(project, world.photo("one"), world.worker(project, "otto"))
    assert world.stands(copied)[1:] == ("dropped", "same_photo")
    assert Evidence.objects.get().other_item_id == first.pk


def test_a_photo_that_was_paid_and_taken_out_later_is_not_paid_again(project):
    wanda = world.worker(project, "wanda")
    first = world.checked(project, world.photo("one"), wanda)
    Assignment.objects.filter(answers=first.answer_id).update(state=Assignment.State.ACCEPTED)
    Asset.objects.filter(pk=first.pk).update(state="dropped", reason="blurred")
    assert world.stands(world.checked(project, world.resaved("one"), wanda))[1:] == ("dropped", "same_photo")


@pytest.mark.parametrize(("page", "takes_part"), [("rejected", False), ("accepted", True)])
def test_a_poor_frame_takes_part_when_its_video_was_paid(page, takes_part, project):
    wanda = world.worker(project, "wanda")
    video, again = (world.send(project, world.photo(seed), wanda) for seed in ("one", "two"))
    frame = Asset.objects.create(
        project=project,
        stage=video.stage,
        parent=video,
        worker_id=wanda.pk,
        state="dropped",
        reason="blurred",
        frame_index=0,
        frame_ms=0,
        sha256=b"3" * 32,
        storage_key="frames/one.jpg",
    )
    Assignment.objects.filter(answers=video.answer_id).update(state=page)
    later = Asset.objects.create(
        project=project,
        stage=video.stage,
        parent=again,
        worker_id=wanda.pk,
        frame_index=0,
        frame_ms=0,
        sha256=b"3" * 32,
        storage_key="frames/two.jpg",
    )
    assert (frame in lookalikes.earlier_than(later)) is takes_part


# Lost and late


def test_a_lost_small_copy_of_an_earlier_picture_does_not_stop_the_checks(project):
    first = world.checked(project, world.photo("one"))
    default_storage.delete(first.preview.grey_key)
    assert world.stands(world.checked(project, world.resaved("one")))[1] != "dropped"
    assert world.stands(world.checked(project, world.photo("one")))[1:] == ("dropped", "same_file")


def test_a_lost_small_copy_of_a_held_out_picture_stops_neither_the_checks_nor_the_taking_out(project, tmp_path):
    lost = world.checked(project, world.photo("one"))
    default_storage.delete(lost.preview.grey_key)
    (tmp_path / "exam.jpg").write_bytes(world.resaved("one"))
    row = held_out.add_source(project=project, name="Exam", source=str(tmp_path), by=None, now=NOON)
    do_jobs(project, "bulk_drop")
    assert world.stands(lost)[1] != "dropped"
    default_storage.delete(row.pictures.get().grey_key)
    assert world.stands(world.checked(project, world.photo("two")))[1] != "dropped"
    assert world.stands(world.checked(project, world.resaved("one")))[1:] == ("dropped", "held_out")


def test_a_picture_that_appears_after_later_ones_is_found(project):
    rows = in_a_row(project, 4)
    Asset.objects.filter(pk=rows[0].pk).update(project=world.campaign())
    mine = Asset.objects.filter(project=project, hash256__isnull=False)
    index = sightings.Index()
    index.read_on(mine)
    assert index.ids == {row.pk for row in rows[1:]}
    Asset.objects.filter(pk=rows[0].pk).update(project=project)
    Asset.objects.filter(pk=rows[3].pk).update(contrast=0.0)  # as many as before
    index.read_on(mine)
    assert index.ids == {row.pk for row in rows[:3]}
    near = index.hashes.near(rows[0].hash256, radius=8)
    assert [one.id for one in near if one.distance == 0] == [rows[0].pk]
    assert len(index.hashes) == 4  # nothing is read twice


def test_only_so_many_projects_are_held_in_memory():
    for number in range(lookalikes.MOST_INDEXES + 5):
        lookalikes._index_of((-number,))
    assert lookalikes._index_of.cache_info().currsize == lookalikes.MOST_INDEXES


# A slice, and distance 0


def test_a_slice_of_checks_ends_when_its_time_is_up_and_the_next_goes_on(project, monkeypatch):
    sent = [world.send(project, world.photo(seed)) for seed in ("one", "two")]
    stage = project.stages.get(name="checks")
    monkeypatch.setattr(checks, "SECONDS_A_SLICE", -1.0)
    first = Checks().work(stage, NOON, 20)
    assert (first.moved, first.more) == (1, True)
    second = Checks().work(stage, NOON, 20)
    assert (second.moved, second.more) == (1, False)
    assert not Asset.objects.filter(pk__in=[one.pk for one in sent], stage=stage, state="waiting").exists()


def test_a_near_distance_of_nothing_drops_what_has_the_same_hash():
    project = world.campaign(wanted=20, checks={"near_distance": 0})
    first = world.checked(project, world.photo("one"))
    stage = project.stages.get(name="checks")
    Asset.objects.filter(pk=first.pk).update(label_class=None)
    key = default_storage.save("own/one.jpg", ContentFile(world.photo("one") + b"\0"))
    own = Asset.objects.create(project=project, stage=stage, sha256=b"2" * 32, storage_key=key)
    world.work(project, "checks")
    assert world.stands(own)[1:] == ("dropped", "near_duplicate")


# Holding a folder out


def stored():
    return set(default_storage.listdir("grey")[1]) if default_storage.exists("grey") else set()


def test_nothing_is_read_while_pictures_are_being_taken_out(project, tmp_path, monkeypatch):
    cuts.apply(project=project, values=cuts.read({"min_brightness": "9"}), by=world.person("Al"), now=NOON)
    (tmp_path / "exam.jpg").write_bytes(world.photo("exam"))
    monkeypatch.setattr(held_out, "_measure", lambda *_: pytest.fail("read in vain"))
    with pytest.raises(CrowdError, match="already"):
        held_out.add_source(project=project, name="Exam", source=str(tmp_path), by=None, now=NOON)
    assert not HeldOutSet.objects.exists()


def test_a_set_that_fails_in_the_end_leaves_no_copies_behind(project, tmp_path, monkeypatch):
    (tmp_path / "exam.jpg").write_bytes(world.photo("exam"))
    before, measure = stored(), held_out._measure

    def measure_meanwhile(reader, pictures):
        refused = measure(reader, pictures)
        assert stored() > before
        cuts.apply(project=project, values=cuts.read({"min_brightness": "9"}), by=world.person("Al"), now=NOON)
        return refused

    monkeypatch.setattr(held_out, "_measure", measure_meanwhile)
    with pytest.raises(CrowdError, match="already"):
        held_out.add_source(project=project, name="Exam", source=str(tmp_path), by=None, now=NOON)
    assert not HeldOutSet.objects.exists()
    assert stored() == before
