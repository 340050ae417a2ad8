"""Versions: what differs between two, splits in which nobody leaks, the card, what an export of a part holds."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from crowd.errors import CrowdError, IllegalTransition
from curation.api import paging
from curation.datasets.formats.receipt import changed_files
from curation.models import (
    Asset,
    AssetTag,
    ConsensusBox,
    DatasetVersion,
    Export,
    Job,
    LabelClass,
    Project,
    TagRun,
    User,
)
from curation.services import cards, datasets, exporting, jobs, splits, version_diff, versions
from curation.services.asset_query import QueryError
from curation.services.datasets import freeze_version
from curation.services.splits import BadSplit, SplitPlan
from tests.api.conftest import Caller, token_of
from tests.doors.conftest import photo, publish
from tests.factories import make_asset, make_project, make_worker

NOW = timezone.now()


def freeze(project: Project, **more: Any) -> DatasetVersion:
    return freeze_version(project_id=project.pk, by=None, now=timezone.now(), **more)


def finish(export: Export) -> Export:
    """Run the export's job to its end, after the one that freezes its version if somebody asked for that."""
    freezing = Job.objects.filter(kind="freeze", key=str(export.dataset_id))
    for job in (*freezing, Job.objects.get(kind="export", key=str(export.pk))):
        while job.state == Job.State.DUE:
            jobs.run(job_id=job.pk, now=timezone.now())
            job.refresh_from_db()
    export.refresh_from_db()
    return export


def box_of(asset: Asset) -> ConsensusBox:
    return ConsensusBox.objects.filter(consensus__asset=asset).order_by("seq").first()


@pytest.fixture
def changed(project: Project) -> tuple[DatasetVersion, DatasetVersion, list[Asset]]:
    """Two versions: one box moved and another relabelled, one picture gone, one of another class, one new."""
    first, second, third = Asset.objects.filter(project=project, state="published").order_by("id")
    old = freeze(project)
    LabelClass.objects.create(project=project, index=7, name="fist")
    ConsensusBox.objects.filter(pk=box_of(first).pk).update(x=0.125)
    ConsensusBox.objects.filter(consensus__asset=first, seq=1).update(label="fist")
    Asset.objects.filter(pk=second.pk).update(state="held")
    Asset.objects.filter(pk=third.pk).update(label_class=LabelClass.objects.get(project=project, name="fist"))
    new_one = publish(project, photo(4), [("gesture", 0.3)])
    return old, freeze(project), [first, second, third, new_one]


# --- what differs ------------------------------------------------------------------------------------------------
def test_two_versions_are_compared_picture_by_picture_and_box_by_box(changed):
    old, new, (first, second, third, new_one) = changed
    found = version_diff.compare(old=old, new=new)
    assert (found.added, found.removed, found.changed, found.reclassed, found.resplit) == (1, 1, 1, 1, 0)
    assert found.answered == 0
    names = {
        kind: [one.asset_id for one in version_diff.page(old=old, new=new, kind=kind)] for kind in version_diff.Kind
    }
    assert names == {
        "added": [new_one.pk],
        "removed": [second.pk],
        "changed": [first.pk],
        "reclassed": [third.pk],
        "answered": [],
        "resplit": [],
    }
    (one,) = version_diff.page(old=old, new=new, kind="changed")
    moved, relabelled = one.matches
    assert moved.iou == pytest.approx(0.9 / 1.1, abs=1e-6)
    assert (moved.moved, relabelled.relabelled, relabelled.iou) == (True, True, 1.0)
    assert one.iou == pytest.approx((0.9 / 1.1 + 1) / 2, abs=1e-6)
    boxes = version_diff.box_changes(old=old, new=new)
    assert version_diff.box_changes(old=old, new=new, most=0).images == 0
    assert (boxes.added, boxes.removed, boxes.moved, boxes.relabelled) == (0, 0, 1, {("no_gesture", "fist"): 1})
    (reclassed,) = version_diff.page(old=old, new=new, kind="reclassed")
    assert (reclassed.class_before, reclassed.class_after) == ("peace", "fist")


