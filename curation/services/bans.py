"""A person bans a worker from a project because of evidence."""

from datetime import datetime, timedelta

from django.db import transaction

from crowd.errors import CrowdError
from crowd.models import Evidence, Restriction
from crowd.services import trust
from curation.models import Project, User
from curation.services import events, suspicions, versions

MOST_DAYS = 3650


@transaction.atomic
def reject_and_ban(*, evidence: Evidence, project: Project, by: User, days: int, now: datetime) -> Restriction:
    """Reject the picture if it is still held, and keep its worker out of the project for some days."""
    if not 1 <= days <= MOST_DAYS:
        raise CrowdError(f"A ban lasts 1 to {MOST_DAYS:,} days, not {days:,}.")
    suspicions.confirm(evidence_id=evidence.pk, by=by, now=now)
    ban = trust.restrict(
        worker_id=evidence.worker_id,
        scope=Restriction.Scope.PROJECT,
        scope_id=project.pk,
        reason=f"Level {evidence.level}: {evidence.get_level_display().lower()}",
        until=now + timedelta(days=days),
    )
    text = f"{by.name} banned worker {evidence.worker.short_id} for {days} days."
    events.record(kind="worker.banned", text=text, project=project, subject=evidence.worker, by=by, now=now)
    versions.bump(project_id=project.pk)
    return ban
