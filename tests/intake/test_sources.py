"""What a lead brings is read; what is hostile or of no use is refused by name, and the rest goes on."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from curation.intake.archive import ArchiveLimits, read_archive
from curation.intake.found import Found, Refused, UnknownSource
from curation.intake.kinds import Kind, kind_of
from curation.intake.sources import open_source
from tests.planted import jpeg, scene
from tests.preprocessing.clips import clip, steady

PICTURE = jpeg(scene(80_001)[::8, ::8])


def names(found: Iterable[Found | Refused]) -> list[str]:
    return [one.name for one in found if isinstance(one, Found)]


def reasons(found: Iterable[Found | Refused]) -> dict[str, str]:
    return {one.name: one.reason for one in found if isinstance(one, Refused)}


def zipped(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return path


def tarred(path: Path, entries: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for info, data in entries:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def test_a_folder_gives_its_pictures_in_order_and_says_what_it_leaves(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.jpg").write_bytes(PICTURE)
    (tmp_path / "1.JPG").write_bytes(PICTURE)
    (tmp_path / "page.jpg").write_bytes(b"<html>")
    (tmp_path / "without-suffix").write_bytes(PICTURE)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "in.zip").write_bytes(b"PK\x03\x04")
    (tmp_path / ".DS_Store").write_bytes(b"junk")
    (tmp_path / "link.jpg").symlink_to("/etc/passwd")
    found = list(open_source(str(tmp_path)))
    assert names(found) == ["1.JPG", "page.jpg", "without-suffix", "b/2.jpg"]
    assert reasons(found) == {"in.zip": "nested_archive", "link.jpg": "link", "notes.txt": "not_an_image"}
    assert next(one.data() for one in found if isinstance(one, Found)) == PICTURE


def test_a_video_gives_frames_that_name_it(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", times=steady(30))
    found = [one for one in open_source(str(path)) if isinstance(one, Found)]
    assert [(one.name, one.parent, one.frame_index, one.frame_ms) for one in found] == [
        ("a/000000.jpg", "a.mp4", 0, 0),
        ("a/000010.jpg", "a.mp4", 10, 333),
        ("a/000020.jpg", "a.mp4", 20, 667),
    ]
    assert found[0].data().startswith(b"\xff\xd8")
    assert len(list(open_source(str(path), every=15))) == 2


def test_a_single_picture_is_a_source(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURE)
    assert names(open_source(str(tmp_path / "a.png"))) == ["a.png"]


@pytest.mark.parametrize("suffix", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_every_accepted_archive_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "zip":
        zipped(path, {"in/1.jpg": PICTURE, "readme.txt": b"hello"})
    else:
        mode = "w" if suffix == "tar" else f"w:{suffix[4:]}"
        tarred(path, [(tarfile.TarInfo("in/1.jpg"), PICTURE), (tarfile.TarInfo("readme.txt"), b"hello")], mode)
    found = list(open_source(str(path)))
    assert [one.data() for one in found if isinstance(one, Found)] == [PICTURE]
    assert reasons(found) == {"readme.txt": "not_an_image"}


def test_a_video_in_an_archive_gives_frames(tmp_path: Path) -> None:
    video = clip(tmp_path / "a.mp4", times=steady(15)).read_bytes()
    found = list(open_source(str(zipped(tmp_path / "a.zip", {"day/a.mp4": video}))))
    assert names(found) == ["day/a/000000.jpg", "day/a/000010.jpg"]
    assert found[0].parent == "day/a.mp4"  # type: ignore[union-attr]


BAD_NAMES = {
    "../up.jpg": "bad_name",
    "in/../../up.jpg": "bad_name",
    "/etc/a.jpg": "bad_name",
    "C:a.jpg": "bad_name",
    "a\\b.jpg": "bad_name",
    "a\x07.jpg": "bad_name",
    "n" * 260 + ".jpg": "bad_name",
    "inner.zip": "nested_archive",
    "A.jpg": "twin",
}


def test_hostile_names_are_refused_in_a_zip(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "a.zip", {"a.jpg": PICTURE, **dict.fromkeys(BAD_NAMES, PICTURE), "inner.zip": b"PK\x03\x04"}
    )
    found = list(read_archive(path))
    assert names(found) == ["a.jpg"]
    assert sorted(reasons(found).values()) == sorted(BAD_NAMES.values())


def test_hostile_names_are_refused_in_a_tar(tmp_path: Path) -> None:
    inner = {"inner.zip": b"PK\x03\x04"}
    entries = [(tarfile.TarInfo(name), inner.get(name, PICTURE)) for name in ("a.jpg", *BAD_NAMES)]
    found = list(read_archive(tarred(tmp_path / "a.tar.gz", entries)))
    assert names(found) == ["a.jpg"]
    assert sorted(reasons(found).values()) == sorted(BAD_NAMES.values())


def test_two_spellings_of_one_name_are_twins(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"\u00e9.jpg": PICTURE, "e\u0301.jpg": PICTURE})
    assert list(reasons(read_archive(path)).values()) == ["twin"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("a.jpg")
    info.type, info.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(info)
    assert reasons(read_archive(tmp_path / "a.tar")) == {"a.jpg": "link"}


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("a.jpg")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert reasons(read_archive(tmp_path / "a.zip")) == {"a.jpg": "link"}


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.jpg": PICTURE})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert reasons(read_archive(path)) == {"a.jpg": "encrypted"}


def test_a_zip_bomb_is_refused_on_the_bytes_that_come_out(tmp_path: Path) -> None:
    bomb = PICTURE + bytes(30_000_000)
    path = zipped(tmp_path / "a.zip", {"bomb.jpg": bomb, "noise.jpg": PICTURE + jpeg(scene(80_002))})
    found = list(read_archive(path))
    assert reasons(found) == {"bomb.jpg": "bomb"}
    assert names(found) == ["noise.jpg"]


def test_a_zip_that_lies_about_sizes_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.jpg": PICTURE + bytes(5_000_000)})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", len(PICTURE))
    path.write_bytes(data)
    found = list(read_archive(path))
    assert names(found) == []
    assert set(reasons(found)) == {"a.jpg"}


def test_a_tar_bomb_is_stopped(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a.tar.gz", [(tarfile.TarInfo("a.jpg"), PICTURE + bytes(40_000_000))])
    assert reasons(read_archive(path))["a.tar.gz"] == "bomb"


def test_a_huge_header_in_a_tar_is_stopped_before_it_fills_the_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("a.jpg")
    info.pax_headers = {"comment": "x" * 3_000_000}
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)
    assert reasons(read_archive(tmp_path / "a.tar")) == {"a.tar": "bomb"}


def test_overlapping_entries_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.jpg": PICTURE, "b.jpg": PICTURE}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    path.write_bytes(data)
    assert reasons(read_archive(path)) == {"a.zip": "overlap"}


def test_too_many_entries_are_refused_before_they_are_listed(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {f"{number}.jpg": b"" for number in range(30)})
    assert reasons(read_archive(path, limits=ArchiveLimits(max_entries=20))) == {"a.zip": "too_many_entries"}
    tar = tarred(tmp_path / "a.tar", [(tarfile.TarInfo(f"{number}.jpg"), PICTURE) for number in range(30)], "w")
    found = list(read_archive(tar, limits=ArchiveLimits(max_entries=20)))
    assert (len(names(found)), reasons(found)) == (20, {"a.tar": "too_many_entries"})


def test_the_whole_archive_has_a_bound(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {f"{number}.jpg": jpeg(scene(81_000 + number)[::2, ::2]) for number in range(4)})
    found = list(read_archive(path, limits=ArchiveLimits(max_bytes=300_000)))
    assert reasons(found) == {"a.zip": "bomb"}


@pytest.mark.parametrize("kept", [0.3, 0.95])
@pytest.mark.parametrize("suffix", ["zip", "tar.gz", "tar.xz"])
def test_a_cut_archive_is_refused_and_does_not_crash(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "zip":
        zipped(path, {"a.jpg": PICTURE})
    else:
        tarred(path, [(tarfile.TarInfo("a.jpg"), PICTURE)], f"w:{suffix[4:]}")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    assert reasons(read_archive(path)) == {f"a.{suffix}": "damaged"}


def test_a_damaged_entry_does_not_spoil_the_others(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.jpg": PICTURE, "b.jpg": PICTURE})
    data = bytearray(path.read_bytes())
    data[200:260] = bytes(60)
    path.write_bytes(data)
    found = list(read_archive(path))
    assert (names(found), reasons(found)) == (["b.jpg"], {"a.jpg": "damaged"})


def test_links_of_a_listing_that_lead_to_each_other_are_missing_files(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("b.jpg")
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    (tmp_path / "list.jsonl").write_text(json.dumps({"path": "a.jpg"}))
    assert reasons(open_source(str(tmp_path / "list.jsonl"))) == {"a.jpg": "missing"}


def test_noise_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zlib.compress(b"noise" * 100))
    assert reasons(open_source(str(tmp_path / "a.zip"))) == {"a.zip": "damaged"}


def test_a_listing_gives_files_with_the_leads_own_keys(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PICTURE)
    outside = tmp_path.parent / f"{tmp_path.name}-outside.jpg"
    outside.write_bytes(PICTURE)
    lines = [
        json.dumps({"path": "a.jpg", "id": "mine-1"}),
        "",
        json.dumps({"path": "missing.jpg"}),
        json.dumps({"path": f"../{outside.name}"}),
        json.dumps({"path": "/etc/passwd"}),
        '{"path": "a.jpg", "path": "b.jpg"}',
        '{"path": "a.jpg", "id": NaN}',
        "not json",
        "[" * 5000,
        json.dumps({"path": "a.jpg", "id": ""}),
        json.dumps({"path": "half \ud800.jpg"}),
        json.dumps({"path": "x" * 300 + ".jpg"}),
        json.dumps({"source-ref": "s3://bucket/" + "x" * 300 + ".jpg"}),
    ]
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    found = list(open_source(str(tmp_path / "list.jsonl")))
    assert [(one.name, one.client_key) for one in found if isinstance(one, Found)] == [("a.jpg", "mine-1")]
    assert [one.reason for one in found if isinstance(one, Refused)] == [
        *("missing", "outside", "outside"),
        *["bad_line"] * 6,
        *("missing", "missing"),
    ]


def test_a_listing_line_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.jsonl").write_bytes(b"x" * 1_500_000)
    assert reasons(open_source(str(tmp_path / "list.jsonl"))) == {"list.jsonl:1": "bad_line"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("s3://bucket/prefix", "is an address; accepted so far is a local file"),
        ("https://example.org/urls.txt", "is an address; accepted so far is a local file"),
        ("/nowhere/at/all", "there is no file or folder"),
        ("", "there is no file or folder"),
    ],
)
def test_an_unknown_source_says_what_is_accepted(text: str, words: str) -> None:
    with pytest.raises(UnknownSource, match=words) as caught:
        open_source(text)
    assert ".tar.gz" in str(caught.value)


def test_a_document_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"hello")
    with pytest.raises(UnknownSource, match="none of what is accepted"):
        open_source(str(tmp_path / "a.docx"))


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.mp4", PICTURE[:64], Kind.PICTURE),
        ("a.jpg", b"<html>", Kind.PICTURE),
        ("a.jpg", b"\x1a\x45\xdf\xa3", Kind.VIDEO),
        ("a", b"\x1f\x8b", Kind.ARCHIVE),
        ("a.txt", b"hello", Kind.OTHER),
    ],
)
def test_the_bytes_speak_before_the_name(name: str, head: bytes, kind: Kind) -> None:
    assert kind_of(name, head) is kind


def test_a_ground_truth_manifest_is_a_listing_whose_keys_are_its_references(tmp_path: Path) -> None:
    (tmp_path / "2026").mkdir()
    (tmp_path / "2026" / "a.jpg").write_bytes(PICTURE)
    (tmp_path / "b.jpg").write_bytes(PICTURE + b"\n")
    refs = ["s3://shop/images/2026/a.jpg", "b.jpg", "s3://shop/images/gone.jpg", "s3://shop/../../etc/passwd"]
    manifest = tmp_path / "in.jsonl"
    manifest.write_text("".join(json.dumps({"source-ref": ref, "kept": 1}) + "\n" for ref in refs))
    found = list(open_source(str(manifest)))
    assert [(one.name, one.client_key) for one in found if isinstance(one, Found)] == [
        ("2026/a.jpg", "s3://shop/images/2026/a.jpg"),
        ("b.jpg", "b.jpg"),
    ]
    assert reasons(found) == {"gone.jpg": "missing", "passwd": "missing"}