def test_equal_versions_do_not_differ_and_pages_go_on_where_they_stopped(project):
    old, new = freeze(project), freeze(project)
    assert version_diff.compare(old=old, new=new).is_empty
    nothing = DatasetVersion.objects.create(project=project, number=99, frozen_at=NOW)
    first = version_diff.page(old=nothing, new=new, kind="added", limit=2)
    rest = version_diff.page(old=nothing, new=new, kind="added", after=first[-1].asset_id, limit=2)
    assert [len(first), len(rest)] == [2, 1]
    assert len(list(version_diff.each(old=nothing, new=new, kind="added"))) == 3


def test_versions_that_differ_in_what_people_wrote_say_so(project, alice, client):
    old, new = freeze(project), freeze(project)
    asset = new.items.first().asset
    for version, caption in ((old, "A hand."), (new, "Two hands.")):
        version.items.filter(asset=asset).update(answers={"caption": caption, "light": "day"})
    found = version_diff.compare(old=old, new=new)
    assert (found.answered, found.changed, found.is_empty) == (1, 0, False)
    (one,) = version_diff.page(old=old, new=new, kind="answered")
    assert (one.asset_id, one.answers_before["caption"], one.answers_after["caption"]) == (
        asset.pk,
        "A hand.",
        "Two hands.",
    )
    client.force_login(alice)
    page = client.get(reverse("dataset-compare", args=[project.public_id])).content.decode()
    assert "Other answers 1" in page
    assert "caption: A hand. → Two hands." in page
    assert "light" not in page[page.index("What differs") :]


def test_versions_of_two_projects_are_not_compared(project, alice):
    other = make_project("Other", lead=alice)
    publish(other, photo(9), [])
    with pytest.raises(CrowdError, match="of different projects"):
        version_diff.compare(old=freeze(project), new=freeze(other))


@pytest.mark.django_db(transaction=True)
def test_while_a_version_is_frozen_or_split_the_project_is_written_on_and_a_second_freezing_waits_its_turn(
    project, monkeypatch
):
    def elsewhere() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '300ms'")
        try:
            make_asset(project)
            versions.bump(project_id=project.pk)
            freeze(project)
        except CrowdError as error:
            return str(error)
        finally:
            connection.close()
        return "froze at the same time"

    before = Project.objects.get(pk=project.pk).version
    with ThreadPoolExecutor(1) as other:
        for work in (freeze, _split_newest):
            with transaction.atomic():
                work(project)
                told = other.submit(elsewhere).result()
            assert told.startswith("Somebody is at the same in this project")
    assert list(DatasetVersion.objects.order_by("number").values_list("number", flat=True)) == [1, 2]
    assert Project.objects.get(pk=project.pk).version >= before + 4

    def away(_project_id: int) -> None:
        raise OperationalError("lock timeout")

    monkeypatch.setattr(versions, "_raise", away)
    assert freeze(project).number == 3


def _split_newest(project: Project) -> None:
    newest = DatasetVersion.objects.filter(project=project).latest("number")
    datasets.split_version(dataset_id=newest.pk, plan=SplitPlan(), by=None, now=NOW)


# --- splits ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def crowd_project(alice: User) -> Project:
    """Sixty pictures of twelve workers, two of whom are one person; ten of one subject; one video with four frames."""
    project = make_project(lead=alice)
    workers = [make_worker(f"W{n}") for n in range(12)]
    for one in workers[:2]:
        one.person_id = 77
        one.save(update_fields=["person_id"])
    for n in range(60):
        make_asset(project, worker=workers[n % 12])
    video = make_asset(project, "dropped", media="video")
    for n in range(4):
        make_asset(project, media="frame", parent=video, frame_index=n)
    for n in range(10):
        asset = make_asset(project)
        run = TagRun.objects.create(project_id=project.pk, asset=asset, tagger="people", version="1")
        AssetTag.objects.create(
            run=run, project_id=project.pk, asset=asset, key="subject", value=f"s{n % 2}", source="person"
        )
    return project


