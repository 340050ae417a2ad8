"""The clock in which a project's days are told."""

from datetime import datetime
from typing import Final
from zoneinfo import available_timezones

from django.db import transaction

from crowd.errors import CrowdError
from curation.models import Project, User
from curation.services import events, versions
from curation.services.outlook.crowd_week import ZONES

OFFERED: Final = ("UTC", *sorted(ZONES.values()))


@transaction.atomic
def set_time_zone(*, project_id: int, zone: str, by: User, now: datetime) -> Project:
    """Tell days and hours of the end in this zone from now on."""
    if zone not in available_timezones():
        raise CrowdError(f"There is no time zone {zone[:60]!r}; a zone is named like Europe/Lisbon or UTC.")
    project = Project.objects.select_for_update(no_key=True).get(pk=project_id)
    if project.time_zone == zone:
        return project
    project.time_zone = zone
    project.save(update_fields=["time_zone"])
    text = f"{by.name} has the days of {project.name} told in the time of {zone}."
    events.record(kind="project.changed", text=text, project=project, subject=project, by=by, now=now)
    versions.bump(project_id=project_id)
    return project
