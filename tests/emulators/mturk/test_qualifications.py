"""Qualifications: tests and their grading, requests, values, and who may take which HIT."""

from typing import Any

import pytest

from tests.emulators.mturk.turk import Turk, answer_key, form

APPROVED = "000000000000000000L0"
COUNT = "00000000000000000040"
LOCALE = "00000000000000000071"
ADULT = "00000000000000000060"
MASTERS = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"
PERCENT = (
    "<QualificationValueMapping><PercentageMapping><MaximumSummedScore>3</MaximumSummedScore></PercentageMapping>"
    "</QualificationValueMapping>"
)
SCALE = (
    "<QualificationValueMapping><ScaleMapping><SummedScoreMultiplier>1.5</SummedScoreMultiplier></ScaleMapping>"
    "</QualificationValueMapping>"
)
RANGE = (
    "<QualificationValueMapping><RangeMapping><SummedScoreRange><InclusiveLowerBound>2</InclusiveLowerBound>"
    "<InclusiveUpperBound>3</InclusiveUpperBound><QualificationValue>70</QualificationValue></SummedScoreRange>"
    "<OutOfRangeQualificationValue>5</OutOfRangeQualificationValue></RangeMapping></QualificationValueMapping>"
)
EXAM = form(sign=("fist", "palm"), hands=("left", "right", "both"), why=())
KEY = answer_key(sign={"fist": 2}, hands={"left+right": 1})


def make(turk: Turk, **changes: Any) -> str:
    wanted = {"Name": "Hands: exam", "Description": "Knows the signs", "QualificationTypeStatus": "Active"}
    return turk.client.create_qualification_type(**(wanted | changes))["QualificationType"]["QualificationTypeId"]


def exam(turk: Turk, mapping: str = "", **changes: Any) -> str:
    key = KEY.replace("</AnswerKey>", f"{mapping}</AnswerKey>")
    return make(turk, Test=EXAM, AnswerKey=key, TestDurationInSeconds=600, **changes)


def sit(turk: Turk, type_id: str, worker: str, **answers: Any) -> dict[str, Any]:
    return turk.door("POST", f"workers/{worker}/qualifications", qualification_type_id=type_id, answers=answers)


def score(turk: Turk, type_id: str, worker: str) -> int:
    asked = {"QualificationTypeId": type_id, "WorkerId": worker}
    return turk.client.get_qualification_score(**asked)["Qualification"]["IntegerValue"]


@pytest.mark.parametrize(
    ("mapping", "answers", "value"),
    [
        ("", {"sign": "fist", "hands": ["left", "right"]}, 3),
        ("", {"sign": "fist", "hands": ["left"]}, 2),
        ("", {"sign": "palm"}, 0),
        (PERCENT, {"sign": "fist"}, 67),
        (SCALE, {"sign": "fist", "hands": ["right", "left"]}, 5),
        (RANGE, {"sign": "fist"}, 70),
        (RANGE, {"hands": ["left", "right"]}, 5),
    ],
)
def test_a_test_is_graded_by_its_key(turk: Turk, mapping: str, answers: dict[str, Any], value: int) -> None:
    type_id, wanda = exam(turk, mapping), turk.worker("AWANDA")
    assert sit(turk, type_id, wanda, **answers)["state"] == "Granted"
    assert score(turk, type_id, wanda) == value
    assert turk.client.list_qualification_requests()["QualificationRequests"] == []


def test_a_test_without_a_key_waits_for_the_requester(turk: Turk) -> None:
    type_id, wanda = make(turk, Test=EXAM, TestDurationInSeconds=600), turk.worker("AWANDA")
    sit(turk, type_id, wanda, sign="palm", why="because")
    [asked] = turk.client.list_qualification_requests(QualificationTypeId=type_id)["QualificationRequests"]
    assert (asked["WorkerId"], asked["Test"]) == (wanda, EXAM)
    assert "<SelectionIdentifier>palm</SelectionIdentifier>" in asked["Answer"]
    assert "<FreeText>because</FreeText>" in asked["Answer"]
    turk.client.accept_qualification_request(QualificationRequestId=asked["QualificationRequestId"], IntegerValue=80)
    assert score(turk, type_id, wanda) == 80
    again = {"QualificationRequestId": asked["QualificationRequestId"]}
    assert turk.error("accept_qualification_request", **again) == "InvalidQualificationRequestState"


