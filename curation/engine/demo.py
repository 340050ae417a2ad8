"""The living demo project: a rehearsed crowd collects, cheats, checks and boxes while you watch."""

from datetime import datetime

from curation.engine import asking, campaigns
from curation.models import Project, User

NAME = "Hand gestures (demo)"
CLASSES = ("call", "fist", "like", "palm", "peace", "rock")
PHOTOS_A_CLASS = 40
VISITS_PER_SECOND = 1.5


def ensure_demo(*, by: User, now: datetime) -> Project:
    """Make the demo project at the first start and open its pools; later starts change nothing."""
    asked = asking.campaign(
        recipe="gestures",
        platform="rehearsal",
        name=NAME,
        classes=CLASSES,
        wanted=PHOTOS_A_CLASS,
        budget="60",
        team="DEMO",
        owner=by.name,
    )
    existing = Project.objects.filter(slug=asked.slug).first()
    if existing is not None:
        return existing
    made = campaigns.ensure_project(
        asked=asked, by=by, now=now, seed="demo", is_demo=True, visits_per_second=VISITS_PER_SECOND
    )
    campaigns.open_all(project=made.project, by=by, now=now)
    return made.project
