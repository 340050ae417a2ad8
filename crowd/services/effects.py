"""What each kind of outbox command does on its platform. All but messages may be repeated: they find what is there."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from crowd.bulk import plain_text, staged
from crowd.errors import CrowdError, NeedsPerson, StillRunning
from crowd.models import Assignment, Batch, OutboxCommand, Task
from crowd.platforms.base import Platform, Receipt
from crowd.platforms.registry import platform
from crowd.services import effects_on_people, holding, publishing, skill_news, trust

Effect = Callable[[OutboxCommand, datetime], Mapping[str, Any]]
SOON = timedelta(seconds=1)
FIRST_TASKS = timedelta(seconds=5)
CONFIRMED_WITHIN = timedelta(seconds=30)
UNDER_WAY = (OutboxCommand.State.PLANNED, OutboxCommand.State.SENDING, OutboxCommand.State.UNKNOWN)
NEVER_SEEN = timedelta(days=1)  # after the time for a page: nobody can hand it in there any more


@dataclass(frozen=True, slots=True)
class Kind:
    """How a command may be treated.

    `repeat_safe`: doing it again finds what is there, so an unknown outcome may simply be repeated.
    `owed`: somebody has worked for it, so a wrong token or an empty account only delays it.
    `side_by_side`: it makes nothing that another command might make at the same moment, such as a skill of one name.
    """

    effect: Effect
    repeat_safe: bool = True
    owed: bool = False
    side_by_side: bool = False


def _batch_of(command: OutboxCommand) -> Batch:
    found = Batch.objects.select_related("account", "price_skill", "needs_skill", "grants_skill")
    return found.get(pk=command.batch_id or 0)


def _side(command: OutboxCommand) -> tuple[Platform, Batch]:
    batch = _batch_of(command)
    return platform(batch.account.platform), batch


def _publish_batch(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    adapter, batch = _side(command)
    _require_gate(batch, now)
    remote_id = adapter.ensure_batch(batch.account, publishing.spec_of(batch))
    Batch.objects.filter(pk=batch.pk).update(remote_id=remote_id, published_at=now)
    skill_news.tell_of_holders(batch=batch)
    trust.tell_of_bans(batch=batch, now=now)
    return {"remote_id": remote_id}


def _require_gate(batch: Batch, now: datetime) -> None:
    """Wait for the training or exam that lets people in: a pool is tied to it once, when it is made."""
    gate = publishing.gate_of(batch)
    if gate is None or gate.remote_id or publishing.pages_of(batch) != "remote":
        return
    title = gate.spec.get("title") or gate.key
    publication = OutboxCommand.objects.filter(kind="publish_batch", batch_id=gate.pk)
    if publication.filter(state__in=UNDER_WAY).exists():
        raise StillRunning(_looked_at_again(publication, now), f"{title!r}, which lets people in, is on its way")
    raise CrowdError(f"The {gate.kind} {title!r} lets people in and is not on the platform: open it first.")


def _push_tasks(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    adapter, batch = _side(command)
    _require_published(batch)
    rows = list(Task.objects.filter(push_id=command.pk).select_related("batch").order_by("id"))
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"winnow:{batch.key}:{command.key}"))
    receipt = adapter.push_tasks(batch.account, batch.remote_id, [publishing.task_spec(row) for row in rows], key)
    _note_receipt(rows, receipt)
    return {"created": receipt.created, "existing": receipt.existing, "refused": len(receipt.refused)}


@transaction.atomic
def _note_receipt(rows: Sequence[Task], receipt: Receipt) -> None:
    """Write down what became of each task: thousands in one statement."""
    told = [
        (row.pk, receipt.ids.get(row.key, row.remote_id), plain_text(receipt.refused.get(row.key, ""))[:300])
        for row in rows
    ]
    with staged("staged_receipt", {"id": "bigint", "remote_id": "text", "remote_error": "text"}, told) as cursor:
        cursor.execute(
            "UPDATE crowd_task task SET remote_id = told.remote_id, remote_error = told.remote_error, push_id = NULL"
            " FROM staged_receipt told WHERE task.id = told.id"
        )


def _set_overlap(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    adapter, batch = _side(command)
    task = Task.objects.get(pk=command.payload["task_id"])
    adapter.set_overlap(batch.account, batch.remote_id, task.remote_id, int(command.payload["overlap"]))
    return {}


def _offer_pages(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    adapter, batch = _side(command)
    _require_published(batch)
    adapter.offer_pages(batch.account, batch.remote_id, int(command.payload["pages"]), command.key)
    return {}


def _require_published(batch: Batch) -> None:
    if not batch.remote_id:
        refused = OutboxCommand.objects.filter(kind="publish_batch", batch_id=batch.pk).first()
        raise CrowdError(f"The pool is not on the platform yet. {refused.last_error if refused else ''}".strip())


def _open_batch(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    adapter, batch = _side(command)
    if not publishing.is_local(batch):
        _require_ready(batch, now)
    adapter.open(batch.account, batch.remote_id, now)
    if not publishing.is_local(batch):
        _mark(batch, Batch.State.OPEN, now)
    return {"remote_id": batch.remote_id}


def _require_ready(batch: Batch, now: datetime) -> None:
    """Wait for the tasks: a platform opens no empty pool."""
    waiting = OutboxCommand.objects.filter(lane=f"tasks:{batch.pk}", kind__in=["publish_batch", "push_tasks"])
    if waiting.filter(state__in=UNDER_WAY).exists():
        raise StillRunning(_looked_at_again(waiting, now), "its tasks are on their way")
    _require_published(batch)
    is_empty = not Task.objects.filter(batch=batch).exclude(remote_id="").exists()
    if publishing.pages_of(batch) == "remote" and is_empty:
        raise StillRunning(now + FIRST_TASKS, "it opens with its first tasks")


def _looked_at_again(waiting: QuerySet[OutboxCommand], now: datetime) -> datetime:
    """Return when the first of them is tried, which may be at midnight when a quota is used up."""
    first = waiting.filter(state=OutboxCommand.State.PLANNED).order_by("id").values_list("next_at", flat=True).first()
    return max(now + SOON, first) if first else now + SOON


def _close_batch(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    adapter, batch = _side(command)
    if batch.remote_id:
        adapter.close(batch.account, batch.remote_id, now)
    if not publishing.is_local(batch):
        _mark(batch, Batch.State.CLOSED, now)
    return {"remote_id": batch.remote_id}


def _archive_batch(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    adapter, batch = _side(command)
    if batch.remote_id:
        adapter.archive(batch.account, batch.remote_id, now)
    if not publishing.is_local(batch):
        _mark(batch, Batch.State.ARCHIVED, now)
    return {}


@transaction.atomic
def _mark(batch: Batch, state: str, now: datetime) -> None:
    """Write down what the platform has done with its batch, and hold what that may still cost."""
    row = Batch.objects.select_for_update(of=("self",), no_key=True).select_related("account").get(pk=batch.pk)
    if row.state == state:
        return
    row.move_to(state)
    if state == Batch.State.OPEN:
        row.opened_at = row.opened_at or now
    elif state == Batch.State.CLOSED:
        row.closed_at = now
    row.save(update_fields=["state", "opened_at", "closed_at"])
    publishing.fit_hold(batch=row)


def _update_batch(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    adapter, batch = _side(command)
    if batch.remote_id:
        adapter.update_batch(batch.account, batch.remote_id, publishing.spec_of(batch))
        skill_news.tell_of_holders(batch=batch)
    return {}


def _set_priority(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    adapter, batch = _side(command)
    if batch.remote_id:
        adapter.set_priority(batch.account, batch.remote_id, batch.priority)
    return {}


def _accept(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    page = _page_of(command)
    _require_seen(page, now)
    platform(page.account.platform).accept(page.account, page.ext_id, now, page.reason)
    return _confirmed(page, Assignment.State.ACCEPTED, now)


def _reject(command: OutboxCommand, now: datetime) -> Mapping[str, Any]:
    page = _page_of(command)
    if page.state == Assignment.State.ACCEPTED:
        return {"skipped": "accepted meanwhile"}
    if page.platform_state == Assignment.State.ACTIVE and page.lease_until + NEVER_SEEN < now:
        return {"skipped": "it never came to the platform"}
    _require_seen(page, now)
    platform(page.account.platform).reject(page.account, page.ext_id, page.reason, now)
    return _confirmed(page, Assignment.State.REJECTED, now)


def _page_of(command: OutboxCommand) -> Assignment:
    return Assignment.objects.select_related("account", "batch__account").get(pk=command.payload["assignment_id"])


def _require_seen(page: Assignment, now: datetime) -> None:
    """A page that was handed in on our side may reach its platform a moment later."""
    if page.platform_state == Assignment.State.ACTIVE:
        raise StillRunning(now + CONFIRMED_WITHIN, "it has not confirmed the page yet")


def _confirmed(page: Assignment, state: str, now: datetime) -> Mapping[str, Any]:
    Assignment.objects.filter(pk=page.pk).update(platform_state=state)
    trust.stand_by_lifted(page=page, now=now)
    return {"state": state}


def _never_sent(command: OutboxCommand, _now: datetime) -> Mapping[str, Any]:
    raise NeedsPerson(f"{command} is compared by a job.")


KINDS: dict[str, Kind] = {
    "publish_batch": Kind(_publish_batch),
    "push_tasks": Kind(_push_tasks),
    "set_overlap": Kind(_set_overlap),
    "offer_pages": Kind(_offer_pages),
    "open_batch": Kind(_open_batch),
    "close_batch": Kind(_close_batch),
    "archive_batch": Kind(_archive_batch),
    "update_batch": Kind(_update_batch),
    "set_priority": Kind(_set_priority),
    "accept": Kind(_accept, owed=True, side_by_side=True),
    "reject": Kind(_reject, owed=True, side_by_side=True),
    "pay_bonus": Kind(effects_on_people.pay_bonus, owed=True, side_by_side=True),
    "set_skill": Kind(effects_on_people.set_skill, owed=True),
    "restrict": Kind(effects_on_people.restrict, owed=True),
    "unrestrict": Kind(effects_on_people.unrestrict, owed=True),
    "message": Kind(effects_on_people.message, repeat_safe=False),
    holding.KIND: Kind(_never_sent, repeat_safe=False),
}
