"""Faults: each strikes as announced, as often as announced, and can be repeated."""

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from crowd.emulators.mturk import MTurkEmulator, VirtualClock
from crowd.emulators.mturk.faults import Fault, Faults
from tests.emulators.mturk.conftest import Host
from tests.emulators.mturk.turk import MORNING, Turk, official_client


def test_a_lost_reply_has_done_its_work_and_the_token_tells(turk: Turk) -> None:
    turk.door("POST", "faults", name="drop_reply", operation="CreateHIT", times=1)
    with pytest.raises(ConnectionClosedError):
        turk.hit(UniqueRequestToken="batch-1")
    with pytest.raises(turk.client.exceptions.RequestError, match="already exists"):
        turk.hit(UniqueRequestToken="batch-1")
    assert turk.client.list_hits()["NumResults"] == 1


def test_a_client_that_repeats_by_itself_after_a_lost_reply_pays_a_bonus_twice_without_a_token(turk: Turk) -> None:
    work = turk.submit(turk.hit(), turk.worker("AWANDA"))
    turk.door("POST", "faults", name="drop_reply", operation="SendBonus", times=1)
    eager = official_client(turk.emulator.url, retries={"mode": "standard", "total_max_attempts": 2})
    eager.send_bonus(WorkerId="AWANDA", AssignmentId=work, BonusAmount="1", Reason="Good")
    assert turk.books()["bonus_usd"] == "2.00"


def test_a_service_fault_has_done_nothing(turk: Turk) -> None:
    turk.door("POST", "faults", name="service_fault", times=1)
    with pytest.raises(turk.client.exceptions.ServiceFault) as caught:
        turk.hit()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert turk.client.list_hits()["NumResults"] == 0


def test_throttling_is_repeated_by_the_official_client(turk: Turk) -> None:
    turk.door("POST", "faults", name="throttle", times=1)
    with pytest.raises(ClientError) as caught:
        turk.client.list_hits()
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    turk.door("POST", "faults", name="throttle", times=1)
    patient = official_client(turk.emulator.url, retries={"mode": "standard", "total_max_attempts": 2})
    assert patient.list_hits()["ResponseMetadata"]["RetryAttempts"] == 1


def test_a_hanging_call_outlasts_an_impatient_client(turk: Turk) -> None:
    turk.door("POST", "faults", name="hang", seconds=3, times=1)
    hasty = official_client(turk.emulator.url, read_timeout=1)
    with pytest.raises(ReadTimeoutError):
        hasty.list_hits()
    assert turk.client.list_hits()["NumResults"] == 0


def test_too_many_requests_are_throttled_until_time_has_passed(host: Host) -> None:
    emulator = MTurkEmulator(clock=VirtualClock(MORNING, speed=0), requests_per_second=2)
    host.app, client = emulator.app, official_client(host.url)
    for _ in range(100):
        client.get_account_balance()
    with pytest.raises(ClientError, match="Rate exceeded"):
        client.get_account_balance()
    emulator.clock.move_to(MORNING.replace(second=1))
    client.get_account_balance()
    client.get_account_balance()
    with pytest.raises(ClientError, match="Rate exceeded"):
        client.get_account_balance()


def test_the_same_seed_strikes_at_the_same_calls() -> None:
    def strikes(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.switch(Fault("throttle", 0.5))
        return [faults.strikes("throttle") is not None for _ in range(40)]

    assert strikes(1) == strikes(1)
    assert strikes(1) != strikes(2)
    assert 10 < sum(strikes(1)) < 30


def test_faults_are_listed_narrowed_and_switched_off(turk: Turk) -> None:
    turk.door("POST", "faults", name="throttle", rate=0.5, operation="ListHITs")
    assert turk.door("GET", "faults")["set"][0]["operation"] == "ListHITs"
    turk.client.get_account_balance()
    turk.door("POST", "faults", name="throttle", rate=0)
    assert turk.door("GET", "faults")["set"] == []
    turk.door("POST", "faults", name="hang", rate=1)
    assert turk.door("DELETE", "faults")["set"] == []


def test_a_fault_nobody_knows_is_refused(turk: Turk) -> None:
    assert turk.refused("POST", "faults", name="earthquake") == (400, "")
    assert turk.refused("POST", "faults", name="hang", rate=2) == (400, "")
    assert turk.refused("POST", "faults", name="hang", wind=2) == (400, "")


@pytest.mark.parametrize("words", ["drop-reply", "drop-reply=much", "drop-reply=2", "quake=0.1", "=1"])
def test_a_fault_on_the_command_line_is_a_name_and_a_rate(words: str) -> None:
    assert Fault.from_words("drop-reply=0.25") == Fault("drop_reply", 0.25)
    with pytest.raises(ValueError, match="cannot be set"):
        Fault.from_words(words)
