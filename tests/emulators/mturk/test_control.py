"""The control door: time, money and workers from outside."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.emulators.mturk.turk import Turk


def test_the_clock_is_set_advanced_and_started(turk: Turk) -> None:
    assert turk.door("GET", "clock")["now"] == "2026-11-20T10:00:00+00:00"
    assert turk.door("POST", "clock", now="2026-11-21T10:00:00Z")["now"] == "2026-11-21T10:00:00+00:00"
    assert turk.door("POST", "clock", advance={"hours": 1, "minutes": 5})["now"] == "2026-11-21T11:05:00+00:00"
    turk.door("POST", "clock", speed=1_000_000)
    assert turk.door("GET", "clock")["now"] > "2026-11-21T11:05:00+00:00"


def test_the_clock_does_not_run_back(turk: Turk) -> None:
    assert turk.refused("POST", "clock", now="2026-11-19T10:00:00Z") == (400, "")
    assert turk.refused("POST", "clock", advance={"hours": -1}) == (400, "")
    assert turk.refused("POST", "clock", speed=-1) == (400, "")
    assert turk.refused("POST", "clock", now="noon") == (400, "")


def test_money_is_added(turk: Turk) -> None:
    assert turk.door("POST", "balance", deposit_usd="0.50")["available_usd"] == "1000.50"
    assert turk.door("GET", "balance")["on_hold_usd"] == "0.00"
    assert turk.refused("POST", "balance", deposit_usd="-1") == (400, "")
    assert turk.refused("POST", "balance") == (400, "")


def test_a_worker_has_a_profile(turk: Turk) -> None:
    wanda = turk.door("POST", "workers", id="AWANDA", country="DE", approved=50, rejected=50, master=True)
    assert wanda["approved_percent"] == 50
    assert turk.door("GET", "workers/AWANDA") == wanda
    assert turk.door("GET", "workers")["workers"] == [wanda]
    assert turk.refused("POST", "workers", shoes=44) == (400, "")
    assert turk.refused("POST", "workers", id="wanda") == (400, "")


def test_what_does_not_exist_is_not_found(turk: Turk) -> None:
    turk.worker("AWANDA")
    assert turk.refused("POST", "workers/AWANDA/accept", hit_id="3NOTHING") == (404, "HITDoesNotExist")
    assert turk.refused("POST", "assignments/3NOTHING/return") == (404, "AssignmentDoesNotExist")
    assert turk.refused("GET", "workers/ASTRANGER")[0] == 409
    assert turk.refused("POST", "workers/AWANDA/accept") == (400, "")


def test_the_overview_counts(turk: Turk) -> None:
    turk.submit(turk.hit())
    seen = turk.door("GET", "")
    assert (seen["hits"], seen["assignments"], seen["workers"]) == (1, 1, 1)


def test_the_door_takes_json_only(turk: Turk) -> None:
    answer = turk.http.post(f"{turk.emulator.url}/_emulator/clock", content=b"soon")
    assert answer.status_code == 400


def test_the_door_works_within_the_process_too(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=1)
    turk.emulator.door("POST", "workers", id="AWANDA")
    taken = turk.emulator.door("POST", "workers/AWANDA/accept", hit_id=hit["HITId"])
    assert turk.emulator.door("GET", f"assignments/{taken['assignment_id']}")["state"] == "Accepted"
    with pytest.raises(ValueError, match="AssignmentAlreadyExists"):
        turk.emulator.door("POST", "workers/AWANDA/accept", hit_id=hit["HITId"])


def test_a_dozen_workers_at_once_take_no_more_places_than_there_are(turk: Turk) -> None:
    hit = turk.hit(MaxAssignments=3)
    workers = [turk.worker() for _ in range(12)]

    def rush(worker: str) -> int:
        address = f"{turk.emulator.url}/_emulator/workers/{worker}/accept"
        return turk.http.post(address, json={"hit_id": hit["HITId"]}).status_code

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(rush, workers))
    assert (statuses.count(200), statuses.count(409)) == (3, 9)
    assert turk.status(hit) == "Unassignable"
