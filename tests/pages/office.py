"""Every page of the office, found by walking its addresses, for projects with content and without."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.test import Client
from django.urls import NoReverseMatch, URLPattern, reverse
from django.utils import timezone

from crowd.models import Account, Assignment, Worker, WorkerTeam
from crowd.services import ledger
from curation.dashboard import urls as office
from curation.engine import asking, campaigns, rehearsal
from curation.engine.wish import Wish
from curation.models import (
    Asset,
    DatasetImport,
    DatasetVersion,
    HeldOutSet,
    Job,
    Membership,
    Pool,
    Prediction,
    Predictions,
    Project,
    PublishFinding,
    Rehearsal,
    Scenario,
    ScenarioVerdict,
    Stage,
    User,
    Webhook,
    WebhookDelivery,
)
from curation.review import urls as review
from curation.services import events, scenarios, tokens, webhooks
from tests.factories import make_answer, make_evidence, make_user, make_worker

SHORT: dict[str, dict[str, Any]] = {
    "collect": {"per_worker": 0},
    "validate": {"training_tasks": 2, "exam_tasks": 2, "control_per_page": 0, "exam_gate": 0, "training_gate": 0},
    "boxes": {"needs_value": 0},
}
NOT_PAGES = {"sign-in", "sign-in-code", "sign-in-link", "account-confirm"}  # plain pages without the shell


@dataclass(frozen=True)
class Page:
    name: str
    url: str


def operator() -> User:
    """Return somebody who leads the projects and runs the server: no page is closed to her."""
    user = make_user("Alice")
    user.is_staff = True
    user.save()
    return user


def full_project(lead: User) -> Project:
    """Return a project whose whole pipeline has run, with something on every screen."""
    document = rehearsal.rehearse(wish=Wish(recipe="gestures", seed=3, size=8, settings=SHORT))
    project = Project.objects.get(is_rehearsal=True)
    Project.objects.filter(pk=project.pk).update(archived_at=None, name="Hand gestures")
    project.refresh_from_db()
    Membership.objects.get_or_create(project=project, user=lead, defaults={"role": "lead"})
    Membership.objects.create(project=project, user=make_user("Rita"), role="reviewer")
    _trouble(project, lead)
    _kept(project, lead, document)
    return project


def _kept(project: Project, lead: User, document: dict[str, Any]) -> None:
    """Add a comparison of two settings that are done and one that is under way."""
    done = {"project": project, "recipe": "gestures", "size": 8, "comparison": UUID(int=1), "created_by": lead}
    for number, overlap in enumerate((3, 5), start=1):
        dearer = {**document["cost"], "per_delivered_usd": f"0.{overlap}"}
        Rehearsal.objects.create(
            public_id=UUID(int=number), seed=3, state=Rehearsal.State.DONE, settings={"boxes": {"overlap": overlap}},
            varied={"boxes.overlap": overlap}, report={**document, "cost": dearer}, accepted=8, **done,
        )  # fmt: skip
    Rehearsal.objects.create(seed=4, state=Rehearsal.State.RUNNING, varied={"boxes.overlap": 3}, accepted=2, **done)


def _trouble(project: Project, lead: User) -> None:
    """Add what a short rehearsal does not bring about: evidence, held images, dead jobs, a version, a token."""
    for level, asset in zip(
        (0, 5, 20, 80), Asset.objects.filter(project=project, worker_id__isnull=False), strict=False
    ):
        make_evidence(asset, level)
    review_stage = project.stages.get(kind="review")
    for asset in Asset.objects.filter(project=project, state=Asset.State.PUBLISHED)[:2]:
        Asset.objects.filter(pk=asset.pk).update(state=Asset.State.HELD, stage=review_stage, reason="unsure")
    Job.objects.create(
        kind="export", key="1", state=Job.State.DEAD, failures=12, project_id=project.pk, last_error="OSError: no room"
    )
    DatasetVersion.objects.create(project=project, number=1, note="for Friday", frozen_at=timezone.now())
    HeldOutSet.objects.create(project=project, name="Test set of the vendor")
    _judged(project)
    _imported(project, lead)
    _told(project, lead)
    tokens.create_token(user=lead, name="nightly", scopes=["read"], projects=[project], now=timezone.now())
    events.record(kind="pool.changed", text="Alice changed the price.", project=project, by=lead)
    pool = Pool.objects.filter(project=project, label_class__isnull=False).first()
    if pool:
        make_answer(pool, make_worker(), Assignment.State.SUBMITTED)


def _judged(project: Project) -> None:
    """Add a model with a verdict in a scenario, and an image that waits in the publish filters."""
    version = DatasetVersion.objects.get(project=project)
    model = Predictions.objects.create(
        project=project, dataset=version, model="detector", model_version="1", kind="boxes", sha256="0" * 64, images=1
    )
    scenario = Scenario.objects.create(project=project, name="in the dark", query="light:low", tolerated=0.9)
    terms = asdict(scenarios.terms_of(scenario))
    ScenarioVerdict.objects.create(
        scenario=scenario, predictions=model, terms=terms, images=50, right=45, n=50, low=0.786, high=0.957,
        verdict="undecided", more=146, largest_subject=0.4,
    )  # fmt: skip
    asset = Asset.objects.filter(project=project, state=Asset.State.PUBLISHED).first()
    if asset:
        Prediction.objects.create(predictions=model, asset=asset, label="", confidence=0.3)
        PublishFinding.objects.create(
            project=project, asset=asset, filter="watermark", source="tagger", said_by="guard", score=0.7
        )


def _imported(project: Project, lead: User) -> None:
    """Add an import that was counted and waits for its choice of classes."""
    known = {"name": "call", "pictures": 30, "boxes": 41, "becomes": "call", "is_taken": True}
    other = {"name": "theirs only", "pictures": 1_200, "boxes": 3_400, "becomes": None, "is_taken": True}
    held = {"pictures": 1_250, "empty": 20, "missing": 3, "wrong": 1, "classes": [known, other]}
    DatasetImport.objects.create(
        project=project, created_by=lead, source="openset", format="coco", address="s3://sets/open/",
        held={**held, "problems": ["a.json: entry 7 is not taken: a box has no class"]},
        state=DatasetImport.State.CHECKED,
    )  # fmt: skip


def _told(project: Project, lead: User) -> None:
    """Add a webhook with a message that arrived, one that waits, and one that was given up."""
    hook, _ = webhooks.make(
        project=project, url="https://team.example/told", topics=["asset.accepted"], by=lead, now=timezone.now()
    )
    tried = {"at": timezone.now().isoformat(), "status": 503, "error": "", "ms": 120}
    for state in WebhookDelivery.State.values:
        sent = webhooks.send_test(webhook=hook, now=timezone.now())
        WebhookDelivery.objects.filter(pk=sent.pk).update(state=state, tries=[tried])


def empty_project(lead: User) -> Project:
    """Return a project with its pools as drafts, in which nothing has happened."""
    asked = asking.campaign(
        recipe="gestures", platform="inhouse", name="Not begun", classes=["call", "like"], wanted=5, budget="50"
    )
    return campaigns.ensure_project(asked=asked, by=lead, now=timezone.now()).project


def bare_project(lead: User) -> Project:
    """Return a project that has nothing but its budget: not even a stage."""
    project = Project.objects.create(name="Bare", slug="bare", recipe="gestures", created_by=lead)
    ledger.create_budget(project_id=project.pk, limit_micro=1_000_000)
    Membership.objects.create(project=project, user=lead, role="lead")
    return project


def pages_of(project: Project, client: Client) -> list[Page]:
    """Return the pages of a project that answer with a whole document."""
    found = (_address(pattern, _own(project)) for pattern in _patterns() if "public_id" in _names(pattern))
    return [page for page in found if page and _is_page(page, client)]


def pages_for_all(client: Client) -> list[Page]:
    """Return the pages that belong to no project."""
    account = Account.objects.get_or_create(slug="toloka", defaults={"platform": "toloka", "label": "Toloka"})[0]
    found = (_address(pattern, {"slug": account.slug}) for pattern in _patterns() if "public_id" not in _names(pattern))
    return [page for page in found if page and _is_page(page, client)]


def _patterns() -> Iterator[URLPattern]:
    for module in (office, review):
        for pattern in module.urlpatterns:
            if isinstance(pattern, URLPattern) and pattern.name not in NOT_PAGES:
                yield pattern


def _names(pattern: URLPattern) -> dict[str, Any]:
    return dict(pattern.pattern.converters)


def _own(project: Project) -> dict[str, Any]:
    """Return what stands for each part of an address, taken from the project where it has such a thing."""
    pool = Pool.objects.filter(project=project, kind=Pool.Kind.MAIN).order_by("id").first()
    page = Assignment.objects.filter(project_id=project.pk).order_by("id").first()
    asset = Asset.objects.filter(project=project, state=Asset.State.PUBLISHED).first()
    version = DatasetVersion.objects.filter(project=project).first()
    stage = Stage.objects.filter(project=project).order_by("position").first()
    worker = page.worker if page else Worker.objects.first()
    found = {
        "public_id": project.public_id,
        "pool_id": pool and pool.pk,
        "asset_id": asset and asset.public_id,
        "worker_id": worker and worker.pk,
        "dataset_id": version and version.public_id,
        "stage_id": stage and stage.pk,
        "predictions_id": getattr(Predictions.objects.filter(project=project).first(), "public_id", None),
        "scenario_id": getattr(Scenario.objects.filter(project=project).first(), "public_id", None),
        "webhook_id": getattr(Webhook.objects.filter(project=project).first(), "public_id", None),
        "import_id": getattr(DatasetImport.objects.filter(project=project).first(), "public_id", None),
        "team_id": getattr(WorkerTeam.objects.first(), "pk", None),
    }
    return {name: value for name, value in found.items() if value}


def _address(pattern: URLPattern, own: dict[str, Any]) -> Page | None:
    stands_for = {"int": 1, "uuid": UUID(int=1), "slug": "x", "str": "x"}
    given = {
        name: own.get(name, stands_for.get(type(converter).__name__.removesuffix("Converter").lower(), "x"))
        for name, converter in _names(pattern).items()
    }
    try:
        return Page(pattern.name or "", reverse(pattern.name or "", kwargs=given))
    except NoReverseMatch:
        return None


def _is_page(page: Page, client: Client) -> bool:
    answer = client.get(page.url)
    assert answer.status_code < 500, f"{page.url} answers {answer.status_code}"
    is_html = answer.headers.get("Content-Type", "").startswith("text/html")
    return answer.status_code == 200 and is_html and b"</html>" in answer.getvalue()[-300:]
