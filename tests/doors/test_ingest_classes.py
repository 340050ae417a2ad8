"""Own pictures belong to a class, so that workers know what is asked and a version can name their boxes."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from crowd.models import Task
from curation.models import Asset, Project, User
from curation.services import assets
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    from PIL import Image

    Image.effect_noise((640, 480), 80).convert("RGB").save(tmp_path / "one.jpg")
    return tmp_path


@pytest.fixture
def project() -> Project:
    return make_project(lead=make_user("Alice"))


def ingest(*words: str) -> dict:
    out = StringIO()
    call_command("ingest", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_a_class_given_at_ingest_is_kept(project, folder):
    assert ingest(project.slug, str(folder), "--class", "peace")["new"] == 1
    assert Asset.objects.get(project=project).label_class.name == "peace"


def test_an_unknown_class_is_refused_and_nothing_is_taken(project, folder):
    with pytest.raises(CommandError, match="'wave' is no class of") as refusal:
        ingest(project.slug, str(folder), "--class", "wave")
    assert refusal.value.returncode == 2
    assert not Asset.objects.filter(project=project).exists()


def test_a_setting_of_a_stage_is_taken_when_the_project_is_made(folder):
    ingest("small ones", str(folder), "--create", "gestures", "--class", "palm", "--set", "checks.min_long=300")
    made = Project.objects.get(slug="small-ones")
    assert made.stages.get(name="checks").settings["min_long"] == 300
    assert made.memberships.get().user == User.objects.get(is_staff=True)


def test_a_lead_puts_a_picture_into_a_class_and_open_tasks_follow(project, folder, client):
    ingest(project.slug, str(folder))
    asset, alice = Asset.objects.get(project=project), User.objects.get(name="Alice")
    client.force_login(alice)
    page = f"/p/{project.public_id}/assets/{asset.public_id}/class/"
    assert client.post(page, {"class": "peace"}).status_code == 302
    asset.refresh_from_db()
    assert asset.label_class.name == "peace"
    assert "no class of this project" in client.post(page, {"class": "wave"}, follow=True).content.decode()
    asset.refresh_from_db()
    assert asset.label_class.name == "peace"


def test_a_task_that_waits_asks_for_the_new_class(project, folder):
    from tests.factories import make_pool

    ingest(project.slug, str(folder))
    asset, alice = Asset.objects.get(project=project), User.objects.get(name="Alice")
    pool = make_pool(project)
    task = Task.objects.create(
        batch=pool_batch(pool), key="x", project_id=project.pk, item_id=asset.pk, payload={"class": "", "width": 640}
    )
    assets.set_class(asset_id=asset.pk, label_class=project.classes.get(name="peace"), by=alice)
    task.refresh_from_db()
    assert (task.payload["class"], task.payload["width"]) == ("peace", 640)


def pool_batch(pool):
    from crowd.models import Batch

    return Batch.objects.get(pool_id=pool.pk)
