"""What the platform answers about each noun; what is empty is left out."""

from datetime import datetime
from typing import Any

from crowd.emulators.toloka import moments
from crowd.emulators.toloka.market import REQUESTER_ID
from crowd.emulators.toloka.records import (
    ACCEPTED,
    HANDED_IN,
    Assignment,
    Attachment,
    Bonus,
    Form,
    Operation,
    Pool,
    Project,
    Restriction,
    Skill,
    Solution,
    Subscription,
    Suite,
    Task,
    Thread,
    UserSkill,
    Worker,
)

OWNER = {"id": REQUESTER_ID, "myself": True, "company_id": "1"}


def without_gaps(**values: Any) -> Form:
    return {name: value for name, value in values.items() if value is not None}


def when(moment: datetime | None) -> str | None:
    return None if moment is None else moments.written(moment)


def amount(micro: int) -> float:
    """Return a JSON number of dollars; the nearest double prints back as the exact decimals."""
    return micro / 1_000_000


def project(of: Project) -> Form:
    return {**of.form, "id": of.id, "owner": OWNER, "status": of.status, "created": when(of.created)}


def _run(of: Pool) -> Form:
    return {
        **of.form,
        "id": of.id,
        "owner": OWNER,
        "status": of.status,
        "created": when(of.created),
        **without_gaps(
            last_close_reason=of.last_close_reason,
            last_started=when(of.last_started),
            last_stopped=when(of.last_stopped),
        ),
    }


def pool(of: Pool) -> Form:
    return {**_run(of), "type": "REGULAR"}


def training(of: Pool) -> Form:
    return _run(of)


def any_pool(of: Pool) -> Form:
    return training(of) if of.is_training else pool(of)


def _overlap(of: Task | Suite) -> Form:
    if of.overlap is None:
        return {"overlap": None, "infinite_overlap": True}
    return {"overlap": of.overlap, "infinite_overlap": False, "remaining_overlap": of.remaining}


def task(of: Task) -> Form:
    counted = {} if of.in_suite else _overlap(of)
    return {**of.form, **counted, "id": of.id, "pool_id": of.pool_id, "created": when(of.created)}


def shown_task(of: Task) -> Form:
    """A task inside a suite or an assignment."""
    names = ("input_values", "known_solutions", "message_on_unknown_solution", "origin_task_id")
    return {"id": of.id, **{name: of.form[name] for name in names if of.form.get(name) is not None}}


def suite(of: Suite) -> Form:
    return {
        **of.form,
        **_overlap(of),
        "id": of.id,
        "pool_id": of.pool_id,
        "tasks": of.shown,
        "mixed": of.mixed,
        "automerged": False,
        "issuing_order_override": of.order,
        "created": when(of.created),
    }


def assignment(of: Assignment) -> Form:
    seen: Form = {
        "id": of.id,
        "task_suite_id": of.suite.id,
        "pool_id": of.pool_id,
        "user_id": of.user_id,
        "status": of.status,
        "reward": amount(of.reward_micro),
        "tasks": of.suite.shown,
        "mixed": of.suite.mixed,
        "automerged": False,
        "owner": OWNER,
        "created": moments.written(of.created),
    }
    if of.status in HANDED_IN:
        seen["solutions"] = [{"output_values": values} for values in of.solutions]
    if of.status == ACCEPTED:
        seen["fee"] = amount(of.fee_micro)  # Toloka itself does not say; for whoever compares books with ours
    if of.first:
        seen["first_declined_solution_attempt"] = [{"output_values": values} for values in of.first]
    if of.public_comment is not None:
        seen["public_comment"] = of.public_comment
    if of.bonus_ids:
        seen["bonus_ids"] = of.bonus_ids
    for status, at in of.times.items():
        seen[status.lower()] = moments.written(at)
    return seen


def attachment(of: Attachment) -> Form:
    return {
        "id": of.id,
        "attachment_type": "ASSIGNMENT_ATTACHMENT",
        "name": of.name,
        "media_type": of.media_type,
        "details": {"user_id": of.user_id, "assignment_id": of.assignment_id, "pool_id": of.pool_id},
        "owner": OWNER,
        "created": when(of.created),
    }


def skill(of: Skill) -> Form:
    flags = {"training": of.is_training, "global": of.is_global}
    owner = {} if of.is_global else {"owner": OWNER}
    return {**of.form, **flags, **owner, "id": of.id, "created": when(of.created)}


def user_skill(of: UserSkill) -> Form:
    return without_gaps(
        id=of.id,
        skill_id=of.skill_id,
        user_id=of.user_id,
        value=int(of.value + 0.5),
        exact_value=of.value,
        reason=of.reason,
        created=when(of.created),
        modified=when(of.modified),
    )


def restriction(of: Restriction) -> Form:
    return {**of.form, "id": of.id, "created": when(of.created)}


def bonus(of: Bonus) -> Form:
    return {**of.form, "amount": amount(of.amount_micro), "id": of.id, "created": when(of.created)}


def operation(of: Operation) -> Form:
    return {
        "id": of.id,
        "type": of.type,
        "status": of.status,
        "submitted": when(of.submitted),
        "progress": of.progress,
        "parameters": of.parameters,
        **without_gaps(started=when(of.started), finished=when(of.finished), details=of.details or None),
    }


def subscription(of: Subscription) -> Form:
    return {**{name: of.form[name] for name in ("event_type", "webhook_url", "pool_id")},
            "id": of.id, "created": when(of.created)}  # fmt: skip


def thread(of: Thread) -> Form:
    return {
        **of.form,
        "id": of.id,
        "interlocutors_inlined": True,
        "interlocutors": of.interlocutors,
        "messages_inlined": True,
        "messages": of.messages,
        "folders": of.folders,
        "created": when(of.created),
    }


def solution(of: Solution) -> Form:
    return {
        "pool_id": of.pool_id,
        "task_id": of.id,
        "confidence": of.confidence,
        "output_values": of.output_values,
    }


def worker(of: Worker) -> Form:
    """The metadata a requester may see."""
    names = ("country", "languages", "adult_allowed", "attributes")
    return {"id": of.id, **{name: of.profile[name] for name in names if name in of.profile}}
