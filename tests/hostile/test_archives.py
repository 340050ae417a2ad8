"""Archives that are built to do harm, through the same door as any other: nothing is written where they point."""

import io
import zipfile
from pathlib import Path

import pytest
from django.conf import settings

from crowd.clock import database_now
from curation.intake.archive import read_archive
from curation.intake.found import Refused
from curation.models import Asset
from curation.services.ingest import ingest
from tests.doors.conftest import photo
from tests.factories import make_project, make_user

pytestmark = pytest.mark.hostile
CLIMBING = ("../outside.jpg", "a/../../../outside.jpg", "/outside.jpg", "C:\\outside.jpg", "in\\..\\outside.jpg")
MANY = 100_000


def zipped(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.django_db
def test_names_that_climb_out_reach_no_file_and_the_good_picture_is_taken(tmp_path: Path):
    project = make_project(lead=make_user("Alice"))
    inner = tmp_path / "a" / "b" / "hostile.zip"
    inner.parent.mkdir(parents=True)
    inner.write_bytes(zipped({**dict.fromkeys(CLIMBING, photo(1)), "good.jpg": photo(2)}))
    media = Path(settings.PATHS.media)
    before, stored = files_below(tmp_path), files_below(media)
    receipt = ingest(project=project, sources=[str(inner)], now=database_now())
    assert (receipt.new, receipt.reasons) == (1, {"bad_name": len(CLIMBING)})
    assert files_below(tmp_path) == before
    assert not Path("/outside.jpg").exists()
    kept = Asset.objects.get(project=project).storage_key
    assert {str(path.relative_to(media)) for path in files_below(media) - stored} == {kept}


def test_archives_in_archives_are_not_opened(tmp_path: Path):
    """As 42.zip: each layer holds sixteen of the next, and the last one would be gigabytes."""
    layer = zipped({"zeros.jpg": bytes(3_000_000)})
    for _ in range(4):
        layer = zipped({f"{number}.zip": layer for number in range(16)})
    path = tmp_path / "42.zip"
    path.write_bytes(layer)
    found = list(read_archive(path))
    assert [one.reason for one in found if isinstance(one, Refused)] == ["nested_archive"] * 16
    assert len(found) == 16


def test_a_hundred_thousand_entries_are_refused_as_one(tmp_path: Path):
    path = tmp_path / "many.zip"
    path.write_bytes(zipped(dict.fromkeys((f"{number}.jpg" for number in range(MANY)), b"")))
    (only,) = read_archive(path)
    assert isinstance(only, Refused)
    assert only.reason == "too_many_entries"
