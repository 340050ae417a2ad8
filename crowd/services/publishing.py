"""Bringing a batch to its platform: what it looks like there, its tasks in chunks, the money it may still cost.

Everything is written as outbox commands in the caller's transaction. A local batch needs none of it: it is its row.
"""

from typing import Any

from django.db import transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Greatest

from crowd import rules
from crowd.audience import audience
from crowd.links import media_url, webhook_url
from crowd.models import Answer, Assignment, Batch, OutboxCommand, Task, Worker
from crowd.platforms.base import BatchSpec, TaskSpec
from crowd.platforms.registry import platform
from crowd.services import ledger, outbox

TASKS_A_PUSH = 5_000
NEW_TASKS = Q(remote_id="", push_id__isnull=True)


def pages_of(batch: Batch) -> str:
    """Return local, remote or hosted."""
    return platform(batch.account.platform).capabilities.pages


def is_local(batch: Batch) -> bool:
    return pages_of(batch) == "local"


def spec_of(batch: Batch) -> BatchSpec:
    """Return the neutral form of a batch, as adapters want it."""
    capabilities = platform(batch.account.platform).capabilities
    gate = gate_of(batch)
    return BatchSpec(
        key=batch.key,
        kind=batch.kind,
        interface=batch.interface,
        title=str(batch.spec.get("title", "")),
        spec=batch.spec,
        page_size=batch.page_size,
        overlap=batch.overlap,
        price_micro=batch.price_micro,
        auto_accept=batch.auto_accept,
        project_id=batch.project_id,
        pool_id=batch.pool_id,
        stage_id=batch.stage_id,
        control_per_page=batch.control_per_page,
        whole_pages=batch.pays_whole_pages,
        price_table=[(int(low), int(high), int(amount)) for low, high, amount in batch.price_table],
        price_skill=batch.price_skill.name if batch.price_skill else "",
        needs_skill=batch.needs_skill.name if batch.needs_skill else "",
        needs_value=batch.needs_value,
        needs_batch=gate.remote_id if gate else "",
        has_gate=gate is not None,
        grants_skill=batch.grants_skill.name if batch.grants_skill else "",
        audience=audience(batch.audience),
        review_days=batch.review_days,
        assignment_seconds=batch.assignment_seconds,
        expires_at=batch.expires_at,
        priority=batch.priority,
        rules=rules.plain(_rules_of(batch)),
        webhook_url=webhook_url(batch.account.slug) if capabilities.webhooks else "",
    )


