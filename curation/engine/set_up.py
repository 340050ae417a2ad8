"""A project asked for in the browser: checked at once, made by a job, because drawing its examples takes a while."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crowd.errors import BudgetExceeded, CrowdError
from curation.engine import asking, campaigns
from curation.engine.asking import Campaign
from curation.engine.planning import planned_micro
from curation.models import Job, Project, User
from curation.services import jobs

KIND = "set_up"
OVER = (Job.State.DONE, Job.State.CANCELLED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the form says."""

    recipe: str
    name: str
    classes: Sequence[str]
    wanted: int
    platform: str
    budget: str
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def checked(self) -> Campaign:
        """Return the campaign, or raise BadRecipe or CrowdError with one sentence."""
        if not self.classes:
            raise CrowdError("Choose at least one class.")
        return asking.campaign(
            recipe=self.recipe,
            platform=self.platform,
            name=self.name,
            classes=self.classes,
            wanted=self.wanted,
            budget=self.budget,
            settings=self.settings,
        )


def ask(*, wanted: Wanted, by: User) -> Job:
    """Check the wish, and leave it to a job. Refuses a name that is taken and a plan the budget cannot carry."""
    asked = wanted.checked()
    if not wanted.name.strip():
        raise CrowdError("Give the project a name.")
    asking.check_crowds(asked, by)
    taken = Project.objects.filter(slug=asked.slug).exists() or Job.objects.filter(kind=KIND, key=asked.slug).exists()
    if taken:
        raise CrowdError(f"There is a project “{asked.name}” already. Choose another name.")
    needed = planned_micro(asked)
    if needed > asked.budget_micro:
        raise BudgetExceeded(needed, asked.budget_micro)
    return jobs.enqueue(kind=KIND, key=asked.slug, payload={**_plain(wanted), "by": by.pk})


def _plain(wanted: Wanted) -> dict[str, Any]:
    return {
        "recipe": wanted.recipe,
        "name": wanted.name,
        "classes": list(wanted.classes),
        "wanted": wanted.wanted,
        "platform": wanted.platform,
        "budget": wanted.budget,
        "settings": wanted.settings,
    }


def run_set_up(job: Job, now: datetime) -> None:
    """Job: make the project with its pools as drafts. Interrupted, it is completed by the next run."""
    asked = _read(job.payload).checked()
    campaigns.ensure_project(asked=asked, by=User.objects.get(pk=job.payload["by"]), now=now)


def _read(payload: Mapping[str, Any]) -> Wanted:
    """A job from before there were settings has none."""
    return Wanted(**{name: payload[name] for name in Wanted.__slots__ if name in payload})


def waiting_for(user: User) -> list[Job]:
    """Return the projects of this person that are still being made, or could not be."""
    return list(Job.objects.filter(kind=KIND, payload__by=user.pk).exclude(state__in=OVER).order_by("id"))
