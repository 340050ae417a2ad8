"""Changes of many assets at once: what they do, what they leave alone, and that undo puts everything back."""

from datetime import timedelta

import pytest

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Assignment
from curation.models import (
    Asset,
    AssetTag,
    BulkChange,
    DatasetItem,
    DatasetVersion,
    Decision,
    Event,
    HeldOutSet,
    LabelClass,
    ReviewLease,
    Stage,
)
from curation.services import bulk_changes
from curation.services.asset_query import QueryError, matching, parse
from curation.services.bulk_changes import Which
from curation.templatetags import asset_tiles
from tests.engine.test_lookalikes import do_jobs
from tests.factories import make_answer, make_asset, make_pool, make_project, make_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def assets(project):
    """Three published pictures of the first class, and two dropped ones."""
    made = [make_asset(project) for _ in range(3)]
    return made + [make_asset(project, Asset.State.DROPPED, stage="checks", reason="blurred") for _ in range(2)]


@pytest.fixture
def change(project, alice, assets):
    """Start a change of what a query means, and let it be done."""

    def started(action: str, query: str = "", *, work: bool = True, **how: str) -> BulkChange:
        newest = Asset.objects.filter(project=project).latest("pk").public_id
        which = Which(query=query, newest=newest)
        row = bulk_changes.start(project=project, action=action, how=how, which=which, by=alice, now=database_now())
        if work:
            do_jobs(project, "bulk_change")
            row.refresh_from_db()
            assert row.state == BulkChange.State.DONE
        return row

    return started


@pytest.fixture
def undo(project, alice):
    def undone(row: BulkChange) -> BulkChange:
        bulk_changes.undo(change=row, by=alice, now=database_now())
        do_jobs(project, "bulk_change")
        row.refresh_from_db()
        assert row.state == BulkChange.State.UNDONE
        return row

    return undone


def stands(assets) -> list[tuple]:
    rows = Asset.objects.filter(pk__in=[one.pk for one in assets]).order_by("pk")
    return list(rows.values_list("state", "reason", "stage__name", "label_class__name"))


def test_a_class_is_set_on_all_that_match_and_undo_keeps_what_somebody_has_set_since(project, assets, change, undo):
    palm = LabelClass.objects.create(project=project, index=7, name="palm")
    before = stands(assets)
    row = change("class", "state:published", **{"class": "palm"})
    assert (row.matched, row.changed) == (3, 3)
    assert [one[3] for one in stands(assets)] == ["palm"] * 3 + ["peace"] * 2
    assert change("class", "state:published", **{"class": "palm"}).changed == 0
    other = LabelClass.objects.create(project=project, index=8, name="fist")
    Asset.objects.filter(pk=assets[0].pk).update(label_class=other)
    undo(row)
    assert [one[3] for one in stands(assets)] == ["fist", "peace", "peace", "peace", "peace"]
    assert stands(assets)[1:] == before[1:]
    assert palm.assets.count() == 0


def test_one_asset_is_spoken_of_as_one(project, change):
    asset = make_asset(project, source="camera")
    change("tag", "source:camera", tag="outdoors")
    assert Event.objects.latest("pk").text == "1 asset: tag “outdoors” added."
    asset.copies, asset.doubtful_iou = 1, None
    assert asset_tiles._words(asset, "peace") == "peace, published, 1 near-duplicate"


def test_a_tag_of_a_person_is_added_found_removed_and_brought_back(project, assets, change, undo):
    row = change("tag", "state:dropped", tag="room: kitchen")
    assert row.changed == 2
    found = matching(parse("tag:kitchen"), project=project)
    assert set(found) == set(assets[3:])
    assert AssetTag.objects.filter(source="person").count() == 2
    assert change("tag", "", tag="room: kitchen").changed == 3
    taken = change("untag", "state:published", tag="room: kitchen")
    assert set(found.all()) == set(assets[3:])
    undo(taken)
    assert found.all().count() == 5
    undo(row)
    assert set(found.all()) == set(assets[:3])


def test_a_drop_leaves_what_is_frozen_or_waits_for_its_verdict_and_undo_puts_it_back(project, assets, change, undo):
    version = DatasetVersion.objects.create(project=project, number=1, frozen_at=database_now())
    DatasetItem.objects.create(dataset=version, asset=assets[0])
    wanda = make_worker()
    answer = make_answer(make_pool(project), wanda, Assignment.State.SUBMITTED)
    unjudged = make_asset(project, Asset.State.WAITING, stage="validate", worker=wanda, answer=answer)
    row = change("drop", "state:published,waiting", reason="not_wanted", note="another room")
    assert (row.matched, row.changed) == (4, 2)
    assert [one[:2] for one in stands(assets[:3])] == [
        ("published", ""),
        ("dropped", "not_wanted"),
        ("dropped", "not_wanted"),
    ]
    assert stands([unjudged])[0][0] == "waiting"
    said = Decision.objects.filter(asset=assets[1]).latest("pk")
    assert (said.verdict, said.evidence["note"]) == ("dropped", "another room")
    undo(row)
    assert [one[0] for one in stands(assets[:3])] == ["published", "waiting", "waiting"]
    assert {one[2] for one in stands(assets[:3])} == {"publish"}


