"""HITs and their types: publishing, ending, extending, reviewing, deleting."""

from datetime import UTC, timedelta

import pytest

from tests.emulators.mturk.turk import EXTERNAL, MORNING, Turk, html

TYPE = {
    "Title": "Draw boxes around hands",
    "Description": "Twenty photos",
    "Reward": "0.10",
    "AssignmentDurationInSeconds": 1_800,
}


def test_a_new_hit_is_assignable_and_carries_everything_that_was_given(turk: Turk) -> None:
    hit = turk.hit(RequesterAnnotation="bat-7", Keywords="hands, boxes", AutoApprovalDelayInSeconds=3_600)
    assert turk.client.get_hit(HITId=hit["HITId"])["HIT"] == hit
    assert hit["HITStatus"] == "Assignable"
    assert hit["RequesterAnnotation"] == "bat-7"
    assert hit["Reward"] == "0.10"
    assert hit["Question"] == EXTERNAL
    assert hit["CreationTime"].astimezone(UTC) == MORNING
    assert hit["Expiration"] - hit["CreationTime"] == timedelta(days=7)
    assert hit["NumberOfAssignmentsAvailable"] == hit["MaxAssignments"] == 3


def test_a_hit_type_with_equal_values_is_the_same_type(turk: Turk) -> None:
    first = turk.client.create_hit_type(**TYPE)["HITTypeId"]
    assert turk.client.create_hit_type(**TYPE)["HITTypeId"] == first
    assert turk.hit()["HITTypeId"] == first
    assert turk.client.create_hit_type(**(TYPE | {"Reward": "0.11"}))["HITTypeId"] != first


def test_a_hit_of_a_type_that_was_made_before(turk: Turk) -> None:
    made = turk.client.create_hit_type(**TYPE)["HITTypeId"]
    hit = turk.client.create_hit_with_hit_type(HITTypeId=made, LifetimeInSeconds=60, Question=EXTERNAL)["HIT"]
    assert (hit["HITTypeId"], hit["MaxAssignments"], hit["Title"]) == (made, 1, TYPE["Title"])


def test_a_hit_becomes_unassignable_then_reviewable_as_its_places_are_taken_and_handed_in(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=2)
    turk.submit(hit)
    last = turk.accept(hit)["assignment_id"]
    seen = turk.client.get_hit(HITId=hit["HITId"])["HIT"]
    assert (seen["HITStatus"], seen["NumberOfAssignmentsPending"], seen["NumberOfAssignmentsAvailable"]) == (
        "Unassignable",
        1,
        0,
    )
    turk.door("POST", f"assignments/{last}/submit", answers={"label": "fist"})
    assert turk.status(hit) == "Reviewable"


def test_only_judged_assignments_count_as_completed(turk: Turk) -> None:
    hit = turk.hit()
    first, second = turk.submit(hit), turk.submit(hit)
    assert turk.client.get_hit(HITId=hit["HITId"])["HIT"]["NumberOfAssignmentsCompleted"] == 0
    turk.approve(first)
    turk.reject(second)
    assert turk.client.get_hit(HITId=hit["HITId"])["HIT"]["NumberOfAssignmentsCompleted"] == 2


def test_a_hit_ends_with_its_lifetime_but_waits_for_who_is_working_on_it(turk: Turk) -> None:
    hit = turk.hit(LifetimeInSeconds=600)
    turk.accept(hit)
    turk.later(seconds=600)
    assert turk.status(hit) == "Unassignable"
    turk.later(seconds=1_200)
    assert turk.status(hit) == "Reviewable"


def test_a_place_that_was_returned_or_abandoned_is_open_again(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=1)
    taken = turk.accept(hit)["assignment_id"]
    turk.door("POST", f"assignments/{taken}/return")
    assert turk.status(hit) == "Assignable"
    left = turk.accept(hit)["assignment_id"]
    turk.later(minutes=30)
    assert turk.status(hit) == "Assignable"
    assert turk.door("GET", f"assignments/{left}")["state"] == "Abandoned"
    assert turk.client.list_assignments_for_hit(HITId=hit["HITId"])["NumResults"] == 0


def test_an_expiration_in_the_past_ends_a_hit_at_once_and_a_later_one_opens_it_again(turk: Turk) -> None:
    hit = turk.hit()
    turk.client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=MORNING - timedelta(days=400))
    assert turk.status(hit) == "Reviewable"
    assert turk.refused("POST", f"workers/{turk.worker()}/accept", hit_id=hit["HITId"]) == (409, "InvalidHITState")
    turk.client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=MORNING + timedelta(days=1))
    assert turk.status(hit) == "Assignable"
    turk.later(days=1)
    assert turk.status(hit) == "Reviewable"


