"""A lead gives tasks to one person; the person sees a queue."""

import pytest
from django.test import Client
from django.urls import reverse

from crowd.models import Batch, OwnTask, Task, Worker
from curation.models import Asset, Event, Pool, Project
from tests.factories import make_asset, make_pool, make_project, make_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool(project: Project) -> Pool:
    return make_pool(project)


@pytest.fixture
def wanda(project: Project, pool: Pool) -> Worker:
    row = make_worker("Wanda")
    Worker.objects.filter(pk=row.pk).update(only_projects=[project.pk])
    return row


@pytest.fixture
def asset(project: Project, pool: Pool) -> Asset:
    row = make_asset(project, Asset.State.WORKING, stage="validate")
    batch = Batch.objects.get(pool_id=pool.pk)
    Task.objects.create(batch=batch, key="asset-1", project_id=project.pk, item_id=row.pk, overlap=3)
    return row


def assign(client: Client, project: Project, worker: Worker, text: str):
    return client.post(reverse("assign-tasks", args=[project.public_id]), {"worker": worker.pk, "assets": text})


def test_a_lead_puts_tasks_into_a_queue_and_frees_them(people, project, wanda, asset):
    answer = assign(people["alice"], project, wanda, f"https://here/{asset.public_id}/\n")
    assert answer.status_code == 302
    assert OwnTask.objects.get().worker == wanda
    assert Event.objects.filter(kind="tasks.assigned", project_id=project.pk).exists()
    html = people["alice"].get(reverse("inhouse", args=[project.public_id])).content.decode()
    assert "Free the queue of Wanda" in html
    people["alice"].post(reverse("worker-queue-free", args=[project.public_id, wanda.pk]))
    assert not OwnTask.objects.exists()
    assert Task.objects.get().kept == 0


def test_the_worker_sees_the_queue_first(people, project, wanda, asset, client):
    assign(people["alice"], project, wanda, str(asset.public_id))
    session = client.session
    session["worker_id"] = wanda.pk
    session.save()
    html = client.get(reverse("w-home")).content.decode()
    assert "Your queue: 1" in html
    assert "1 in your queue" in html


def test_what_cannot_be_given_is_refused_with_a_sentence(people, project, pool, wanda, asset):
    assert "Name 1 to 500 pictures" in assign(people["alice"], project, wanda, "nothing").content.decode()
    assign(people["alice"], project, wanda, str(asset.public_id))
    again = assign(people["alice"], project, wanda, str(asset.public_id))
    assert again.status_code == 400
    assert "in this queue already" in again.content.decode()
    Batch.objects.filter(pool_id=pool.pk).update(audience={"countries": ["DE"]})
    kept_out = assign(people["alice"], project, wanda, str(asset.public_id)).content.decode()
    assert "Wanda is not offered the pool PEACE" in kept_out


def test_only_a_lead_gives_tasks_and_only_to_people_of_the_project(people, project, wanda, asset):
    for name in ("rita", "charlie"):
        assert assign(people[name], project, wanda, str(asset.public_id)).status_code == 404
    stranger = make_worker("Sven")
    Worker.objects.filter(pk=stranger.pk).update(only_projects=[make_project("Other").pk])
    assert assign(people["alice"], project, stranger, str(asset.public_id)).status_code == 404
    assert people["alice"].get(reverse("assign-tasks", args=[project.public_id])).status_code == 405
    assert not OwnTask.objects.exists()
