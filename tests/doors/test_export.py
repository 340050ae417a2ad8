"""Frozen versions and their exports: counts in = counts out, the same bytes whatever happens on the way."""

import hashlib
import io
import json
import zipfile
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone
from PIL import Image
from pycocotools.coco import COCO

from crowd.errors import CrowdError
from curation.datasets.formats.receipt import changed_files
from curation.datasets.formats.registry import UnknownFormat
from curation.models import Asset, Consensus, ConsensusBox, DatasetVersion, Event, Export, Job, Project, User
from curation.services import cards, datasets, exporting, jobs
from curation.services.cards import CardText
from curation.services.datasets import NothingToFreeze, freeze_version, request_export
from curation.storing.errors import BucketRefused
from tests.doors.conftest import photo, publish
from tests.factories import make_project
from tests.preprocessing import in_a_child


@pytest.fixture
def version(project: Project, alice: User) -> DatasetVersion:
    return freeze_version(project_id=project.pk, by=alice, note="first", now=timezone.now())


def finish(export: Export) -> Export:
    job = Job.objects.get(kind="export", key=str(export.pk))
    while job.state == Job.State.DUE:
        jobs.run(job_id=job.pk, now=timezone.now())
        job.refresh_from_db()
    export.refresh_from_db()
    return export


def coco_of(folder: Path) -> COCO:
    (document,) = (folder / "annotations").glob("*.json")
    with redirect_stdout(io.StringIO()):
        return COCO(document)


# --- freezing -----------------------------------------------------------------------------------------------
def test_a_version_holds_what_is_published_and_counts_it(version: DatasetVersion):
    assert version.counts == {
        "images": 3,
        "boxes": 3,
        "negatives": 1,
        "classes": {"no_gesture": {"images": 0, "boxes": 1}, "peace": {"images": 3, "boxes": 2}},
    }


def test_the_box_label_gesture_becomes_the_class_of_the_photo(version: DatasetVersion):
    frozen = [[(box["label"], box["index"]) for box in item.boxes] for item in version.items.order_by("asset_id")]
    assert frozen == [[("peace", 0), ("no_gesture", 5)], [("peace", 0)], []]


def test_a_later_change_leaves_a_frozen_version_as_it_was(project: Project, version: DatasetVersion, alice: User):
    ConsensusBox.objects.filter(consensus__project_id=project.pk).delete()
    Asset.objects.filter(project=project).update(state=Asset.State.HELD)
    assert sum(len(item.boxes) for item in version.items.all()) == 3


def test_a_persons_correction_wins_over_the_crowd(project: Project, alice: User):
    asset = Asset.objects.filter(project=project, state=Asset.State.PUBLISHED).earliest("pk")
    Consensus.objects.filter(asset=asset).update(is_current=False)
    fixed = Consensus.objects.create(
        project_id=project.pk,
        asset=asset,
        stage=project.stages.get(kind="validate"),
        version=2,
        method="person",
        status="hard",
        confidence=1,
        n_answers=1,
    )
    ConsensusBox.objects.create(consensus=fixed, seq=0, label="gesture", x=0.5, y=0.5, w=0.1, h=0.1, confidence=1)
    version = freeze_version(project_id=project.pk, by=alice, now=timezone.now())
    assert [box["x"] for box in version.items.get(asset=asset).boxes] == [0.5]


def test_nothing_published_is_one_sentence_and_no_version(alice: User):
    empty = make_project("Empty", lead=alice)
    with pytest.raises(NothingToFreeze, match="Empty has no published image"):
        freeze_version(project_id=empty.pk, by=alice, now=timezone.now())
    assert not DatasetVersion.objects.exists()


def test_a_label_nobody_knows_is_refused_and_nothing_is_frozen(project: Project, alice: User):
    publish(project, photo(9), [("banana", 0.1)], label_class=None)
    with pytest.raises(CrowdError, match="banana"):
        freeze_version(project_id=project.pk, by=alice, now=timezone.now())
    assert not DatasetVersion.objects.exists()