def test_a_hit_cannot_live_for_more_than_a_year(turk: Turk) -> None:
    hit = turk.hit()
    late = MORNING + timedelta(days=366)
    assert turk.error("update_expiration_for_hit", HITId=hit["HITId"], ExpireAt=late) == "InvalidParameterValue"


def test_a_hit_made_with_nine_assignments_stops_at_nine(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=8)
    more = {"HITId": hit["HITId"]}
    turk.client.create_additional_assignments_for_hit(NumberOfAdditionalAssignments=1, **more)
    assert (
        turk.error("create_additional_assignments_for_hit", NumberOfAdditionalAssignments=1, **more)
        == "InvalidMaximumAssignmentsIncrease"
    )
    assert turk.client.get_hit(**more)["HIT"]["MaxAssignments"] == 9


def test_a_hit_made_with_ten_assignments_can_grow(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=10)
    turk.client.create_additional_assignments_for_hit(HITId=hit["HITId"], NumberOfAdditionalAssignments=5)
    assert turk.client.get_hit(HITId=hit["HITId"])["HIT"]["MaxAssignments"] == 15


def test_extending_opens_a_reviewable_hit_again(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=1)
    turk.submit(hit)
    turk.client.update_hit_review_status(HITId=hit["HITId"])
    turk.client.create_additional_assignments_for_hit(HITId=hit["HITId"], NumberOfAdditionalAssignments=1)
    assert turk.status(hit) == "Assignable"
    turk.submit(hit)
    assert turk.status(hit) == "Reviewable"


def test_reviewing_goes_there_and_back_and_nowhere_else(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=1)
    assert turk.error("update_hit_review_status", HITId=hit["HITId"]) == "InvalidHITState"
    turk.submit(hit)
    turk.client.update_hit_review_status(HITId=hit["HITId"])
    assert turk.status(hit) == "Reviewing"
    assert [found["HITId"] for found in turk.client.list_reviewable_hits(Status="Reviewing")["HITs"]] == [hit["HITId"]]
    assert turk.client.list_reviewable_hits()["HITs"] == []
    turk.client.update_hit_review_status(HITId=hit["HITId"], Revert=True)
    assert turk.status(hit) == "Reviewable"


def test_reviewable_hits_of_one_type(turk: Turk) -> None:
    one, other = turk.hit(MaxAssignments=1), turk.hit(MaxAssignments=1, Title="Something else")
    turk.submit(one)
    turk.submit(other)
    found = turk.client.list_reviewable_hits(HITTypeId=other["HITTypeId"])["HITs"]
    assert [hit["HITId"] for hit in found] == [other["HITId"]]


def test_a_hit_is_deleted_only_when_it_is_reviewable_and_everything_is_judged(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=1)
    assert turk.error("delete_hit", HITId=hit["HITId"]) == "InvalidHITState"
    work = turk.submit(hit)
    assert turk.error("delete_hit", HITId=hit["HITId"]) == "InvalidHITState"
    turk.approve(work)
    turk.client.delete_hit(HITId=hit["HITId"])
    assert turk.status(hit) == "Disposed"
    assert turk.client.list_hits()["HITs"] == []
    assert turk.error("delete_hit", HITId=hit["HITId"]) == "InvalidHITState"


def test_nothing_about_a_deleted_hit_can_be_changed(turk: Turk) -> None:
    hit = turk.hit()
    turk.client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=MORNING)
    turk.client.delete_hit(HITId=hit["HITId"])
    one = {"HITId": hit["HITId"]}
    tomorrow = MORNING + timedelta(days=1)
    assert turk.error("update_expiration_for_hit", ExpireAt=tomorrow, **one) == "InvalidHITState"
    assert (
        turk.error("create_additional_assignments_for_hit", NumberOfAdditionalAssignments=1, **one) == "InvalidHITState"
    )
    assert turk.error("update_hit_type_of_hit", HITTypeId=hit["HITTypeId"], **one) == "InvalidHITState"


def test_a_hit_is_forgotten_120_days_after_it_became_reviewable(turk: Turk) -> None:
    hit = turk.hit(LifetimeInSeconds=60)
    turk.later(days=120)
    assert turk.status(hit) == "Reviewable"
    turk.later(minutes=1)
    assert turk.status(hit) == "Disposed"


