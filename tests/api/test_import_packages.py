"""What comes as a data set to be imported: hostile archives, buckets, odd texts; what has ended is deleted."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext

from curation.intake.unpacking import BadPackage, NotWritten, unpack
from curation.models import Asset, DatasetImport, Event, FileUpload, Job, Project
from curation.services import import_jobs, import_packages
from curation.storing.sources import SourceBucket
from tests.api.conftest import Caller, make_import
from tests.api.test_imports import TWO, after, line, nothing_lies_about, package, sent, stored
from tests.doors.conftest import photo
from tests.doors.test_buckets import bucket, object_server

__all__ = ["after", "bucket", "object_server", "sent"]

pytestmark = pytest.mark.django_db
IMPORTS = "/api/v1/imports"


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return file.getvalue()


def link() -> zipfile.ZipInfo:
    found = zipfile.ZipInfo("openset/labels")
    found.external_attr = 0o120777 << 16
    return found


def tarred_link() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo("openset/out")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(entry)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped(("../../out.jsonl", b"{}")), "leads out of the archive"),
        (zipped(("/out.jsonl", b"{}")), "absolute path"),
        (zipped((link(), b"/etc")), "links and devices"),
        (tarred_link(), "links and devices"),
        (zipped(("a.jsonl", b"{}"), ("A.jsonl", b"{}")), "the same name"),
        (zipped(("a", b"{}"), ("a/b.jsonl", b"{}")), "another entry has its name"),
        (zipped(("a.jsonl", bytes(40 << 20))), "200 times its size"),
    ],
    ids=["upwards", "absolute", "link", "link in a TAR", "twins", "file and folder", "bomb"],
)
def test_a_hostile_archive_is_refused_in_a_sentence_and_nothing_lies_about(data: bytes, said: str, sent, after):
    before = stored()
    one = after(sent(data))
    assert (one["state"], said in one["error"]) == ("refused", True), one["error"]
    assert str(django_settings.DATA_DIR) not in one["error"]
    assert stored() == before
    assert nothing_lies_about(one)


def test_a_label_reaches_no_file_outside_of_its_package(sent, after):
    folder = Path(django_settings.DATA_DIR) / "import-packages"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "theirs.jpg").write_bytes(photo(70))
    ways = [str(folder / "theirs.jpg"), "../../theirs.jpg", "../../../import-packages/theirs.jpg"]
    one = after(sent(package(*map(line, ways), pictures=0), start=True))
    assert (one["held"]["pictures"], one["held"]["missing"], one["result"]["new"]) == (3, 3, 0)
    assert one["result"]["reasons"] == {"missing": 3}


def test_a_full_disk_is_not_called_a_damaged_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.zip").write_bytes(package(*TWO))
    (tmp_path / "into").mkdir()

    usual = Path.open

    def full(path: Path, mode: str = "r", **more: Any) -> IO[Any]:
        return usual(Path("/dev/full"), "wb") if mode == "xb" else usual(path, mode, **more)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(NotWritten, match="No space left"):
        unpack(tmp_path / "a.zip", tmp_path / "into")


def test_odd_characters_in_names_are_replaced(sent, after):
    one = after(sent(package(line("0.jpg"), line("1.jpg", "vic\0tory"), line("2\ud800.jpg", "\udfff"))))
    held = one["held"]
    assert (one["state"], held["pictures"] + held["wrong"]) == ("checked", 3)
    assert [row["name"] for row in held["classes"]][:2] == ["peace", "vic\ufffdtory"]


def test_a_class_cannot_be_named_with_a_character_that_no_text_may_have(alice: Caller, project: Project):
    wish = {"project": str(project.public_id), "address": "s3://open/", "map": {"a\0": "peace"}}
    answer = alice.send("POST", IMPORTS, wish)
    assert (answer.status_code, "no text may have" in answer.json()["detail"]) == (400, True)


def test_what_is_not_of_the_named_format_is_told_without_places_of_this_machine(sent, after):
    one = after(sent(package(*TWO), format="coco"))
    assert one["state"] == "refused"
    assert str(django_settings.DATA_DIR) not in one["error"]
    text = Event.objects.get(kind="import.refused").text
    assert str(django_settings.DATA_DIR) not in text


def test_the_record_names_the_source_that_was_taken_in(sent, after):
    after(sent(zipped(("images.jsonl", line("0.jpg").encode()), ("0.jpg", photo(60))), source="Open set", start=True))
    assert Event.objects.get(kind="assets.imported").text == "1 new of 1 pictures, 1 boxes from Open set."


def test_a_long_list_of_imports_costs_as_many_queries_as_a_short_one(alice: Caller, project: Project):
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert alice.get(IMPORTS).status_code == 200
        return len(seen)

    held = {"pictures": 1, "empty": 0, "missing": 0, "wrong": 0, "classes": [], "problems": []}
    make_import(project)
    DatasetImport.objects.update(held=held)
    queries()
    before = queries()
    for _ in range(3):
        make_import(project)
    DatasetImport.objects.update(held=held)
    assert queries() == before


def test_what_a_project_or_a_dead_job_has_left_is_deleted_and_nothing_that_is_needed(sent, project: Project):
    one = sent(package(*TWO))
    needed = import_packages.folder_of(DatasetImport.objects.get(public_id=one["id"]))
    ended = make_import(project)
    DatasetImport.objects.filter(pk=ended.pk).update(state=DatasetImport.State.CANCELLED)
    left = import_packages.folder_of(ended)
    for folder in (needed, left):
        folder.mkdir(parents=True)
    import_packages.forget_ended()
    assert (needed.exists(), left.exists()) == (True, False)


# --- buckets ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def lain(bucket: Any, object_server: str, settings: Any) -> Callable[..., None]:
    """Put files into a bucket of another team of which one folder may be read."""
    settings.SOURCE_BUCKETS = (SourceBucket("sets", "open/", object_server, "us-east-1"),)
    bucket.create_bucket(Bucket="sets")

    def put(**files: bytes) -> None:
        for name, data in files.items():
            bucket.put_object(Bucket="sets", Key=f"open/{name.replace('__', '/')}", Body=data)

    return put


@pytest.fixture
def asked(alice: Caller, project: Project) -> Callable[..., dict[str, Any]]:
    def ask(address: str = "s3://sets/open/", **wish: Any) -> dict[str, Any]:
        answer = alice.send("POST", IMPORTS, {"project": str(project.public_id), "address": address, **wish})
        assert answer.status_code == 202, answer.json()
        return dict(answer.json())

    return ask


def put_set(lain: Callable[..., None]) -> None:
    lain(**{"set__images.jsonl": "\n".join(TWO).encode(), "set__0.jpg": photo(60), "set__1.jpg": photo(61)})


def test_what_lies_in_a_bucket_is_taken_in(lain, asked, after, bucket: Any):
    put_set(lain)
    bucket.put_object(Bucket="sets", Key="secret/images.jsonl", Body=b"not for us")
    done = after(asked(classes=["peace"], start=True, source="Open set"))
    assert (done["state"], done["format"], done["result"]["new"]) == ("done", "jsonl", 1)
    assert Asset.objects.filter(source="Open set").count() == 1
    assert nothing_lies_about(done)


@pytest.mark.parametrize("address", ["s3://sets/open/", "s3://sets/open/set/", "s3://sets/open/se"])
def test_pictures_that_lie_in_a_bucket_are_used_there_and_not_copied(address: str, lain, asked, after):
    put_set(lain)
    before = stored()
    after(asked(address, classes=["peace"], start=True, source="Open set"))
    asset = Asset.objects.get(source="Open set")
    assert asset.storage_key == "s3://sets/open/set/0.jpg"
    assert default_storage.open(asset.storage_key).read() == photo(60)
    assert {one for one in stored() - before if one.startswith("originals/")} == set()


def test_an_import_that_fails_at_its_end_leaves_the_bucket_as_it_was(lain, asked, after, bucket: Any, monkeypatch):
    put_set(lain)

    def refuse(*_: Any) -> None:
        raise BadPackage("no more")

    monkeypatch.setattr(import_jobs, "_finish", refuse)
    assert after(asked(classes=["peace"], start=True))["state"] == "refused"
    assert bucket.get_object(Bucket="sets", Key="open/set/0.jpg")["Body"].read() == photo(60)


def test_an_archive_in_a_bucket_is_unpacked_and_its_pictures_are_stored_with_us(lain, asked, after):
    lain(**{"set.zip": package(*TWO)})
    after(asked("s3://sets/open/set.zip", classes=["peace"], start=True))
    assert Asset.objects.get(source="set").storage_key.startswith("originals/")


@pytest.mark.parametrize(
    "address", ["s3://sets/", "s3://sets/secret/", "s3://sets/open/../secret/", "s3://other/open/"]
)
def test_what_the_operator_did_not_name_is_not_read(address: str, lain, alice: Caller, project: Project):
    answer = alice.send("POST", IMPORTS, {"project": str(project.public_id), "address": address})
    assert (answer.status_code, "SOURCE_BUCKETS" in answer.json()["detail"]) == (409, True)
    assert not DatasetImport.objects.exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("set__..__..__out.jpg", "leads out"),
        ("set____2.jpg", "empty or dotted parts"),
        ("__set__2.jpg", "empty or dotted parts"),
    ],
)
def test_a_key_that_may_mean_another_file_refuses_the_import(name: str, said: str, lain, asked, after):
    put_set(lain)
    lain(**{name: photo(62)})
    one = after(asked())
    assert (one["state"], said in one["error"]) == ("refused", True)
    assert nothing_lies_about(one)


def test_a_file_with_the_name_of_a_folder_refuses_the_import(lain, asked, after):
    lain(**{"set": b"{}", "set__0.jpg": photo(60)})
    one = after(asked())
    assert (one["state"], "the name of a folder" in one["error"]) == ("refused", True)


@pytest.mark.parametrize("name_and_most", [("MOST_FILES", 2), ("MOST_BYTES", 100)], ids=["files", "bytes"])
def test_more_than_may_be_fetched_refuses_the_import(name_and_most: tuple[str, int], lain, asked, after, monkeypatch):
    put_set(lain)
    monkeypatch.setattr(import_packages, *name_and_most)
    one = after(asked())
    assert (one["state"], "name less of it" in one["error"]) == ("refused", True)
    assert nothing_lies_about(one)


def test_fetching_goes_on_in_the_next_run_where_the_time_of_one_was_over(lain, asked, after, monkeypatch):
    put_set(lain)
    one = asked()
    pauses = iter([False, True])  # the first file is fetched, then the time is over
    in_time = import_jobs._in_time

    def over(watch: Any) -> Callable[[], None]:
        go_on = in_time(watch)

        def look() -> None:
            go_on()
            if next(pauses, False):
                raise import_jobs._Pause

        return look

    monkeypatch.setattr(import_jobs, "_in_time", over)
    done = after(one)
    assert (done["state"], done["held"]["pictures"], done["held"]["missing"]) == ("checked", 2, 0)
    assert Job.objects.get(kind="import_dataset").failures == 0


def test_a_cancelled_fetch_leaves_nothing(lain, asked, after, alice: Caller):
    put_set(lain)
    one = asked()
    assert alice.send("POST", f"{IMPORTS}/{one['id']}/cancel").status_code == 200
    assert after(one)["state"] == "cancelled"
    assert nothing_lies_about(one)
    assert not FileUpload.objects.exists()


def test_an_archive_that_is_no_archive_says_so(tmp_path: Path):
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    (tmp_path / "into").mkdir()
    with pytest.raises(BadPackage, match="damaged"):
        unpack(tmp_path / "a.zip", tmp_path / "into")
