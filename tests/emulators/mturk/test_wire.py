"""The wire: what an outsider's client sends and gets, the model as the contract, keys, paths, broken requests."""

from datetime import UTC, datetime

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from crowd.emulators.mturk import MTurkEmulator, VirtualClock
from crowd.emulators.mturk.contract import service_model
from crowd.emulators.mturk.operations import OPERATIONS
from tests.emulators.mturk.turk import MORNING, Turk, official_client

TARGET = "MTurkRequesterServiceV20170117."


def post(turk: Turk, operation: str, body: bytes, path: str = "/") -> httpx.Response:
    return turk.http.post(f"{turk.emulator.url}{path}", content=body, headers={"X-Amz-Target": TARGET + operation})


def test_every_operation_of_the_model_is_there_and_no_other() -> None:
    assert set(OPERATIONS) == set(service_model().operation_names)
    assert len(OPERATIONS) == 39


def test_an_emulator_starts_serves_and_ends() -> None:
    with MTurkEmulator(seed=1, balance="12.34").serve() as emulator:
        assert official_client(emulator.url).get_account_balance()["AvailableBalance"] == "12.34"
    with pytest.raises(httpx.ConnectError):
        httpx.get(emulator.url, trust_env=False)


def test_an_endpoint_with_a_path_works_and_is_what_workers_submit_to(turk: Turk) -> None:
    under = f"{turk.emulator.url}/emulators/mturk/demo"
    hit = turk.hit()
    assert official_client(under).get_hit(HITId=hit["HITId"])["HIT"]["HITId"] == hit["HITId"]
    turk.worker("AWANDA")
    taken = turk.http.post(f"{under}/_emulator/workers/AWANDA/accept", json={"hit_id": hit["HITId"]}).json()
    assert taken["submit_to"] == under
    done = turk.http.post(f"{under}/mturk/externalSubmit", data={"assignmentId": taken["assignment_id"], "a": "b"})
    assert done.status_code == 200


def test_a_stranger_s_key_is_refused_with_the_real_error() -> None:
    with MTurkEmulator(access_key="AKIAALICE").serve() as emulator:
        official_client(emulator.url).get_account_balance()
        charlie = boto3.Session(aws_access_key_id="AKIACHARLIE", aws_secret_access_key="x", region_name="us-east-1")
        with pytest.raises(ClientError) as caught:
            official_client(emulator.url, charlie).get_account_balance()
        assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"
        unsigned = httpx.post(emulator.url, headers={"X-Amz-Target": f"{TARGET}GetAccountBalance"}, trust_env=False)
        assert (unsigned.status_code, unsigned.json()["__type"]) == (400, "MissingAuthenticationTokenException")


def test_times_are_seconds_since_1970_and_come_back_as_they_were(turk: Turk) -> None:
    raw = post(turk, "GetHIT", f'{{"HITId":"{turk.hit()["HITId"]}"}}'.encode()).json()["HIT"]
    assert raw["CreationTime"] == MORNING.timestamp()
    assert datetime.fromtimestamp(raw["Expiration"], UTC).day == 27


def test_every_answer_has_a_request_id_and_the_content_type_of_the_protocol(turk: Turk) -> None:
    good, bad = post(turk, "GetAccountBalance", b"{}"), post(turk, "GetHIT", b'{"HITId":"3NOTHING"}')
    assert good.headers["content-type"] == bad.headers["content-type"] == "application/x-amz-json-1.1"
    assert good.headers["x-amzn-requestid"] != bad.headers["x-amzn-requestid"]
    assert (good.status_code, bad.status_code) == (200, 400)
    assert bad.json()["__type"] == "RequestError"


@pytest.mark.parametrize(
    ("operation", "body", "kind"),
    [
        ("GetHIT", b"{", "SerializationException"),
        ("GetHIT", b"[]", "SerializationException"),
        ("GetSomething", b"{}", "UnknownOperationException"),
        ("GetHIT", b"{}", "RequestError"),
        ("GetHIT", b'{"HITId": null}', "RequestError"),
        ("GetHIT", b'{"HITId": 5}', "RequestError"),
        ("GetHIT", b'{"HITId": "has-a-dash"}', "RequestError"),
        ("GetHIT", b'{"HITId": "ENDS\\n"}', "RequestError"),
        ("ListHITs", b'{"MaxResults": 101}', "RequestError"),
        ("ListHITs", b'{"MaxResults": 0}', "RequestError"),
        ("ListHITs", b'{"MaxResults": true}', "RequestError"),
        ("ListHITs", b'{"NextToken": "nonsense"}', "RequestError"),
        ("ListReviewableHITs", b'{"Status": "Assignable"}', "RequestError"),
        ("UpdateExpirationForHIT", b'{"HITId": "3A", "ExpireAt": "tomorrow"}', "RequestError"),
        ("UpdateExpirationForHIT", b'{"HITId": "3A", "ExpireAt": 1e300}', "RequestError"),
        ("ListAssignmentsForHIT", b'{"HITId": "3A", "AssignmentStatuses": "Submitted"}', "RequestError"),
        ("ListAssignmentsForHIT", b'{"HITId": "3A", "AssignmentStatuses": ["Pending"]}', "RequestError"),
        ("ApproveAssignment", b'{"AssignmentId": "3A", "OverrideRejection": "yes"}', "RequestError"),
        ("CreateHIT", b'{"LifetimeInSeconds": 1.5}', "RequestError"),
    ],
)
def test_a_request_that_does_not_fit_the_model_is_refused(turk: Turk, operation: str, body: bytes, kind: str) -> None:
    answer = post(turk, operation, body)
    assert (answer.status_code, answer.json()["__type"]) == (400, kind)


def test_members_that_the_model_does_not_know_are_ignored(turk: Turk) -> None:
    assert post(turk, "GetAccountBalance", b'{"Something": 1}').status_code == 200


def test_anything_else_on_the_port_is_not_found(turk: Turk) -> None:
    assert turk.http.get(turk.emulator.url).status_code == 404
    assert turk.refused("GET", "nothing") == (404, "")


def test_equal_seeds_and_equal_calls_give_equal_ids() -> None:
    def ids() -> list[str]:
        with MTurkEmulator(seed=5, clock=VirtualClock(MORNING, speed=0)).serve() as emulator:
            client = official_client(emulator.url)
            made = client.create_qualification_type(Name="n", Description="d", QualificationTypeStatus="Active")
            return [made["QualificationType"]["QualificationTypeId"], made["ResponseMetadata"]["RequestId"]]

    assert ids() == ids()
