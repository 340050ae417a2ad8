"""What a vendor is handed: whole packages, each task once, every file in the manifest."""

import io
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.conf import settings
from django.core.files.storage import default_storage

from crowd.errors import NotFound, NotSupported, StillRunning
from crowd.platforms.base import Ban, TaskSpec
from crowd.platforms.tagme_files import packages
from crowd.platforms.tagme_files.store import Folder
from crowd.services import publishing
from tests.crowd import market
from tests.platforms.files.conftest import JPEG

pytestmark = pytest.mark.django_db


@pytest.fixture
def opened(account):
    """Open a package of a batch by its number."""

    def read(batch, number: int = 1) -> ZipFile:
        folder = Folder.existing(account, batch.remote_id)
        record = packages.records(folder)[number - 1]
        with default_storage.open(folder.key("packages", f"{record['name']}.zip")) as file:
            return ZipFile(io.BytesIO(file.read()))

    return read


@pytest.fixture
def push(adapter, account):
    def send(batch, tasks, key="push-2"):
        return adapter.push_tasks(account, batch.remote_id, tasks, key)

    return send


def specs(batch, n: int) -> list[TaskSpec]:
    return [publishing.task_spec(one) for one in market.tasks(batch, n)]


def bare(n: int, name: str = "bare") -> list[TaskSpec]:
    """Tasks without pictures."""
    return [TaskSpec(f"{name}-{number}", {"class": "peace"}) for number in range(n)]


def test_a_package_holds_pictures_items_brief_and_manifest(batch, tasks, opened):
    with opened(batch) as archive:
        names = set(archive.namelist())
        assert {f"media/{task.key}.jpg" for task in tasks} < names
        item = json.loads(archive.read(f"items/{tasks[0].key}.json"))
        assert archive.read(item["media"]["image"]) == JPEG
        assert {"methodology/brief.html", "methodology/config.json", "methodology/specification.json"} < names
    assert (item["task"], item["class"], item["control"], item["answers"]) == (tasks[0].key, "peace", False, 2)
    assert "image" not in item["input"]


def test_the_manifest_lists_every_file_with_its_digest(batch, opened):
    with opened(batch) as archive:
        lines = [json.loads(line) for line in archive.read("manifest.jsonl").splitlines()]
        assert {line["path"] for line in lines} == set(archive.namelist()) - {"manifest.jsonl"}
        for line in lines:
            data = archive.read(line["path"])
            assert (line["bytes"], line["sha256"]) == (len(data), sha256(data).hexdigest())


def test_a_control_task_goes_out_with_its_answer(batch, push, opened):
    (known,) = market.tasks(batch, 1, known="correct")
    known.payload = {"class": "peace"}
    known.save()
    push(batch, [publishing.task_spec(known)])
    with opened(batch, 2) as archive:
        item = json.loads(archive.read(f"items/{known.key}.json"))
    assert (item["control"], item["expected"]) == (True, {"answer": "correct"})


def test_each_push_is_a_package_of_what_was_in_none_before(batch, tasks, push, opened):
    receipt = push(batch, [*map(publishing.task_spec, tasks), *bare(2)])
    assert (receipt.created, receipt.existing) == (2, 3)
    with opened(batch, 2) as archive:
        assert [name for name in archive.namelist() if name.startswith("items/")] == [
            "items/bare-0.json",
            "items/bare-1.json",
        ]


def test_a_key_that_is_no_file_name_is_packed_under_a_digest(batch, push, opened):
    key = "../../etc/passwd"
    receipt = push(batch, [TaskSpec(key, {})])
    name = receipt.ids[key]
    assert len(name) == 24
    with opened(batch, 2) as archive:
        assert json.loads(archive.read(f"items/{name}.json"))["task"] == key


def test_a_lost_picture_refuses_its_task_and_no_other(batch, push):
    lost, there = specs(batch, 2)
    row = batch.tasks.get(key=there.key)
    row.payload["image_key"] = batch.tasks.first().payload["image_key"]
    row.save()
    receipt = push(batch, [lost, there])
    assert receipt.refused == {lost.key: "Its picture is not in the storage any more."}
    assert (receipt.created, receipt.existing, set(receipt.ids)) == (1, 0, {there.key})


def test_a_task_that_had_to_stay_behind_never_replaces_the_package_that_went_out(batch, push):
    lost, there = specs(batch, 2)[0], bare(1)[0]
    assert push(batch, [lost, there]).created == 1
    row = batch.tasks.get(key=lost.key)
    row.payload["image_key"] = batch.tasks.first().payload["image_key"]
    row.save()
    assert push(batch, [lost, there]).created == 1
    folder = Folder.existing(batch.account, batch.remote_id)
    assert [sorted(record["tasks"]) for record in packages.records(folder)][1:] == [[there.key], [lost.key]]


