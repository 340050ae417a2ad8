"""A bonus is paid once, whatever breaks between the two calls that it takes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crowd.emulators.prolific import money
from crowd.errors import CrowdError, Invalid, NeedsPerson, OutOfFunds, StillRunning, Throttled, Unknown
from crowd.models import Assignment, Bonus, Worker
from crowd.models.worker import digest_of
from crowd.platforms.base import BonusSpec
from crowd.platforms.prolific import bonuses
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(account, study, there) -> Bonus:
    """A planned bonus of 1.50 on a page that was handed in."""
    page = there.sends(study)
    worker = Worker.objects.create(account=account, ext_id=page.participant, ext_digest=digest_of(page.participant))
    batch = market.batch(at=account)
    ours = Assignment.objects.create(
        account=account,
        ext_id=page.id,
        ext_digest=digest_of(page.id),
        batch=batch,
        project_id=batch.project_id,
        worker=worker,
        state=Assignment.State.ACCEPTED,
        issued_at=NOON,
        lease_until=NOON,
    )
    return Bonus.objects.create(
        account=account, worker=worker, project_id=7, assignment_id=ours.pk, key="thanks", amount_micro=1_500_000
    )


@pytest.fixture
def bonus(row):
    page = Assignment.objects.get(pk=row.assignment_id)
    planned = BonusSpec(row.key, row.worker.ext_id, page.ext_id, row.amount_micro, "")

    def spec(*, again: bool = False) -> BonusSpec:
        return replace(planned, again=again)

    return spec


def later(monkeypatch, minutes: float) -> None:
    now = bonuses.database_now()
    monkeypatch.setattr(bonuses, "database_now", lambda: now + timedelta(minutes=minutes))


def test_a_bonus_arrives_in_the_right_unit(adapter, account, bonus, there):
    adapter.pay_bonus(account, bonus())
    assert there.books()["bonuses"] == 150
    (one,) = there.market.submissions[bonus().assignment_ext_id].bonuses
    assert one[1] == 150


def test_a_crash_before_anything_was_sent_is_simply_repeated(adapter, account, bonus, there):
    adapter.pay_bonus(account, bonus(again=True))
    assert there.books()["bonuses"] == 150


def test_a_lost_answer_to_the_first_call_pays_nothing_yet(adapter, account, bonus, there):
    there.trouble.switch("drop_reply", path="/submissions/bonus-payments/")
    with pytest.raises(Unknown):
        adapter.pay_bonus(account, bonus())
    assert there.books()["bonuses"] == 0
    adapter.pay_bonus(account, bonus(again=True))
    assert there.books()["bonuses"] == 150


def test_a_lost_answer_to_the_payment_is_read_back_and_not_paid_again(adapter, account, bonus, there):
    there.trouble.switch("drop_reply", path="/pay/")
    with pytest.raises(Unknown):
        adapter.pay_bonus(account, bonus())
    found = adapter.pay_bonus(account, bonus(again=True))
    assert found == f"{bonus().assignment_ext_id}:0"
    assert (there.books()["bonuses"], there.posts("/pay/")) == (150, 1)


def test_while_it_may_be_on_its_way_nobody_pays_and_nobody_is_asked(adapter, account, bonus, there):
    there.market.bonus_delay = timedelta(hours=1)
    there.trouble.switch("drop_reply", path="/pay/")
    with pytest.raises(Unknown):
        adapter.pay_bonus(account, bonus())
    with pytest.raises(StillRunning):
        adapter.pay_bonus(account, bonus(again=True))
    assert (there.books()["bonuses"], there.posts("/pay/")) == (150, 1)


def test_a_payment_that_does_not_show_is_a_persons_to_decide_once(adapter, account, bonus, there, monkeypatch):
    there.trouble.switch("error_500", path="/pay/")
    with pytest.raises(Unknown):
        adapter.pay_bonus(account, bonus())
    later(monkeypatch, 16)
    with pytest.raises(NeedsPerson, match=r"shows no bonus of 1\.50 on submission"):
        adapter.pay_bonus(account, bonus(again=True))
    assert (there.books()["bonuses"], there.posts("/pay/")) == (0, 1)
    adapter.pay_bonus(account, bonus(again=True))
    assert (there.books()["bonuses"], there.posts("/pay/")) == (150, 2)


def test_a_person_who_sends_it_again_too_soon_does_no_harm(adapter, account, bonus, there, monkeypatch):
    there.market.bonus_delay = timedelta(minutes=20)
    there.trouble.switch("drop_reply", path="/pay/")
    with pytest.raises(Unknown):
        adapter.pay_bonus(account, bonus())
    later(monkeypatch, 16)
    with pytest.raises(NeedsPerson):
        adapter.pay_bonus(account, bonus(again=True))
    there.market.clock.advance(timedelta(minutes=21))
    adapter.pay_bonus(account, bonus(again=True))
    assert there.books()["bonuses"] == 150


def test_an_earlier_bonus_of_the_same_amount_is_not_taken_for_this_one(adapter, account, bonus, there, row):
    Bonus.objects.create(
        account=account,
        worker=row.worker,
        project_id=7,
        assignment_id=row.assignment_id,
        key="before",
        amount_micro=1_500_000,
        state=Bonus.State.PAID,
        remote_id="x",
    )
    there.market.submissions[bonus().assignment_ext_id].bonuses.append((NOON, 150))
    there.trouble.switch("error_500", path="/pay/")
    with pytest.raises(Unknown):
        adapter.pay_bonus(account, bonus())
    with pytest.raises(StillRunning):
        adapter.pay_bonus(account, bonus(again=True))


def test_a_refused_payment_may_be_tried_again_at_once(adapter, account, bonus, there, row):
    there.trouble.switch("throttle", path="/pay/")
    left = there.books()["available"]
    for error in (Throttled, OutOfFunds):
        with pytest.raises(error):
            adapter.pay_bonus(account, bonus())
        row.refresh_from_db()
        assert row.remote_id == ""
        there.workspace.deposit -= left
    there.workspace.deposit += 2 * left
    adapter.pay_bonus(account, bonus(again=True))
    assert there.books()["bonuses"] == 150


def test_a_bonus_the_platform_understood_otherwise_is_not_paid(adapter, account, bonus, there, monkeypatch):
    def hundredfold(_market, study, line):
        who, _, text = line.partition(",")
        return who, int(float(text) * 10_000)

    monkeypatch.setattr(money, "_bonus", hundredfold)
    with pytest.raises(Invalid, match=r"understood 15000 cents where 1\.50 was meant"):
        adapter.pay_bonus(account, bonus())
    assert there.books()["bonuses"] == 0


CANNOT_BE = {
    "belongs to a submission": {"assignment_ext_id": ""},
    "is not of worker somebody else": {"worker_ext_id": "somebody else"},
    "whole cents": {"amount_micro": 5_000},
}


@pytest.mark.parametrize("words", CANNOT_BE)
def test_a_bonus_that_cannot_be_is_refused_before_anything_is_sent(words, adapter, account, bonus, there):
    with pytest.raises(CrowdError, match=words):
        adapter.pay_bonus(account, replace(bonus(), **CANNOT_BE[words]))
    assert there.posts("bonus") == 0
