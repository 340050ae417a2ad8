"""Pages of workers: what a pull tells and when, judging, files, tasks in operations."""

import base64
import os
from datetime import timedelta

import pytest

from crowd.errors import Invalid, NotFound, StateConflict, StillRunning, Unavailable
from crowd.platforms.base import TaskSpec
from crowd.platforms.toloka import assignments, files
from tests.crowd import bench_toloka as bench
from tests.crowd.market import NOON
from tests.platforms.toloka.plans import spec, task, tasks

MINUTE = timedelta(minutes=1)


def pulled(adapter, account, remote_id, mark=""):
    """Everything of a round, and the mark."""
    found, more = [], True
    while more:
        page = adapter.pull(account, remote_id, mark)
        found += page.assignments
        mark, more = page.watermark, page.more
    return found, mark


def states(found):
    return {one.ext_id: one.state for one in found}


def take(account, remote_id):
    return bench.take(account, bench.worker(account), remote_id)


def sent(account, remote_id, answer=None):
    return bench.hand_in(account, take(account, remote_id), answer)["id"]


def asked(account):
    return len(bench.requests(account, "GET", "/assignments"))


def test_every_state_is_told_with_its_time(adapter, account, opened):
    remote_id = opened(None, tasks(6))
    pages = {
        "active": take(account, remote_id)["assignment_id"],
        "submitted": sent(account, remote_id),
        "accepted": sent(account, remote_id),
        "rejected": sent(account, remote_id),
        "skipped": take(account, remote_id)["assignment_id"],
        "expired": take(account, remote_id)["assignment_id"],
    }
    bench.set_clock(account, NOON + MINUTE)
    adapter.accept(account, pages["accepted"], NOON)
    adapter.reject(account, pages["rejected"], "The hand is cut off", NOON)
    bench.control(account, "POST", f"/assignments/{pages['skipped']}/skip")
    bench.control(account, "POST", f"/assignments/{pages['expired']}/expire")
    found, _ = pulled(adapter, account, remote_id)
    assert {one.state: one.ext_id for one in found} == pages
    told = {one.state: one for one in found}
    assert {state for state, one in told.items() if one.judged_at == NOON + MINUTE} == {
        "accepted", "rejected", "skipped", "expired",
    }  # fmt: skip
    assert all(one.issued_at == NOON for one in found)
    assert told["rejected"].reason == "The hand is cut off"
    assert told["active"].answers == {}


def test_a_change_is_told_when_it_happens_however_old_the_page_is(adapter, account, opened):
    remote_id = opened()
    page = sent(account, remote_id)
    _, mark = pulled(adapter, account, remote_id)
    bench.control(account, "POST", "/clock/advance", {"days": 3})
    adapter.accept(account, page, NOON)
    found, mark = pulled(adapter, account, remote_id, mark)
    assert found[-1].state == "accepted"
    bench.control(account, "POST", "/clock/advance", {"hours": 1})
    assert pulled(adapter, account, remote_id, mark)[1] == mark


def test_what_the_platform_accepts_by_itself_is_told(adapter, account, opened):
    remote_id = opened(spec(review_days=2))
    page = sent(account, remote_id)
    _, mark = pulled(adapter, account, remote_id)
    bench.control(account, "POST", "/clock/advance", {"days": 3})
    found, _ = pulled(adapter, account, remote_id, mark)
    assert states(found)[page] == "accepted"


def test_what_shows_up_late_is_not_missed(adapter, account, opened):
    """A page with an older stamp than one that was told already."""
    remote_id = opened()
    late = sent(account, remote_id)
    bench.set_clock(account, NOON + 9 * MINUTE)
    market = bench.emulator(account).market
    hidden = market.pools.get(remote_id).assignments.pop()
    sent(account, remote_id)
    found, mark = pulled(adapter, account, remote_id)
    assert late not in states(found)
    market.pools.get(remote_id).assignments.insert(0, hidden)
    found, _ = pulled(adapter, account, remote_id, mark)
    assert late in states(found)


def test_a_round_over_an_idle_pool_is_one_question_for_each_state(adapter, account, opened):
    remote_id = opened()
    sent(account, remote_id)
    _, mark = pulled(adapter, account, remote_id)
    before = asked(account)
    page = adapter.pull(account, remote_id, mark)
    assert (asked(account) - before, page.more, page.watermark) == (6, False, mark)


