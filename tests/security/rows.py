"""A row of every kind that an address of a project names, all of one project."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from crowd.models import (
    Appeal,
    Assignment,
    Batch,
    Bonus,
    OutboxCommand,
    Restriction,
    Task,
    WorkerInvitation,
    WorkerTeam,
)
from curation.models import (
    Asset,
    BulkChange,
    BulkDrop,
    Crawl,
    DatasetVersion,
    HeldOutPicture,
    HeldOutSet,
    Instruction,
    LockedPart,
    Membership,
    Pool,
    Project,
    PublishFinding,
    SavedView,
    Scenario,
    User,
    WebhookDelivery,
)
from curation.services import events
from curation.services.datasets import request_export
from curation.services.tokens import create_token
from tests.api.conftest import make_import, make_predictions
from tests.doors.conftest import photo
from tests.factories import make_account, make_answer, make_asset, make_evidence, make_worker

Ids = dict[str, int | UUID]


def rows(project: Project, pool: Pool, version: DatasetVersion, delivery: WebhookDelivery, lead: User) -> Ids:
    """Return the id of each row by the name that addresses have for it; a row of a new kind must be added here."""
    stage = project.stages.get(kind="collect")
    stage_change = events.record(
        kind="stage.settings", text="x", project=project, subject=stage, by=lead, data={"changes": {}}
    )
    return {
        "dataset_id": version.public_id,
        "delivery_id": delivery.public_id,
        "event_id": stage_change.pk,
        "export_id": request_export(dataset_id=version.pk, format="csv", by=lead, now=timezone.now()).public_id,
        "import_id": make_import(project).public_id,
        "membership_id": Membership.objects.get(project=project, role="viewer").pk,
        "part_id": _made(LockedPart, project=project, dataset=version, split="train").public_id,
        "pool_id": pool.pk,
        "predictions_id": make_predictions(version).public_id,
        "scenario_id": _made(Scenario, project=project, name="night", tolerated=0.5).public_id,
        "stage_id": stage.pk,
        "token_id": create_token(user=lead, name="x", scopes=["read"], projects=[project], now=timezone.now())[0].pk,
        "version_id": Instruction.objects.create(project=project, stage=stage, number=1, text="Look.").pk,
        "webhook_id": delivery.webhook.public_id,
        **_of_the_crowd(project, pool),
        **_of_pictures(project, pool, lead),
    }


def _of_the_crowd(project: Project, pool: Pool) -> Ids:
    worker, account = make_worker(), make_account()
    make_answer(pool, worker)
    rejected = make_answer(pool, worker, Assignment.State.REJECTED).assignment
    team = WorkerTeam.objects.create(account=account, name="Night shift")
    invitation = WorkerInvitation.objects.create(
        account=account,
        project_id=project.pk,
        team=team,
        token_hash=bytes(32),
        expires_at=timezone.now() + timedelta(days=1),
    )
    bonus = Bonus.objects.create(
        account=account, worker=worker, project_id=project.pk, key="x", amount_micro=1, state="refused"
    )
    batch = Batch.objects.get(pool_id=pool.pk)
    command = OutboxCommand.objects.create(account=account, key="x", kind="open_batch", batch_id=batch.pk, state="dead")
    return {
        "appeal_id": Appeal.objects.create(assignment=rejected, project_id=project.pk, text="But it is right.").pk,
        "bonus_id": bonus.pk,
        "command_id": command.pk,
        "invitation_id": invitation.pk,
        "restriction_id": Restriction.objects.create(worker=worker, scope="project", scope_id=project.pk).pk,
        "task_id": Task.objects.filter(batch__pool_id=pool.pk).earliest("pk").pk,
        "team_id": team.pk,
        "worker_id": worker.pk,
    }


def _of_pictures(project: Project, pool: Pool, lead: User) -> Ids:
    held_out = _made(HeldOutSet, project=project, name="exam")
    thumb = default_storage.save("thumb.jpg", ContentFile(photo(9)))
    picture = HeldOutPicture.objects.create(
        held_out=held_out, name="x", sha256=bytes(32), hash256=bytes(32), contrast=1, thumb_key=thumb, grey_key=thumb
    )
    worker = make_worker()
    held = make_asset(project, Asset.State.HELD, stage="checks", worker=worker, answer=make_answer(pool, worker))
    crawl = _made(
        Crawl,
        project=project,
        stage=project.stages.get(kind="collect"),
        name="x",
        searx_url="https://searx.example",
        pattern="x",
    )
    return {
        "asset_id": project.assets.earliest("pk").public_id,
        "change_id": _made(BulkChange, project=project, action="tag", by=lead).public_id,
        "crawl_id": crawl.public_id,
        "drop_id": BulkDrop.objects.create(project=project, kind="cuts").pk,
        "evidence_id": make_evidence(held).pk,
        "finding_id": PublishFinding.objects.create(project=project, asset=held, filter="nudity", source="person").pk,
        "picture_id": picture.pk,
        "set_id": held_out.public_id,
        "view_id": _made(SavedView, project=project, owner=lead, name="x", is_shared=True).public_id,
    }


def _made(model: Any, **fields: Any) -> Any:
    """Make a row whose public id the database chooses."""
    row = model.objects.create(**fields)
    row.refresh_from_db()
    return row
