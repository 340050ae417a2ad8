"""A simulated crowd like that of a project."""

from datetime import datetime

from crowd.rehearsal.population import Population
from crowd.services.likeness import Likeness, coming_like
from curation.models import Project
from curation.services.outlook.crowd_week import zone_of


def people_like(*, project: Project, now: datetime) -> Likeness:
    """Say how a crowd comes that is like the one of this project's first hours.

    Raises:
        CrowdError: nothing has been collected for a full hour.
    """
    return coming_like(project_id=project.pk, zone_of=zone_of, now=now, sigma=Population().activity_sigma)
