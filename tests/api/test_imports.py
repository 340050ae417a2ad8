"""Data sets of others over the API: counted first, taken in whole by a job, or not at all."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from curation.models import Asset, Consensus, DatasetImport, DataSource, Event, FileUpload, Job, Project
from curation.services import import_jobs, import_preparing, import_requests, jobs
from curation.services.import_spool import Prepared, Spool
from tests.api.conftest import Caller, carry_out
from tests.doors.conftest import photo

pytestmark = pytest.mark.django_db


def line(name: str, label: str = "peace", x: float = 0.1) -> str:
    return json.dumps({"image": name, "boxes": [{"label": label, "x": x, "y": 0.2, "width": 0.3, "height": 0.4}]})


def package(*lines: str, pictures: int = 2) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("openset/images.jsonl", "\n".join(lines))
        for number in range(pictures):
            archive.writestr(f"openset/{number}.jpg", photo(60 + number))
    return file.getvalue()


TWO = (line("0.jpg"), line("1.jpg", "victory"))


@pytest.fixture
def sent(alice: Caller, project: Project) -> Callable[..., dict[str, Any]]:
    """Upload a package and ask for its import."""

    def send(data: bytes, **wish: Any) -> dict[str, Any]:
        about = {"name": "openset.zip", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        upload = alice.send("POST", "/api/v1/uploads", {"project": str(project.public_id), **about}).json()
        kind = "application/offset+octet-stream"
        alice.patch(f"/api/v1/uploads/{upload['id']}", data, content_type=kind, headers={"Upload-Offset": "0"})
        answer = alice.send(
            "POST", "/api/v1/imports", {"project": str(project.public_id), "upload": upload["id"], **wish}
        )
        assert answer.status_code == 202, answer.json()
        return dict(answer.json())

    return send


@pytest.fixture
def after(alice: Caller, django_capture_on_commit_callbacks: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Let the job do what it can, and look at the import again."""

    def carried_out(one: dict[str, Any]) -> dict[str, Any]:
        with django_capture_on_commit_callbacks(execute=True):
            carry_out("import_dataset")
        return dict(alice.get(f"/api/v1/imports/{one['id']}").json())

    return carried_out


def stored() -> set[str]:
    root = Path(default_storage.path(""))
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def nothing_lies_about(one: dict[str, Any]) -> bool:
    return not (Path(settings.DATA_DIR) / "import-packages" / one["id"]).exists()


def test_a_package_is_recognised_and_counted_and_nothing_is_taken_in_before_it_is_started(alice, project, sent, after):
    before = Asset.objects.count()
    one = after(sent(package(*TWO, "{oops")))
    assert (one["state"], one["format"]) == ("checked", "jsonl")
    held = one["held"]
    assert (held["pictures"], held["wrong"], held["missing"], held["can_be_taken"]) == (2, 1, 0, False)
    assert [(row["name"], row["boxes"], row["becomes"]) for row in held["classes"]] == [
        ("peace", 1, "peace"),
        ("victory", 1, None),
    ]
    assert "line 3" in held["problems"][0]
    assert Asset.objects.count() == before


def test_what_was_checked_is_taken_in_under_the_classes_that_are_chosen_then(alice, project, sent, after):
    one = after(sent(package(*TWO, "{oops"), source="Open set", licence="CC-BY-4.0"))
    refused = alice.send("POST", f"/api/v1/imports/{one['id']}/start", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "refused")
    assert "'victory'" in refused.json()["detail"]
    started = alice.send("POST", f"/api/v1/imports/{one['id']}/start", {"map": {"victory": "no gesture"}})
    assert (started.status_code, started.json()["state"]) == (202, "taking_in")
    done = after(one)
    assert (done["state"], done["progress"]) == ("done", 3)
    assert {name: done["result"][name] for name in ("received", "new", "refused", "boxes")} == {
        "received": 3,
        "new": 2,
        "refused": 1,
        "boxes": {"no_gesture": 1, "peace": 1},
    }
    assert "line 3" in done["result"]["files_refused"][0]["sentence"]
    source = DataSource.objects.get(project=project)
    assert (source.name, source.licence, source.pictures.count()) == ("Open set", "CC-BY-4.0", 2)
    assert set(Asset.objects.filter(source="Open set").values_list("licence", flat=True)) == {"CC-BY-4.0"}
    assert nothing_lies_about(done)
    assert FileUpload.objects.get(public_id=done["upload"]).state == FileUpload.State.DONE
    kinds = Event.objects.filter(project_id=project.pk, kind__startswith="import.").values_list("kind", flat=True)
    assert sorted(kinds) == ["import.requested", "import.started"]


def test_the_same_package_again_changes_nothing(alice, project, sent, after):
    wish = {"classes": ["peace"], "start": True, "source": "Open set"}
    first = after(sent(package(*TWO), **wish))
    assert (first["state"], first["result"]["new"], first["result"]["left_out"]) == ("done", 1, 1)
    files, consensus = stored(), Consensus.objects.count()
    second = after(sent(package(*TWO), **wish))
    assert (second["state"], second["result"]["new"], second["result"]["existing"]) == ("done", 0, 1)
    assert second["result"]["labels"] == {"new": 0, "changed": 0, "existing": 1, "kept": 0}
    assert (stored(), Consensus.objects.count()) == (files, consensus)