def test_a_test_handed_in_too_late_counts_for_nothing(turk: Turk) -> None:
    type_id, wanda = exam(turk), turk.worker("AWANDA")
    asked = turk.door("POST", f"workers/{wanda}/qualifications", qualification_type_id=type_id)
    assert asked["state"] == "Open"
    turk.later(seconds=601)
    late = f"qualification-requests/{asked['qualification_request_id']}/answers"
    assert turk.refused("POST", late, answers={"sign": "fist"}) == (409, "InvalidQualificationRequestState")
    asked_for = {"QualificationTypeId": type_id, "WorkerId": wanda}
    assert turk.error("get_qualification_score", **asked_for) == "QualificationDoesNotExist"


def test_a_rejected_request_grants_nothing_and_tells_the_worker_why(turk: Turk) -> None:
    type_id, wanda = make(turk), turk.worker("AWANDA")
    asked = turk.door("POST", f"workers/{wanda}/qualifications", qualification_type_id=type_id)
    request_id = asked["qualification_request_id"]
    turk.client.reject_qualification_request(QualificationRequestId=request_id, Reason="Not now")
    assert turk.door("GET", f"workers/{wanda}/messages")["messages"][0]["text"] == "Not now"
    assert turk.client.list_workers_with_qualification_type(QualificationTypeId=type_id)["NumResults"] == 0
    assert (
        turk.error("reject_qualification_request", QualificationRequestId="3NO") == "QualificationRequestDoesNotExist"
    )


def test_an_automatic_qualification_is_granted_at_once(turk: Turk) -> None:
    type_id, wanda = make(turk, AutoGranted=True, AutoGrantedValue=50), turk.worker("AWANDA")
    turk.door("POST", f"workers/{wanda}/qualifications", qualification_type_id=type_id)
    assert score(turk, type_id, wanda) == 50


def test_without_a_retry_delay_a_worker_can_ask_once(turk: Turk) -> None:
    type_id, wanda = exam(turk), turk.worker("AWANDA")
    sit(turk, type_id, wanda, sign="palm")
    turk.later(days=300)
    again = ("POST", f"workers/{wanda}/qualifications")
    assert turk.refused(*again, qualification_type_id=type_id) == (409, "QualificationTypeDoesNotAllowRetake")


def test_with_a_retry_delay_a_worker_can_ask_again_after_it(turk: Turk) -> None:
    type_id, wanda = exam(turk, RetryDelayInSeconds=3_600), turk.worker("AWANDA")
    sit(turk, type_id, wanda, sign="palm")
    again = ("POST", f"workers/{wanda}/qualifications")
    assert turk.refused(*again, qualification_type_id=type_id) == (409, "QualificationTypeRetryDelayNotElapsed")
    turk.later(hours=1)
    sit(turk, type_id, wanda, sign="fist")
    assert score(turk, type_id, wanda) == 2


def test_a_value_is_given_changed_and_taken_away(turk: Turk) -> None:
    type_id, wanda = make(turk), turk.worker("AWANDA")
    one = {"QualificationTypeId": type_id, "WorkerId": wanda}
    turk.client.associate_qualification_with_worker(IntegerValue=40, **one)
    turk.client.associate_qualification_with_worker(IntegerValue=90, SendNotification=False, **one)
    assert score(turk, type_id, wanda) == 90
    assert len(turk.door("GET", f"workers/{wanda}/messages")["messages"]) == 1
    turk.client.disassociate_qualification_from_worker(Reason="Too slow", **one)
    assert turk.error("get_qualification_score", **one) == "InvalidQualificationState"
    revoked = turk.client.list_workers_with_qualification_type(QualificationTypeId=type_id, Status="Revoked")
    assert [found["WorkerId"] for found in revoked["Qualifications"]] == [wanda]
    assert turk.client.list_workers_with_qualification_type(QualificationTypeId=type_id)["Qualifications"] == []


