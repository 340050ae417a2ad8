"""Workers: skills and bans as qualifications, bonuses, messages."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from crowd.errors import Invalid, NotFound, StateConflict
from crowd.platforms.base import Ban, BonusSpec
from crowd.platforms.mturk.amounts import amount, read_amount
from crowd.platforms.mturk.client import Client, Repeated, entity, worker_id
from crowd.platforms.mturk.marks import Mark, ensure_skill

MOST_ADDRESSED: Final = 100
LONGEST_TOPIC, LONGEST_TEXT = 200, 4_096
REFERENCE: Final = re.compile(r"\(ref ([0-9a-f]{12})\)$")
THANKS: Final = "Thank you for your work."


def set_skill(client: Client, worker: str, skill: str, value: int) -> None:
    _grant(client, ensure_skill(client, skill), worker, value)


def _grant(client: Client, qualification: str, worker: str, value: int) -> None:
    """Give a qualification quietly; giving it again changes its value."""
    client.call(
        "associate_qualification_with_worker",
        QualificationTypeId=qualification,
        WorkerId=worker_id(worker),
        IntegerValue=value,
        SendNotification=False,
    )


def restrict(client: Client, mark: Mark, ban: Ban) -> None:
    """Keep somebody out of a batch or a project by its qualification; a block is for the whole account alone."""
    if ban.scope == "account":
        client.call("create_worker_block", WorkerId=worker_id(ban.worker_ext_id), Reason=ban.reason or "banned")
    else:
        _grant(client, _door(mark, ban), ban.worker_ext_id, 1)


def unrestrict(client: Client, mark: Mark, ban: Ban) -> None:
    worker = worker_id(ban.worker_ext_id)
    if ban.scope == "account":
        client.call("delete_worker_block", WorkerId=worker)
        return
    try:
        client.call("disassociate_qualification_from_worker", QualificationTypeId=_door(mark, ban), WorkerId=worker)
    except (NotFound, StateConflict):  # the ban was lifted before
        return


def blocks(client: Client) -> list[Ban]:
    """Return whom the account has blocked: MTurk lists nobody else whom it keeps out."""
    listed = client.each("list_worker_blocks", "WorkerBlocks")
    return [Ban(one["WorkerId"], "account", one.get("Reason", "")) for one in listed]


def _door(mark: Mark, ban: Ban) -> str:
    return mark.project if ban.scope == "project" else mark.id


def pay_bonus(client: Client, bonus: BonusSpec) -> str:
    """Pay once: within a day its token says so, after that the payments themselves are looked at."""
    page = entity(bonus.assignment_ext_id, "assignment")
    reference = _reference(bonus)
    if bonus.again and f"{page}:{reference}" in bonuses_of(client, AssignmentId=page):
        return f"{page}:{reference}"
    with suppress(Repeated):
        client.call(
            "send_bonus",
            WorkerId=worker_id(bonus.worker_ext_id),
            BonusAmount=amount(bonus.amount_micro, what="bonus"),
            AssignmentId=page,
            Reason=f"{bonus.message.strip() or THANKS} (ref {reference})",
            UniqueRequestToken=_token(bonus),
        )
    return f"{page}:{reference}"


def _token(bonus: BonusSpec) -> str:
    """One key may stand for bonuses of several workers."""
    return hashlib.sha256(f"bonus {bonus.worker_ext_id} {bonus.key}".encode()).hexdigest()


def _reference(bonus: BonusSpec) -> str:
    return _token(bonus)[:12]


def bonuses_of(client: Client, **where: str) -> Mapping[str, int]:
    """Return what was paid beside the price, by the ids that `pay_bonus` gives."""
    found = {}
    for payment in client.each("list_bonus_payments", "BonusPayments", **where):
        reference = REFERENCE.search(payment.get("Reason", ""))
        name = reference[1] if reference else f"{payment['GrantTime']:%Y%m%dT%H%M%S}"
        found[f"{payment['AssignmentId']}:{name}"] = read_amount(payment["BonusAmount"])
    return found


def message(client: Client, workers: Sequence[str], topic: str, text: str) -> None:
    """Write to people whose work was judged before. Raises Invalid with those who were not reached."""
    if len(topic) > LONGEST_TOPIC or len(text) > LONGEST_TEXT:
        raise Invalid({"message": f"the topic has at most {LONGEST_TOPIC} characters, the text {LONGEST_TEXT:,}"})
    lost: list[str] = []
    for start in range(0, len(workers), MOST_ADDRESSED):
        some = [worker_id(one) for one in workers[start : start + MOST_ADDRESSED]]
        told = client.call("notify_workers", Subject=topic, MessageText=text, WorkerIds=some)
        lost += [str(one["WorkerId"]) for one in told.get("NotifyWorkersFailureStatuses", [])]
    if lost:
        raise Invalid({"message": f"{len(lost)} of {len(workers)} could not be written to: {', '.join(lost[:10])}"})