def test_what_is_lost_in_one_slice_is_remembered_in_the_next(batch, push, monkeypatch):
    tasks, moments = [*specs(batch, 1), *bare(2)], iter([0.0, 0.0, 9999.0])
    with monkeypatch.context() as slow:
        slow.setattr(packages.time, "monotonic", lambda: next(moments))
        with pytest.raises(StillRunning):
            push(batch, tasks)
    receipt = push(batch, tasks)
    assert (receipt.created, list(receipt.refused)) == (2, [tasks[0].key])


def test_a_large_package_is_packed_in_slices(batch, push, opened, monkeypatch):
    tasks = bare(3)
    monkeypatch.setattr(packages, "SECONDS_A_SLICE", -1.0)
    with pytest.raises(StillRunning):
        push(batch, tasks)
    monkeypatch.setattr(packages, "SECONDS_A_SLICE", 600.0)
    assert push(batch, tasks).created == 3
    with opened(batch, 2) as archive:
        assert len(archive.namelist()) == len(set(archive.namelist())) == 3 + 6


@pytest.mark.parametrize("death", ["_document", "_manifest", "put_file", "_write_record"])
def test_a_packer_that_died_leaves_no_package_and_the_next_one_makes_it_whole(batch, tasks, opened, death, monkeypatch):
    folder = Folder.existing(batch.account, batch.remote_id)
    new = [publishing.task_spec(tasks[0])]
    new = [replace(new[0], key="again"), *bare(2)]

    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as moment:
        moment.setattr(packages, death, die)
        with pytest.raises(SystemExit):
            packages.push(batch.account, folder, new, "push-2")
    assert len(packages.records(folder)) == 1
    assert packages.push(batch.account, folder, new, "push-2").created == 3
    with opened(batch, 2) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == len(set(archive.namelist()))
    assert len(packages.records(folder)) == 2


def test_a_torn_archive_is_begun_anew(batch, push, opened, monkeypatch):
    monkeypatch.setattr(packages, "SECONDS_A_SLICE", -1.0)
    with pytest.raises(StillRunning):
        push(batch, bare(2))
    (work,) = (Path(settings.DATA_DIR) / "vendor-packages").iterdir()
    (work / "package.zip").write_bytes(b"PK torn")
    monkeypatch.setattr(packages, "SECONDS_A_SLICE", 600.0)
    assert push(batch, bare(2)).created == 2
    with opened(batch, 2) as archive:
        assert archive.testzip() is None


def test_two_packers_never_write_into_one_package(batch, push):
    folder = Folder.existing(batch.account, batch.remote_id)
    name = packages.package_name(folder, "push-2", ["bare-0"])
    with packages._alone(Path(settings.DATA_DIR) / "vendor-packages" / name), pytest.raises(StillRunning):
        push(batch, bare(1))
    assert push(batch, bare(1)).created == 1


def test_who_is_banned_is_listed_in_the_next_package(batch, adapter, account, push, opened):
    for scope, worker in [("batch", "w1"), ("project", "w2"), ("account", "w3")]:
        adapter.restrict(account, batch.remote_id, Ban(worker, scope, "sent the example"))
    push(batch, bare(1))
    with opened(batch, 2) as archive:
        assert archive.read("excluded_workers.txt") == b"w1\nw2\nw3\n"


def test_a_ban_from_a_pool_is_not_one_from_the_project(batch, adapter, make_batch, push, opened):
    other = make_batch()
    adapter.restrict(batch.account, batch.remote_id, Ban("w1", "batch", ""))
    adapter.restrict(batch.account, batch.remote_id, Ban("w2", "account", ""))
    push(other, bare(1))
    with opened(other, 2) as archive:
        assert archive.read("excluded_workers.txt") == b"w2\n"


def test_the_brief_shows_what_people_wrote_as_text(adapter, account, batch, push, opened):
    spec = replace(publishing.spec_of(batch), title="<script>", spec={**batch.spec, "instructions": ["<b>No</b>"]})
    adapter.update_batch(account, batch.remote_id, spec)
    push(batch, bare(1))
    with opened(batch, 2) as archive:
        brief = archive.read("methodology/brief.html").decode()
    assert "<script>" not in brief
    assert "&lt;b&gt;No&lt;/b&gt;" in brief


def test_fewer_answers_are_fine_and_more_need_the_vendors_word(batch, tasks, adapter, account):
    for overlap in (2, 0):
        adapter.set_overlap(account, batch.remote_id, tasks[0].key, overlap)
    with pytest.raises(NotSupported, match="asked for there"):
        adapter.set_overlap(account, batch.remote_id, tasks[0].key, 3)
    with pytest.raises(NotFound):
        adapter.set_overlap(account, batch.remote_id, "nothing", 1)


def test_a_vendor_lacks_what_it_lacks(adapter, account, make_batch):
    spec = publishing.spec_of(make_batch())
    assert adapter.lacks(account, spec) == []
    asked = replace(spec, interface="photo", kind="exam", price_table=[(0, 100, 1)], auto_accept=False)
    assert len(adapter.lacks(account, asked)) == 4
