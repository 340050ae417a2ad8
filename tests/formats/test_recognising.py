"""Which format a folder is in, told by what its readers find in it."""

import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from curation.datasets.formats.recognising import IN_ORDER, recognise
from curation.datasets.formats.registry import READERS
from curation.intake.archive import ArchiveLimits
from curation.intake.unpacking import BadPackage, root_of, unpack
from tests.formats.test_reading_others import FOREIGN, write
from tests.formats.test_round_trips import BOTH, RECORDS, written


@pytest.mark.parametrize("form", BOTH)
def test_what_we_write_is_recognised_without_its_receipt(form: str, tmp_path: Path) -> None:
    written(form, tmp_path / "out", RECORDS)
    assert recognise(tmp_path / "out") == form


@pytest.mark.parametrize("form", sorted(FOREIGN))
def test_documents_of_other_tools_are_recognised(form: str, tmp_path: Path) -> None:
    assert recognise(write(tmp_path, FOREIGN[form])) == form


def test_nothing_is_recognised_where_there_is_nothing_labelled(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text(json.dumps({"images": "many"}))
    (tmp_path / "a.txt").write_text("hello")
    assert recognise(tmp_path) is None


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_a_package_with_a_folder_around_it_is_unpacked_to_that_folder(tmp_path: Path) -> None:
    package = zipped(tmp_path / "a.zip", {"set/labels/a.txt": b"x", "set/data.yaml": b"y", "__MACOSX/set/._a": b"junk"})
    unpack(package, tmp_path / "out")
    root = root_of(tmp_path / "out")
    assert root.name == "set"
    assert sorted(one.relative_to(root).as_posix() for one in root.rglob("*") if one.is_file()) == [
        "data.yaml",
        "labels/a.txt",
    ]


def test_a_package_of_one_class_keeps_its_folder_for_its_name(tmp_path: Path) -> None:
    unpack(zipped(tmp_path / "a.zip", {"set/peace/1.jpg": b"x", "set/peace/2.PNG": b"y"}), tmp_path / "out")
    root = root_of(tmp_path / "out")
    assert root.name == "set"
    assert recognise(root) == "folders"
    (root / "peace" / "notes.jsonl").write_bytes(b"{}")
    assert root_of(tmp_path / "out").name == "peace"


@pytest.mark.parametrize(
    ("name", "said"), [("../a.txt", "leads out"), ("/etc/a.txt", "absolute"), ("a\\b.txt", "backslash")]
)
def test_a_name_that_leaves_the_folder_refuses_the_package(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadPackage, match=said):
        unpack(zipped(tmp_path / "a.zip", {name: b"x"}), tmp_path / "out")
    assert not (tmp_path / "a.txt").exists()


def test_links_in_a_package_are_not_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        link = tarfile.TarInfo("a.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(BadPackage, match="links"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


def test_a_file_cannot_stand_where_a_folder_is(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name in ("a", "a/b"):
            info = tarfile.TarInfo(name)
            info.size = 1
            archive.addfile(info, io.BytesIO(b"x"))
    with pytest.raises(BadPackage, match="has its name"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


def test_a_package_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path: Path) -> None:
    package = zipped(tmp_path / "a.zip", {"a.bin": bytes(3 << 20)})
    with pytest.raises(BadPackage, match="times its size"):
        unpack(package, tmp_path / "out", limits=ArchiveLimits(max_ratio=2))


def test_every_format_that_is_read_has_its_place() -> None:
    assert sorted(IN_ORDER) == sorted(READERS)