def test_the_price_changes_by_moving_the_hit_to_another_type_and_only_for_what_comes(turk: Turk) -> None:
    hit = turk.hit()
    early = turk.submit(hit)
    dearer = turk.client.create_hit_type(**(TYPE | {"Reward": "0.50"}))["HITTypeId"]
    turk.client.update_hit_type_of_hit(HITId=hit["HITId"], HITTypeId=dearer)
    late = turk.submit(hit)
    turk.approve(early)
    turk.approve(late)
    paid = [line["usd"] for line in turk.books()["lines"] if line["kind"] == "reward"]
    assert paid == ["0.10", "0.50"]


def test_a_layout_is_filled_in_with_its_parameters(turk: Turk) -> None:
    layout = turk.door("POST", "layouts", html='<form><input name="${field}"></form>')["layout_id"]
    values = [{"Name": "field", "Value": "gesture<1>"}]
    made = turk.client.create_hit_with_hit_type(
        HITTypeId=turk.client.create_hit_type(**TYPE)["HITTypeId"],
        LifetimeInSeconds=60,
        HITLayoutId=layout,
        HITLayoutParameters=values,
    )["HIT"]
    assert made["HITLayoutId"] == layout
    assert "gesture" in made["Question"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Reward": "0.105"}, "InvalidParameterValue"),
        ({"Reward": "$1"}, "InvalidParameterValue"),
        ({"Reward": "1,00"}, "InvalidParameterValue"),
        ({"MaxAssignments": 0}, "InvalidParameterValue"),
        ({"LifetimeInSeconds": 29}, "InvalidParameterValue"),
        ({"AssignmentDurationInSeconds": 31_536_001}, "InvalidParameterValue"),
        ({"AutoApprovalDelayInSeconds": 2_592_001}, "InvalidParameterValue"),
        ({"Title": "x" * 129}, "InvalidParameterValue"),
        ({"Title": " "}, "InvalidParameterValue"),
        ({"Description": "x" * 2_001}, "InvalidParameterValue"),
        ({"Keywords": "x" * 1_001}, "InvalidParameterValue"),
        ({"RequesterAnnotation": "x" * 256}, "InvalidParameterValue"),
        ({"UniqueRequestToken": "x" * 65}, "InvalidParameterValue"),
        ({"HITLayoutId": "3ABC"}, "InvalidParameterValue"),
        ({"Question": EXTERNAL + " " * 65_536}, "InvalidParameterValue"),
        ({"Question": "no xml"}, "XMLParseError"),
        ({"Question": "<ExternalQuestion/>"}, "XMLParseError"),
        ({"Question": EXTERNAL.replace("https", "http")}, "XMLParseError"),
        ({"Question": EXTERNAL.replace("<FrameHeight>0</FrameHeight>", "")}, "XMLParseError"),
        ({"Question": f"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>{EXTERNAL}"}, "XMLParseError"),
        ({"Question": html("").replace("<!DOCTYPE html>", "")}, "XMLParseError"),
        (
            {"AssignmentReviewPolicy": {"PolicyName": "SimplePlurality/2011-09-01", "Parameters": []}},
            "InvalidParameterValue",
        ),
    ],
)
def test_a_hit_that_the_service_would_not_take_is_refused_and_nothing_is_made(
    turk: Turk, changes: dict[str, object], code: str
) -> None:
    with pytest.raises(turk.client.exceptions.RequestError) as caught:
        turk.hit(**changes)
    assert caught.value.response["TurkErrorCode"] == f"AWS.MechanicalTurk.{code}"
    assert turk.client.list_hits()["HITs"] == []
    assert turk.client.get_account_balance()["OnHoldBalance"] == "0.00"


def test_unknown_ids_are_named(turk: Turk) -> None:
    assert turk.error("get_hit", HITId="3NOTHING") == "HITDoesNotExist"
    made = {"LifetimeInSeconds": 60, "Question": EXTERNAL}
    assert turk.error("create_hit_with_hit_type", HITTypeId="3NOTHING", **made) == "HITTypeDoesNotExist"
    layout = {"LifetimeInSeconds": 60, "HITTypeId": turk.hit()["HITTypeId"], "HITLayoutId": "3NOTHING"}
    assert turk.error("create_hit_with_hit_type", **layout) == "HITLayoutDoesNotExist"
