"""Labelled pictures of others: in with their boxes once, out again as they came, wrong lines by their number."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from curation.datasets.formats.base import BoxRecord, ImageRecord
from curation.datasets.formats.base import LabelClass as FormatClass
from curation.datasets.formats.registry import writer
from curation.engine import flow
from curation.models import Asset, Consensus, LabelClass, Project
from curation.services.datasets import freeze_version
from curation.services.ingest import ingest
from tests.doors.conftest import photo
from tests.factories import make_project

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def theirs() -> Project:
    """An empty project with the classes peace and no_gesture."""
    project = make_project("Theirs")
    LabelClass.objects.create(project=project, index=5, name="no_gesture", is_negative=True)
    return project


def line(name: str, *boxes: tuple[str, int], size: tuple[int, int] = (320, 200), **besides: Any) -> dict[str, Any]:
    """A line with a box 40 x 50 for each (class, left edge)."""
    names = sorted({name for name, _ in boxes})
    marks = [
        {"class_id": names.index(name), "left": left, "top": 20, "width": 40, "height": 50} for name, left in boxes
    ]
    about = {
        "objects": [{"confidence": 0.9} for _ in boxes],
        "class-map": {str(number): name for number, name in enumerate(names)},
        "type": "groundtruth/object-detection",
    }
    measure = {"width": size[0], "height": size[1], "depth": 3}
    return {
        "source-ref": name,
        "hands": {"image_size": [measure], "annotations": marks},
        "hands-metadata": about,
    } | besides


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures and what stands in `set.manifest` about them."""
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(photo(50 + number))
    return tmp_path


def manifest(folder: Path, *lines: dict[str, Any] | str) -> Path:
    path = folder / "set.manifest"
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines), encoding="utf-8")
    return path