def places(version: DatasetVersion) -> dict[int, str]:
    return dict(version.items.values_list("asset_id", "split"))


def test_whoever_is_in_one_part_is_in_no_other_and_equal_seeds_give_equal_parts(crowd_project):
    whole = freeze(crowd_project)
    plan = SplitPlan(shares={"train": 70, "val": 15, "test": 15}, seed=5, keep=False)
    one, two = (datasets.split_version(dataset_id=whole.pk, plan=plan, by=None, now=NOW) for _ in range(2))
    assert places(one) == places(two)
    assert set(places(one).values()) == {"train", "val", "test"}
    assert set(places(whole).values()) == {""}
    assert one.splits["leaks"] == {"worker": 0, "video": 0, "same_file": 0, "subject": 0, "lookalike": 0}
    counts = {name: told["images"] for name, told in one.splits["counts"].items()}
    assert sum(counts.values()) == 74
    assert counts["train"] == pytest.approx(52, abs=5)
    other = SplitPlan(shares=plan.shares, seed=6, keep=False)
    assert places(datasets.split_version(dataset_id=whole.pk, plan=other, by=None, now=NOW)) != places(one)


def test_a_split_by_picture_leaks_and_the_report_names_who(crowd_project):
    version = freeze(crowd_project, split=SplitPlan(by=(), seed=1))
    leaks = splits.leaks_of(version, "worker")
    assert version.splits["leaks"]["worker"] == len(leaks) > 0
    split_of = places(version)
    assert all(split_of[leak.examples[0]] != split_of[leak.examples[1]] for leak in leaks)
    persons = Asset.objects.filter(worker_id__in=Asset.objects.values("worker_id")).count()
    assert persons


def test_what_was_in_a_part_stays_in_it_when_the_data_set_grows(crowd_project):
    first = freeze(crowd_project, split=SplitPlan(seed=3))
    for _ in range(30):
        make_asset(crowd_project)
    second = freeze(crowd_project, split=SplitPlan(seed=9))
    now = places(second)
    assert all(now[asset_id] == split for asset_id, split in places(first).items())
    assert second.splits["counts"]["test"]["images"] > first.splits["counts"]["test"]["images"]


def test_a_split_of_some_in_between_makes_no_picture_wander(crowd_project):
    first = places(freeze(crowd_project, split=SplitPlan(seed=3)))
    few = Asset.objects.filter(pk__in=sorted(first)[:8])
    rest = Asset.objects.filter(pk__in=sorted(first)[8:])
    rest.update(state=Asset.State.HELD)
    assert len(places(freeze(crowd_project, split=SplitPlan(seed=5)))) == few.count()
    rest.update(state=Asset.State.PUBLISHED)
    assert places(freeze(crowd_project, split=SplitPlan(seed=9))) == first


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"by": ("moon",)}, "'moon' is nothing pictures are kept together by"),
        ({"shares": {"train": 1.0}}, "2 to 10 parts"),
        ({"shares": {"train": 1.0, "te st": 1.0}}, "no name of a part"),
        ({"shares": {"train": 1.0, "test": -1.0}}, "above 0"),
    ],
)
def test_a_split_that_cannot_be_is_one_sentence(wrong, sentence):
    with pytest.raises(BadSplit, match=sentence):
        SplitPlan(**wrong)


def test_the_split_command_tells_parts_and_leaks(crowd_project, capsys):
    freeze(crowd_project)
    call_command("split", crowd_project.slug, "--shares", "train=8,test=2", "--seed", "4", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["of"], told["seed"]) == (2, 1, 4)
    assert set(told["counts"]) == {"train", "test"}
    assert told["leaks"]["worker"] == 0
    with pytest.raises(CommandError, match="'train' must look like NAME=SHARE") as refusal:
        call_command("split", crowd_project.slug, "--shares", "train")
    assert refusal.value.returncode == 2