# --- into a folder ------------------------------------------------------------------------------------------
def test_pycocotools_reads_the_export_with_stable_category_ids(version: DatasetVersion, tmp_path: Path):
    written = datasets.export_to(path=tmp_path / "out", version=version, format="coco")
    coco = coco_of(written.path)
    assert {one["id"]: one["name"] for one in coco.dataset["categories"]} == {1: "peace", 6: "no_gesture"}
    assert (len(coco.getImgIds()), len(coco.getAnnIds())) == (3, 3)
    assert sum(not coco.getAnnIds(imgIds=[image]) for image in coco.getImgIds()) == 1
    assert sorted(tuple(one["bbox"]) for one in coco.loadAnns(coco.getAnnIds())) == [
        (32.0, 50.0, 80.0, 100.0),
        (64.0, 50.0, 80.0, 100.0),
        (192.0, 50.0, 80.0, 100.0),
    ]


def test_exported_pictures_are_upright_and_carry_no_metadata(version: DatasetVersion, tmp_path: Path):
    written = datasets.export_to(path=tmp_path / "out", version=version, format="coco")
    pictures = sorted((written.path / "images").iterdir())
    assert len(pictures) == 3
    for path in pictures:
        with Image.open(path) as image:
            assert image.size == (320, 200)
            assert not image.getexif()
            assert b"Pocket" not in path.read_bytes()


def test_the_receipt_finds_a_changed_file(version: DatasetVersion, tmp_path: Path):
    written = datasets.export_to(path=tmp_path / "out", version=version, format="coco")
    assert changed_files(written.path) == []
    victim = next((written.path / "images").iterdir())
    victim.write_bytes(b"other")
    assert changed_files(written.path) == [victim.relative_to(written.path).as_posix()]


def test_a_lost_original_fails_the_export_and_leaves_nothing(version: DatasetVersion, tmp_path: Path):
    default_storage.delete(version.items.earliest("pk").asset.storage_key)
    with pytest.raises(ValueError, match="cannot be read"):
        datasets.export_to(path=tmp_path / "out", version=version, format="coco")
    assert list(tmp_path.iterdir()) == []