def test_a_long_list_misses_nobody_who_hands_in_while_it_is_read(adapter, account, opened, monkeypatch):
    """Pages are read by id; one with an early id is handed in when its place has been read already."""
    monkeypatch.setattr(assignments, "PULL_SIZE", 2)
    monkeypatch.setattr(assignments, "OVERLAP", timedelta(0))
    remote_id = opened(None, tasks(8))
    early = take(account, remote_id)
    others = [sent(account, remote_id) for _ in range(6)]
    begun = adapter.pull(account, remote_id, "")
    assert begun.more
    bench.set_clock(account, NOON + MINUTE)
    bench.hand_in(account, early)
    bench.set_clock(account, NOON + 2 * MINUTE)
    last = sent(account, remote_id)
    rest, mark = pulled(adapter, account, remote_id, begun.watermark)
    told = {one.ext_id for one in [*begun.assignments, *rest] if one.state == "submitted"}
    assert told == {*others, last}
    again, _ = pulled(adapter, account, remote_id, mark)
    assert states(again)[early["assignment_id"]] == "submitted"


def test_lists_in_halves_hide_nobody(adapter, account, opened):
    remote_id = opened(None, tasks(20))
    pages = {sent(account, remote_id) for _ in range(13)}
    bench.control(account, "PUT", "/faults", {"half_pages": {"rate": 1, "path": "/assignments"}})
    assert states(pulled(adapter, account, remote_id)[0]).keys() == pages
    assert adapter.books(account, remote_id).page_states.keys() == pages


@pytest.mark.parametrize(
    "mark", ["yesterday", "toloka1", "toloka1 1,2 0 0", "toloka1 0,0,0,0,0,0 6 0", "toloka2 0,0,0,0,0,0 0 0", " "]
)
def test_a_mark_that_was_not_given_out_here_is_refused(adapter, account, opened, mark):
    remote_id = opened()
    with pytest.raises(Invalid, match="was not given out here"):
        adapter.pull(account, remote_id, mark)


def test_a_mark_fits_its_column(adapter, account, opened):
    mark = assignments.Mark(
        dict.fromkeys(assignments.STATES, 10**13), 5, "0002719cbb--64a1b2c3d4e5f60718293a4b", 10**13
    )
    assert len(str(mark)) <= 400
    assert assignments.read_mark(str(mark)) == mark


def test_tasks_that_are_not_ours_are_left_out():
    page = {
        "id": "1", "user_id": "w", "status": "SUBMITTED", "reward": 0, "created": "2026-05-04T12:00:00",
        "submitted": "2026-05-04T12:00:00.5", "tasks": [{"input_values": {"image": "x"}}, {"input_values": {}}],
        "solutions": [{"output_values": {"answer": "a"}}, {"output_values": {"answer": "b"}}],
    }  # fmt: skip
    assert assignments.remote(page).answers == {}


def test_boxes_come_back_as_fractions(adapter, account, opened):
    remote_id = opened(spec("boxes"))
    drawn = [{"shape": "rectangle", "left": 0.37, "top": 0.57, "width": 0.22, "height": 0.18, "label": "gesture"}]
    sent(account, remote_id, {"result": drawn})
    sent(account, remote_id, {"flags": {"no_hands": True}})
    first, second = (one.answers for one in pulled(adapter, account, remote_id)[0])
    assert list(first.values()) == [
        {"boxes": [{"x": 0.37, "y": 0.57, "w": 0.22, "h": 0.18, "label": "gesture"}], "flags": []}
    ]
    assert list(second.values()) == [{"boxes": [], "flags": ["no_hands"]}]


def photo(data=b"\xff\xd8" + b"x" * 300_000):
    return {"photo": {"$file": {"name": "a.jpg", "base64": base64.b64encode(data).decode()}}}


def test_a_photo_is_fetched_in_pieces(adapter, account, opened):
    data = os.urandom(300_000)
    remote_id = opened(spec("photo"))
    sent(account, remote_id, photo(data))
    ((answer,),) = (one.answers.values() for one in pulled(adapter, account, remote_id)[0])
    pieces = list(adapter.fetch_file(account, answer["file_ref"]))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= files.PIECE


def ref_of(adapter, account, opened):
    remote_id = opened(spec("photo"))
    sent(account, remote_id, photo())
    ((answer,),) = (one.answers.values() for one in pulled(adapter, account, remote_id)[0])
    return answer["file_ref"]


def test_a_photo_that_breaks_off_is_unavailable_not_short(adapter, account, opened):
    ref = ref_of(adapter, account, opened)
    bench.control(account, "PUT", "/faults", {"truncated_download": 1})
    with pytest.raises(Unavailable):
        list(adapter.fetch_file(account, ref))


