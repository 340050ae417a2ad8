"""What the checks say about pictures that repeat, resemble or must not be there, and what becomes of them."""

import hashlib
from datetime import timedelta

import numpy as np
import pytest

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Assignment, Evidence, Task
from crowd.services import trust
from curation.models import Asset, BulkDrop, Decision, HeldOutPicture, HeldOutSet, Job
from curation.preprocessing.verify import PairVerdict
from curation.services import bulk_drops, cuts, held_out, honesty, jobs, rings, suspicions
from curation.services.lookalikes import groups, searching, thinning, words
from curation.stages import checks
from curation.stages.lookalikes import Hit
from tests.crowd.market import NOON
from tests.engine import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return world.campaign(wanted=20)


def last_evidence(asset):
    return Decision.objects.filter(asset=asset).latest("id").evidence


def do_jobs(project, kind):
    while job := Job.objects.filter(kind=kind, project_id=project.pk, state=Job.State.DUE).first():
        assert jobs.run(job_id=job.pk, now=database_now())
        job.refresh_from_db()
        assert not job.last_error


def in_a_row(project, n, **values: float):
    """Measured pictures of our own, each one bit further from the first; no file behind them."""
    stage = project.stages.get(name="checks")
    base = np.frombuffer(hashlib.sha256(str(values).encode()).digest(), np.uint8).copy()
    rows = []
    for number in range(n):
        bits = base.copy()
        bits[: number // 8] ^= 255
        bits[number // 8] ^= (255 << (8 - number % 8)) & 255
        rows.append(
            Asset(
                project=project,
                stage=stage,
                state=Asset.State.PUBLISHED,
                sha256=hashlib.sha256(f"{values}{number}".encode()).digest(),
                hash256=bits.tobytes(),
                contrast=40.0,
                sharpness=values.get("sharpness", 100.0) - number,
                brightness=values.get("brightness", 120.0),
                width=1920,
                height=1080,
                storage_key=f"none/{number}",
            )
        )
    return Asset.objects.bulk_create(rows)


# Verdicts with their evidence


def test_a_disguised_photo_waits_for_a_person_where_the_project_says_so():
    project = world.campaign(wanted=20, checks={"same_photo": "hold"})
    first = world.checked(project, world.photo("one"))
    again = world.checked(project, world.resaved("one"))
    assert world.stands(again) == ("checks", "held", "same_photo")
    found = last_evidence(again)
    assert found["other_asset"] == str(first.public_id)
    assert {"distance", "orientation", "block_difference", "inliers", "common"} <= set(found)
    assert Evidence.objects.get().other_item_id == first.pk
    same = world.checked(project, world.photo("one"))
    assert world.stands(same)[1:] == ("dropped", "same_file")


@pytest.fixture
def all_alike(monkeypatch):
    """From now on each new picture resembles this one, without a proof that it is the same."""

    def resemble(asset):
        likeness = Hit(asset, PairVerdict("same_scene", 40, "none", 0.9, 30, 1.0))
        monkeypatch.setattr(checks, "lookalikes_of", lambda *_: [likeness])

    return resemble


def test_a_scene_shown_too_often_by_one_worker_is_refused_with_what_it_resembles(all_alike):
    project = world.campaign(wanted=20, checks={"most_per_scene": 1})
    wanda = world.worker(project, "wanda")
    first = world.checked(project, world.photo("one"), wanda)
    all_alike(first)
    second = world.checked(project, world.photo("two"), wanda)
    assert world.stands(second)[1:] == ("dropped", "scene_again")
    assert last_evidence(second)["of_this_scene"] == 1
    other = world.checked(project, world.photo("three"), world.worker(project, "otto"))
    assert world.stands(other)[1] != "dropped"
    assert not Evidence.objects.exists()


def test_a_likeness_alone_never_rejects_but_may_wait_for_a_person(all_alike):
    project = world.campaign(wanted=20, checks={"same_scene": "hold"})
    first = world.checked(project, world.photo("one"))
    all_alike(first)
    second = world.checked(project, world.photo("two"))
    assert world.stands(second)[1:] == ("held", "same_scene")
    assert world.page_of(second).state == Assignment.State.SUBMITTED
    assert not Evidence.objects.exists()


# Held-out sets


def test_a_picture_of_a_held_out_set_is_refused_even_in_disguise_and_accuses_nobody(project, tmp_path):
    (tmp_path / "exam.jpg").write_bytes(world.photo("exam"))
    (tmp_path / "page.html").write_bytes(b"<html>")
    row = held_out.add_source(project=project, name="Exam", source=str(tmp_path), by=None, now=NOON)
    assert HeldOutPicture.objects.filter(held_out=row).count() == 1
    assert sum(row.refused.values()) == 1
    asset = world.checked(project, world.resaved("exam"))
    assert world.stands(asset)[1:] == ("dropped", "held_out")
    assert last_evidence(asset)["held_out"] == "Exam"
    assert last_evidence(asset)["verdict"] == "same_photo"
    assert world.page_of(asset).state == Assignment.State.REJECTED
    assert not Evidence.objects.exists()
    held_out.retire(held_out=row, by=world.person("Alice"), now=NOON)
    other = world.checked(project, world.photo("exam"))
    assert world.stands(other)[2] == "same_photo"  # it repeats the refused one now


def test_what_a_held_out_set_finds_in_the_project_is_taken_out_and_can_be_brought_back(project, tmp_path):
    asset = world.checked(project, world.photo("exam"))
    world.validate(project, "correct", "correct", "correct")
    honest = world.checked(project, world.photo("one"))
    before = world.stands(asset)
    if before[1] == "working":
        Asset.objects.filter(pk=asset.pk).update(state="waiting")
        before = world.stands(asset)
    (tmp_path / "exam.jpg").write_bytes(world.resaved("exam"))
    held_out.add_source(project=project, name="Exam", source=str(tmp_path), by=None, now=NOON)
    do_jobs(project, "bulk_drop")
    assert world.stands(asset)[1:] == ("dropped", "held_out")
    assert world.stands(honest)[1] != "dropped"
    assert world.page_of(asset).state == Assignment.State.ACCEPTED
    drop = BulkDrop.objects.get()
    assert (drop.state, drop.dropped) == ("done", 1)
    bulk_drops.undo(drop=drop, by=world.person("Alice"), now=NOON)
    do_jobs(project, "bulk_drop")
    assert world.stands(asset)[0] == before[0]
    assert world.stands(asset)[1] == "waiting"


def test_a_set_without_a_single_picture_is_refused_and_leaves_nothing(project, tmp_path):
    (tmp_path / "page.html").write_bytes(b"<html>")
    with pytest.raises(CrowdError, match="no picture in it"):
        held_out.add_source(project=project, name="Exam", source=str(tmp_path), by=None, now=NOON)
    assert not BulkDrop.objects.exists()
    assert not HeldOutSet.objects.exists()


# Near-duplicates


def test_groups_have_the_sharpest_as_leader_and_never_chain(project):
    pictures = in_a_row(project, 40)
    searching.ask(project=project)
    do_jobs(project, "find_lookalikes")
    search = groups.search_of(project)
    assert search.pictures == 40
    assert search.kept["8"] == 5  # 0, 9, 18, 27, 36: each member within 8 bits of its own leader
    found = groups.page(groups.resolved(search, 8), number=1, project=project)
    assert found.groups[0].leader == pictures[0]
    assert all(member.distance <= 8 for group in found.groups for member in group.members)
    assert groups.stands(project).groups[8].kept == 5


def test_new_pictures_join_what_was_found_and_another_class_is_another_picture(project):
    in_a_row(project, 10)
    searching.ask(project=project)
    do_jobs(project, "find_lookalikes")
    more = in_a_row(project, 10, sharpness=500.0)
    label = project.classes.get(name=world.SIGN)
    Asset.objects.filter(pk=more[0].pk).update(hash256=Asset.objects.first().hash256)
    Asset.objects.filter(pk=more[1].pk).update(hash256=Asset.objects.first().hash256, label_class=label)
    searching.ask(project=project)
    do_jobs(project, "find_lookalikes")
    search = groups.search_of(project)
    found = groups.resolved(search, 8)
    ids = found.pictures.ids.tolist()
    leads = {ids[place]: ids[int(found.leaders[place])] for place in range(len(ids))}
    assert leads[more[0].pk] == Asset.objects.first().pk  # who led before leads on, though the new one is sharper
    assert leads[more[1].pk] == more[1].pk


def test_people_keep_swap_and_merge_and_take_it_back(project):
    first, second, third, *_ = in_a_row(project, 5)
    (far,) = in_a_row(project, 1, brightness=90.0)
    alice = world.person("Alice")
    searching.ask(project=project)
    do_jobs(project, "find_lookalikes")
    search = groups.search_of(project)
    assert groups.resolved(search, 8).kept == 2
    words.keep(project=project, pictures=[second.public_id], by=alice)
    assert groups.resolved(search, 8).kept == 3
    words.keep_instead(project=project, picture=third.public_id, instead_of=first.public_id, by=alice)
    shown = groups.page(groups.resolved(search, 8), number=1, project=project)
    assert shown.groups[0].leader == third
    words.merge(project=project, leaders=[third.public_id, far.public_id], by=alice)
    assert groups.resolved(search, 8).kept == 2
    words.forget(project=project, by=alice)
    assert groups.resolved(search, 8).kept == 2
    with pytest.raises(CrowdError, match="two groups"):
        words.merge(project=project, leaders=[far.public_id], by=alice)


@pytest.fixture
def led_from_the_middle(project):
    """Seventeen pictures in a row; the ninth is the sharpest, and all others are within 8 bits of it."""
    pictures = in_a_row(project, 17)
    Asset.objects.filter(pk=pictures[8].pk).update(sharpness=500.0)
    searching.ask(project=project)
    do_jobs(project, "find_lookalikes")
    assert groups.resolved(groups.search_of(project), 8).kept == 1
    return pictures


def test_when_a_leader_is_gone_its_members_are_grouped_anew_by_their_own_distances(project, led_from_the_middle):
    row = led_from_the_middle
    Asset.objects.filter(pk=row[8].pk).update(state="dropped")
    drop = thinning.apply(project=project, stop=8, also_new=False, by=world.person("Alice"), now=NOON)
    do_jobs(project, "bulk_drop")
    planned = {one.asset_id: (one.other_id, one.evidence["distance"]) for one in drop.pictures.all()}
    near_the_first = {row[number].pk: (row[0].pk, number) for number in range(1, 8)}
    near_the_tenth = {row[number].pk: (row[9].pk, number - 9) for number in range(10, 17)}
    assert planned == near_the_first | near_the_tenth


def test_keeping_a_leader_too_groups_its_members_anew(project, led_from_the_middle):
    row = led_from_the_middle
    words.keep(project=project, pictures=[row[8].public_id], by=world.person("Alice"))
    losers = groups.losers(groups.search_of(project), 8)
    assert max(one.distance for one in losers) == 7
    assert {one.kept for one in losers} == {row[0].pk, row[9].pk}


def test_a_picture_merged_into_a_group_whose_leader_is_gone_is_not_taken_out_for_it(project, led_from_the_middle):
    (far,) = in_a_row(project, 1, brightness=90.0)
    searching.ask(project=project)
    do_jobs(project, "find_lookalikes")
    leader = led_from_the_middle[8]
    words.merge(project=project, leaders=[leader.public_id, far.public_id], by=world.person("Alice"))
    assert far.pk in {one.picture for one in groups.losers(groups.search_of(project), 8)}
    Asset.objects.filter(pk=leader.pk).update(state="dropped")
    assert far.pk not in {one.picture for one in groups.losers(groups.search_of(project), 8)}


def test_words_are_read_once_for_all_distances(project, led_from_the_middle, django_assert_num_queries):
    with django_assert_num_queries(6):
        assert set(groups.stands(project).groups) == set(searching.STOPS)
    with django_assert_num_queries(2):  # kept for this version of the project and these words
        groups.stands(project)


def test_thinning_keeps_one_of_each_group_holds_for_new_files_and_is_undone(project):
    pictures = in_a_row(project, 20)
    alice = world.person("Alice")
    searching.ask(project=project)
    do_jobs(project, "find_lookalikes")
    drop = thinning.apply(project=project, stop=8, also_new=True, by=alice, now=NOON)
    with pytest.raises(CrowdError, match="already"):
        thinning.apply(project=project, stop=8, also_new=True, by=alice, now=NOON)
    do_jobs(project, "bulk_drop")
    drop.refresh_from_db()
    assert (drop.state, drop.dropped) == ("done", 17)
    assert Asset.objects.filter(reason="near_duplicate").count() == 17
    assert last_evidence(pictures[1])["other_asset"] == str(pictures[0].public_id)
    stage = project.stages.get(name="checks")
    assert stage.settings["near_distance"] == 8
    bulk_drops.undo(drop=drop, by=alice, now=NOON)
    bulk_drops.undo(drop=drop, by=alice, now=NOON)
    do_jobs(project, "bulk_drop")
    stage.refresh_from_db()
    assert "near_distance" not in stage.settings
    assert not Asset.objects.filter(state="dropped").exists()


def test_pictures_on_offer_are_taken_back_from_the_crowd_and_those_in_hand_are_left(project):
    paused = [world.checked(project, world.photo(seed)) for seed in ("one", "two")]
    for asset in paused:
        Assignment.objects.filter(answers=asset.answer_id).update(state=Assignment.State.ACCEPTED)
    world.work(project, "validate")
    tasks = Task.objects.filter(item_id__in=[asset.pk for asset in paused])
    assert tasks.count() == 2
    Task.objects.filter(item_id=paused[1].pk).update(issued=1)
    drop = cuts.apply(project=project, values=cuts.read({"min_brightness": "254"}), by=world.person("Al"), now=NOON)
    do_jobs(project, "bulk_drop")
    assert [world.stands(asset)[1] for asset in paused] == ["dropped", "working"]
    assert not Task.objects.filter(item_id=paused[0].pk).exists()
    bulk_drops.undo(drop=drop, by=world.person("Al"), now=NOON)
    do_jobs(project, "bulk_drop")
    world.work(project, "validate")
    assert world.stands(paused[0])[1] == "working"
    assert Task.objects.get(item_id=paused[0].pk).overlap == Task.objects.get(item_id=paused[1].pk).overlap


def test_what_waits_for_its_verdict_is_not_taken_out_unpaid(project):
    asset = world.checked(project, world.photo("one"))
    Asset.objects.filter(pk=asset.pk).update(state="waiting")
    assert list(bulk_drops.takeable([asset.pk])) == []


# Blur and light


def test_cuts_come_from_accepted_pictures_once_there_are_a_hundred(project):
    assert cuts.suggestions(project)["min_sharpness"] is None
    in_a_row(project, 60)
    few = cuts.suggestions(project)["min_sharpness"]
    assert (few.from_accepted, few.measured) == (False, 60)
    in_a_row(project, 60, brightness=100.0)
    enough = cuts.suggestions(project)["min_sharpness"]
    assert enough.from_accepted
    assert enough.value == pytest.approx(42.2, abs=1.0)


def test_a_cut_takes_out_what_is_beyond_it_holds_for_new_photos_and_is_undone(project):
    pictures = in_a_row(project, 20)
    alice = world.person("Alice")
    seen = cuts.previews(project, {"min_sharpness": 90.5})["min_sharpness"]
    assert (seen.goes, seen.of, seen.beyond[0], seen.within[0]) == (10, 20, pictures[10], pictures[9])
    drop = cuts.apply(project=project, values=cuts.read({"min_sharpness": "90.5"}), by=alice, now=NOON)
    do_jobs(project, "bulk_drop")
    assert Asset.objects.filter(reason="blurred").count() == 10
    project.stages.filter(name="checks").update(
        settings={**project.stages.get(name="checks").settings, "min_brightness": 250.0}
    )
    dark = world.checked(project, world.photo("two"))  # sharp enough
    assert world.stands(dark)[1:] == ("dropped", "too_dark")
    bulk_drops.undo(drop=drop, by=alice, now=NOON)
    do_jobs(project, "bulk_drop")
    assert not Asset.objects.filter(reason="blurred").exists()
    assert "min_sharpness" not in project.stages.get(name="checks").settings
    assert project.stages.get(name="checks").settings["min_brightness"] == 250.0


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"min_sharpness": "much"}, "must be a number"),
        ({"min_sharpness": "nan"}, "is 0 to"),
        ({"max_brightness": "300"}, "is 0 to 255"),
        ({"min_brightness": "90", "max_brightness": "80"}, "must be under"),
    ],
)
def test_a_cut_that_cannot_be_is_one_sentence(typed, says):
    with pytest.raises(CrowdError, match=says):
        cuts.read(typed)