# --- queries and cards -----------------------------------------------------------------------------------------------
def test_a_query_says_what_is_frozen_and_an_export_of_a_query_is_of_a_version(project, alice):
    LabelClass.objects.create(project=project, index=7, name="fist")
    publish(project, photo(5), [], label_class=LabelClass.objects.get(project=project, name="fist"))
    assert freeze(project, query="class:fist").counts["images"] == 1
    assert freeze(project, query="state:dropped").counts["images"] == 1
    with pytest.raises(QueryError, match="colour"):
        freeze(project, query="colour:red")
    with pytest.raises(datasets.NothingToFreeze, match="no image that matches “class:fist width<10”"):
        freeze(project, query="class:fist width<10")
    export = finish(datasets.export_query(project_id=project.pk, query="class:fist", format="jsonl", by=alice, now=NOW))
    assert (export.state, export.receipt["images"], export.dataset.query) == ("done", 1, "class:fist")


def test_a_version_keeps_the_card_it_was_frozen_with(project, alice, tmp_path):
    text = cards.CardText(title="Hands", description="Hand signs.", licence="CC-BY-4.0", intended_use="Detectors")
    cards.save_card(project_id=project.pk, text=text, by=alice, now=NOW)
    version = freeze(project)
    cards.save_card(project_id=project.pk, text=cards.CardText(title="Other"), by=alice, now=NOW)
    written = datasets.export_to(path=tmp_path / "hf", version=version, format="huggingface", with_images=False)
    page = (written.path / "README.md").read_text("utf-8")
    assert "# Hands\n\nHand signs." in page
    assert "license: cc-by-4.0" in page
    datasets.export_to(path=tmp_path / "coco", version=version, format="coco", with_images=False)
    document = json.loads((tmp_path / "coco" / "annotations" / "all.json").read_text("utf-8"))
    assert document["info"]["intended_use"] == "Detectors"
    assert document["licenses"] == [{"id": 1, "name": "CC-BY-4.0", "url": ""}]


def test_a_card_that_is_too_long_is_refused_by_its_field(project, alice):
    with pytest.raises(CrowdError, match="Title has 121 letters; at most 120 fit"):
        cards.save_card(project_id=project.pk, text=cards.CardText(title="x" * 121), by=alice, now=NOW)


# --- parts of a version ----------------------------------------------------------------------------------------------
def test_a_delta_lists_what_differs_and_brings_only_new_pictures(changed, tmp_path):
    old, new, (first, second, third, new_one) = changed
    written = datasets.export_to(path=tmp_path / "delta", version=new, since=old, format="coco")
    lines = [json.loads(line) for line in (written.path / "changes.jsonl").read_text().splitlines()]
    assert {one["image"]: one["change"] for one in lines} == {
        f"{first.public_id}.jpg": "changed",
        f"{third.public_id}.jpg": "changed",
        f"{new_one.public_id}.jpg": "added",
        f"{second.public_id}.jpg": "removed",
    }
    assert [path.name for path in (written.path / "images").iterdir()] == [f"{new_one.public_id}.jpg"]
    assert (written.receipt.images, written.receipt.boxes, written.receipt.negatives) == (3, 3, 1)
    assert changed_files(written.path) == []
    export = finish(
        datasets.request_export(dataset_id=new.pk, format="coco", since_id=old.pk, by=None, now=timezone.now())
    )
    assert export.receipt["sha256"] == written.receipt.sha256


