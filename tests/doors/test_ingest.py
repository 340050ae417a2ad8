"""Files from outside: taken once, refused with a reason, never half."""

import io
import json
import struct
import zlib
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone

from curation.intake.found import UnknownSource
from curation.models import Asset, AssetPreview, Decision, Project
from curation.preprocessing.limits import Unreadable
from curation.services.ingest import Incoming, entry_stage, ingest, take
from tests.doors.conftest import photo


def bomb() -> bytes:
    """A PNG of a few hundred bytes whose header announces 20,000 x 20,000 pixels."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three good pictures, one of them twice, and five files that must not come in."""
    for number in range(3):
        (tmp_path / f"good{number}.jpg").write_bytes(photo(100 + number))
    (tmp_path / "twin.jpg").write_bytes(photo(100))
    (tmp_path / "torn.jpg").write_bytes(photo(110)[:900])
    (tmp_path / "drawing.jpg").write_bytes(b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>')
    (tmp_path / "page.png").write_bytes(b"<!doctype html><html><body>hello</body></html>")
    (tmp_path / "bomb.png").write_bytes(bomb())
    (tmp_path / "empty.jpg").write_bytes(b"")
    return tmp_path


def test_what_came_in_is_new_existing_or_refused_by_reason(project: Project, folder: Path):
    receipt = ingest(project=project, sources=[str(folder)], now=timezone.now())
    assert (receipt.received, receipt.new, receipt.existing, receipt.refused) == (9, 3, 1, 5)
    assert receipt.reasons == {"empty": 1, "not_an_image": 2, "too_many_pixels": 1, "truncated": 1}
    sentences = {one.file: one.sentence for one in receipt.files_refused}
    assert "SVG" in sentences["drawing.jpg"]
    assert "HTML" in sentences["page.png"]


def test_a_new_asset_waits_at_the_checks_with_its_size_and_a_decision(project: Project, folder: Path):
    ingest(project=project, sources=[str(folder / "good0.jpg")], now=timezone.now())
    asset = Asset.objects.get(project=project, name="good0.jpg")
    assert (asset.stage.kind, asset.state, asset.width, asset.height) == ("checks", "waiting", 320, 200)
    assert [one.verdict for one in asset.decisions.all()] == [Decision.Verdict.ENTERED]
    assert "good0" not in asset.storage_key


def test_a_second_run_adds_nothing(project: Project, folder: Path):
    ingest(project=project, sources=[str(folder)], now=timezone.now())
    before = Asset.objects.filter(project=project).count()
    again = ingest(project=project, sources=[str(folder)], now=timezone.now())
    assert (again.new, again.existing, again.refused) == (0, 4, 5)
    assert Asset.objects.filter(project=project).count() == before


def test_an_interrupted_run_is_completed_by_the_next(project: Project, folder: Path):
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    for number in range(25):
        (folder / f"more{number:02}.jpg").write_bytes(photo(200 + number, (64, 48)))
    with pytest.raises(KeyboardInterrupt):
        ingest(project=project, sources=[str(folder)], now=timezone.now(), progress=stop)
    done = Asset.objects.filter(project=project, stage__kind="checks").count()
    assert 0 < done < 28
    rest = ingest(project=project, sources=[str(folder)], now=timezone.now())
    assert rest.new == 28 - done


def test_a_wrong_source_is_refused_before_anything_is_read(project: Project, folder: Path):
    before = Asset.objects.filter(project=project).count()
    with pytest.raises(UnknownSource, match="nowhere"):
        ingest(project=project, sources=[str(folder), "/nowhere/at/all"], now=timezone.now())
    assert Asset.objects.filter(project=project).count() == before


def test_the_same_client_key_is_one_asset_whatever_the_bytes(project: Project):
    stage, now = entry_stage(project), timezone.now()
    first = take(project=project, stage=stage, incoming=Incoming("a", photo(1), client_key="k1"), now=now)
    second = take(project=project, stage=stage, incoming=Incoming("b", photo(2), client_key="k1"), now=now)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.asset.pk == second.asset.pk


def test_what_enters_after_the_checks_has_its_copies_and_can_be_offered_at_once(project: Project, tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(photo(900))
    stage, now = project.stages.get(kind="validate"), timezone.now()
    ingest(project=project, sources=[str(tmp_path)], stage=stage, now=now)
    asset = Asset.objects.get(project=project, stage=stage)
    assert (asset.width, asset.height) == (320, 200)
    assert asset.hash256
    assert default_storage.exists(asset.preview.screen_key)


def test_copies_that_an_interrupted_run_did_not_make_are_made_by_the_next(project: Project, tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(photo(901))
    stage, now = project.stages.get(kind="validate"), timezone.now()
    ingest(project=project, sources=[str(tmp_path)], stage=stage, now=now)
    AssetPreview.objects.all().delete()
    again = ingest(project=project, sources=[str(tmp_path)], stage=stage, now=now)
    assert (again.new, again.existing) == (0, 1)
    assert Asset.objects.get(project=project, stage=stage).preview.thumb_key


def test_an_unreadable_file_leaves_no_row(project: Project):
    before = Asset.objects.count()
    with pytest.raises(Unreadable):
        take(project=project, stage=entry_stage(project), incoming=Incoming("a", b"junk"), now=timezone.now())
    assert Asset.objects.count() == before


def test_a_video_becomes_a_parent_with_frames(project: Project, tmp_path: Path):
    source = _video(tmp_path / "walk.mp4", frames=30)
    first = ingest(project=project, sources=[str(source)], now=timezone.now())
    parent = Asset.objects.get(project=project, media=Asset.Media.VIDEO)
    frames = list(Asset.objects.filter(parent=parent).order_by("frame_index"))
    assert [frame.frame_index for frame in frames] == [0, 10, 20]
    assert [frame.frame_ms for frame in frames] == [0, 1000, 2000]
    assert (first.received, first.new) == (3, 3)
    assert ingest(project=project, sources=[str(source)], now=timezone.now()).existing == 3
    assert Asset.objects.filter(project=project, media=Asset.Media.VIDEO).count() == 1


def _video(path: Path, *, frames: int) -> Path:
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        rng = np.random.default_rng(1)
        for _ in range(frames):
            picture = av.VideoFrame.from_ndarray(rng.integers(0, 255, (96, 160, 3), dtype=np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def test_the_command_prints_one_document_with_the_promised_keys(project: Project, folder: Path):
    out = io.StringIO()
    call_command("ingest", project.slug, str(folder), "--json", stdout=out)
    document = json.loads(out.getvalue())
    assert list(document) == ["received", "new", "existing", "refused", "reasons", "files_refused"]
    assert document["received"] == document["new"] + document["existing"] + document["refused"]
    assert {"file", "reason"} <= set(document["files_refused"][0])


def test_the_command_names_the_projects_there_are(project: Project, folder: Path):
    with pytest.raises(CommandError, match=project.slug) as refusal:
        call_command("ingest", "no-such", str(folder))
    assert refusal.value.returncode == 2


def test_the_command_names_the_stages_there_are(project: Project, folder: Path):
    with pytest.raises(CommandError, match="collect, checks, validate, publish") as refusal:
        call_command("ingest", str(project.public_id), str(folder), "--stage", "polish")
    assert refusal.value.returncode == 2


def test_the_command_makes_the_project_from_a_recipe_once(db: None, folder: Path):
    for _ in range(2):
        call_command("ingest", "My hands", str(folder / "good0.jpg"), "--create", "gestures", stdout=io.StringIO())
    assert Asset.objects.filter(project__slug="my-hands").count() == 1
