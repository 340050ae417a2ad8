"""What the page of in-house people shows: teams with their people, invitations with who came by them."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from crowd.models import Worker, WorkerInvitation, WorkerTeam
from crowd.services import own_queue
from curation.models import Project
from curation.services import inhouse

SHOWN = 50
MOST_PEOPLE = 200


@dataclass(frozen=True, slots=True)
class TeamRow:
    team: WorkerTeam
    pay: str
    people: int

    @property
    def is_hourly(self) -> bool:
        return self.team.pay == WorkerTeam.Pay.HOURLY


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation: whether it still lets people in, how many more, and who has come."""

    row: WorkerInvitation
    state: str
    left: int
    joined: list[Worker]

    @property
    def is_open(self) -> bool:
        return self.state == "open"


def team_rows(project: Project) -> list[TeamRow]:
    here = Q(workers__in=inhouse.people_of(project).order_by().values("pk"))
    teams = inhouse.teams_of(project).select_related("account").annotate(here=Count("workers", filter=here))
    return [TeamRow(team, inhouse.pay_text(team), team.here) for team in teams]


def workers_with_queues(project: Project) -> list[tuple[Worker, int]]:
    """Return the people of a project and how many of its tasks are kept for each."""
    queues = own_queue.by_worker(project_id=project.pk)
    return [(worker, queues[worker.pk]) for worker in inhouse.people_of(project)[:MOST_PEOPLE]]


def invitations_of(project: Project, now: datetime) -> list[Invited]:
    """Return the newest invitations, those that still let people in first."""
    rows = list(WorkerInvitation.objects.filter(project_id=project.pk).select_related("team").order_by("-id")[:SHOWN])
    joined = inhouse.joined_by(project=project, invitation_ids=[row.pk for row in rows])
    found = [Invited(row, _state(row, now), row.max_uses - row.uses, joined.get(row.pk, [])) for row in rows]
    return sorted(found, key=lambda one: not one.is_open)


def _state(row: WorkerInvitation, now: datetime) -> str:
    if row.uses >= row.max_uses:
        return "used up"
    return "open" if row.expires_at > now else "over"