# Rings and flags


def test_accounts_that_share_a_photo_are_a_ring_with_the_pictures(project):
    wanda, otto = world.worker(project, "wanda"), world.worker(project, "otto")
    world.checked(project, world.photo("one"), wanda)
    world.checked(project, world.resaved("one"), otto)
    world.checked(project, world.photo("two"), wanda)
    world.checked(project, world.photo("two"), wanda)  # her own again: no ring
    (ring,) = rings.rings(project=project)
    assert {member.worker.pk: (member.copied, member.lent) for member in ring.members} == {
        otto.pk: (1, 0),
        wanda.pk: (0, 1),
    }
    assert (ring.pictures, len(ring.shared)) == (1, 1)
    where = {"worker_id": otto.pk, "scope": "account", "scope_id": otto.account_id, "reason": ""}
    for until, is_banned in [(database_now() - timedelta(days=1), False), (None, True)]:
        trust.restrict(**where, until=until)
        (ring,) = rings.rings(project=project)
        assert {member.worker.pk: member.banned for member in ring.members} == {otto.pk: is_banned, wanda.pk: False}
    suspicions.clear(evidence_id=Evidence.objects.get(worker=otto).pk, by=None, now=NOON)
    assert rings.rings(project=project) == []


def test_a_reported_picture_is_dropped_and_a_false_alarm_brings_it_back_once(project):
    alice = world.person("Alice")
    asset = world.checked(project, world.photo("one"))
    with pytest.raises(CrowdError, match="what shows it"):
        honesty.flag(asset_id=asset.pk, by=alice, note=" ", now=NOON)
    evidence = honesty.flag(asset_id=asset.pk, by=alice, note="six fingers", now=NOON)
    assert (evidence.level, evidence.details["note"]) == (80, "six fingers")
    assert world.stands(asset)[1:] == ("dropped", "flag")
    assert world.page_of(asset).state == Assignment.State.REJECTED
    for _ in range(2):
        suspicions.clear(evidence_id=evidence.pk, by=alice, now=NOON)
    assert world.stands(asset) == ("validate", "waiting", "")
    assert world.page_of(asset).state == Assignment.State.REJECTED
    world.validate(project, "correct", "correct", "correct")
    assert world.page_of(asset).state == Assignment.State.ACCEPTED
    paid = world.totals(project)
    suspicions.clear(evidence_id=evidence.pk, by=alice, now=NOON)
    assert world.totals(project) == paid
