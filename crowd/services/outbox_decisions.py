"""A person decides about commands of which nobody else can tell whether they were carried out, or that were refused."""

from datetime import datetime

from django.db import transaction

from crowd.errors import CrowdError
from crowd.models import Assignment, Bonus, OutboxCommand
from crowd.services import ledger

State = OutboxCommand.State

WORDS = {
    "publish_batch": "Publish a pool",
    "push_tasks": "Send tasks",
    "set_overlap": "Change the number of answers to a task",
    "offer_pages": "Ask for more people",
    "open_batch": "Open a pool",
    "close_batch": "Close a pool",
    "archive_batch": "Archive a pool",
    "update_batch": "Change a pool",
    "set_priority": "Change a priority",
    "accept": "Accept a page",
    "reject": "Reject a page",
    "pay_bonus": "Pay a bonus",
    "set_skill": "Set a skill",
    "restrict": "Ban a worker",
    "unrestrict": "Lift a ban",
    "message": "Write to workers",
    "hold": "Send nothing after a restore",
}
# An old opening must not undo a later pause, and a refused bonus has given its money back: both are asked for anew.
NOT_AGAIN = frozenset({"open_batch", "close_batch", "archive_batch", "pay_bonus"})
STUCK = (State.REFUSED, State.DEAD)


def may_go_again(command: OutboxCommand) -> bool:
    if command.state == State.NEEDS_PERSON:
        return True
    return command.state in STUCK and command.kind not in NOT_AGAIN


@transaction.atomic
def confirm_done(*, command_id: int, now: datetime) -> OutboxCommand:
    """A person has looked at the platform: it did happen. What follows from it here is done now."""
    command = _waiting(command_id)
    command.move_to(State.DONE)
    command.finished_at = now
    command.result = {**command.result, "confirmed_by_person": True}
    command.save(update_fields=["state", "finished_at", "result"])
    if command.kind == "pay_bonus":
        _bonus_was_paid(command, now)
    elif command.kind in {"accept", "reject"}:
        told = Assignment.State.ACCEPTED if command.kind == "accept" else Assignment.State.REJECTED
        Assignment.objects.filter(pk=command.payload["assignment_id"]).update(platform_state=told)
    return command


@transaction.atomic
def send_again(*, command_id: int, now: datetime) -> OutboxCommand:
    """It did not happen, or what stood in its way is mended: send it once more, with clean counters."""
    command = _locked(command_id)
    if not may_go_again(command):
        raise CrowdError(
            f"“{WORDS.get(command.kind, command.kind)}” is {command.get_state_display()}: it is not sent again."
        )
    command.move_to(State.PLANNED)
    command.next_at, command.failures, command.crashes, command.finished_at = now, 0, 0, None
    command.save(update_fields=["state", "next_at", "failures", "crashes", "finished_at"])
    return command


@transaction.atomic
def cancel(*, command_id: int, now: datetime) -> OutboxCommand:
    """It did not happen and shall not: the command is over, and money held for it is free again."""
    command = _waiting(command_id)
    command.move_to(State.CANCELLED)
    command.finished_at = now
    command.save(update_fields=["state", "finished_at"])
    if command.kind == "pay_bonus":
        _bonus_is_off(command)
    return command


def _bonus_was_paid(command: OutboxCommand, now: datetime) -> None:
    bonus = Bonus.objects.select_for_update().get(pk=command.payload["bonus_id"])
    if bonus.state == Bonus.State.PLANNED:
        bonus.move_to(Bonus.State.PAID)
        bonus.paid_at, bonus.note = now, "confirmed by a person"
        bonus.save(update_fields=["state", "paid_at", "note"])
        ledger.charge_bonus(bonus=bonus, now=now)


def _bonus_is_off(command: OutboxCommand) -> None:
    bonus = Bonus.objects.select_for_update().get(pk=command.payload["bonus_id"])
    if bonus.state == Bonus.State.PLANNED:
        bonus.move_to(Bonus.State.REFUSED)
        bonus.note = "cancelled by a person"
        bonus.save(update_fields=["state", "note"])
        ledger.release(ref=f"bonus:{bonus.pk}")


def _waiting(command_id: int) -> OutboxCommand:
    command = _locked(command_id)
    if command.state != State.NEEDS_PERSON:
        raise CrowdError("Somebody has decided about this already.")
    return command


def _locked(command_id: int) -> OutboxCommand:
    return OutboxCommand.objects.select_for_update(of=("self",)).get(pk=command_id)
