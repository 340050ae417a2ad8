import pytest
from django.test import Client

from crowd.models import Worker
from curation.models import Project
from tests import scenes


@pytest.fixture
def world(db) -> Project:
    return scenes.project(Rita="reviewer")


@pytest.fixture
def wanda(db) -> Worker:
    return scenes.worker("Wanda")


@pytest.fixture
def wandas(wanda: Worker) -> Client:
    """Wanda's phone."""
    return phone_of(wanda)


@pytest.fixture
def willas(db) -> Client:
    """The phone of another worker."""
    return phone_of(scenes.worker("Willa"))


def phone_of(worker: Worker) -> Client:
    client = Client()
    session = client.session
    session["worker_id"] = worker.pk
    session.save()
    return client