def test_dropped_pictures_are_restored_paid_once_and_dropped_again_by_undo(project, assets, change, undo):
    row = change("restore", "reason:blurred")
    assert row.changed == 2
    assert {one[:3] for one in stands(assets[3:])} == {("waiting", "", "validate")}
    undo(row)
    assert {one[:3] for one in stands(assets[3:])} == {("dropped", "blurred", "checks")}


def test_what_is_sent_to_review_waits_there_for_a_person_and_comes_back_unless_somebody_looks_at_it(
    project, assets, change, undo, rita
):
    with pytest.raises(CrowdError, match="no review stage"):
        change("review")
    Stage.objects.filter(project=project, kind="publish").update(position=9)
    Stage.objects.create(project=project, position=3, kind="review", name="review", title="Review")
    row = change("review", "-reason:blurred")
    assert {one[:3] for one in stands(assets[:3])} == {("held", "sent_to_review", "review")}
    ReviewLease.objects.create(asset=assets[0], user=rita, until=database_now() + timedelta(minutes=5))
    undo(row)
    assert [one[0] for one in stands(assets[:3])] == ["held", "published", "published"]


def test_frames_of_a_video_nobody_has_judged_are_not_sent_to_review(project, assets, change):
    Stage.objects.filter(project=project, kind="publish").update(position=9)
    Stage.objects.create(project=project, position=3, kind="review", name="review", title="Review")
    answer = make_answer(make_pool(project), make_worker(), Assignment.State.SUBMITTED)
    video = make_asset(project, Asset.State.DROPPED, stage="checks", media="video", reason="cut_into_frames")
    Asset.objects.filter(pk=video.pk).update(answer=answer)
    frame = make_asset(project, Asset.State.WAITING, stage="validate", parent=video, frame_index=0, frame_ms=0)
    assert change("review", "state:waiting").changed == 0
    assert stands([frame])[0][:3] == ("waiting", "", "validate")


def test_what_is_held_out_leaves_the_project_and_its_like_is_refused_until_undo(project, assets, change, undo):
    row = change("hold_out", "state:published", name="Exam")
    assert {one[:2] for one in stands(assets[:3])} == {("dropped", "held_out")}
    assert HeldOutSet.objects.get().retired_at is None
    undo(row)
    assert {one[0] for one in stands(assets[:3])} == {"waiting"}
    assert HeldOutSet.objects.get().retired_at is not None


def test_only_what_had_arrived_when_it_was_seen_is_changed(project, alice, assets):
    seen = Which(query="state:published", newest=assets[0].public_id)
    row = bulk_changes.start(
        project=project, action="tag", how={"tag": "old"}, which=seen, by=alice, now=database_now()
    )
    do_jobs(project, "bulk_change")
    assert set(matching(parse("tag:old"), project=project)) == {assets[0]}
    row.refresh_from_db()
    assert row.matched == 1


def test_undo_stops_a_change_that_still_runs_and_nothing_else_may_run_beside_it(project, alice, assets, change):
    row = change("tag", tag="half", work=False)
    with pytest.raises(CrowdError, match="Another change"):
        change("tag", tag="other")
    bulk_changes.undo(change=row, by=alice, now=database_now())
    bulk_changes.undo(change=row, by=alice, now=database_now())
    do_jobs(project, "bulk_change")
    row.refresh_from_db()
    assert (row.state, row.changed, row.undone) == ("undone", 0, 0)
    assert not AssetTag.objects.exists()


@pytest.mark.parametrize(
    ("action", "how", "sentence"),
    [
        ("explode", {}, "'explode' is no change; known are class, tag"),
        ("class", {"class": "dragon"}, "'dragon' is no class of this project; classes are peace"),
        ("tag", {"tag": " : "}, "A tag is a word or two"),
        ("drop", {"reason": "because"}, "'because' is no reason to drop"),
        ("hold_out", {"name": ""}, "1 to 80 characters"),
    ],
)
def test_bad_input_is_refused_with_a_sentence_and_leaves_nothing(project, change, action, how, sentence):
    with pytest.raises(CrowdError, match=sentence):
        change(action, **how)
    assert not BulkChange.objects.exists()


def test_assets_of_another_project_cannot_be_picked(project, alice, assets):
    foreign = make_asset(make_project())
    for which in (Which(picked=[foreign.public_id]), Which(newest=foreign.public_id), Which()):
        with pytest.raises(CrowdError):
            bulk_changes.start(project=project, action="restore", how={}, which=which, by=alice, now=database_now())
    with pytest.raises(QueryError):
        bulk_changes.start(
            project=project, action="restore", how={}, which=Which("foo:bar", (), assets[0].public_id), by=alice,
            now=database_now(),
        )  # fmt: skip
