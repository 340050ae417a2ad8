"""Child processes with limits: what becomes of a call, of a child that dies, and of children without a parent."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image

from curation.preprocessing import pool as pools
from curation.preprocessing.copies import derivative
from curation.preprocessing.decode import Analysis, analyse
from curation.preprocessing.limits import MEGABYTE, PICTURE_LIMITS, Unreadable
from curation.preprocessing.pool import ChildFailed, ChildLimits, Pool, full_size_pool
from tests.preprocessing import in_a_child

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(2) as pool:
        yield pool


def refusal_of(pool: Pool, work: object) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        pool.run(work)  # type: ignore[arg-type]
    return caught.value


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(processes: list[int]) -> list[int]:
    until = time.monotonic() + 120
    while time.monotonic() < until and any(is_alive(one) for one in processes):
        time.sleep(0.02)
    return [one for one in processes if is_alive(one)]


def test_a_picture_measured_in_a_child_is_the_picture_measured_here(pool: Pool, photo: bytes, seen: Analysis) -> None:
    there = pool.run(analyse, photo)
    assert (there.sha256, there.hash256, there.phash64) == (seen.sha256, seen.hash256, seen.phash64)
    assert there.preview.to_png() == seen.preview.to_png()


def test_a_refusal_comes_back_as_it_was_made(pool: Pool) -> None:
    with pytest.raises(Unreadable, match="as it was made") as caught:
        pool.run(in_a_child.refuse, "as it was made")
    assert caught.value.reason_code == "refused_by_test"


def test_our_own_mistake_refuses_the_file_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with Pool(1) as pool:
        refusals = [refusal_of(pool, in_a_child.fail) for _ in range(2)]
        assert pool.run(in_a_child.squared, 3) == 9
    assert [refusal.reason_code for refusal in refusals] == ["crashed", "crashed"]
    assert caplog.text.count("ZeroDivisionError: a mistake of ours") == 1


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (in_a_child.program, "system is no answer"),
        (in_a_child.silence, "EOFError"),
        (in_a_child.nonsense, "something else than a result"),
    ],
)
def test_an_answer_can_be_false_but_no_program(
    pool: Pool, caplog: pytest.LogCaptureFixture, work: object, words: str
) -> None:
    started = time.monotonic()
    assert refusal_of(pool, work).reason_code == "crashed"
    assert words in caplog.text
    assert list(pool.map(in_a_child.squared, [(2,), (3,)])) == [4, 9]
    assert time.monotonic() - started < 120


@pytest.mark.parametrize(
    ("work", "code", "words"),
    [
        (in_a_child.crash, "crashed", "crash"),
        (in_a_child.exhaust_memory, "too_much_memory", "more memory"),
    ],
)
def test_a_file_that_hurts_its_process_is_refused_and_the_next_one_is_read(
    pool: Pool, work: object, code: str, words: str
) -> None:
    refused = refusal_of(pool, work)
    assert refused.reason_code == code
    assert words in refused.sentence
    assert pool.run(in_a_child.squared, 7) == 49


@pytest.mark.parametrize(
    ("work", "limits", "words"),
    [
        (in_a_child.spin, ChildLimits(cpu_seconds=1, seconds=120), "more than 1 s to read"),
        (in_a_child.sleep, ChildLimits(cpu_seconds=1, seconds=3), "more than 3 s to read"),
    ],
)
def test_a_file_that_takes_too_long_is_refused_by_either_clock(work: object, limits: ChildLimits, words: str) -> None:
    with Pool(1, limits) as pool:
        refused = refusal_of(pool, work)
        assert refused.reason_code == "too_slow"
        assert words in refused.sentence
        assert pool.run(in_a_child.squared, 3) == 9


def test_each_call_has_its_own_processor_time() -> None:
    with Pool(1, ChildLimits(cpu_seconds=1)) as pool:
        first = pool.run(in_a_child.process_id)
        refusal_of(pool, in_a_child.spin)
        second = pool.run(in_a_child.process_id)
        assert first != second
        assert pool.run(in_a_child.process_id) == second


def test_answers_come_in_order_and_the_dead_are_left_out_one_by_one(pool: Pool) -> None:
    answers = list(pool.map(in_a_child.squared_or_crash, ((number,) for number in range(12))))
    assert [one if isinstance(one, int) else one.reason_code for one in answers] == [
        "crashed" if number % 5 == 3 else number * number for number in range(12)
    ]


def test_no_more_calls_are_taken_than_answers(pool: Pool) -> None:
    taken: list[int] = []

    def calls() -> Iterator[tuple[int]]:
        for number in range(1000):
            taken.append(number)
            yield (number,)

    answers = pool.map(in_a_child.squared, calls())
    assert next(answers) == 0
    assert len(taken) <= 4
    answers.close()  # type: ignore[attr-defined]


def test_a_child_knows_no_secret(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for children")
    with Pool(1) as fresh:
        assert "SECRET_KEY" not in fresh.run(in_a_child.secrets_seen)


def test_a_closed_pool_leaves_no_process_and_may_be_used_again() -> None:
    with Pool(2) as pool:
        children = {pool.run(in_a_child.process_id) for _ in range(3)}
    assert wait_until_gone(list(children)) == []
    assert pool.run(in_a_child.squared, 2) == 4
    pool.close()


def test_a_run_that_breaks_off_ends_its_children_and_the_next_one_gets_others() -> None:
    def calls() -> Iterator[tuple[int]]:
        yield from ((number,) for number in range(9))
        raise LookupError("no more files")

    with Pool(2) as pool:
        before = pool.run(os.getpid)
        with pytest.raises(LookupError):
            list(pool.map(in_a_child.squared, calls()))
        assert wait_until_gone([before]) == []
        assert list(pool.map(in_a_child.squared, ((number,) for number in range(5)))) == [0, 1, 4, 9, 16]


def test_a_child_that_answers_while_the_pool_is_closed_is_asked_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = pools._Child.ask
    with Pool(1) as fresh:

        def answer_and_close(child: pools._Child, work: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
            answer = ask(child, work, arguments)
            fresh.close()
            return answer

        with monkeypatch.context() as closing:
            closing.setattr(pools._Child, "ask", answer_and_close)
            assert fresh.run(in_a_child.squared, 2) == 4
        assert fresh.run(in_a_child.squared, 3) == 9


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_children_end_with_their_parent_however_it_ends(tmp_path: Path, end: signal.Signals) -> None:
    place = tmp_path / "ids"
    run = "import sys; from tests.preprocessing import in_a_child as work; work.work_in_a_pool_for_ever(sys.argv[1])"
    command = [sys.executable, "-c", run, str(place)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as parent:
        until = time.monotonic() + 120
        while not place.exists() or not place.read_text():
            assert time.monotonic() < until
            time.sleep(0.05)
        children = [int(one) for one in place.read_text().split()]
        time.sleep(0.2)  # both are busy now
        parent.send_signal(end)
    assert wait_until_gone(children) == []


def test_a_child_that_cannot_start_is_our_mistake_and_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curation.preprocessing.pool._ROOT", Path("/nowhere"))
    monkeypatch.chdir("/")
    with Pool(1) as pool, pytest.raises(ChildFailed, match="while it started"):
        pool.run(in_a_child.squared, 2)


def test_the_memory_limit_is_beyond_what_a_child_starts_with() -> None:
    with Pool(1, ChildLimits(memory_bytes=128 * MEGABYTE)) as pool:
        assert pool.run(bytearray, 32 * MEGABYTE) == bytearray(32 * MEGABYTE)
        assert refusal_of(pool, in_a_child.exhaust_memory).reason_code == "too_much_memory"


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_largest_picture_taken_can_be_exported_at_full_size(orientation: int) -> None:
    exif, file = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Orientation] = orientation
    Image.new("RGB", (8_000, 6_000), "teal").save(file, "JPEG", exif=exif)
    copy = full_size_pool().run(derivative, file.getvalue(), PICTURE_LIMITS.max_side, 92, "JPEG")
    assert Image.open(io.BytesIO(copy)).size == ((8_000, 6_000) if orientation == 1 else (6_000, 8_000))


def test_a_process_may_leave_the_pool_of_its_parent_alone() -> None:
    mine = pools.shared_pool()
    assert pools.shared_pool() is mine
    assert (os.getpid(), "measuring") in pools._shared
