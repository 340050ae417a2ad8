"""Splits that do not leak: every planted leak is found, giants are left apart, and a locked part stays locked."""

from typing import Any

import pytest
from django.utils import timezone

from crowd.errors import CrowdError
from curation.models import Asset, AssetTag, DatasetItem, LockedPart, TagRun
from curation.services import locked_parts, sampling, splits
from curation.services.coverage.plan import read_plan
from curation.services.datasets import freeze_version, split_version
from curation.services.sampling import Order
from curation.services.splits import SplitPlan
from tests.factories import make_asset, make_project, make_worker

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def project():
    return make_project()


def frozen(project, **plan: Any):
    whole = freeze_version(project_id=project.pk, by=None, now=NOW)
    return split_version(dataset_id=whole.pk, plan=SplitPlan(**plan), by=None, now=NOW)


def put(version, asset: Asset, part: str) -> None:
    DatasetItem.objects.filter(dataset=version, asset=asset).update(split=part)


def subject(asset: Asset, *names: str) -> None:
    run = TagRun.objects.create(project_id=asset.project_id, asset=asset, tagger="people", version="1")
    for name in names:
        AssetTag.objects.create(
            run=run, project_id=asset.project_id, asset=asset, key="subject", value=name, source="person"
        )


@pytest.mark.parametrize("kind", ["worker", "video", "subject", "same_file", "lookalike"])
def test_a_planted_leak_of_each_kind_is_found_with_two_images_as_proof(project, kind):
    worker = make_worker()
    video = make_asset(project, media="video", state="dropped")
    one, other = (
        make_asset(
            project,
            worker=worker if kind == "worker" else make_worker(),
            parent=video if kind == "video" else None,
            frame_index=number if kind == "video" else None,
        )
        for number in range(2)
    )
    if kind == "subject":
        subject(one, "Anna", "Ben")
        subject(other, "Ben", "Carl")
    if kind == "same_file":
        Asset.objects.filter(pk=one.pk).update(worker_id=None, sha256=b"1" * 32, parent=video, frame_index=7)
        Asset.objects.filter(pk=other.pk).update(sha256=b"1" * 32)
    if kind == "lookalike":
        Asset.objects.filter(pk__in=[one.pk, other.pk]).update(hash256=b"\x0f" * 32, contrast=60)
    make_asset(project, worker=make_worker())
    version = frozen(project, by=(kind,) if kind in splits.TIES else ())
    assert splits.leaks_of(version, kind) == []
    put(version, one, "train")
    put(version, other, "test")
    found = splits.leaks_of(version, kind)
    assert [(leak.kind, set(leak.examples)) for leak in found] == [(kind, {one.pk, other.pk})]
    assert set(found[0].splits) == {"train", "test"}


def test_classes_are_spread_over_the_parts_and_the_report_says_how_well(project):
    label, other = project.classes.get(), project.classes.create(index=1, name="fist")
    for number in range(120):
        make_asset(project, worker=make_worker(), label_class=label if number % 4 else other)
    version = frozen(project, shares={"train": 0.5, "test": 0.5})
    assert version.splits["classes"] == {"fist": {"train": 15, "test": 15}, "peace": {"train": 45, "test": 45}}
    assert version.splits["chi_square"] == {"fist": 0, "peace": 0}


def test_duplicates_across_people_leave_images_out_instead_of_gluing_everything_together(project):
    assets = [make_asset(project, worker=make_worker(), width=1920 + number) for number in range(120)]
    Asset.objects.filter(pk__in=[one.pk for one in assets]).update(hash256=b"\x0f" * 32, contrast=60)
    version = frozen(project, by=("worker", "lookalike"))
    assert version.splits["left_out"] == {"cross_subject_duplicate": 119}
    assert version.counts["images"] == version.items.count() == 1
    assert version.items.get().asset_id == assets[-1].pk  # the largest
    assert version.counts["classes"] == {"peace": {"images": 1, "boxes": 0}}


def test_a_locked_part_is_in_no_sample_and_no_query_and_later_splits_keep_it(project):
    people = [make_worker() for _ in range(30)]
    for number in range(60):
        make_asset(project, worker=people[number % 30], brightness=100)
    version = frozen(project)
    with pytest.raises(CrowdError, match="has no part 'exam'"):
        locked_parts.lock(version=version, split="exam", by=None, now=NOW)
    part = locked_parts.lock(version=version, split="test", by=None, now=NOW)
    held = set(version.items.filter(split="test").values_list("asset_id", flat=True))
    order = Order(read_plan("brightness: 0..255 100%, 256..300 0%"), 60)
    assert set(sampling.drawn(project=project, order=order).asset_ids).isdisjoint(held)
    with pytest.raises(CrowdError, match="would be among the others"):
        freeze_version(project_id=project.pk, by=None, query="brightness>=50", now=NOW)
    with pytest.raises(CrowdError, match="cannot be used for labelling"):
        locked_parts.refuse(project=project, asset_ids=sorted(held)[:1], what="for labelling")
    again = frozen(project, keep=False, seed=99)
    assert held <= set(again.items.filter(split="test").values_list("asset_id", flat=True))
    with pytest.raises(CrowdError, match="test is locked and has"):
        frozen(project, shares={"train": 0.9, "val": 0.1})
    with pytest.raises(CrowdError, match="Say why"):
        locked_parts.unlock(part=part, reason=" ", by=None, now=NOW)
    locked_parts.unlock(part=part, reason="the contest is over", by=None, now=NOW)
    assert LockedPart.objects.get().reason == "the contest is over"
    assert len(sampling.drawn(project=project, order=order).asset_ids) == 60


def test_frames_of_a_locked_video_stay_together_even_when_pictures_are_dealt_one_by_one(project):
    clips = [make_asset(project, media="video", state="dropped") for _ in range(10)]
    for number in range(60):
        make_asset(project, parent=clips[number % 10], frame_index=number)
    locked_parts.lock(version=frozen(project), split="test", by=None, now=NOW)
    again = frozen(project, by=(), keep=False, seed=3)
    assert again.splits["by"] == ["video"]
    assert again.splits["leaks"]["video"] == 0


def test_a_part_that_leaks_is_not_locked(project):
    worker = make_worker()
    one, other = (make_asset(project, worker=worker) for _ in range(2))
    version = frozen(project, by=())
    put(version, one, "train")
    put(version, other, "test")
    version.splits["leaks"] = {"worker": 1}
    with pytest.raises(CrowdError, match=r"leaks \(1 worker in more"):
        locked_parts.lock(version=version, split="test", by=None, now=NOW)