# --- by a job -----------------------------------------------------------------------------------------------
def test_an_export_job_ends_with_a_zip_and_a_receipt(version: DatasetVersion, alice: User, tmp_path: Path):
    export = finish(request_export(dataset_id=version.pk, format="coco", by=alice, now=timezone.now()))
    assert export.state == Export.State.DONE
    assert (export.receipt["images"], export.receipt["boxes"], export.receipt["negatives"]) == (3, 3, 1)
    with default_storage.open(export.storage_key) as file:
        data = file.read()
    assert hashlib.sha256(data).hexdigest() == export.receipt["zip_sha256"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    assert changed_files(tmp_path) == []
    assert len(coco_of(tmp_path).getImgIds()) == 3


def test_the_zip_and_the_folder_hold_the_same_files(version: DatasetVersion, alice: User, tmp_path: Path):
    export = finish(request_export(dataset_id=version.pk, format="coco", by=alice, now=timezone.now()))
    written = datasets.export_to(path=tmp_path / "out", version=version, format="coco")
    assert export.receipt["sha256"] == written.receipt.sha256


def test_the_receipt_counts_outlines_that_a_format_has_no_place_for(project: Project, alice: User, tmp_path: Path):
    ConsensusBox.objects.filter(pk=ConsensusBox.objects.earliest("pk").pk).update(
        points=[[0.1, 0.1], [0.3, 0.1], [0.2, 0.4]]
    )
    version = freeze_version(project_id=project.pk, by=alice, now=timezone.now())
    lost = {}
    for form in ("coco", "voc"):
        told = exporting.export_to(path=tmp_path / form, version=version, format=form, with_images=False).receipt
        export = finish(
            request_export(dataset_id=version.pk, format=form, by=alice, with_images=False, now=timezone.now())
        )
        lost[form] = (told.outlines_as_boxes, export.receipt["outlines_as_boxes"])
    assert lost == {"coco": (0, 0), "voc": (1, 1)}
    said, errors = io.StringIO(), io.StringIO()
    arguments = (project.slug, "--format", "hagrid", "--out", str(tmp_path / "out"), "--version", "1", "--no-images")
    call_command("export_dataset", *arguments, "--json", stdout=said, stderr=errors)
    assert json.loads(said.getvalue())["outlines_as_boxes"] == 1
    assert "Outlines that became the boxes around them: 1; hagrid has no place" in errors.getvalue()


@pytest.mark.parametrize("killed_after", [0, 1, 2, 3])
def test_killed_and_resumed_gives_the_same_bytes(version: DatasetVersion, alice: User, killed_after: int):
    whole = finish(request_export(dataset_id=version.pk, format="coco", by=alice, now=timezone.now()))
    torn = request_export(dataset_id=version.pk, format="coco", by=alice, now=timezone.now())
    job = Job.objects.get(kind="export", key=str(torn.pk))
    with pytest.MonkeyPatch.context() as death:
        death.setattr(exporting, "SLICE", 1)
        _die_after(death, killed_after)
        with pytest.raises(SystemExit):
            jobs.run(job_id=job.pk, now=timezone.now())
    Job.objects.filter(pk=job.pk).update(state=Job.State.DUE)
    assert finish(torn).receipt["zip_sha256"] == whole.receipt["zip_sha256"]


def test_a_stored_picture_that_crashes_its_reader_fails_the_export_with_a_sentence(
    version: DatasetVersion, alice: User, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exporting, "derivative", in_a_child.crash_on)
    export = finish(request_export(dataset_id=version.pk, format="coco", by=alice, now=timezone.now()))
    assert export.state == Export.State.FAILED
    assert "cannot be read: the file makes the program that reads it crash" in export.error


def _die_after(death: pytest.MonkeyPatch, pictures: int) -> None:
    """End the process in the middle of a picture, or (after the third) when the archive is put away but not noted."""
    left, real = iter(range(pictures)), exporting.clean_picture

    def clean(asset: Asset, max_side: int | None) -> bytes:
        if next(left, None) is None:
            raise SystemExit
        return real(asset, max_side)

    def close(*_: object) -> None:
        raise SystemExit

    death.setattr(exporting, "clean_picture", clean)
    death.setattr(exporting, "_close", close)


def test_a_long_export_is_several_runs(version: DatasetVersion, alice: User, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporting, "SLICE", 1)
    monkeypatch.setattr(exporting, "SECONDS_A_RUN", -1.0)
    export = request_export(dataset_id=version.pk, format="coco", by=alice, now=timezone.now())
    job = Job.objects.get(kind="export", key=str(export.pk))
    jobs.run(job_id=job.pk, now=timezone.now())
    job.refresh_from_db()
    assert job.state == Job.State.DUE
    monkeypatch.setattr(exporting, "SECONDS_A_RUN", 100.0)
    assert finish(export).state == Export.State.DONE


def test_a_lost_original_fails_the_job_with_a_sentence(version: DatasetVersion, alice: User):
    default_storage.delete(version.items.earliest("pk").asset.storage_key)
    export = finish(request_export(dataset_id=version.pk, format="coco", by=alice, now=timezone.now()))
    assert export.state == Export.State.FAILED
    assert "cannot be read" in export.error


def test_an_export_whose_job_has_died_is_failed_with_the_reason(
    version: DatasetVersion, alice: User, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> bytes:
        raise BucketRefused("the keys may not do this")

    monkeypatch.setattr(exporting, "clean_picture", refuse)
    export = request_export(dataset_id=version.pk, format="coco", by=alice, now=timezone.now())
    now = timezone.now()
    for _ in range(jobs.MOST_FAILURES):
        exporting.end_dead(now=now)
        export.refresh_from_db()
        assert export.state != Export.State.FAILED
        Job.objects.filter(kind="export").update(next_at=now)
        assert jobs.run(job_id=Job.objects.get(kind="export").pk, now=now)
    exporting.end_dead(now=now)
    export.refresh_from_db()
    assert (export.state, export.error) == ("failed", "The storage refused: the keys may not do this")


def test_an_unknown_format_is_refused_with_the_known_ones(version: DatasetVersion, alice: User):
    with pytest.raises(UnknownFormat, match="coco"):
        request_export(dataset_id=version.pk, format="papyrus", by=alice, now=timezone.now())
    assert not Export.objects.exists()


# --- the command --------------------------------------------------------------------------------------------
def test_the_command_freezes_when_there_is_no_version_and_says_so(project: Project, tmp_path: Path):
    out, err = io.StringIO(), io.StringIO()
    arguments = ["--format", "coco", "--out", str(tmp_path / "out"), "--json"]
    call_command("export_dataset", project.slug, *arguments, stdout=out, stderr=err)
    document = json.loads(out.getvalue())
    promised = ["format", "path", "images", "boxes", "negatives", "sha256", "files"]
    assert list(document) == [*promised, "outlines_as_boxes"]
    assert (document["images"], document["boxes"], document["negatives"]) == (3, 3, 1)
    assert "version 1" in err.getvalue()


def test_the_command_freezes_again_only_what_has_changed(project: Project, alice: User, tmp_path: Path):
    def exported(*arguments: str) -> tuple[str, str]:
        out, err = io.StringIO(), io.StringIO()
        folder = ["--out", str(tmp_path / str(len(list(tmp_path.iterdir())))), "--format", "coco", "--no-images"]
        call_command("export_dataset", project.slug, *folder, "--json", *arguments, stdout=out, stderr=err)
        return json.loads(out.getvalue())["sha256"], err.getvalue().strip()

    first, said = exported()
    assert said == "Froze what is published now as version 1."
    assert exported() == (first, "Took what is published now as version 1 has it.")
    events = Event.objects.filter(kind="dataset.frozen").count()
    assert exported("--query", "class:peace")[1] == "Froze what matches “class:peace” as version 2."
    assert exported() == (first, "Took what is published now as version 1 has it.")
    assert Event.objects.filter(kind="dataset.frozen").count() == events + 1
    cards.save_card(project_id=project.pk, text=CardText(licence="CC0-1.0"), by=alice, now=timezone.now())
    assert exported()[1] == "Froze what is published now as version 3."
    Asset.objects.filter(pk=Asset.objects.filter(project=project).earliest("pk").pk).update(state="dropped")
    assert exported()[1] == "Froze what is published now as version 4."
    assert DatasetVersion.objects.count() == 4


def test_the_command_exports_a_named_version_without_images(version: DatasetVersion, tmp_path: Path):
    arguments = ["--version", "1", "--format", "coco", "--out", str(tmp_path / "out"), "--no-images"]
    call_command("export_dataset", version.project.slug, *arguments, stdout=io.StringIO())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["annotations", "receipt.json"]
    assert DatasetVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--version", "7", "--format", "coco"], "no version 7"),
        (["--version", "1", "--format", "papyrus"], "papyrus"),
    ],
)
def test_the_command_names_what_is_wrong(version: DatasetVersion, tmp_path: Path, arguments: list[str], sentence: str):
    with pytest.raises(CommandError, match=sentence) as refusal:
        call_command("export_dataset", version.project.slug, *arguments, "--out", str(tmp_path / "out"))
    assert refusal.value.returncode == 2


