"""Imports are all or nothing: a wrong line among many, an end in the middle, two sources with the same picture."""

import io
import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone

from crowd.bulk import bulk_load
from curation.datasets.formats.reading.base import BadEntry
from curation.datasets.formats.registry import reader
from curation.models import Asset, Consensus, ConsensusBox, DataSource, Decision, Project, SourcedPicture
from curation.services import import_preparing, import_writing, importing
from curation.services.import_preparing import Wanted
from curation.services.import_spool import ImportRunning, cancel, spool_of
from curation.services.importing import Origin, import_dataset
from tests.doors.conftest import photo
from tests.factories import make_asset, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def theirs() -> Project:
    return make_project("Theirs")


def lines(path: Path, *told: dict[str, Any]) -> Path:
    path.write_text("\n".join(json.dumps(one) for one in told), encoding="utf-8")
    return path


def line(name: str, x: float = 0.1, **more: Any) -> dict[str, Any]:
    return {"image": name, "boxes": [{"label": "peace", "x": x, "y": 0.2, "width": 0.3, "height": 0.4}], **more}


def pictures(folder: Path, *seeds: int) -> Path:
    folder.mkdir(exist_ok=True)
    for seed in seeds:
        (folder / f"{seed}.jpg").write_bytes(photo(seed))
    return folder


def take(project: Project, path: Path, **more: Any) -> importing.Imported:
    return import_dataset(project=project, path=path, form="jsonl", wanted=Wanted(), now=timezone.now(), **more)


def stored() -> set[str]:
    root = Path(default_storage.path(""))
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def nothing_is_prepared(project: Project) -> bool:
    folder = Path(settings.DATA_DIR) / "imports" / str(project.public_id)
    return not (folder / "prepared.jsonl").exists() and not (folder / "lines.jsonl").exists()


def test_line_70001_of_100000_is_named_and_the_others_are_read(tmp_path):
    document = tmp_path / "many.jsonl"
    good = json.dumps(line("s3://bucket/a.jpg"))
    document.write_text("\n".join("{oops" if number == 70_000 else good for number in range(100_000)))
    entries = Counter(one.number if isinstance(one, BadEntry) else "read" for one in reader("jsonl").read(document))
    assert entries == {70_001: 1, "read": 99_999}


def test_a_wrong_line_among_many_is_named_and_the_others_arrive_once(theirs, tmp_path):
    total, wrong = 3_000, 2_101
    some = make_asset(theirs, width=100, height=100)
    keys = [f"s3://bucket/{n}.jpg" for n in range(1, total + 1)]
    bulk_load(
        model=Asset,
        columns=["client_key", "sha256"],
        rows=[(key, sha256(key.encode()).digest()) for key in keys],
        same={"project_id": theirs.pk, "stage_id": some.stage_id, "width": 100, "height": 100, "storage_key": "x"},
    )
    document = tmp_path / "many.jsonl"
    with document.open("w", encoding="utf-8") as file:
        for number, key in enumerate(keys, start=1):
            file.write("{oops\n" if number == wrong else json.dumps(line(key)) + "\n")
    done = take(theirs, document)
    (refused,) = done.files_refused
    assert (refused.file, refused.reason) == ("many.jsonl:2101", "bad_line")
    assert "line 2101 is not taken" in refused.sentence
    assert (done.received, done.existing, done.labels["new"]) == (total, total - 1, total - 1)
    again = take(theirs, document)
    assert (again.labels["existing"], sum(again.boxes.values())) == (total - 1, 0)
    assert Consensus.objects.filter(project_id=theirs.pk).count() == total - 1
    assert ConsensusBox.objects.filter(consensus__project_id=theirs.pk).count() == total - 1


def test_an_interrupted_import_leaves_the_project_as_it_was_and_goes_on(theirs, tmp_path, monkeypatch):
    path = lines(pictures(tmp_path / "set", 1, 2, 3) / "set.jsonl", *(line(f"{n}.jpg") for n in (1, 2, 3)))
    before, real, calls = stored(), import_preparing._stored, []

    def third_is_killed(digest: str, *told: Any) -> Any:
        calls.append(digest)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(digest, *told)

    with monkeypatch.context() as patch:
        patch.setattr(import_preparing, "_stored", third_is_killed)
        with pytest.raises(KeyboardInterrupt):
            take(theirs, path)
    assert not Asset.objects.filter(project=theirs).exists()
    assert not DataSource.objects.filter(project=theirs).exists()
    assert len(stored() - before) == 8
    done = take(theirs, path)
    assert (done.new, len(stored() - before)) == (3, 12)
    assert nothing_is_prepared(theirs)


