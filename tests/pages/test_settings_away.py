"""Out of the way: an archive that changes nothing, a trash that can be undone for thirty days, and then no files."""

from datetime import timedelta

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crowd.models import Batch, Task
from curation.models import AssetBatch, Event, FileUpload, Instruction, Job, LookalikeSearch, Pool, Project
from curation.services import jobs, trash
from curation.services.lookalikes import arrays
from tests.factories import make_asset, make_pool
from tests.scenes import stored

pytestmark = pytest.mark.django_db


def away(client: Client, project: Project, name: str) -> int:
    return client.post(reverse("settings-trash", args=[project.public_id]), {"name": name}).status_code


def test_the_name_must_be_typed_and_pools_pause(project: Project, people: dict[str, Client]):
    pool = make_pool(project)
    assert away(people["alice"], project, "hand gestures?") == 400
    assert Project.objects.get(pk=project.pk).trashed_at is None
    assert away(people["alice"], project, project.name) == 302
    assert Pool.objects.get(pk=pool.pk).state == Pool.State.PAUSED


def test_nobody_finds_it_in_the_trash_and_a_lead_brings_it_back(project: Project, people: dict[str, Client]):
    pages = [reverse(name, args=[project.public_id]) for name in ("project", "assets", "settings", "review", "live")]
    away(people["alice"], project, project.name)
    assert {people["alice"].get(page).status_code for page in pages} == {404}
    assert people["alice"].get(f"/api/v1/projects/{project.public_id}").status_code == 404
    assert project.name in people["alice"].get(reverse("trash")).content.decode()
    assert project.name not in people["rita"].get(reverse("trash")).content.decode()
    back = reverse("trash-restore", args=[project.public_id])
    assert [people[name].post(back).status_code for name in ("rita", "charlie", "alice")] == [404, 404, 302]
    assert people["rita"].get(pages[0]).status_code == 200


def test_after_thirty_days_the_files_go_and_the_books_stay(project: Project, alice):
    asset, shown, known = make_asset(project, storage_key=stored(b"pixels")), stored(b"shown"), stored(b"known")
    stage = project.stages.get(kind="validate")
    Instruction.objects.create(project=project, stage=stage, number=1, shown=[{"role": "good", "key": shown}])
    batch = Batch.objects.get(pool_id=make_pool(project).pk)
    Task.objects.create(
        batch=batch, key="known", project_id=project.pk, known_answer={"answer": "yes"}, payload={"image_key": known}
    )
    pictures = np.zeros(3, np.int64)
    arrays.store_pictures("lookalikes/gone", arrays.Pictures(pictures, pictures))
    LookalikeSearch.objects.create(project=project, arrays_key="lookalikes/gone", pictures=3)
    lines, piece = stored(b"lines"), stored(b"piece")
    AssetBatch.objects.create(project=project, sha256="0" * 64, storage_key=lines, received=1)
    now = timezone.now()
    FileUpload.objects.create(project=project, name="a.zip", size=9, sha256="0" * 64, parts=[piece], expires_at=now)
    trash.put(project_id=project.pk, name=project.name, by=alice, now=now - timedelta(days=31))
    trash.empty_due(now=now)
    job = Job.objects.get(kind="empty_trash")
    while job.state == Job.State.DUE:
        jobs.run(job_id=job.pk, now=timezone.now())
        job.refresh_from_db()
    gone = (asset.storage_key, shown, known, lines, piece, "lookalikes/gone/pictures.npz")
    assert not any(default_storage.exists(key) for key in gone)
    assert Project.objects.get(pk=project.pk).emptied_at is not None
    assert not Project.objects.in_trash_of(alice).exists()
    assert Event.objects.filter(project_id=project.pk, kind="project.emptied").exists()


def test_what_was_brought_back_keeps_its_files(project: Project, alice):
    asset = make_asset(project, storage_key=stored(b"pixels"))
    then = timezone.now() - timedelta(days=29)
    trash.put(project_id=project.pk, name=project.name, by=alice, now=then)
    Job.objects.create(kind="empty_trash", key=str(project.pk), project_id=project.pk)
    trash.restore(project_id=project.pk, by=alice, now=then + timedelta(days=1))
    jobs.run(job_id=Job.objects.get(kind="empty_trash").pk, now=timezone.now() + timedelta(days=9))
    assert default_storage.exists(asset.storage_key)


def test_an_archive_waits_for_open_pools_and_can_be_undone(project: Project, people: dict[str, Client]):
    pool = make_pool(project)
    act = {name: reverse("settings-archive", args=[project.public_id, name]) for name in ("archive", "unarchive")}
    assert people["alice"].post(act["archive"]).status_code == 400
    Pool.objects.filter(pk=pool.pk).update(state=Pool.State.PAUSED)
    assert people["rita"].post(act["archive"]).status_code == 404
    assert people["alice"].post(act["archive"]).status_code == 302
    assert Project.objects.get(pk=project.pk).archived_at is not None
    assert people["vera"].get(reverse("project", args=[project.public_id])).status_code == 200
    people["alice"].post(act["unarchive"])
    assert Project.objects.get(pk=project.pk).archived_at is None
