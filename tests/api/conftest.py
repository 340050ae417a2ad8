"""Callers of the API: Alice leads, Rita reviews, Vera views, Charlie is a stranger."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from crowd.models import LedgerEntry, Restriction, Task
from curation.models import (
    Annotation,
    DatasetImport,
    DatasetVersion,
    Event,
    Export,
    Job,
    LabelClass,
    Pool,
    Predictions,
    Project,
    Review,
    User,
    WebhookDelivery,
)
from curation.services import batches, file_uploads, jobs, price_trials, webhooks
from curation.services.datasets import freeze_version, request_export
from curation.services.pools import slots
from curation.services.tokens import SCOPES, create_token
from tests.doors.conftest import photo, publish
from tests.factories import (
    make_answer,
    make_asset,
    make_consensus,
    make_evidence,
    make_pool,
    make_project,
    make_user,
    make_worker,
)


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


def carry_out(*kinds: str) -> None:
    """Run jobs of these kinds that are due until there are none."""
    due = Job.objects.filter(kind__in=kinds, state=Job.State.DUE)
    while job_ids := list(due.filter(next_at__lte=timezone.now()).values_list("pk", flat=True)):
        for job_id in job_ids:
            jobs.run(job_id=job_id, now=timezone.now())


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


@pytest.fixture
def world(
    project: Project, pool: Pool, export: Export, delivery: WebhookDelivery, people: dict[str, User]
) -> dict[str, str]:
    """Return an id of everything the API speaks of, all in one project."""
    asset = project.assets.earliest("pk")
    upload, _ = file_uploads.start(
        project=project, by=people["Alice"], name="a.jpg", size=10, sha256="f" * 64, now=timezone.now()
    )
    return {
        **crowd_world(project, pool, people["Rita"]),
        "trial": str(make_trial(make_pool(project, "FIST"))),
        "project": str(project.public_id),
        "pool": str(pool.pk),
        "asset": str(asset.public_id),
        "dataset": str(export.dataset.public_id),
        "export": str(export.public_id),
        "predictions": str(make_predictions(export.dataset).public_id),
        "job": str(Job.objects.get(kind="export").pk),
        "webhook": str(delivery.webhook.public_id),
        "delivery": str(delivery.public_id),
        "upload": str(upload.public_id),
        "import": str(make_import(project).public_id),
        "batch": str(batches.keep(project=project, stage=None, body=b"{}", received=1, by=people["Alice"]).public_id),
    }


def make_import(project: Project) -> DatasetImport:
    """Return an import that waits for its check."""
    row = DatasetImport.objects.create(project=project, address="s3://elsewhere/set", source="set")
    row.refresh_from_db()
    return row


def make_trial(pool: Pool) -> int:
    """Return the number of a trial of prices that has just begun in a pool with places for photos."""
    slots.fit_slots(pool=pool)
    prices, now = [20_000, 30_000], timezone.now()
    trial = price_trials.start(
        pool_id=pool.pk, prices_micro=prices, deadline=now + timedelta(days=2), cap_micro=100_000, by=None, now=now
    )
    return trial.pk


def make_predictions(version: DatasetVersion) -> Predictions:
    """Return what a model said of a version: of nothing, in all of it."""
    row = Predictions.objects.create(
        project=version.project, dataset=version, model="detector", model_version="1", kind="boxes", sha256="0" * 64
    )
    row.refresh_from_db()
    return row


def crowd_world(project: Project, pool: Pool, rita: User) -> dict[str, str]:
    """Return what people have said and done in the project, one of each kind."""
    worker = make_worker()
    sent = make_asset(project, worker=worker, answer=make_answer(pool, worker))
    Task.objects.filter(batch__pool_id=pool.pk).update(key="sent")  # slots made later count from slot-0
    consensus, stage = make_consensus(sent), project.stages.get(kind="checks")
    review = Review.objects.create(
        project_id=project.pk, key=uuid4(), asset=sent, consensus=consensus, by=rita, verdict=Review.Verdict.ACCEPT
    )
    entry = LedgerEntry.objects.create(
        project_id=project.pk,
        kind="charge",
        ref="assignment:1",
        source="budget",
        target="workers",
        amount_micro=30_000,
        stage_id=stage.pk,
        pool_id=pool.pk,
        worker_id=worker.pk,
    )
    ban = Restriction.objects.create(worker=worker, scope="project", scope_id=project.pk, reason="too fast")
    return {
        "worker": str(worker.pk),
        "annotation": str(Annotation.objects.get(asset=sent).pk),
        "consensus": str(consensus.pk),
        "review": str(review.key),
        "evidence": str(make_evidence(sent).pk),
        "entry": str(entry.pk),
        "restriction": str(ban.pk),
        "event": str(Event.objects.filter(project_id=project.pk).earliest("pk").pk),
    }