def take_in(project: Project, path: Path, *more: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("import_dataset", project.slug, str(path), "--format", "groundtruth", *more, "--json", stdout=out)
    return json.loads(out.getvalue())


def boxes(project: Project, name: str) -> list[tuple[str, float, float]]:
    row = Consensus.objects.get(asset__project=project, asset__name=name, is_current=True)
    return [(box.label, round(box.x * 320), box.confidence) for box in row.boxes.all()]


def test_pictures_come_in_with_boxes_class_source_and_licence_and_wait_where_they_are_published(theirs, folder):
    path = manifest(
        folder, line("0.jpg", ("peace", 10), ("no_gesture", 200), licence="CC BY 4.0"), line("1.jpg"), "{oops"
    )
    done = take_in(theirs, path)
    assert (done["received"], done["new"], done["refused"], done["reasons"]) == (3, 2, 1, {"bad_line": 1})
    assert done["labels"] == {"new": 2, "changed": 0, "existing": 0, "kept": 0}
    assert done["boxes"] == {"no_gesture": 1, "peace": 1}
    asset = Asset.objects.get(project=theirs, name="0.jpg")
    assert (asset.stage.kind, asset.state, asset.label_class.name) == ("publish", "waiting", "peace")
    assert (asset.source, asset.licence) == ("set.manifest", "CC BY 4.0")
    assert asset.sources.get().reference == "0.jpg"
    assert asset.preview.screen_key
    assert boxes(theirs, "0.jpg") == [("peace", 10, 0.9), ("no_gesture", 200, 0.9)]
    row = Consensus.objects.get(asset=asset)
    assert (row.method, row.settings["file"], row.settings["line"]) == ("import", "set.manifest", 1)
    assert boxes(theirs, "1.jpg") == []


def test_the_same_file_again_changes_nothing(theirs, folder):
    path = manifest(folder, line("0.jpg", ("peace", 10)), line("1.jpg"))
    take_in(theirs, path)
    rows = list(Consensus.objects.order_by("pk").values())
    again = take_in(theirs, path)
    assert (again["new"], again["existing"], again["labels"]["existing"], again["boxes"]) == (0, 2, 2, {})
    assert list(Consensus.objects.order_by("pk").values()) == rows
    assert Asset.objects.filter(project=theirs).count() == 2


def test_other_boxes_for_a_picture_are_a_further_version_and_what_people_said_stays(theirs, folder):
    take_in(theirs, manifest(folder, line("0.jpg", ("peace", 10)), line("1.jpg", ("peace", 10))))
    Consensus.objects.filter(asset__name="1.jpg").update(method="person")
    done = take_in(theirs, manifest(folder, line("0.jpg", ("peace", 30)), line("1.jpg", ("peace", 30))))
    assert done["labels"] == {"new": 0, "changed": 1, "existing": 0, "kept": 1}
    assert boxes(theirs, "0.jpg") == [("peace", 30, 0.9)]
    assert boxes(theirs, "1.jpg") == [("peace", 10, 0.9)]
    assert list(
        Consensus.objects.filter(asset__name="0.jpg").order_by("version").values_list("version", flat=True)
    ) == [
        1,
        2,
    ]


def test_classes_are_chosen_and_renamed(theirs, folder):
    path = manifest(folder, line("0.jpg", ("V sign", 10), ("cup", 90)), line("1.jpg", ("cup", 10)), line("2.jpg"))
    done = take_in(theirs, path, "--classes", "V sign", "--map", "V sign=peace")
    assert (done["new"], done["left_out"]) == (2, 1)
    assert boxes(theirs, "0.jpg") == [("peace", 10, 0.9)]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ([], "'cup': no class of .* which has peace, no_gesture"),
        (["--classes", "hammer"], "0 of 2 classes match; the file has 'peace', 'cup'"),
        (["--map", "saw=peace"], "no class 'saw' to map"),
        (["--map", "peace"], "must look like theirs=ours"),
        (["--stage", "polish"], "is no stage of"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_stored(theirs, folder, more, sentence):
    path = manifest(folder, line("0.jpg", ("peace", 10)), line("1.jpg", ("cup", 10)))
    with pytest.raises(CommandError, match=sentence) as refusal:
        take_in(theirs, path, *more)
    assert refusal.value.returncode == 2
    assert not Asset.objects.filter(project=theirs).exists()


def test_a_format_nobody_reads_and_a_file_that_is_not_there_are_refused(theirs, tmp_path):
    with pytest.raises(CommandError, match=r"there are: .*groundtruth"):
        call_command("import_dataset", theirs.slug, str(tmp_path), "--format", "tarot")
    with pytest.raises(CommandError, match="is not a manifest or a folder with"):
        take_in(theirs, tmp_path / "nowhere")


def test_a_missing_picture_one_of_another_size_and_labels_found_bad_are_named(theirs, folder):
    verified = {"checked": 0, "checked-metadata": {"class-name": "bad", "type": "groundtruth/label-verification"}}
    path = manifest(
        folder,
        line("gone.jpg", ("peace", 10)),
        line("0.jpg", ("peace", 10), size=(640, 400)),
        line("1.jpg", ("peace", 10), **verified),
        line("2.jpg", ("peace", 10)),
    )
    done = take_in(theirs, path)
    assert done["reasons"] == {"labels_rejected": 1, "missing": 1, "other_size": 1}
    assert Consensus.objects.filter(asset__project=theirs).count() == Asset.objects.filter(project=theirs).count() == 1
    sentences = {one["file"]: one["sentence"] for one in done["files_refused"]}
    assert sentences["0.jpg"] == "the picture is 320x200, but its boxes were drawn on 640x400"


def test_a_box_of_which_nothing_lies_in_the_picture_leaves_nothing_behind(theirs, folder):
    bad = line("0.jpg", ("peace", 10))
    bad["hands"]["annotations"][0] |= {"left": -0.4, "width": 0.3}
    done = take_in(theirs, manifest(folder, bad))
    assert done["reasons"] == {"bad_line": 1}
    assert "line 1 is not taken: the box -0.4, 20, 0.3, 50 lies outside the picture" in str(done["files_refused"])
    assert not Asset.objects.filter(project=theirs).exists()


def test_boxes_find_pictures_that_came_in_before_them_by_their_address(theirs, folder):
    listing = folder / "listing.manifest"
    listing.write_text(json.dumps({"source-ref": "s3://bucket/0.jpg"}))
    ingest(project=theirs, sources=[str(listing)], now=NOW)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    done = take_in(theirs, manifest(elsewhere, line("s3://bucket/0.jpg", ("peace", 10))))
    assert (done["new"], done["existing"], done["labels"]["new"]) == (0, 1, 1)


def test_pictures_of_two_sets_with_equal_names_stay_apart(theirs, tmp_path):
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "a.jpg").write_bytes(photo(70 + number))
        take_in(theirs, manifest(folder, line("a.jpg", ("peace", 10 * number))))
    assert Asset.objects.filter(project=theirs).count() == Consensus.objects.filter(asset__project=theirs).count() == 2


def test_an_export_that_was_changed_on_its_way_is_refused(project, theirs, alice, tmp_path):
    freeze_version(project_id=project.pk, by=alice, now=NOW)
    out = tmp_path / "out"
    call_command(
        "export_dataset",
        project.slug,
        "--format",
        "groundtruth",
        "--out",
        str(out),
        stdout=io.StringIO(),
        stderr=io.StringIO(),
    )
    victim = next((out / "images").iterdir())
    victim.write_bytes(b"other")
    with pytest.raises(CommandError, match=f"is not what its receipt says: 'images/{victim.name}' changed"):
        take_in(theirs, out)
    assert not Asset.objects.filter(project=theirs).exists()


def test_an_export_comes_back_as_it_went_out(project, theirs, alice, tmp_path):
    def export(of: Project, name: str) -> list[dict[str, Any]]:
        call_command("export_dataset", of.slug, "--format", "groundtruth", "--out", str(tmp_path / name), "--json",
                     stdout=io.StringIO(), stderr=io.StringIO())  # fmt: skip
        text = (tmp_path / name / "manifests" / "all.manifest").read_text(encoding="utf-8")
        return [json.loads(one) for one in text.splitlines()]

    freeze_version(project_id=project.pk, by=alice, now=NOW)
    out = export(project, "first")
    done = take_in(theirs, tmp_path / "first")
    assert (done["received"], done["new"], done["boxes"]) == (3, 3, {"no_gesture": 1, "peace": 2})
    flow.work_stage(stage=theirs.stages.get(kind="publish"), now=NOW)
    back = export(theirs, "second")

    def told(one: dict[str, Any]) -> tuple[Any, ...]:
        return one["labels"], one["labels-metadata"]["objects"], one.get("labels-class")

    assert [told(one) for one in back] == [told(one) for one in out]


def test_a_check_counts_classes_before_anything_is_copied(theirs, folder, capsys):
    path = manifest(
        folder, line("0.jpg", ("peace", 10), ("cat", 90)), line("1.jpg", ("cat", 10)), line("nowhere.jpg"), "{"
    )
    call_command(
        "import_dataset", theirs.slug, str(path), "--format", "groundtruth", "--classes", "peace", "--check", "--json"
    )
    held = json.loads(capsys.readouterr().out)
    assert {name: held[name] for name in ("pictures", "empty", "missing", "wrong")} == {
        "pictures": 3, "empty": 1, "missing": 1, "wrong": 1,
    }  # fmt: skip
    assert held["classes"] == [
        {"name": "cat", "pictures": 2, "boxes": 2, "becomes": None, "is_taken": False},
        {"name": "peace", "pictures": 1, "boxes": 1, "becomes": "peace", "is_taken": True},
    ]
    assert not Asset.objects.filter(project=theirs).exists()


@pytest.mark.parametrize(
    "form", ["coco", "croissant", "csv", "hagrid", "huggingface", "jsonl", "parquet", "voc", "yolo"]
)
def test_an_export_of_ours_comes_in_again_with_equal_boxes_and_twice_changes_nothing(form, theirs, tmp_path, capsys):
    records = [ImageRecord("0.jpg", 320, 200, (BoxRecord(1, 8, 20, 40, 50, 0.875),)), ImageRecord("1.jpg", 320, 200)]
    pictures = {"0.jpg": photo(61), "1.jpg": photo(62)}
    classes = [FormatClass(1, "peace")]
    writer(form).write(tmp_path / "set", classes, iter(records), lambda one: pictures[one.file_name])
    for new, labels in ((2, "new"), (0, "existing")):
        call_command("import_dataset", theirs.slug, str(tmp_path / "set"), "--format", form, "--json")
        done = json.loads(capsys.readouterr().out)
        assert (done["new"], done["labels"][labels], done["refused"]) == (new, 2, 0)
    box = Consensus.objects.get(asset__project=theirs, boxes__isnull=False, is_current=True).boxes.get()
    assert box.label == "peace"
    assert (box.x, box.y, box.w, box.h) == pytest.approx((0.025, 0.1, 0.125, 0.25))
