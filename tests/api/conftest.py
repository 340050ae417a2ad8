"""Callers of the API: Alice leads, Rita reviews, Vera views, Charlie is a stranger."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from curation.models import Export, LabelClass, Pool, Project, User, WebhookDelivery
from curation.services import webhooks
from curation.services.datasets import freeze_version, request_export
from curation.services.tokens import SCOPES, create_token
from tests.doors.conftest import photo, publish
from tests.factories import make_pool, make_project, make_user


class Caller(Client):
    """A client that sends a bearer token with every request and JSON by default."""

    def __init__(self, token: str = "") -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        super().__init__(headers=headers)

    def send(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        body = {} if data is None else {"data": data, "content_type": "application/json"}
        return getattr(self, method.lower())(path, headers=headers, **body)


def token_of(user: User, *scopes: str, projects: list[Project] | None = None) -> str:
    chosen = {"projects": projects} if projects is not None else {"all_projects": True}
    return create_token(user=user, name="test", scopes=scopes or SCOPES, now=timezone.now(), **chosen)[1]


@pytest.fixture(autouse=True)
def fresh_throttles() -> None:
    cache.clear()


@pytest.fixture
def people(db: None) -> dict[str, User]:
    return {name: make_user(name) for name in ("Alice", "Rita", "Vera", "Charlie")}


@pytest.fixture
def project(people: dict[str, User]) -> Project:
    """Two published pictures, one pool, one frozen version, one export that waits."""
    project = make_project(lead=people["Alice"], reviewer=people["Rita"], viewer=people["Vera"])
    LabelClass.objects.create(project=project, index=5, name="no_gesture", is_negative=True)
    publish(project, photo(1), [("gesture", 0.1)])
    publish(project, photo(2), [])
    return project


@pytest.fixture
def pool(project: Project) -> Pool:
    return make_pool(project)


@pytest.fixture
def export(project: Project, people: dict[str, User]) -> Export:
    version = freeze_version(project_id=project.pk, by=people["Alice"], now=timezone.now())
    return request_export(dataset_id=version.pk, format="coco", by=people["Alice"], now=timezone.now())


@pytest.fixture
def alice(people: dict[str, User], project: Project) -> Caller:
    return Caller(token_of(people["Alice"]))


@pytest.fixture
def charlie(people: dict[str, User]) -> Caller:
    return Caller(token_of(people["Charlie"]))


@pytest.fixture
def delivery(project: Project, people: dict[str, User]) -> WebhookDelivery:
    hook, _ = webhooks.make(
        project=project,
        url="https://example.com/told",
        topics=["pool.finished"],
        by=people["Alice"],
        now=timezone.now(),
    )
    return webhooks.send_test(webhook=hook, now=timezone.now())