def test_the_command_writes_a_ground_truth_manifest_under_the_names_asked_for(version: DatasetVersion, tmp_path: Path):
    names = ["--label", "hands", "--source", "s3://bucket/a/"]
    arguments = ["--version", "1", "--format", "groundtruth", "--out", str(tmp_path / "out"), *names]
    call_command("export_dataset", version.project.slug, *arguments, stdout=io.StringIO())
    lines = [json.loads(line) for line in (tmp_path / "out" / "manifests" / "all.manifest").read_text().splitlines()]
    assert [len(line["hands"]["annotations"]) for line in lines] == [2, 1, 0]
    assert lines[0]["hands-metadata"]["class-map"] == {"1": "peace", "6": "no_gesture"}
    assert lines[0]["hands-metadata"]["job-name"] == f"winnow/{version.project.slug}-v1"
    assert {line["source-ref"].removeprefix("s3://bucket/a/") for line in lines} == {
        path.name for path in (tmp_path / "out" / "images").iterdir()
    }


def test_the_command_refuses_a_label_name_before_it_freezes_anything(project: Project, tmp_path: Path):
    arguments = ["--format", "groundtruth", "--label", "source-ref", "--out", str(tmp_path / "out")]
    with pytest.raises(CommandError, match="cannot be the name of the labels") as refusal:
        call_command("export_dataset", project.slug, *arguments)
    assert refusal.value.returncode == 2
    assert not DatasetVersion.objects.exists()


def test_the_command_never_overwrites(version: DatasetVersion, tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="there already") as refusal:
        call_command("export_dataset", version.project.slug, "--format", "coco", "--out", str(tmp_path))
    assert refusal.value.returncode == 2