def test_a_photo_that_is_still_on_its_way_is_not_found_yet(adapter, account, opened):
    bench.control(account, "PUT", "/faults", {"late_upload": {"rate": 1, "seconds": 600}})
    ref = ref_of(adapter, account, opened)
    with pytest.raises(NotFound):
        list(adapter.fetch_file(account, ref))
    bench.control(account, "POST", "/clock/advance", {"minutes": 11})
    assert sum(map(len, adapter.fetch_file(account, ref))) == 300_002


def test_a_photo_beyond_every_measure_is_refused(adapter, account, opened, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 100_000)
    with pytest.raises(Invalid, match="larger than"):
        list(adapter.fetch_file(account, ref_of(adapter, account, opened)))


@pytest.mark.parametrize("ref", ["", "../../requester", "a/b", "no-such-file"])
def test_a_file_that_is_not_there_is_not_found(adapter, account, ref):
    with pytest.raises(NotFound):
        list(adapter.fetch_file(account, ref))


def test_a_rejection_can_be_taken_back_but_an_acceptance_cannot(adapter, account, opened):
    page = sent(account, opened())
    adapter.reject(account, page, "cut off", NOON)
    adapter.accept(account, page, NOON)
    with pytest.raises(StateConflict, match="accepted and paid on Toloka; that cannot be taken back"):
        adapter.reject(account, page, "after all", NOON)


def test_books_are_those_of_the_platform(adapter, account, opened):
    remote_id = opened(None, tasks(5))
    accepted, submitted = sent(account, remote_id), sent(account, remote_id)
    adapter.accept(account, accepted, NOON)
    books = adapter.books(account, remote_id)
    assert books.page_states == {accepted: "accepted", submitted: "submitted"}
    assert (books.pages_by_state, books.tasks, books.spent_micro) == ({"accepted": 1, "submitted": 1}, 5, 30_000)


def test_a_push_that_takes_time_is_asked_about_and_not_sent_again(adapter, account):
    remote_id = adapter.ensure_batch(account, spec())
    bench.control(account, "PUT", "/settings", {"operation_delay": 60})
    for _ in range(3):
        with pytest.raises(StillRunning, match="it takes in tasks"):
            adapter.push_tasks(account, remote_id, tasks(5), "push-1")
    bench.control(account, "POST", "/clock/advance", {"minutes": 2})
    receipt = adapter.push_tasks(account, remote_id, tasks(5), "push-1")
    assert (receipt.created, receipt.existing, dict(receipt.refused)) == (5, 0, {})
    assert set(receipt.ids) == {f"task-{number}" for number in range(5)}
    assert len(bench.requests(account, "POST", "/tasks")) == 1


def test_a_large_push_goes_in_several_operations_each_once(adapter, account, monkeypatch):
    monkeypatch.setattr("crowd.platforms.toloka.tasks.MOST_TASKS", 2)
    remote_id = adapter.ensure_batch(account, spec())
    for _ in range(2):
        receipt = adapter.push_tasks(account, remote_id, tasks(5), "push-1")
        assert (receipt.created, len(set(receipt.ids.values()))) == (5, 5)
    assert len(bench.requests(account, "POST", "/tasks")) == 3
    assert adapter.books(account, remote_id).tasks == 5


def test_one_bad_task_is_named_and_the_others_are_in(adapter, account):
    remote_id = adapter.ensure_batch(account, spec())
    bad = TaskSpec(key="bad", payload={"class": "peace", "image": "no address"})
    receipt = adapter.push_tasks(account, remote_id, [*tasks(2), bad], "push-1")
    assert (receipt.created, receipt.existing, set(receipt.ids)) == (2, 0, {"task-0", "task-1"})
    assert receipt.refused == {"bad": "input_values.image: A URL is expected (INVALID_URL_SYNTAX)"}


def test_a_push_of_bad_tasks_alone_names_them_all(adapter, account):
    remote_id = adapter.ensure_batch(account, spec())
    bad = [task(number, overlap=40_000) for number in range(2)]
    receipt = adapter.push_tasks(account, remote_id, bad, "push-1")
    assert (receipt.created, set(receipt.refused)) == (0, {"task-0", "task-1"})
    assert "overlap" in receipt.refused["task-0"]


def test_a_log_that_is_gone_is_made_up_for_from_the_tasks_themselves(adapter, account):
    remote_id = adapter.ensure_batch(account, spec())
    bad = TaskSpec(key="bad", payload={"image": "no address"})
    bench.control(account, "PUT", "/faults", {"log_archived": 1})
    receipt = adapter.push_tasks(account, remote_id, [*tasks(2), bad], "push-1")
    assert set(receipt.ids) == {"task-0", "task-1"}
    assert receipt.refused == {"bad": "Toloka did not take this task, and its log is gone."}
