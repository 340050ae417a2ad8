"""The record of who did what, as people look things up in it: newest first, narrowed, a page at a time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q, QuerySet

from curation.models import Event, Project, User

PAGE = 50
# Done by somebody who is not known, or by the operator at the console: never "what Winnow did by itself".
AT_THE_DOOR = Q(kind__startswith="sign_in.") | Q(kind__startswith="two_factor.")
# The word before the dot of an event's kind, and what people call it.
SUBJECTS = {
    "account": "platform accounts",
    "appeal": "appeals",
    "asset": "pictures",
    "assets": "many pictures at once",
    "backup": "backups and restores",
    "budget": "budgets",
    "bulk_drop": "pictures taken out by a rule",
    "check": "votes that tied",
    "checks": "checks",
    "command": "commands to platforms",
    "consensus": "consensus",
    "crawl": "searches for pictures",
    "dataset": "data sets",
    "deadline": "deadlines",
    "erasure": "erasures",
    "evidence": "evidence",
    "export": "exports",
    "held_out": "held-out sets",
    "import": "data sets taken in",
    "instructions": "instructions",
    "invitation": "invitations",
    "job": "jobs",
    "levels": "levels and rules",
    "lookalikes": "near-duplicates found",
    "member": "members",
    "money": "money by hand",
    "page": "pages of tasks",
    "person": "names, passwords and sessions of people",
    "plan": "plans of conditions",
    "pool": "pools",
    "predictions": "predictions of models",
    "project": "projects",
    "publish": "publish filters",
    "rehearsal": "rehearsals",
    "sample": "samples",
    "scenario": "scenarios",
    "sign_in": "failed sign-ins",
    "stage": "stages",
    "submission": "submissions",
    "tasks": "own queues",
    "team": "teams",
    "token": "API tokens",
    "two_factor": "two-factor sign-in",
    "webhook": "webhooks",
    "worker": "workers",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What to look for; everything empty = all that people did, failed sign-ins among it."""

    about: str = ""
    person: int = 0
    since: date | None = None
    until: date | None = None
    machine_too: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """`text` is empty where the reader is no member of the project it happened in."""

    event: Event
    project: Project | None
    text: str

    @property
    def who(self) -> str:
        if self.event.by is not None:
            return self.event.by.name
        return {"sign_in": "somebody", "two_factor": "the operator"}.get(self.event.kind.split(".")[0], "Winnow")

    @property
    def about(self) -> str:
        return SUBJECTS.get(self.event.kind.split(".")[0], self.event.kind)


@dataclass(frozen=True, slots=True)
class Page:
    entries: tuple[Entry, ...]
    older: int


def entries(*, wish: Wish, reader: User, before: int = 0, project: Project | None = None) -> Page:
    """Return one page of the record, of a project or of the whole server, and where the next one begins (0 = end)."""
    rows = _found(wish, before, project).select_related("by")
    found = list(rows.order_by("-id")[: PAGE + 1])
    mine = Project.objects.visible_to(reader).in_bulk({row.project_id for row in found if row.project_id})
    told = tuple(_entry(row, mine) for row in found[:PAGE])
    return Page(told, found[PAGE - 1].pk if len(found) > PAGE else 0)


def people(*, project: Project | None = None) -> QuerySet[User]:
    """Return who may appear in the record."""
    everybody = User.objects.order_by("name", "id")
    return everybody.filter(memberships__project=project) if project else everybody


def _found(wish: Wish, before: int, project: Project | None) -> QuerySet[Event]:
    rows = Event.objects.filter(project_id=project.pk) if project else Event.objects.all()
    if not wish.machine_too:
        rows = rows.filter(Q(by__isnull=False) | AT_THE_DOOR)
    if wish.about:
        rows = rows.filter(kind__startswith=f"{wish.about}.")
    if wish.person:
        rows = rows.filter(by_id=wish.person)
    if wish.since:
        rows = rows.filter(created_at__gte=_midnight(wish.since))
    if wish.until:
        rows = rows.filter(created_at__lt=_midnight(wish.until + timedelta(days=1)))
    return rows.filter(pk__lt=before) if before else rows


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _entry(row: Event, mine: dict[int, Project]) -> Entry:
    is_hidden = row.project_id is not None and row.project_id not in mine
    return Entry(row, mine.get(row.project_id or 0), "" if is_hidden else row.text)
