"""Money: fees, what is on hold, bonuses, and an account that runs dry."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd.emulators.mturk.money import MASTERS, amount, assignment_fee, bonus_fee, fee_percent, read_amount
from crowd.money import plain
from tests.emulators.mturk.turk import MORNING, Turk


@pytest.mark.parametrize(
    ("reward", "assignments", "fee", "total"),
    [("0.01", 9, "0.01", "0.02"), ("0.10", 9, "0.02", "0.12"), ("0.10", 10, "0.04", "0.14")],
)
def test_the_published_fee_table(turk: Turk, reward: str, assignments: int, fee: str, total: str) -> None:
    turk.approve(turk.submit(turk.hit(Reward=reward, MaxAssignments=assignments)))
    books = turk.books()
    assert (books["reward_usd"], books["fee_usd"], books["paid_usd"]) == (reward, fee, total)


def test_masters_cost_five_points_more() -> None:
    assert fee_percent(9) == 20
    assert fee_percent(10) == 40
    assert fee_percent(10, [MASTERS]) == 45


@given(st.integers(0, 10**9), st.sampled_from([20, 25, 40, 45]))
def test_a_fee_is_its_share_to_the_micro_dollar_and_a_cent_at_least(cents: int, percent: int) -> None:
    fee = assignment_fee(cents * 10_000, percent)
    assert fee == max(Fraction(10_000), Fraction(cents * 10_000 * percent, 100))


@given(st.integers(0, 10**9))
def test_amounts_go_out_and_come_back(cents: int) -> None:
    assert read_amount(amount(cents * 10_000)) == cents * 10_000


@given(st.integers(1, 10**9))
def test_a_bonus_costs_a_fifth_more(cents: int) -> None:
    assert bonus_fee(cents * 10_000) * 5 == cents * 10_000


def test_a_fraction_of_a_cent_is_kept_in_the_books_and_not_shown_in_the_balance(turk: Turk) -> None:
    turk.approve(turk.submit(turk.hit(Reward="0.07", MaxAssignments=1)))
    assert turk.books()["available_usd"] == "999.916"
    assert turk.client.get_account_balance()["AvailableBalance"] == "999.91"


def test_a_published_hit_holds_its_money_and_gives_back_what_was_not_used(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=5, LifetimeInSeconds=600)
    assert turk.client.get_account_balance()["OnHoldBalance"] == "0.60"
    turk.approve(turk.submit(hit))
    turk.reject(turk.submit(hit))
    turk.submit(hit)
    assert turk.client.get_account_balance()["OnHoldBalance"] == "0.36"
    turk.later(minutes=10)
    balance = turk.client.get_account_balance()
    assert (balance["AvailableBalance"], balance["OnHoldBalance"]) == ("999.76", "0.12")


def test_a_hit_that_cannot_be_paid_is_not_published(turk: Turk) -> None:
    with pytest.raises(turk.client.exceptions.RequestError) as caught:
        turk.hit(Reward="300", MaxAssignments=3)
    assert caught.value.response["TurkErrorCode"] == "AWS.MechanicalTurk.InsufficientFunds"
    turk.door("POST", "balance", deposit_usd="80")
    turk.hit(Reward="300", MaxAssignments=3)
    assert turk.client.get_account_balance()["AvailableBalance"] == "0.00"


def test_what_makes_a_hit_dearer_needs_funds_too(turk: Turk) -> None:
    hit = turk.hit(Reward="200", MaxAssignments=3)
    one = {"HITId": hit["HITId"]}
    more = turk.error("create_additional_assignments_for_hit", NumberOfAdditionalAssignments=2, **one)
    dearer = turk.client.create_hit_type(
        Title="Dear", Description="Dear", Reward="300", AssignmentDurationInSeconds=60
    )["HITTypeId"]
    assert (more, turk.error("update_hit_type_of_hit", HITTypeId=dearer, **one)) == ("InsufficientFunds",) * 2
    assert turk.client.get_hit(**one)["HIT"] == hit


def test_a_hit_that_has_ended_is_not_opened_again_without_funds(turk: Turk) -> None:
    hit = turk.hit(Reward="200", MaxAssignments=3, LifetimeInSeconds=60)
    turk.later(minutes=1)
    turk.hit(Reward="300", MaxAssignments=2)
    ended, later = turk.client.get_hit(HITId=hit["HITId"])["HIT"], MORNING + timedelta(days=1)
    assert turk.error("update_expiration_for_hit", HITId=hit["HITId"], ExpireAt=later) == "InsufficientFunds"
    assert turk.client.get_hit(HITId=hit["HITId"])["HIT"] == ended


def test_a_bonus_is_paid_with_a_fifth_on_top_and_listed(turk: Turk) -> None:
    hit, wanda = turk.hit(), turk.worker("AWANDA")
    work = turk.submit(hit, wanda)
    turk.client.send_bonus(WorkerId=wanda, AssignmentId=work, BonusAmount="2.5", Reason="All boxes right")
    books = turk.books()
    assert (books["bonus_usd"], books["bonus_fee_usd"]) == ("2.50", "0.50")
    [paid] = turk.client.list_bonus_payments(HITId=hit["HITId"])["BonusPayments"]
    assert (paid["WorkerId"], paid["BonusAmount"], paid["Reason"]) == (wanda, "2.50", "All boxes right")
    assert turk.client.list_bonus_payments(AssignmentId=work)["NumResults"] == 1
    assert turk.door("GET", f"workers/{wanda}/messages")["messages"][0]["text"] == "All boxes right"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"BonusAmount": "0.00"}, "InvalidParameterValue"),
        ({"BonusAmount": "0.001"}, "InvalidParameterValue"),
        ({"Reason": ""}, "InvalidParameterValue"),
        ({"WorkerId": "ASOMEBODY"}, "InvalidParameterValue"),
        ({"AssignmentId": "3NOTHING"}, "AssignmentDoesNotExist"),
        ({"BonusAmount": "900"}, "InsufficientFunds"),
    ],
)
def test_a_bonus_that_cannot_be_is_refused_and_nothing_is_paid(turk: Turk, changes: dict[str, str], code: str) -> None:
    work = turk.submit(turk.hit(), turk.worker("AWANDA"))
    good = {"WorkerId": "AWANDA", "AssignmentId": work, "BonusAmount": "1", "Reason": "Good"}
    assert turk.error("send_bonus", **(good | changes)) == code
    assert turk.books()["bonus_usd"] == "0.00"


def test_a_list_of_bonuses_needs_a_hit_or_an_assignment(turk: Turk) -> None:
    assert turk.error("list_bonus_payments") == "InvalidParameterValue"
    assert turk.error("list_bonus_payments", HITId="3NOTHING") == "HITDoesNotExist"


def test_every_movement_is_a_line_and_the_lines_add_up(turk: Turk) -> None:
    hit, wanda = turk.hit(MaxAssignments=1), turk.worker("AWANDA")
    work = turk.submit(hit, wanda)
    turk.approve(work)
    turk.client.send_bonus(WorkerId=wanda, AssignmentId=work, BonusAmount="1", Reason="Good")
    lines = turk.books()["lines"]
    assert [(line["kind"], line["usd"]) for line in lines] == [
        ("deposit", "1000.00"),
        ("hold", "0.12"),
        ("reward", "0.10"),
        ("fee", "0.02"),
        ("bonus", "1.00"),
        ("bonus_fee", "0.20"),
    ]
    assert {line["worker_id"] for line in lines[2:]} == {wanda}
    assert turk.books()["available_usd"] == plain(998_680_000)