def test_nobody_else_may_give_what_belongs_to_the_service(turk: Turk) -> None:
    wanda = turk.worker("AWANDA")
    one = {"QualificationTypeId": MASTERS, "WorkerId": wanda}
    assert turk.error("associate_qualification_with_worker", **one) == "PermissionDeniedException"
    assert turk.error("get_qualification_score", **one) == "PermissionDeniedException"
    assert turk.error("delete_qualification_type", QualificationTypeId=MASTERS) == "PermissionDeniedException"
    changed = {"QualificationTypeId": MASTERS, "Description": "Mine"}
    assert turk.error("update_qualification_type", **changed) == "PermissionDeniedException"
    assert turk.client.get_qualification_type(QualificationTypeId=MASTERS)["QualificationType"]["Name"] == "Masters"


def test_a_worker_nobody_knows_gets_nothing(turk: Turk) -> None:
    one = {"QualificationTypeId": make(turk), "WorkerId": "ASTRANGER"}
    assert turk.error("associate_qualification_with_worker", **one) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Name": ""}, "InvalidParameterValue"),
        ({"Test": EXAM}, "InvalidParameterValue"),
        ({"AnswerKey": KEY}, "InvalidParameterValue"),
        ({"Test": EXAM, "TestDurationInSeconds": 600, "AutoGranted": True}, "InvalidParameterValue"),
        ({"AutoGrantedValue": 5}, "InvalidParameterValue"),
        ({"Test": "<QuestionForm/>", "TestDurationInSeconds": 600}, "XMLParseError"),
        ({"Test": EXAM, "TestDurationInSeconds": 600, "AnswerKey": "<AnswerKey/>"}, "XMLParseError"),
        (
            {"Test": form(a=("x",)).replace("SelectionAnswer", "FileUploadAnswer"), "TestDurationInSeconds": 600},
            "XMLParseError",
        ),
    ],
)
def test_a_type_that_makes_no_sense_is_refused(turk: Turk, changes: dict[str, Any], code: str) -> None:
    wanted = {"Name": "Hands", "Description": "d", "QualificationTypeStatus": "Active"}
    assert turk.error("create_qualification_type", **(wanted | changes)) == code


def test_a_name_is_taken_until_two_days_after_its_type_was_deleted(turk: Turk) -> None:
    first = make(turk)
    again = {"Name": "Hands: exam", "Description": "d", "QualificationTypeStatus": "Active"}
    assert turk.error("create_qualification_type", **again) == "QualificationTypeAlreadyExists"
    turk.client.delete_qualification_type(QualificationTypeId=first)
    assert turk.error("create_qualification_type", **again) == "QualificationTypeAlreadyExists"
    turk.later(hours=48)
    assert turk.client.create_qualification_type(**again)["QualificationType"]["QualificationTypeId"] != first


def test_deleting_a_type_takes_its_hit_types_and_requests_with_it(turk: Turk) -> None:
    type_id, wanda = make(turk), turk.worker("AWANDA")
    needed = [{"QualificationTypeId": type_id, "Comparator": "Exists"}]
    hit = turk.hit(QualificationRequirements=needed)
    turk.door("POST", f"workers/{wanda}/qualifications", qualification_type_id=type_id)
    turk.client.delete_qualification_type(QualificationTypeId=type_id)
    assert turk.client.list_qualification_requests()["NumResults"] == 0
    assert turk.error("get_qualification_type", QualificationTypeId=type_id) == "InvalidQualificationTypeState"
    new = {"HITTypeId": hit["HITTypeId"], "LifetimeInSeconds": 60, "Question": hit["Question"]}
    assert turk.error("create_hit_with_hit_type", **new) == "HITTypeDoesNotExist"
    assert turk.status(hit) == "Assignable"