def _rules_of(batch: Batch) -> list[rules.Rule]:
    """Return the quality rules, and the most that one worker may send as one of them."""
    found = rules.read(batch.rules)
    if batch.per_worker and batch.kind == Batch.Kind.MAIN:
        pages = -(-batch.per_worker // real_places(batch))
        found.append(rules.AnswerCountRule(most=pages))
    return found


def gate_of(batch: Batch) -> Batch | None:
    """Return the training or exam whose skill this batch asks for."""
    if batch.needs_skill_id is None:
        return None
    gates = Batch.objects.filter(account_id=batch.account_id, grants_skill_id=batch.needs_skill_id)
    return gates.filter(project_id=batch.project_id).exclude(kind=Batch.Kind.MAIN).order_by("id").first()


def task_spec(task: Task) -> TaskSpec:
    """Return a task for people elsewhere: addresses instead of storage keys."""
    author = (
        Worker.objects.filter(pk=task.author_id, account_id=task.batch.account_id).first() if task.author_id else None
    )
    return TaskSpec(
        key=task.key,
        payload=public_payload(task.payload),
        item_id=task.item_id,
        known_answer=task.known_answer,
        hint=task.hint,
        overlap=task.overlap,
        author_id=task.author_id,
        author_ext_id=author.ext_id if author else "",
    )


def public_payload(payload: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in payload.items() if not name.endswith("_key")}
    keys = {name.removesuffix("_key"): value for name, value in payload.items() if name.endswith("_key") and value}
    return {**shown, **{name: media_url(key) for name, key in keys.items()}}


@transaction.atomic
def publish(*, batch: Batch) -> None:
    """Plan all that a batch needs before it can be opened elsewhere. Raises BudgetExceeded."""
    if is_local(batch):
        return
    fit_hold(batch=batch)
    outbox.plan_again(lane=f"tasks:{batch.pk}")
    outbox.enqueue(
        kind="publish_batch",
        key=f"publish-{batch.pk}",
        account=batch.account,
        batch_id=batch.pk,
        lane=f"tasks:{batch.pk}",
    )
    plan_pushes(batch=batch)


@transaction.atomic
def plan_pushes(*, batch: Batch) -> int:
    """Put tasks the platform does not know into chunks, and changed numbers of answers into commands."""
    Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    mine = Task.objects.filter(batch=batch, to_push=True)
    if not mine.exists():
        return 0
    if pages_of(batch) == "remote":  # before any task: whoever takes answers in holds the budget and changes tasks
        ledger.lock(purse=ledger.Purse.of(batch))
    is_pushed = pages_of(batch) == "remote" or batch.kind == Batch.Kind.EXAM  # an exam may be the platform's own test
    planned = _plan_chunks(batch) if is_pushed else plan_places(batch=batch)
    if planned:
        fit_hold(batch=batch)
    return planned


def _plan_chunks(batch: Batch) -> int:
    mine = Task.objects.filter(batch=batch, to_push=True)
    planned = 0
    new = mine.filter(NEW_TASKS).order_by("id").values_list("id", flat=True)
    while new.exists():
        command, room = _push_with_room(batch)
        Task.objects.filter(pk__in=list(new[:room])).update(push_id=command.pk, to_push=False)
        planned += 1
    for task in mine.filter(push_id__isnull=True).exclude(remote_id="").order_by("id"):
        wanted = 0 if task.cancelled else _answers_in_all(task)
        number = OutboxCommand.objects.filter(kind="set_overlap", batch_id=batch.pk).count()
        _enqueue(batch, "set_overlap", f"overlap-{task.pk}-{number}", {"task_id": task.pk, "overlap": wanted})
        Task.objects.filter(pk=task.pk).update(to_push=False)
        planned += 1
    return planned


def _push_with_room(batch: Batch) -> tuple[OutboxCommand, int]:
    """Return the push that waits and was never sent, or a new one, and how many tasks still fit into it.

    Tasks come in a few at a time; a call for each few would use up the platform's patience and keep the pool closed.
    """
    pushes = OutboxCommand.objects.filter(kind="push_tasks", batch_id=batch.pk)
    untouched = pushes.filter(state=OutboxCommand.State.PLANNED, fence=0)
    waiting = untouched.select_for_update(skip_locked=True).order_by("-id").first()
    if waiting and (room := TASKS_A_PUSH - Task.objects.filter(push_id=waiting.pk).count()) > 0:
        return waiting, room
    return _enqueue(batch, "push_tasks", f"push-{batch.pk}-{pushes.count()}", {}), TASKS_A_PUSH


def _answers_in_all(task: Task) -> int | None:
    """Return the overlap for the platform, where a rejected answer has used up its place."""
    if task.overlap is None:
        return None
    handed_in = [Assignment.State.SUBMITTED, Assignment.State.ACCEPTED, Assignment.State.REJECTED]
    given = Answer.objects.filter(task=task, assignment__state__in=handed_in).count()
    return max(0, task.overlap - task.done) + given


def plan_places(*, batch: Batch) -> int:
    """Our own page gives out the tasks; the platform only has to send enough people for the pages."""
    Task.objects.filter(batch=batch, to_push=True).update(to_push=False)
    if batch.kind != Batch.Kind.MAIN:  # who needs a training first is led to it by our own page
        return 0
    offered = OutboxCommand.objects.filter(kind="offer_pages", batch_id=batch.pk)
    number, promised = offered.count(), sum(int(row["pages"]) for row in offered.values_list("payload", flat=True))
    missing = pages_wanted(batch) - promised
    if missing <= 0:
        return 0
    _enqueue(batch, "offer_pages", f"pages-{batch.pk}-{number}", {"pages": missing})
    return 1


def _enqueue(batch: Batch, kind: str, key: str, payload: dict[str, Any]) -> OutboxCommand:
    return outbox.enqueue(
        kind=kind,
        key=key,
        account=batch.account,
        batch_id=batch.pk,
        lane=f"tasks:{batch.pk}",
        payload=payload,
    )


def real_places(batch: Batch) -> int:
    """Return how many real tasks a full page has."""
    return max(1, batch.page_size - batch.control_per_page)


def answers_to_come(batch: Batch) -> int:
    wanted = Greatest(F("overlap") - F("done"), 0)
    rows = Task.objects.filter(batch=batch, overlap__isnull=False, cancelled=False)
    return int(rows.aggregate(n=Sum(wanted))["n"] or 0)


def pages_wanted(batch: Batch) -> int:
    """Return how many places a hosted batch needs in all: those used up and those for the answers to come.

    A place that somebody has given back, or let lapse, is offered again by the platform itself.
    """
    handed_in = [Assignment.State.SUBMITTED, Assignment.State.ACCEPTED]
    if not platform(batch.account.platform).capabilities.rejection_frees_place:
        handed_in.append(Assignment.State.REJECTED)
    under_way = Q(state=Assignment.State.SUBMITTED, platform_state=Assignment.State.ACTIVE)
    used = Assignment.objects.filter(Q(platform_state__in=handed_in) | under_way, batch=batch).count()
    return used + -(-answers_to_come(batch) // real_places(batch))


def most_per_page(batch: Batch) -> int:
    """Return the highest price of a page, with the platform's fee."""
    price = max([batch.price_micro, *(int(amount) for _, _, amount in batch.price_table)])
    fee = platform(batch.account.platform).fee(batch.account, price_micro=price, overlap=batch.overlap)
    return price + fee


def may_still_cost(batch: Batch) -> int:
    """Return what a batch elsewhere can still cost: pages to come at the highest price, and pages not charged yet."""
    unjudged = Assignment.objects.filter(
        batch=batch, state__in=[Assignment.State.SUBMITTED, Assignment.State.ACTIVE]
    ).aggregate(n=Sum(F("price_micro") + F("fee_micro")))["n"]
    to_come = -(-answers_to_come(batch) // real_places(batch)) if batch.kind == Batch.Kind.MAIN else 0
    is_over = batch.state in {Batch.State.CLOSED, Batch.State.ARCHIVED}
    return int(unjudged or 0) + (0 if is_over else to_come * most_per_page(batch))


def fit_hold(*, batch: Batch) -> None:
    """Hold for a remote batch exactly what it may still cost. Raises BudgetExceeded. Others hold page by page."""
    if pages_of(batch) == "remote":
        ledger.resize(purse=ledger.Purse.of(batch), ref=f"batch:{batch.pk}", amount_micro=may_still_cost(batch))


@transaction.atomic
def require_hold(*, batch: Batch, more_answers: int) -> None:
    """Raise BudgetExceeded unless all could be held that a remote batch costs with so many answers more."""
    if pages_of(batch) != "remote":
        return
    pages = -(-more_answers // real_places(batch))
    amount = may_still_cost(batch) + pages * most_per_page(batch)
    with transaction.atomic():
        ledger.resize(purse=ledger.Purse.of(batch), ref=f"batch:{batch.pk}", amount_micro=amount)
        transaction.set_rollback(True)
