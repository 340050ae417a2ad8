"""Blocks and messages."""

from tests.emulators.mturk.turk import Turk


def test_a_blocked_worker_sees_and_takes_nothing_until_the_block_is_lifted(turk: Turk) -> None:
    hit, wanda = turk.hit(), turk.worker("AWANDA")
    turk.client.create_worker_block(WorkerId=wanda, Reason="Copies photos")
    assert turk.client.list_worker_blocks()["WorkerBlocks"] == [{"WorkerId": wanda, "Reason": "Copies photos"}]
    assert turk.door("GET", f"workers/{wanda}/hits")["hits"] == []
    assert turk.refused("POST", f"workers/{wanda}/accept", hit_id=hit["HITId"]) == (409, "PermissionDeniedException")
    turk.client.delete_worker_block(WorkerId=wanda)
    turk.submit(hit, wanda)


def test_blocking_twice_is_one_block_and_unblocking_a_free_worker_is_no_error(turk: Turk) -> None:
    wanda = turk.worker("AWANDA")
    turk.client.create_worker_block(WorkerId=wanda, Reason="first")
    turk.client.create_worker_block(WorkerId=wanda, Reason="second")
    assert turk.client.list_worker_blocks()["NumResults"] == 1
    turk.client.delete_worker_block(WorkerId=wanda)
    turk.client.delete_worker_block(WorkerId=wanda)


def test_a_block_needs_a_reason_and_a_worker_who_exists(turk: Turk) -> None:
    assert turk.error("create_worker_block", WorkerId=turk.worker(), Reason="") == "InvalidParameterValue"
    assert turk.error("create_worker_block", WorkerId="ASTRANGER", Reason="x") == "InvalidParameterValue"
    assert turk.error("create_worker_block", WorkerId="bWANDA", Reason="x") == "InvalidParameterValue"


def test_a_message_reaches_only_workers_whose_work_was_judged(turk: Turk) -> None:
    hit, wanda, charlie = turk.hit(), turk.worker("AWANDA"), turk.worker("ACHARLIE")
    turk.approve(turk.submit(hit, wanda))
    turk.submit(hit, charlie)
    answer = turk.client.notify_workers(Subject="New photos", MessageText="Come back", WorkerIds=[wanda, charlie])
    [failure] = answer["NotifyWorkersFailureStatuses"]
    assert (failure["WorkerId"], failure["NotifyWorkersFailureCode"]) == (charlie, "HardFailure")
    assert [mail["subject"] for mail in turk.door("GET", f"workers/{wanda}/messages")["messages"]] == ["New photos"]
    assert turk.door("GET", f"workers/{charlie}/messages")["messages"] == []


def test_messages_have_their_limits(turk: Turk) -> None:
    good = {"Subject": "s", "MessageText": "m", "WorkerIds": ["AWANDA"]}
    for wrong in ({"Subject": "x" * 201}, {"MessageText": "x" * 4_097}, {"WorkerIds": ["AWANDA"] * 101}):
        assert turk.error("notify_workers", **(good | wrong)) == "InvalidParameterValue"