def test_an_update_changes_what_is_given(turk: Turk) -> None:
    type_id = exam(turk)
    changed = turk.client.update_qualification_type(
        QualificationTypeId=type_id, Description="New", QualificationTypeStatus="Inactive", RetryDelayInSeconds=60
    )["QualificationType"]
    assert (changed["Description"], changed["QualificationTypeStatus"]) == ("New", "Inactive")
    assert changed["AnswerKey"] == KEY
    retested = turk.client.update_qualification_type(QualificationTypeId=type_id, Test=EXAM, TestDurationInSeconds=60)
    assert "AnswerKey" not in retested["QualificationType"]
    auto = {"QualificationTypeId": type_id, "AutoGranted": True}
    assert turk.error("update_qualification_type", **auto) == "InvalidParameterValue"


def test_types_are_found_by_words_and_by_owner(turk: Turk) -> None:
    own = make(turk, Keywords="gestures, signs")
    listed = turk.client.list_qualification_types
    assert [found["QualificationTypeId"] for found in listed(MustBeRequestable=True)["QualificationTypes"]] == [own]
    assert listed(MustBeRequestable=False, Query="SIGNS hands")["NumResults"] == 1
    everything = {found["QualificationTypeId"] for found in listed(MustBeRequestable=False)["QualificationTypes"]}
    assert everything == {own, APPROVED, COUNT, LOCALE, ADULT, MASTERS}
    assert listed(MustBeRequestable=False, MustBeOwnedByCaller=True)["NumResults"] == 1


def test_the_hits_that_need_a_qualification(turk: Turk) -> None:
    type_id = make(turk)
    turk.hit()
    hit = turk.hit(QualificationRequirements=[{"QualificationTypeId": type_id, "Comparator": "DoesNotExist"}])
    found = turk.client.list_hits_for_qualification_type(QualificationTypeId=type_id)["HITs"]
    assert [one["HITId"] for one in found] == [hit["HITId"]]


@pytest.mark.parametrize(
    ("requirement", "meets"),
    [
        ({"Comparator": "Exists"}, True),
        ({"Comparator": "DoesNotExist"}, False),
        ({"Comparator": "GreaterThanOrEqualTo", "IntegerValues": [70]}, True),
        ({"Comparator": "GreaterThan", "IntegerValues": [70]}, False),
        ({"Comparator": "LessThan", "IntegerValues": [70]}, False),
        ({"Comparator": "LessThanOrEqualTo", "IntegerValues": [70]}, True),
        ({"Comparator": "EqualTo", "IntegerValues": [70]}, True),
        ({"Comparator": "NotEqualTo", "IntegerValues": [70]}, False),
        ({"Comparator": "In", "IntegerValues": [1, 70]}, True),
        ({"Comparator": "NotIn", "IntegerValues": [1, 70]}, False),
        ({"QualificationTypeId": APPROVED, "Comparator": "GreaterThan", "IntegerValues": [95]}, False),
        ({"QualificationTypeId": COUNT, "Comparator": "GreaterThan", "IntegerValues": [89]}, True),
        ({"QualificationTypeId": ADULT, "Comparator": "EqualTo", "IntegerValues": [1]}, False),
        ({"QualificationTypeId": MASTERS, "Comparator": "Exists"}, False),
        ({"QualificationTypeId": LOCALE, "Comparator": "EqualTo", "LocaleValues": [{"Country": "US"}]}, True),
        (
            {
                "QualificationTypeId": LOCALE,
                "Comparator": "In",
                "LocaleValues": [{"Country": "DE"}, {"Country": "US", "Subdivision": "NY"}],
            },
            False,
        ),
        ({"QualificationTypeId": LOCALE, "Comparator": "NotIn", "LocaleValues": [{"Country": "DE"}]}, True),
    ],
)
def test_who_may_take_a_hit(turk: Turk, requirement: dict[str, Any], meets: bool) -> None:
    type_id = make(turk)
    wanda = turk.worker("AWANDA", country="US", subdivision="WA", approved=90, rejected=10, adult=False)
    given = {"QualificationTypeId": type_id, "WorkerId": wanda, "IntegerValue": 70}
    turk.client.associate_qualification_with_worker(**given)
    turk.hit(QualificationRequirements=[{"QualificationTypeId": type_id} | requirement])
    [offer] = turk.door("GET", f"workers/{wanda}/hits")["hits"]
    assert offer["accept"] is meets


