"""What nobody but a person can tell: it was done, it is sent again, or it is off."""

import pytest

from crowd.errors import CrowdError
from crowd.models import Account, Bonus, Budget, LedgerEntry, OutboxCommand, Reservation
from crowd.services import ledger, outbox_decisions
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db
State = OutboxCommand.State
LATER = NOON + market.MINUTE


def command(
    kind: str = "message", state: str = State.NEEDS_PERSON, *, at: Account | None = None, **payload: int
) -> OutboxCommand:
    where = at or market.account()
    return OutboxCommand.objects.create(
        account=where, kind=kind, key=f"{kind}-1", state=state, payload=payload, failures=3, crashes=2
    )


@pytest.fixture
def bonus() -> Bonus:
    batch = market.batch()
    who = market.worker(batch.account)
    row = Bonus.objects.create(
        account=batch.account,
        worker=who,
        project_id=batch.project_id,
        key="thanks",
        amount_micro=2_000_000,
        fee_micro=500_000,
    )
    ledger.reserve(purse=ledger.Purse.of(batch), amount_micro=2_500_000, ref=f"bonus:{row.pk}")
    return row


def budget(bonus: Bonus) -> Budget:
    return Budget.objects.of_project(bonus.project_id).get()


def test_a_bonus_that_was_paid_is_booked_once(bonus):
    row = command("pay_bonus", at=bonus.account, bonus_id=bonus.pk)
    outbox_decisions.confirm_done(command_id=row.pk, now=LATER)
    with pytest.raises(CrowdError, match="decided about this already"):
        outbox_decisions.confirm_done(command_id=row.pk, now=LATER)
    bonus.refresh_from_db()
    assert (bonus.state, bonus.paid_at) == (Bonus.State.PAID, LATER)
    assert (budget(bonus).spent_micro, budget(bonus).reserved_micro) == (2_500_000, 0)
    assert LedgerEntry.objects.filter(kind="bonus", ref=f"bonus:{bonus.pk}").count() == 1


def test_a_bonus_that_is_off_gives_its_money_back(bonus):
    row = command("pay_bonus", at=bonus.account, bonus_id=bonus.pk)
    outbox_decisions.cancel(command_id=row.pk, now=LATER)
    bonus.refresh_from_db()
    assert (bonus.state, bonus.note) == (Bonus.State.REFUSED, "cancelled by a person")
    assert (budget(bonus).spent_micro, budget(bonus).reserved_micro) == (0, 0)
    assert not Reservation.objects.filter(ref=f"bonus:{bonus.pk}", state="held").exists()


def test_a_page_the_platform_has_accepted_is_known_to_be_so():
    batch = market.batch()
    market.tasks(batch)
    page = market.sent(batch, market.worker(batch.account))
    row = command("accept", at=batch.account, assignment_id=page.pk)
    outbox_decisions.confirm_done(command_id=row.pk, now=LATER)
    page.refresh_from_db()
    assert page.platform_state == "accepted"


def test_what_did_not_happen_is_sent_again_with_clean_counters():
    row = outbox_decisions.send_again(command_id=command().pk, now=LATER)
    assert (row.state, row.next_at, row.failures, row.crashes) == (State.PLANNED, LATER, 0, 0)


@pytest.mark.parametrize("state", [State.REFUSED, State.DEAD])
def test_after_mending_what_was_refused_can_go_again(state):
    assert outbox_decisions.send_again(command_id=command("accept", state).pk, now=LATER).state == State.PLANNED


@pytest.mark.parametrize("kind", ["open_batch", "close_batch", "archive_batch", "pay_bonus"])
def test_an_old_opening_or_a_refused_bonus_never_comes_back(kind):
    row = command(kind, State.REFUSED)
    assert not outbox_decisions.may_go_again(row)
    with pytest.raises(CrowdError, match="not sent again"):
        outbox_decisions.send_again(command_id=row.pk, now=LATER)


@pytest.mark.parametrize("state", [State.PLANNED, State.SENDING, State.DONE, State.UNKNOWN, State.CANCELLED])
@pytest.mark.parametrize(
    "decide", [outbox_decisions.confirm_done, outbox_decisions.send_again, outbox_decisions.cancel]
)
def test_only_what_waits_for_a_person_is_decided_by_one(state, decide):
    row = command(state=state)
    with pytest.raises(CrowdError):
        decide(command_id=row.pk, now=LATER)
    row.refresh_from_db()
    assert row.state == state