def test_the_same_upload_is_imported_once(alice, project, sent, after):
    one = sent(package(*TWO))
    again = alice.send("POST", "/api/v1/imports", {"project": one["project"], "upload": one["upload"]})
    assert (again.status_code, again.json()["id"]) == (202, one["id"])


def test_one_that_was_checked_and_cancelled_leaves_nothing(alice, project, sent, after):
    before = stored()
    one = after(sent(package(*TWO)))
    assert alice.send("POST", f"/api/v1/imports/{one['id']}/cancel").json()["state"] == "cancelled"
    after(one)
    assert stored() == before
    assert nothing_lies_about(one)
    assert alice.send("POST", f"/api/v1/imports/{one['id']}/cancel").status_code == 409


@pytest.mark.parametrize("lines_at_once", [1, 500], ids=["before the next picture", "before all is written"])
def test_cancelled_in_the_middle_nothing_is_left(lines_at_once: int, sent, after, monkeypatch):
    before, assets = stored(), Asset.objects.count()
    one = sent(package(*TWO), classes=["peace"], start=True)
    keep = Spool.keep

    def keep_and_cancel(spool: Spool, told: Prepared) -> Prepared:
        row = DatasetImport.objects.get(public_id=one["id"])
        import_requests.cancel_import(import_id=row.pk, by=None, now=timezone.now())
        return keep(spool, told)

    monkeypatch.setattr(import_jobs, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(import_preparing, "LINES_AT_ONCE", lines_at_once)
    monkeypatch.setattr(Spool, "keep", keep_and_cancel)
    done = after(one)
    assert done["state"] == "cancelled"
    assert (stored(), Asset.objects.count(), DataSource.objects.count()) == (before, assets, 0)
    assert nothing_lies_about(done)


def test_a_job_whose_time_is_over_goes_on_with_what_is_prepared(sent, after, monkeypatch):
    one = sent(package(*TWO), classes=["peace"], start=True)
    monkeypatch.setattr(import_jobs, "A_RUN", -1.0)
    job = Job.objects.get(kind="import_dataset")
    for _ in range(2):  # counted; one picture prepared
        jobs.run(job_id=job.pk, now=timezone.now())
    assert DatasetImport.objects.get(public_id=one["id"]).state == DatasetImport.State.TAKING_IN
    assert Asset.objects.filter(source="openset").count() == 0
    done = after(one)
    assert (done["state"], done["result"]["new"]) == ("done", 1)


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"hello", "neither ZIP nor TAR"), (package("no line of ours", pictures=0), "name its format")],
    ids=["no archive", "nothing labelled"],
)
def test_what_nobody_can_read_is_refused_in_a_sentence(data: bytes, said: str, sent, after):
    before = stored()
    one = after(sent(data))
    assert one["state"] == "refused"
    assert said in one["error"]
    assert stored() == before
    assert FileUpload.objects.get(public_id=one["upload"]).state == FileUpload.State.REFUSED


def test_an_upload_that_has_not_arrived_cannot_be_imported(alice, project):
    about = {"project": str(project.public_id), "name": "a.zip", "size": 10, "sha256": "0" * 64}
    upload = alice.send("POST", "/api/v1/uploads", about).json()
    answer = alice.send("POST", "/api/v1/imports", {"project": about["project"], "upload": upload["id"]})
    assert (answer.status_code, answer.json()["detail"]) == (409, "Only 0 of 10 bytes of this upload have arrived.")
    assert not DatasetImport.objects.exists()


@pytest.mark.parametrize(
    ("wish", "status", "said"),
    [
        ({}, 400, "either upload or address"),
        ({"address": "s3://elsewhere/set"}, 409, "SOURCE_BUCKETS"),
        ({"address": "/etc/passwd"}, 400, "address"),
        ({"address": "s3://elsewhere/set", "format": "excel"}, 400, "format"),
        ({"address": "s3://elsewhere/set", "audit": 2}, 400, "audit"),
    ],
)
def test_a_wish_that_cannot_be_is_one_sentence(wish: dict[str, Any], status: int, said: str, alice, project):
    answer = alice.send("POST", "/api/v1/imports", {"project": str(project.public_id), **wish})
    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_one_that_nobody_starts_is_cancelled_after_days(alice, project, sent, after):
    one = after(sent(package(*TWO)))
    later = timezone.now() + import_requests.PATIENCE
    assert import_requests.forget_unstarted(now=timezone.now()) == 0
    DatasetImport.objects.update(created_at=later - 2 * import_requests.PATIENCE)
    assert import_requests.forget_unstarted(now=timezone.now()) == 1
    assert after(one)["state"] == "cancelled"


def test_an_import_whose_job_has_died_is_refused_and_cleared(alice, project, sent, django_capture_on_commit_callbacks):
    before = stored()
    one = sent(package(*TWO))
    Job.objects.filter(kind="import_dataset").update(state=Job.State.DEAD)
    with django_capture_on_commit_callbacks(execute=True):
        import_jobs.end_dead(now=timezone.now())
    assert alice.get(f"/api/v1/imports/{one['id']}").json()["state"] == "refused"
    assert stored() == before