def test_a_worker_without_the_qualification_meets_only_its_absence(turk: Turk) -> None:
    type_id, wanda = make(turk), turk.worker("AWANDA")
    for comparator, values in (("NotEqualTo", [5]), ("NotIn", [5]), ("LessThan", [5]), ("Exists", [])):
        needed = {"QualificationTypeId": type_id, "Comparator": comparator, "IntegerValues": values}
        turk.hit(QualificationRequirements=[{key: value for key, value in needed.items() if value != []}])
    absent = turk.hit(QualificationRequirements=[{"QualificationTypeId": type_id, "Comparator": "DoesNotExist"}])
    offers = turk.door("GET", f"workers/{wanda}/hits")["hits"]
    assert [offer["hit_id"] for offer in offers if offer["accept"]] == [absent["HITId"]]


@pytest.mark.parametrize(
    ("guarded", "sees", "previews"),
    [("Accept", True, True), ("PreviewAndAccept", True, False), ("DiscoverPreviewAndAccept", False, False)],
)
def test_what_a_requirement_guards(turk: Turk, guarded: str, sees: bool, previews: bool) -> None:
    wanda = turk.worker("AWANDA")
    needed = {"QualificationTypeId": make(turk), "Comparator": "Exists", "ActionsGuarded": guarded}
    hit = turk.hit(QualificationRequirements=[needed])
    assert bool(turk.door("GET", f"workers/{wanda}/hits")["hits"]) is sees
    look = turk.http.post(f"{turk.emulator.url}/_emulator/workers/{wanda}/preview", json={"hit_id": hit["HITId"]})
    assert (look.status_code == 200) is previews
    assert turk.refused("POST", f"workers/{wanda}/accept", hit_id=hit["HITId"]) == (409, "DoesNotMeetRequirements")


@pytest.mark.parametrize(
    "requirements",
    [
        [{"QualificationTypeId": COUNT, "Comparator": "Exists"}] * 11,
        [{"QualificationTypeId": COUNT, "Comparator": "Exists", "IntegerValues": [1]}],
        [{"QualificationTypeId": COUNT, "Comparator": "In", "IntegerValues": list(range(16))}],
        [{"QualificationTypeId": COUNT, "Comparator": "GreaterThan"}],
        [{"QualificationTypeId": COUNT, "Comparator": "EqualTo", "LocaleValues": [{"Country": "US"}]}],
        [{"QualificationTypeId": LOCALE, "Comparator": "EqualTo", "IntegerValues": [1]}],
        [{"QualificationTypeId": LOCALE, "Comparator": "GreaterThan", "LocaleValues": [{"Country": "US"}]}],
        [{"QualificationTypeId": LOCALE, "Comparator": "In", "LocaleValues": [{"Country": "US"}] * 31}],
        [
            {
                "QualificationTypeId": COUNT,
                "Comparator": "Exists",
                "RequiredToPreview": True,
                "ActionsGuarded": "Accept",
            }
        ],
    ],
)
def test_requirements_that_cannot_be_read_are_refused(turk: Turk, requirements: list[dict[str, Any]]) -> None:
    wanted = {"Title": "t", "Description": "d", "Reward": "0.01", "AssignmentDurationInSeconds": 60}
    wanted["QualificationRequirements"] = requirements
    assert turk.error("create_hit_type", **wanted) == "InvalidParameterValue"


def test_a_requirement_needs_an_active_type(turk: Turk) -> None:
    wanted = {"Title": "t", "Description": "d", "Reward": "0.01", "AssignmentDurationInSeconds": 60}
    unknown = [{"QualificationTypeId": "3NOTHING", "Comparator": "Exists"}]
    assert turk.error("create_hit_type", QualificationRequirements=unknown, **wanted) == "QualificationTypeDoesNotExist"
    resting = [{"QualificationTypeId": make(turk, QualificationTypeStatus="Inactive"), "Comparator": "Exists"}]
    assert turk.error("create_hit_type", QualificationRequirements=resting, **wanted) == "InvalidQualificationTypeState"
