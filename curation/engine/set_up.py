"""A project asked for in the browser: checked at once, made by a job, because drawing its examples takes a while."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from django.db.models import QuerySet

from crowd.errors import BudgetExceeded, CrowdError
from curation.engine import asking, campaigns
from curation.engine.asking import Campaign
from curation.engine.planning import planned_micro
from curation.models import Job, Project, User
from curation.services import events, jobs

KIND = "set_up"
OVER = (Job.State.DONE, Job.State.CANCELLED)
Start = Literal["drafts", "pilot", "all"]


class NameTaken(CrowdError):
    """There is such a project, or it is being made."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the form says. `start`: whether pools open at once, all of them for all of it or for a `pilot` a class."""

    recipe: str
    name: str
    classes: Sequence[str]
    wanted: int
    platform: str
    budget: str
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    quotas: Mapping[str, int] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    team: str = ""
    owner: str = ""
    start: Start = "drafts"
    pilot: int = 0
    accepts_differences: bool = False

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
            quotas=self.quotas,
            prompts=self.prompts,
            team=self.team,
            owner=self.owner,
        )


def ask(*, wanted: Wanted, by: User) -> Job:
    """Check the wish, and leave it to a job. Refuses a name that is taken and a plan the budget cannot carry."""
    asked = wanted.checked()
    if not wanted.name.strip():
        raise CrowdError("Give the project a name.")
    asking.check_crowds(asked, by)
    taken = Project.objects.filter(slug=asked.slug).exists() or Job.objects.filter(kind=KIND, key=asked.slug).exists()
    if taken:
        raise NameTaken(f"There is a project “{asked.name}” already. Choose another name.")
    needed = planned_micro(asked)
    if needed > asked.budget_micro:
        raise BudgetExceeded(needed, asked.budget_micro)
    return jobs.enqueue(kind=KIND, key=asked.slug, payload={**asdict(wanted), "by": by.pk})


def run_set_up(job: Job, now: datetime) -> None:
    """Job: make the project with its pools as drafts, and open them if asked to. The next run completes it."""
    wanted, by = read(job.payload), User.objects.get(pk=job.payload["by"])
    asked = wanted.checked()
    part = pilot_of(asked, wanted.pilot) if wanted.start == "pilot" else asked
    project = campaigns.ensure_project(asked=part, by=by, now=now).project
    if wanted.start == "drafts":
        return
    try:
        campaigns.open_all(project=project, by=by, now=now, accept_differences=wanted.accepts_differences)
    except CrowdError as error:
        text = f"The pools wait as drafts: {error}"
        events.record(kind="project.not_opened", text=text, project=project, subject=project, by=by, now=now)


def pilot_of(asked: Campaign, most: int) -> Campaign:
    """Return the small first part of a campaign: at most so many results of each class."""
    quotas = {name: min(most, n) for name, n in asked.quotas.items()}
    return replace(asked, wanted=min(most, asked.wanted), quotas=quotas)


def collect_rest(*, wanted: Wanted, by: User, now: datetime) -> Project:
    """Raise the targets of a pilot to what was planned; pools that have reached theirs go on."""
    asked = wanted.checked()
    if not Project.objects.led_by(by).filter(slug=asked.slug).exists():
        raise CrowdError(f"The project “{asked.name}” is not there yet. Wait until it is set up.")
    asking.check_crowds(asked, by)
    project = campaigns.ensure_project(asked=asked, by=by, now=now).project
    campaigns.reopen_raised(project=project, by=by, now=now)
    return project


def read(payload: Mapping[str, Any]) -> Wanted:
    """Return what a job is to make; one from before there were settings has none."""
    return Wanted(**{name: payload[name] for name in Wanted.__slots__ if name in payload})


def waiting_for(user: User) -> list[Job]:
    """Return the projects of this person that are still being made, or could not be."""
    return list(unfinished().filter(payload__by=user.pk).order_by("id"))


def unfinished() -> QuerySet[Job]:
    return Job.objects.filter(kind=KIND).exclude(state__in=OVER)
