"""The file of a backup: whatever was done to it, one sentence says what is wrong."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from curation.services.backups import archive, database
from curation.services.backups.archive import BadArchive, Contents, Header, Writer

PICTURE = b"\xff\xd8" + bytes(range(256)) * 20


def header(**changes: object) -> Header:
    told: dict[str, object] = {
        "id": "one",
        "made_at": "2026-05-04T12:00:00+00:00",
        "release": "0.1.0",
        "postgres": "18.4",
        "migrations": ["curation.0001_nouns"],
        "rows": {"curation_asset": 2},
        "ledger": {},
        "media": "copied",
        "storage": "/media",
        "key_marks": [],
    }
    return Header(**{**told, **changes})  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "b.tar"
    with written.open("wb") as file:
        writer = Writer(file)
        writer.add_header(header())
        writer.add_dump(io.BytesIO(b"PGDMP" * 100), 500)
        writer.add_file("assets/hand.jpg", io.BytesIO(PICTURE), len(PICTURE))
        writer.add_file("assets/другая.jpg", io.BytesIO(b"x"), 1)
        writer.end(missing=["assets/gone.jpg"])
    return written


def seen(path: Path) -> Contents:
    return archive.look_through(path, dump=lambda _: None, show=lambda *_: None)


def refusal(path: Path) -> str:
    with pytest.raises(BadArchive) as refused:
        seen(path)
    assert refused.value.status == 2
    assert "\n" not in refused.value.sentence
    return refused.value.sentence


def packed_anew(path: Path, change: Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes]]) -> Path:
    other = path.with_name("other.tar")
    with tarfile.open(path) as old, tarfile.open(other, "w") as new:
        for member in old.getmembers():
            content = old.extractfile(member)
            assert content is not None
            told, data = change(member, content.read())
            new.addfile(told, io.BytesIO(data))
    return other


def test_a_sound_archive_says_what_is_in_it(path):
    contents = seen(path)
    assert (contents.files, contents.size, contents.missing) == (2, len(PICTURE) + 1, ["assets/gone.jpg"])
    assert contents.header == header()


@pytest.mark.parametrize("told", [{"rows": ["curation_asset"]}, {"ledger": ["USD"]}])
def test_a_first_page_with_lists_for_counts_is_refused(told, tmp_path):
    odd = tmp_path / "odd.tar"
    with odd.open("wb") as file:
        Writer(file).add_header(header(**told))
    assert "first page cannot be read" in refusal(odd)


def test_what_a_header_says_cannot_end_the_statement_that_checks_it():
    statement = database.same_rows({}, {"USD $same$; DROP TABLE a; --": [1, 5]})
    quote = statement.split()[1]
    assert quote != "$same$"
    assert statement.count(quote) == 2


def test_an_archive_that_was_cut_off_anywhere_is_refused(path):
    whole = path.read_bytes()
    short = path.with_name("short.tar")
    for length in (0, 300, 700, 1_600, 3_000, 6_000, len(whole) // 2, len(whole) - 12_000):
        short.write_bytes(whole[: max(0, length)])
        assert "cut off" in refusal(short) or "no backup" in refusal(short)


def test_one_changed_byte_in_a_picture_is_found(path):
    content = bytearray(path.read_bytes())
    content[content.index(PICTURE) + 100] ^= 1
    path.write_bytes(content)
    assert "a file in it is not what was packed" in refusal(path)


def test_one_changed_byte_in_the_database_is_found(path):
    content = bytearray(path.read_bytes())
    content[content.index(b"PGDMP") + 7] ^= 1
    path.write_bytes(content)
    assert "database.dump is not what was packed" in refusal(path)


@pytest.mark.parametrize(
    "name", ["media/../../etc/passwd", "/etc/passwd", "media//x", "media/a/./b", "x", "media/a\\b"]
)
def test_a_name_that_leads_elsewhere_is_refused(path, name):
    def renamed(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        member.name = name if member.name == "media/assets/hand.jpg" else member.name
        return member, data

    assert "is no backup that Winnow made" in refusal(packed_anew(path, renamed))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_links_and_other_things_that_are_no_files_are_refused(path, kind):
    def linked(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if member.name == "media/assets/hand.jpg":
            member.type, member.linkname, member.size = kind, "/etc/passwd", 0
        return member, data

    assert "is not a plain file" in refusal(packed_anew(path, linked))


def test_the_same_name_twice_is_refused(path):
    def doubled(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if member.name.startswith("media/"):
            member.name, member.pax_headers = "media/assets/hand.jpg", {}
        return member, data

    assert "is in it twice" in refusal(packed_anew(path, doubled))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "made by a newer release"),
        ({"rows": {'x"; DROP TABLE y; --': 1}}, "names tables that cannot be"),
        ({"unheard": 1}, "first page lacks something"),
    ],
)
def test_a_first_page_of_something_else_is_refused(path, change, words):
    def told(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if member.name == archive.HEADER:
            data = json.dumps({**json.loads(data), **change}).encode()
            member.size = len(data)
        return member, data

    assert words in refusal(packed_anew(path, told))


def test_what_is_no_archive_or_not_there_is_refused(tmp_path):
    (tmp_path / "text").write_text("hello " * 1000)
    assert "no backup of Winnow" in refusal(tmp_path / "text")
    assert "does not exist" in refusal(tmp_path / "nothing")
    assert "cannot be read" in refusal(tmp_path)