def test_smaller_pictures_bring_their_boxes_along(project, tmp_path):
    written = datasets.export_to(path=tmp_path / "small", version=freeze(project), format="jsonl", max_side=100)
    lines = [json.loads(line) for line in (written.path / "images.jsonl").read_text().splitlines()]
    for line in lines:
        with Image.open(written.path / "images" / line["image"]) as image:
            assert image.size == (line["width"], line["height"])
        assert max(line["width"], line["height"]) <= 100
    assert lines[0]["boxes"][0]["x"] == pytest.approx(10.0, abs=0.5)


def test_a_cancelled_export_leaves_nothing_behind(project, alice, monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(exporting, "SLICE", 1)
    monkeypatch.setattr(exporting, "SECONDS_A_RUN", -1.0)
    export = datasets.request_export(dataset_id=freeze(project).pk, format="coco", by=alice, now=NOW)
    job = Job.objects.get(kind="export", key=str(export.pk))
    jobs.run(job_id=job.pk, now=timezone.now())
    assert exporting.folder_of(export).exists()
    with django_capture_on_commit_callbacks(execute=True):
        datasets.cancel_export(export_id=export.pk, by=alice, now=NOW)
    assert not exporting.folder_of(export).exists()
    finish(export)
    assert (export.state, export.storage_key) == ("cancelled", "")
    assert not default_storage.exists(exporting.key_of(export))
    with pytest.raises(IllegalTransition):
        datasets.cancel_export(export_id=export.pk, by=alice, now=NOW)


def test_an_export_cancelled_while_it_is_packed_stops_and_cleans_up(project, alice, monkeypatch):
    export = datasets.request_export(dataset_id=freeze(project).pk, format="coco", by=alice, now=NOW)
    real = exporting.clean_picture

    def cancelling(*told: Any) -> bytes:
        Export.objects.filter(pk=export.pk).update(state=Export.State.CANCELLED)
        return real(*told)

    monkeypatch.setattr(exporting, "clean_picture", cancelling)
    finish(export)
    assert export.state == "cancelled"
    assert not exporting.folder_of(export).exists()
    assert not default_storage.exists(exporting.key_of(export))


def test_a_download_goes_on_where_it_broke_off_while_the_file_is_the_same(project, alice):
    export = finish(datasets.request_export(dataset_id=freeze(project).pk, format="csv", by=alice, now=NOW))
    client = Client()
    client.force_login(alice)
    address = reverse("export-download", args=[project.public_id, export.public_id])
    whole = client.get(address)
    data, etag = b"".join(whole.streaming_content), whole["ETag"]
    rest = client.get(address, headers={"range": "bytes=100-", "if-range": etag})
    assert (rest.status_code, b"".join(rest.streaming_content)) == (206, data[100:])
    tail = client.get(address, headers={"range": "bytes=-10"})
    assert (tail.status_code, b"".join(tail.streaming_content)) == (206, data[-10:])
    other = client.get(address, headers={"range": "bytes=100-", "if-range": '"another"'})
    assert (other.status_code, b"".join(other.streaming_content)) == (200, data)
    assert client.get(address, headers={"if-none-match": etag}).status_code == 304
    assert client.get(address, headers={"range": f"bytes={len(data)}-"}).status_code == 416


# --- by the API ------------------------------------------------------------------------------------------------------
def test_the_api_exports_a_query_a_delta_and_smaller_pictures_and_names_what_is_wrong(changed, project, alice):
    old, new, _ = changed
    caller = Caller(token_of(alice))

    def ask(**wish: Any) -> Any:
        return caller.send("POST", "/api/v1/exports", {"format": "coco", **wish})

    delta = ask(dataset=str(new.public_id), since=str(old.public_id), max_side=320)
    assert (delta.status_code, delta.json()["since"], delta.json()["max_side"]) == (202, str(old.public_id), 320)
    of_query = ask(project=str(project.public_id), query="class:fist")
    assert of_query.status_code == 202
    finish(Export.objects.get(public_id=of_query.json()["id"]))
    frozen = caller.get(f"/api/v1/datasets/{of_query.json()['dataset']}").json()
    assert (frozen["query"], frozen["counts"]["images"]) == ("class:fist", 1)
    refused = ask(project=str(project.public_id), query="colour:red")
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_query")
    assert ask(dataset=str(new.public_id), project=str(project.public_id)).status_code == 400
    assert ask(dataset=str(new.public_id), max_side=5).status_code == 400
    stopped = caller.send("POST", f"/api/v1/exports/{delta.json()['id']}/cancel")
    assert (stopped.status_code, stopped.json()["state"]) == (200, "cancelled")
    assert caller.send("POST", f"/api/v1/exports/{delta.json()['id']}/cancel").status_code == 409


@pytest.mark.parametrize("asked", ["difference?", "changes?kind=added&"])
def test_a_comparison_that_takes_too_long_says_what_does_it_instead(changed, alice, monkeypatch, asked):
    old, new, _ = changed
    monkeypatch.setattr(paging, "in_time", lambda *_, **__: None)
    answer = Caller(token_of(alice)).get(f"/api/v1/datasets/{new.public_id}/{asked}since={old.public_id}")
    assert (answer.status_code, answer.json()["code"]) == (400, "too_slow")
    assert "a job does it" in answer.json()["detail"]


def test_the_api_tells_what_differs_has_a_version_split_and_says_who_has_it(changed, project, alice):
    old, new, (first, second, *_) = changed
    caller, place = Caller(token_of(alice)), f"/api/v1/datasets/{new.public_id}"
    since = f"since={old.public_id}"
    told = caller.get(f"{place}/difference?{since}").json()
    assert [told[kind] for kind in version_diff.Kind] == [1, 1, 1, 1, 0, 0]
    assert (told["boxes"]["moved"], told["boxes"]["relabelled"], told["images_before"]) == (1, 1, 3)
    (moved,) = caller.get(f"{place}/changes?{since}&kind=changed").json()["results"]
    assert (moved["asset"], moved["boxes_after"][0]["x"]) == (str(first.public_id), 0.125)
    (gone,) = caller.get(f"{place}/changes?{since}&kind=removed").json()["results"]
    assert (gone["asset"], gone["boxes_after"]) == (str(second.public_id), None)
    wrong = caller.get(f"{place}/changes?{since}&kind=bigger")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_parameter")
    assert caller.get(f"{place}/changes?kind=added").status_code == 400

    asked = caller.send("POST", f"{place}/split", {"shares": {"train": 2, "test": 1}, "seed": 5})
    assert (asked.status_code, asked.json()["state"]) == (202, "freezing")
    assert caller.get(f"{place}/difference?since={asked.json()['id']}").json()["code"] == "not_ready"
    jobs.run(job_id=int(asked["Location"].rsplit("/", 1)[1]), now=timezone.now())
    split = caller.get(f"/api/v1/datasets/{asked.json()['id']}").json()
    assert (split["state"], split["splits"]["seed"], set(split["splits"]["counts"])) == ("frozen", 5, {"train", "test"})
    page = f"/api/v1/datasets/{split['id']}/changes?since={new.public_id}&kind=resplit&limit=2"
    one = caller.get(page).json()
    two = caller.get(f"{page}&cursor={one['next']}").json()
    assert [len(one["results"]), len(two["results"]), two["next"]] == [2, 1, None]
    assert caller.get(f"{page.replace('resplit', 'added')}&cursor={one['next']}").json()["code"] == "bad_cursor"
    refused = caller.send("POST", f"{place}/split", {"shares": {"train": 1}})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_split")

    export = finish(datasets.request_export(dataset_id=new.pk, format="csv", by=alice, now=NOW))
    b"".join(caller.get(f"/api/v1/exports/{export.public_id}/download").streaming_content)
    readers = caller.get(f"{place}/readers").json()
    assert [(one["name"], one["format"], one["times"]) for one in readers] == [("Alice", "csv", 1)]
