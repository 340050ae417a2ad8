"""Leads look after their own people: teams, invitations, skills, pools for a team, and what comes first."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from crowd.errors import CrowdError
from crowd.models import Account, Assignment, Batch, Skill, Task, Worker, WorkerInvitation, WorkerTeam
from crowd.money import exact_text
from crowd.services import invitations, offers, own_queue, qualifying, teams
from crowd.services.invitations import INHOUSE
from crowd.services.teams import Terms
from curation.models import Asset, Event, Membership, Pool, Project, User
from curation.services import events, versions

MADE = "team.made"
JOINED = "worker.joined"
MOST_FIRST = 500
FIRST, USUAL = 100, 0


def people_of(project: Project) -> QuerySet[Worker]:
    """Return the in-house people who were invited to a project or have worked in it."""
    worked = Assignment.objects.filter(project_id=project.pk, worker=OuterRef("pk"))
    here = Q(only_projects__contains=[project.pk]) | Exists(worked)
    return Worker.objects.filter(here, account__slug=INHOUSE).select_related("team").order_by("name", "id")


def teams_of(project: Project) -> QuerySet[WorkerTeam]:
    """Return the teams that were made in a project, are invited to it, or whose people work in it."""
    made = Event.objects.filter(project_id=project.pk, kind=MADE, subject_id=OuterRef("pk"))
    invited = WorkerInvitation.objects.filter(project_id=project.pk, team=OuterRef("pk"))
    working = people_of(project).order_by().filter(team=OuterRef("pk"))
    here = Q(Exists(made)) | Q(Exists(invited)) | Q(Exists(working))
    return WorkerTeam.objects.filter(here, account__slug=INHOUSE).order_by("name", "id")


def account() -> Account:
    return invitations.inhouse_account()


@transaction.atomic
def make_team(*, project: Project, name: str, terms: Terms, by: User, now: datetime) -> WorkerTeam:
    team = teams.make(account=account(), name=name, terms=terms)
    text = f"{by.name} made the team {team.name}, paid {pay_text(team)}."
    events.record(kind=MADE, text=text, project=project, subject=team, by=by, now=now)
    return team


@transaction.atomic
def change_pay(*, project: Project, team: WorkerTeam, terms: Terms, by: User, now: datetime) -> WorkerTeam:
    """Pay a team in another way, from its next page on. Its people may work for others, too: those must agree."""
    elsewhere = set(team.invitations.values_list("project_id", flat=True))
    elsewhere |= set(team.batches.values_list("project_id", flat=True))
    _require_lead(by, list(team.workers.all()), elsewhere | {project.pk}, f"The team {team.name}")
    team = teams.change_pay(team_id=team.pk, terms=terms)
    text = f"{by.name} pays the team {team.name} {pay_text(team)} from its next page on."
    events.record(kind="team.pay", text=text, project=project, subject=team, by=by, now=now)
    return team


@transaction.atomic
def move(*, project: Project, worker: Worker, team: WorkerTeam | None, by: User, now: datetime) -> Worker:
    """Put a worker into a team or out of it; his pay changes everywhere he works."""
    _require_lead(by, [worker], {project.pk}, f"Worker {worker.short_id}")
    worker = teams.move(worker_id=worker.pk, team=team)
    where = f"into the team {team.name}" if team else "out of the team"
    text = f"{by.name} moved worker {worker.short_id} {where}."
    events.record(kind="worker.moved", text=text, project=project, subject=worker, by=by, now=now)
    return worker


def _require_lead(by: User, workers: Sequence[Worker], projects: set[int], what: str) -> None:
    """Terms hold in every project: only who leads all of them, or an operator, changes them."""
    if by.is_staff:
        return
    worked = Assignment.objects.filter(worker__in=workers).order_by().values_list("project_id", flat=True).distinct()
    concerned = projects | set(worked) | {one for worker in workers for one in worker.only_projects}
    led = Membership.objects.filter(user=by, role=Membership.Role.LEAD, project_id__in=concerned)
    if concerned - set(led.values_list("project_id", flat=True)):
        raise CrowdError(f"{what} works for projects that you do not lead, too. An operator can change this.")


def pay_text(team: WorkerTeam) -> str:
    if team.pay == WorkerTeam.Pay.HOURLY:
        return f"{exact_text(team.hourly_micro, team.account.currency)} an hour"
    return "by the page"


@transaction.atomic
def invite(
    *, project: Project, label: str, team: WorkerTeam | None, uses: int, days: int, by: User, now: datetime
) -> str:
    """Make an invitation; its token is returned once and never again."""
    token = invitations.invite(
        project_id=project.pk,
        account_id=account().pk,
        label=label,
        max_uses=uses,
        expires_at=now + timedelta(days=days),
        by_id=by.pk,
        team=team,
    )
    made = WorkerInvitation.objects.get(token_hash=invitations.hash_of(token))
    text = f"{by.name} made an invitation for {uses:,} {'person' if uses == 1 else 'people'}."
    events.record(kind="invitation.made", text=text, project=project, subject=made, by=by, now=now)
    return token


@transaction.atomic
def revoke(*, project: Project, invitation: WorkerInvitation, by: User, now: datetime) -> None:
    invitations.revoke(invitation_id=invitation.pk, now=now)
    text = f"{by.name} revoked the invitation {invitation}."
    events.record(kind="invitation.revoked", text=text, project=project, subject=invitation, by=by, now=now)


@transaction.atomic
def note_joined(*, invitation: WorkerInvitation, worker: Worker, now: datetime) -> None:
    """Remember who came by which link."""
    project = Project.objects.get(pk=invitation.project_id)
    text = f"{worker.name} joined by the invitation {invitation}."
    data = {"invitation": invitation.pk}
    events.record(kind=JOINED, text=text, project=project, subject=worker, data=data, now=now)


def joined_by(*, project: Project, invitation_ids: Iterable[int]) -> dict[int, list[Worker]]:
    """Return who came by each of these invitations."""
    ids = list(invitation_ids)
    rows = Event.objects.filter(project_id=project.pk, kind=JOINED, data__invitation__in=ids).order_by("id")
    pairs = [(row.data["invitation"], row.subject_id) for row in rows]
    who = Worker.objects.in_bulk([worker_id for _, worker_id in pairs if worker_id])
    found: dict[int, list[Worker]] = {}
    for invitation_id, worker_id in pairs:
        if worker_id in who:
            found.setdefault(invitation_id, []).append(who[worker_id])
    return found


@transaction.atomic
def set_skill(
    *, project: Project, worker: Worker, skill: Skill, value: int | None, reason: str, by: User, now: datetime
) -> None:
    """Give a worker a skill by hand, or take it away (no value); the reason stays in its history."""
    signed = f"{reason.strip()[:80]} ({by.name})" if reason.strip() else ""
    if value is None:
        qualifying.take_away(worker_id=worker.pk, skill=skill, reason=signed, now=now)
        what = f"took {skill.name} away from"
    else:
        qualifying.set_by_hand(worker_id=worker.pk, skill=skill, value=value, reason=signed, now=now)
        what = f"set {skill.name} to {value} for"
    text = f"{by.name} {what} worker {worker.short_id}: {reason.strip()}"
    events.record(kind="worker.skill", text=text, project=project, subject=worker, by=by, now=now)
    versions.bump(project_id=project.pk)


@transaction.atomic
def keep_pool(*, pool: Pool, team: WorkerTeam | None, by: User, now: datetime) -> None:
    """Offer a pool to one team only, or to everybody again. Pages in hand stay where they are."""
    if pool.account_id != account().pk:
        raise CrowdError(f"{pool.title} is not an in-house pool: only those can be kept for a team.")
    Batch.objects.filter(pool_id=pool.pk).update(team=team, version=F("version") + 1)
    text = (
        f"{by.name} {f'keeps {pool.title} for the team {team.name}' if team else f'opens {pool.title} to everybody'}."
    )
    events.record(kind="pool.team", text=text, project=pool.project, subject=pool, by=by, now=now)
    versions.bump(project_id=pool.project_id)


@transaction.atomic
def put_first(*, project: Project, asset_ids: Sequence[UUID], first: bool, by: User, now: datetime) -> int:
    """Give the in-house tasks about these pictures out before all others of their pools, or in turn again."""
    open_tasks = _tasks_about(project, asset_ids).select_for_update(of=("self",))
    ids = list(open_tasks.order_by("pk").values_list("pk", flat=True))
    Task.objects.filter(pk__in=ids).update(priority=FIRST if first else USUAL)
    text = f"{by.name} put {len(ids):,} {'task' if len(ids) == 1 else 'tasks'} {'first' if first else 'in turn'}."
    events.record(kind="tasks.first", text=text, project=project, by=by, now=now)
    return len(ids)


def _tasks_about(project: Project, asset_ids: Sequence[UUID]) -> QuerySet[Task]:
    """Return the in-house tasks about these pictures; refuse when there are none."""
    if not 1 <= len(asset_ids) <= MOST_FIRST:
        raise CrowdError(f"Name 1 to {MOST_FIRST:,} pictures, not {len(asset_ids):,}.")
    items = Asset.objects.filter(project=project, public_id__in=asset_ids).values("pk")
    found = Task.objects.filter(
        project_id=project.pk, item_id__in=items, batch__account=account(), cancelled=False, known_answer__isnull=True
    )
    if not found.exists():
        raise CrowdError("No in-house pool has a task about these pictures.")
    return found


@transaction.atomic
def assign(*, project: Project, worker: Worker, asset_ids: Sequence[UUID], by: User, now: datetime) -> int:
    """Keep a place of the in-house tasks about these pictures for one worker; returns in how many there was one."""
    tasks = _tasks_about(project, asset_ids)
    for batch in Batch.objects.filter(pk__in=tasks.order_by().values("batch_id")).select_related("account"):
        if offers.offer_of(batch=batch, worker=worker, now=now) is None:
            title = Pool.objects.get(pk=batch.pool_id).title
            raise CrowdError(
                f"{worker.name or worker.short_id} is not offered the pool {title}, so cannot be given it."
            )
    n = own_queue.keep(worker=worker, task_ids=list(tasks.values_list("pk", flat=True)))
    if not n:
        raise CrowdError("All of these are done, given out, or in this queue already.")
    text = f"{by.name} put {n:,} {'task' if n == 1 else 'tasks'} into the queue of worker {worker.short_id}."
    events.record(kind="tasks.assigned", text=text, project=project, subject=worker, by=by, now=now)
    return n


@transaction.atomic
def free_queue(*, project: Project, worker: Worker, by: User, now: datetime) -> int:
    """Let everybody have what was kept for one worker."""
    n = own_queue.free(worker_id=worker.pk, project_id=project.pk)
    if n:
        text = f"{by.name} freed {n:,} {'task' if n == 1 else 'tasks'} of worker {worker.short_id}."
        events.record(kind="tasks.freed", text=text, project=project, subject=worker, by=by, now=now)
    return n