def test_a_cancelled_import_leaves_nothing_behind(theirs, tmp_path, monkeypatch):
    path = lines(pictures(tmp_path / "set", 1, 2) / "set.jsonl", line("1.jpg"), line("2.jpg"))
    before = stored()

    def broken(self: Any, _lines: Any) -> None:
        self._enter(list(_lines))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(import_writing.Writing, "_write", broken)
        with pytest.raises(KeyboardInterrupt):
            take(theirs, path)
    assert len(stored() - before) == 8
    out = io.StringIO()
    call_command("import_dataset", theirs.slug, "--cancel", stdout=out)
    assert "2 prepared pictures were deleted" in out.getvalue()
    assert stored() == before
    assert nothing_is_prepared(theirs)
    assert not Asset.objects.filter(project=theirs).exists()
    assert not Decision.objects.filter(project_id=theirs.pk).exists()
    assert cancel(theirs) == 0


def test_two_imports_into_one_project_do_not_meet(theirs, tmp_path):
    path = lines(pictures(tmp_path / "set", 1) / "set.jsonl", line("1.jpg"))
    with spool_of(theirs), pytest.raises(ImportRunning, match="is at work"):
        take(theirs, path)


def test_the_same_picture_of_two_sources_is_one_asset_with_both_and_the_first_licence(theirs, tmp_path):
    one = lines(pictures(tmp_path / "one", 1, 2) / "a.jsonl", line("1.jpg", licence="CC0"), line("2.jpg"))
    two = lines(pictures(tmp_path / "two", 2, 3) / "b.jsonl", line("2.jpg", licence="MIT"), line("3.jpg"))
    take(theirs, one, origin=Origin("first", "CC-BY-4.0"))
    done = take(theirs, two, origin=Origin("second", "CC-BY-4.0"))
    assert (done.new, done.existing, done.also_in, done.other_licence) == (1, 1, {"first": 1}, 1)
    licences = dict(Asset.objects.filter(project=theirs).values_list("name", "licence"))
    assert licences == {"1.jpg": "CC0", "2.jpg": "CC-BY-4.0", "3.jpg": "CC-BY-4.0"}
    shared = Asset.objects.get(project=theirs, name="2.jpg")
    told = {(one.source.name, one.licence) for one in shared.sources.select_related("source")}
    assert told == {("first", "CC-BY-4.0"), ("second", "MIT")}
    again = take(theirs, two, origin=Origin("second", "CC-BY-4.0"))
    assert (again.new, again.also_in, again.other_licence) == (0, {}, 0)
    assert SourcedPicture.objects.filter(asset__project=theirs).count() == 4


def test_a_picture_twice_in_one_document_is_one_asset_and_its_second_boxes_are_a_version(theirs, tmp_path):
    folder = pictures(tmp_path / "set", 1)
    (folder / "copy.jpg").write_bytes(photo(1))
    done = take(theirs, lines(folder / "set.jsonl", line("1.jpg"), line("copy.jpg", x=0.5), line("1.jpg", x=0.5)))
    assert (done.new, done.existing) == (1, 2)
    assert done.labels == {"new": 1, "changed": 1, "existing": 1}
    assert list(Consensus.objects.order_by("version").values_list("version", "is_current")) == [(1, False), (2, True)]


def test_a_document_that_cannot_be_read_to_its_end_brings_nothing(theirs, tmp_path):
    folder = pictures(tmp_path / "set", 1)
    (folder / "broken.csv").write_bytes(b"image,label\n1.jpg,peace\n\xff\xfe,peace\n")
    before = stored()
    with pytest.raises(CommandError, match="cannot be read to its end"):
        call_command("import_dataset", theirs.slug, str(folder), "--format", "csv")
    assert stored() == before
    assert not Asset.objects.filter(project=theirs).exists()
