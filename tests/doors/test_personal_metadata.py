"""Where and by whom a photo was taken leaves the house through no door: neither shown nor exported."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from PIL import Image, PngImagePlugin

from curation.models import Asset, Export, Job, LabelClass, Project, User
from curation.portal.media import file_response
from curation.services import datasets, jobs
from curation.services.ingest import ingest
from curation.services.tokens import SCOPES, create_token
from tests.doors.conftest import photo
from tests.factories import make_project, make_user

SECRETS = (b"Wanda Secret", b"SN-4711", b"55,45.0N", b"Kutuzovsky", b"Exif\0\0", b"http://ns.adobe.com/xap")
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description exif:GPSLatitude="55,45.0N"/></x:xmpmeta>'


def personal_exif() -> bytes:
    """EXIF as a telephone writes it: place, owner, serial number of the lens, a comment."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x013B], exif[0x8298] = "Pocket", "P9", "Wanda Secret", "Wanda Secret"
    exif.get_ifd(0x8769).update({0xA435: "SN-4711", 0x9286: b"ASCII\0\0\0Kutuzovsky 1", 0x9003: "2024:05:01 12:00:00"})
    exif.get_ifd(0x8825).update({1: "N", 2: (55.0, 45.0, 0.0), 3: "E", 4: (37.0, 37.0, 0.0)})
    return exif.tobytes()


def with_metadata(form: str) -> bytes:
    """Return a photo in this format that says everything about its sender."""
    image, out = Image.open(io.BytesIO(photo(7, (640, 400)))), io.BytesIO()
    common = {"exif": personal_exif(), "xmp": XMP}
    if form == "JPEG":
        image.save(out, form, comment=b"Kutuzovsky 1", **common)
    elif form == "WEBP":
        image.save(out, form, **common)
    else:
        text = PngImagePlugin.PngInfo()
        text.add_text("Author", "Wanda Secret")
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        image.save(out, form, pnginfo=text, exif=personal_exif())
    return out.getvalue()


def told(data: bytes) -> list[str]:
    """Return what a picture still says of its sender."""
    with Image.open(io.BytesIO(data)) as image:
        left = ["EXIF"] if image.getexif() else []
        left += [name for name in ("exif", "xmp", "comment", "Author", "XML:com.adobe.xmp") if name in image.info]
    return left + [secret.decode() for secret in SECRETS if secret in data]


@pytest.fixture
def alice(db: None) -> User:
    return make_user("Alice")


@pytest.fixture
def project(alice: User) -> Project:
    return make_project(lead=alice)


@pytest.fixture(params=["JPEG", "PNG", "WEBP"])
def asset(request: pytest.FixtureRequest, project: Project, tmp_path: Path) -> Asset:
    """A photo that came in by a folder and waits with the crowd, its copies made."""
    data = with_metadata(request.param)
    assert told(data)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "photo.bin.jpg").write_bytes(data)
    validate = project.stages.get(kind="validate")
    receipt = ingest(project=project, sources=[str(tmp_path / "in")], stage=validate, now=timezone.now())
    assert receipt.new == 1
    return Asset.objects.select_related("preview").get(project=project)


def published(asset: Asset) -> Asset:
    label = LabelClass.objects.filter(project=asset.project).first()
    Asset.objects.filter(pk=asset.pk).update(state=Asset.State.PUBLISHED, label_class=label)
    return asset


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize("variant", ["thumb", "screen"])
def test_the_office_shows_no_place_and_no_owner(asset: Asset, alice: User, variant: str):
    client = Client()
    client.force_login(alice)
    answer = client.get(f"/m/{asset.public_id}/{variant}/")
    assert answer.status_code == 200
    assert told(body(answer)) == []


def test_the_crowd_sees_no_place_and_no_owner(asset: Asset):
    shown = body(file_response(asset.preview.screen_key))
    assert told(shown) == []


def test_what_is_kept_for_comparing_says_nothing_either(asset: Asset):
    with default_storage.open(asset.preview.grey_key) as file:
        assert told(file.read()) == []


def test_the_rest_interface_knows_no_place(asset: Asset, alice: User):
    _, token = create_token(user=alice, name="t", scopes=SCOPES, now=timezone.now(), all_projects=True)
    answer = Client(headers={"authorization": f"Bearer {token}"}).get(f"/api/v1/assets/{asset.public_id}")
    assert answer.status_code == 200
    assert not [secret for secret in SECRETS if secret in answer.content]
    assert b"GPS" not in answer.content


def test_an_exported_folder_and_archive_say_nothing(asset: Asset, alice: User, tmp_path: Path):
    published(asset)
    version = datasets.freeze_version(project_id=asset.project_id, by=alice, now=timezone.now())
    written = datasets.export_to(path=tmp_path / "out", version=version, format="coco")
    (picture,) = (written.path / "images").iterdir()
    assert told(picture.read_bytes()) == []
    export = datasets.request_export(dataset_id=version.pk, format="coco", by=alice, now=timezone.now())
    job = Job.objects.get(kind="export", key=str(export.pk))
    while job.state == Job.State.DUE:
        jobs.run(job_id=job.pk, now=timezone.now())
        job.refresh_from_db()
    for address, client in _ways_to(export, alice):
        answer = client.get(address)
        assert answer.status_code == 200, address
        with zipfile.ZipFile(io.BytesIO(body(answer))) as archive:
            names = [name for name in archive.namelist() if name.startswith("images/")]
            assert [told(archive.read(name)) for name in names] == [[]]


def _ways_to(export: Export, alice: User) -> list[tuple[str, Client]]:
    office = Client()
    office.force_login(alice)
    _, token = create_token(user=alice, name="t", scopes=SCOPES, now=timezone.now(), all_projects=True)
    program = Client(headers={"authorization": f"Bearer {token}"})
    return [
        (f"/p/{export.dataset.project.public_id}/exports/{export.public_id}/", office),
        (f"/api/v1/exports/{export.public_id}/download", program),
    ]
