"""UniqueRequestToken: safe to repeat for a day, and not a minute longer."""

import pytest

from tests.emulators.mturk.turk import EXTERNAL, Turk


def test_a_repeated_create_within_a_day_is_refused_and_names_the_first_hit(turk: Turk) -> None:
    first = turk.hit(UniqueRequestToken="batch-1")
    turk.later(hours=23)
    with pytest.raises(turk.client.exceptions.RequestError) as caught:
        turk.hit(UniqueRequestToken="batch-1")
    assert caught.value.response["TurkErrorCode"].casefold() == "aws.mechanicalturk.hitalreadyexists"
    assert first["HITId"] in caught.value.response["Error"]["Message"]
    assert len(turk.client.list_hits()["HITs"]) == 1


def test_a_token_is_forgotten_after_a_day_and_the_repeat_makes_a_second_hit(turk: Turk) -> None:
    first = turk.hit(UniqueRequestToken="batch-1")
    turk.later(hours=25)
    assert turk.hit(UniqueRequestToken="batch-1")["HITId"] != first["HITId"]


def test_both_ways_to_create_a_hit_share_their_tokens(turk: Turk) -> None:
    hit = turk.hit(UniqueRequestToken="batch-1")
    again = {"HITTypeId": hit["HITTypeId"], "LifetimeInSeconds": 60, "Question": EXTERNAL}
    assert turk.error("create_hit_with_hit_type", UniqueRequestToken="batch-1", **again) == "HitAlreadyExists"


def test_a_create_that_failed_has_not_used_its_token(turk: Turk) -> None:
    with pytest.raises(turk.client.exceptions.RequestError):
        turk.hit(UniqueRequestToken="batch-1", Reward="9000")
    turk.hit(UniqueRequestToken="batch-1")


def test_a_repeated_bonus_is_paid_once_within_a_day_and_twice_after_it(turk: Turk) -> None:
    work = turk.submit(turk.hit(), turk.worker("AWANDA"))
    bonus = {"WorkerId": "AWANDA", "AssignmentId": work, "BonusAmount": "1", "Reason": "Good"}
    turk.client.send_bonus(UniqueRequestToken="bonus-1", **bonus)
    turk.later(hours=23)
    assert turk.error("send_bonus", UniqueRequestToken="bonus-1", **bonus) == "DuplicateRequest"
    assert turk.books()["bonus_usd"] == "1.00"
    turk.later(hours=2)
    turk.client.send_bonus(UniqueRequestToken="bonus-1", **bonus)
    assert turk.books()["bonus_usd"] == "2.00"


def test_a_repeated_extension_extends_once(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=1)
    more = {"HITId": hit["HITId"], "NumberOfAdditionalAssignments": 2, "UniqueRequestToken": "more-1"}
    turk.client.create_additional_assignments_for_hit(**more)
    assert turk.error("create_additional_assignments_for_hit", **more) == "DuplicateRequest"
    assert turk.client.get_hit(HITId=hit["HITId"])["HIT"]["MaxAssignments"] == 3


def test_the_same_word_for_another_purpose_is_another_token(turk: Turk) -> None:
    hit = turk.hit(UniqueRequestToken="one", MaxAssignments=1)
    turk.client.create_additional_assignments_for_hit(
        HITId=hit["HITId"], NumberOfAdditionalAssignments=1, UniqueRequestToken="one"
    )
