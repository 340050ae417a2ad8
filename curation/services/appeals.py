"""Appeals: a worker asks once for a rejected page to be looked at again, and a lead answers."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from crowd.errors import CrowdError
from crowd.models import Appeal, Assignment, Evidence
from crowd.platforms.registry import platform
from crowd.services import dishonesty, judging, ledger
from curation.models import Asset, Project, User
from curation.services import assets, events, suspicions, versions

State = Appeal.State
TIME_TO_APPEAL = timedelta(days=7)
MOST_CHARACTERS = 1000
NOT_RESTORABLE = "unreadable"


def open_in(*, project: Project) -> QuerySet[Appeal]:
    return Appeal.objects.filter(project_id=project.pk, state=State.OPEN).order_by("created_at", "id")


def may_be_appealed(*, page: Assignment, now: datetime) -> bool:
    """Whether the worker can still appeal: rejected lately, not appealed yet, and the platform can take it back."""
    return _in_time(page, now) and can_be_undone(page) and not Appeal.objects.filter(assignment=page).exists()


def can_be_undone(page: Assignment) -> bool:
    """Our own pages always; others where their platform takes a rejection back."""
    return not page.platform_state or platform(page.account.platform).capabilities.undo_rejection


@dataclass(frozen=True, slots=True)
class RefusedPage:
    """A page that was not accepted, as its worker sees it: why, and how his appeal stands."""

    page_id: int
    title: str
    reason: str
    judged_at: datetime | None
    may_appeal: bool
    appeal: Appeal | None


def refused_pages(*, worker_id: int, now: datetime, most: int = 50) -> list[RefusedPage]:
    """Return the worker's rejected pages and those he has appealed against, newest first."""
    mine = Assignment.objects.filter(Q(state=Assignment.State.REJECTED) | Q(appeal__isnull=False), worker_id=worker_id)
    rows = mine.select_related("batch", "account", "appeal").order_by(F("judged_at").desc(nulls_last=True), "-id")
    return [_refused(page, now) for page in rows[:most]]


def _refused(page: Assignment, now: datetime) -> RefusedPage:
    appeal = page.appeal if hasattr(page, "appeal") else None
    return RefusedPage(
        page_id=page.pk,
        title=str(page.batch.spec.get("title", "")),
        reason=page.reason,
        judged_at=page.judged_at,
        may_appeal=appeal is None and _in_time(page, now) and can_be_undone(page),
        appeal=appeal,
    )


def _in_time(page: Assignment, now: datetime) -> bool:
    if page.state != Assignment.State.REJECTED or page.judged_at is None:
        return False
    return now <= page.judged_at + TIME_TO_APPEAL


@transaction.atomic
def file(*, page_id: int, worker_id: int, text: str, now: datetime) -> Appeal:
    """Ask for a rejected page to be looked at again: once, within seven days."""
    page = Assignment.objects.select_for_update(of=("self",)).select_related("account").get(pk=page_id)
    text = text.replace("\x00", "").strip()
    if page.worker_id != worker_id:
        raise CrowdError(_("This page is not yours."))
    if not text or len(text) > MOST_CHARACTERS:
        raise CrowdError(_("Say in 1 to %(most)s characters why the page is right.") % {"most": MOST_CHARACTERS})
    if Appeal.objects.filter(assignment=page).exists():
        raise CrowdError(_("You have appealed against this already."))
    if not may_be_appealed(page=page, now=now):
        raise CrowdError(_("An appeal is possible for seven days after a page was rejected."))
    appeal = Appeal.objects.create(assignment=page, project_id=page.project_id, text=text, created_at=now)
    told = f"{page.worker.short_id} appeals against a rejected page."
    events.record(kind="appeal.filed", text=told, project=_project(appeal), subject=appeal, now=now)
    versions.bump(project_id=page.project_id)
    return appeal


@transaction.atomic
def uphold(*, appeal_id: int, by: User, reply: str, takes_back: bool, now: datetime) -> Appeal:
    """The worker is right: the page is paid after all. `takes_back` = what he sent goes on through the stages, too.

    Raises BudgetExceeded when nothing is left to pay it with; the appeal stays open then.
    """
    page = Assignment.objects.select_related("batch__account").get(appeal=appeal_id)
    dishonesty.lock(page.worker_id)
    ledger.lock(purse=ledger.Purse.of(page.batch))  # before the page and its pictures: everybody does it in this order
    appeal = _open(appeal_id)
    if takes_back:
        for asset in _dropped(page):
            _restore(asset, by, now)
    judging.accept(assignment_id=page.pk, now=now)
    return _decide(appeal, State.UPHELD, by, reply, now)


@transaction.atomic
def deny(*, appeal_id: int, by: User, reply: str, now: datetime) -> Appeal:
    """The rejection stands; the worker reads why."""
    appeal = _open(appeal_id)
    if not reply.strip():
        raise CrowdError("Say why it stays rejected: the worker reads it.")
    return _decide(appeal, State.DENIED, by, reply, now)


def _open(appeal_id: int) -> Appeal:
    appeal = Appeal.objects.select_for_update(of=("self",)).select_related("assignment__worker").get(pk=appeal_id)
    if appeal.state != State.OPEN:
        raise CrowdError(f"This appeal is {appeal.get_state_display()} already.")
    return appeal


def _decide(appeal: Appeal, state: Appeal.State, by: User, reply: str, now: datetime) -> Appeal:
    appeal.move_to(state)
    appeal.reply, appeal.decided_by_id, appeal.decided_at = reply.strip()[:MOST_CHARACTERS], by.pk, now
    appeal.save(update_fields=["state", "reply", "decided_by_id", "decided_at"])
    text = f"{by.name} decided on the appeal of {appeal.assignment.worker.short_id}: {appeal.get_state_display()}."
    events.record(kind=f"appeal.{state}", text=text, project=_project(appeal), subject=appeal, by=by, now=now)
    versions.bump(project_id=appeal.project_id)
    return appeal


def pictures_of(page: Assignment) -> QuerySet[Asset]:
    """Return what a page has brought in, or what it was about when it only judged or marked pictures."""
    sent = Asset.objects.filter(answer__assignment=page)
    if sent.exists():
        return sent.order_by("id")
    about = page.answers.filter(task__item_id__isnull=False, task__known_answer__isnull=True).values("task__item_id")
    return Asset.objects.filter(project_id=page.project_id, pk__in=about).order_by("id")


def _dropped(page: Assignment) -> list[Asset]:
    """Return the pictures this page sent that were dropped and can go on; those of others are not its business."""
    mine = Asset.objects.filter(answer__assignment=page, state=Asset.State.DROPPED).exclude(reason=NOT_RESTORABLE)
    rows = mine.select_related("stage").order_by("pk")
    return [asset for asset in rows if assets.way_back(asset) is not None]


def _restore(asset: Asset, by: User, now: datetime) -> None:
    """Bring a picture back; what was held against its worker because of it no longer counts."""
    rows = Evidence.objects.filter(item_id=asset.pk, project_id=asset.project_id, overturned_at__isnull=True)
    against = list(rows.order_by("pk"))
    for evidence in against:
        suspicions.clear(evidence_id=evidence.pk, by=by, now=now)
    asset.refresh_from_db()
    if asset.state == Asset.State.DROPPED:
        assets.restore(asset_id=asset.pk, by=by, note="appeal upheld", now=now)


def _project(appeal: Appeal) -> Project | None:
    return Project.objects.filter(pk=appeal.project_id).first()
