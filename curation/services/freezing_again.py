"""A version that could not be frozen is tried again."""

from datetime import datetime

from django.db import transaction

from crowd.errors import CrowdError
from curation.models import DatasetVersion, Job, Project, User
from curation.services import events, freezing, versions
from curation.services.turns import VERSIONS, take_turns
from curation.services.version_items import require_fit


@transaction.atomic
def try_again(*, dataset_id: int, by: User, now: datetime) -> DatasetVersion:
    """Have a version that could not be frozen tried again with the same wish, under its number."""
    project = Project.objects.get(versions=dataset_id)
    take_turns(project=project, what=VERSIONS)
    version = DatasetVersion.objects.select_for_update(of=("self",)).select_related("project").get(pk=dataset_id)
    job = Job.objects.select_for_update().filter(kind=freezing.KIND, key=str(version.pk)).first()
    if version.state != DatasetVersion.State.FAILED:
        raise CrowdError(f"{version} is {version.state}: only one that could not be frozen is tried again.")
    if job is None:
        raise CrowdError(f"What {version} was to hold is not kept any more: freeze a new one.")
    if not job.payload["wish"]["of"]:
        require_fit(project, version.query)
    freezing.begin_again(job)
    clean = {"crashes": 0, "failures": 0, "last_error": "", "rung_at": None, "cursor": {}}
    Job.objects.filter(pk=job.pk).update(state=Job.State.DUE, next_at=now, **clean)
    text = f"{by.name} has version {version.number} tried again: {version.error}"
    events.record(kind="dataset.tried-again", text=text, project=project, subject=version, by=by, now=now)
    versions.bump(project_id=project.pk)
    return version
