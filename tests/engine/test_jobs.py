"""Jobs: one runs each, whoever dies; a call during a run is not lost; Redis may be away."""

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
import redis
from django.db import connection, transaction

from crowd import holders
from crowd.clock import database_now
from curation import logs
from curation.celery import app
from curation.models import Job, Tick
from curation.services import bell, job_kinds, jobs, redis_away
from curation.services.job_kinds import JobKind
from curation.services.jobs import Again
from curation.tasks import run_job, tick
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db
State = Job.State
SECOND = timedelta(seconds=1)


class Handler:
    """Does what the test says, run by run."""

    def __init__(self) -> None:
        self.script: list[object] = []
        self.runs = 0

    def __call__(self, _job: Job, _now: object) -> Again | None:
        self.runs += 1
        step = self.script.pop(0) if self.script else None
        if isinstance(step, BaseException):
            raise step
        if callable(step):
            step()
            return None
        return step  # type: ignore[return-value]


@pytest.fixture
def handler(monkeypatch) -> Handler:
    handler = Handler()
    monkeypatch.setitem(job_kinds.JOB_KINDS, "test", JobKind("not:loaded", lease_seconds=60))
    known = jobs.handler_of
    monkeypatch.setattr(jobs, "handler_of", lambda kind: handler if kind == "test" else known(kind))
    return handler


@pytest.fixture
def job(handler) -> Job:
    return due(jobs.enqueue(kind="test", key="one"))


def due(job: Job) -> Job:
    Job.objects.filter(pk=job.pk).update(next_at=NOON)
    return job


def state_of(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def wake() -> None:
    jobs.wake(kind="test", key="one")


def test_the_same_job_is_one_row(job):
    assert jobs.enqueue(kind="test", key="one") == job
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_six_who_want_it_one_gets_it(job):
    taken = market.at_once(lambda _: jobs.claim(job_id=job.pk, now=NOON), range(6))
    assert sum(one is not None for one in taken) == 1
    assert state_of(job) == State.RUNNING


def test_a_job_runs_once_and_is_done(job, handler):
    assert [jobs.run(job_id=job.pk, now=NOON) for _ in range(2)] == [True, False]
    assert handler.runs == 1
    assert state_of(job) == State.DONE


def test_nothing_runs_before_its_time_or_without_a_kind(job):
    assert not jobs.run(job_id=job.pk, now=NOON - SECOND)
    Job.objects.filter(pk=job.pk).update(kind="from another version")
    assert not jobs.run(job_id=job.pk, now=NOON)


def test_what_has_more_to_do_goes_on_from_its_cursor(job, handler):
    handler.script = [Again(after=5, cursor={"at": 40}, done_n=40, total_n=100), Again()]
    jobs.run(job_id=job.pk, now=NOON)
    assert state_of(job) == State.DUE
    assert (job.cursor, job.done_n, job.total_n, job.next_at) == ({"at": 40}, 40, 100, NOON + 5 * SECOND)
    jobs.run(job_id=job.pk, now=NOON + 5 * SECOND)
    assert (state_of(job), job.done_n) == (State.DUE, 40)


# Waking


def test_a_call_during_a_run_lets_it_run_again(job, handler):
    handler.script = [wake]
    jobs.run(job_id=job.pk, now=NOON)
    assert state_of(job) == State.DUE
    jobs.run(job_id=job.pk, now=NOON)
    assert (state_of(job), handler.runs) == (State.DONE, 2)


def test_a_done_job_is_woken_and_a_due_one_left_alone(job, handler):
    wake()
    jobs.run(job_id=job.pk, now=NOON)
    wake()
    wake()
    assert state_of(job) == State.DUE
    assert Job.objects.count() == 1


def test_who_called_last_is_known_to_a_job_that_is_due_and_to_the_next_run_of_one_under_way(job, handler):
    def called_by(name: str) -> None:
        with logs.about(request_id=name):
            wake()

    called_by("first")
    seen: list[str] = []
    handler.script = [lambda: (seen.append(logs.asked_by()), called_by("second")), lambda: seen.append(logs.asked_by())]
    for _ in range(2):
        wake()  # by nobody: who has asked stays known
        jobs.run(job_id=job.pk, now=NOON)
    assert seen == ["first", "second"]


def test_a_dead_job_that_is_called_for_again_lives_when_it_has_rested(job):
    Job.objects.filter(pk=job.pk).update(state=State.DEAD, crashes=3, started_at=database_now())
    wake()
    assert state_of(job) == State.DEAD
    Job.objects.filter(pk=job.pk).update(started_at=database_now() - jobs.REVIVED_AFTER - SECOND)
    wake()
    assert (state_of(job), job.crashes) == (State.DUE, 0)


def test_nothing_is_woken_while_a_driver_moves_everything_by_hand(handler):
    with jobs.moved_by_hand():
        wake()
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_who_wakes_a_due_job_is_seen_by_its_run(job, handler):
    """The run must not start between the call and the commit of what it is about: it would be the last."""
    called, committed, seen = threading.Event(), threading.Event(), []
    handler.script = [lambda: seen.append(committed.is_set())]

    def change_something() -> None:
        with transaction.atomic():
            wake()
            called.set()
            _until_somebody_waits_for_a_lock()
            committed.set()
        connection.close()

    caller = threading.Thread(target=change_something)
    caller.start()
    assert called.wait(120)
    jobs.run(job_id=job.pk, now=NOON)
    caller.join()
    assert seen == [True]


def _until_somebody_waits_for_a_lock() -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return


def test_a_call_just_before_the_end_of_a_run_is_not_lost(job, monkeypatch):
    """The end of a run asks in one statement whether somebody has called."""
    running = jobs.claim(job_id=job.pk, now=NOON)
    assert running is not None
    Job.objects.filter(pk=job.pk).update(again=True)
    jobs.finish(job=running, outcome=None, now=NOON)
    assert state_of(job) == State.DUE
    assert not Job.objects.filter(state=State.DONE, again=True).exists()


# Dying and failing


def test_a_dead_process_gives_its_job_back(job):
    jobs.claim(job_id=job.pk, now=NOON)
    assert jobs.sweep(now=NOON + 60 * SECOND) == 0
    assert jobs.sweep(now=NOON + 61 * SECOND) == 1
    assert (state_of(job), job.crashes) == (State.DUE, 1)


def test_a_job_whose_process_is_known_to_be_gone_does_not_wait_for_its_lease(job, monkeypatch):
    jobs.claim(job_id=job.pk, now=NOON)
    monkeypatch.setattr(jobs.holders, "is_gone", {holders.myself()}.__contains__)
    assert jobs.sweep(now=NOON) == 1
    assert (state_of(job), job.crashes) == (State.DUE, 1)


def test_lasting_work_is_tried_again_some_time_after_its_death(job, monkeypatch):
    Job.objects.filter(pk=job.pk).update(state=State.DEAD, started_at=NOON)
    jobs.sweep(now=NOON + 2 * jobs.REVIVED_AFTER)
    assert state_of(job) == State.DEAD
    monkeypatch.setitem(jobs.JOB_KINDS, job.kind, replace(jobs.JOB_KINDS[job.kind], lasting=True))
    jobs.sweep(now=NOON + jobs.REVIVED_AFTER)
    assert state_of(job) == State.DEAD
    jobs.sweep(now=NOON + jobs.REVIVED_AFTER + SECOND)
    assert state_of(job) == State.DUE


def test_what_kills_three_processes_is_dead_until_a_person_tries_it_again(job, handler):
    now = NOON
    for _ in range(3):
        assert jobs.claim(job_id=job.pk, now=now)
        now += timedelta(minutes=2)
        jobs.sweep(now=now)
    assert (state_of(job), job.last_error) == (State.DEAD, "Its process died 3 times.")
    assert not jobs.run(job_id=job.pk, now=now)
    assert jobs.retry(job_id=job.pk)
    due(job)
    assert jobs.run(job_id=job.pk, now=now)
    assert state_of(job) == State.DONE


def test_lasting_work_that_is_killed_again_and_again_waits_a_little_longer_each_time_and_never_ends(job, monkeypatch):
    monkeypatch.setitem(jobs.JOB_KINDS, job.kind, replace(jobs.JOB_KINDS[job.kind], lasting=True))
    now, waits = NOON, []
    for _ in range(12):
        assert jobs.claim(job_id=job.pk, now=now)
        now += timedelta(minutes=2)
        jobs.sweep(now=now)
        job.refresh_from_db()
        assert job.state == State.DUE
        waits.append((job.next_at - now).total_seconds())
        now = job.next_at
    assert waits == [0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_crashes_of_long_ago_are_forgiven_even_when_somebody_always_calls(job, handler):
    jobs.claim(job_id=job.pk, now=NOON)
    jobs.sweep(now=NOON + timedelta(minutes=2))
    handler.script = [wake]
    jobs.run(job_id=job.pk, now=NOON + timedelta(minutes=2))
    assert (state_of(job), job.crashes) == (State.DUE, 0)


def test_who_wakes_up_late_cannot_end_the_run_of_another(job):
    frozen = jobs.claim(job_id=job.pk, now=NOON)
    jobs.sweep(now=NOON + timedelta(minutes=2))
    jobs.claim(job_id=job.pk, now=NOON + timedelta(minutes=2))
    assert frozen is not None
    for outcome in (None, Again(cursor={"at": 1})):
        jobs.finish(job=frozen, outcome=outcome, now=NOON)
    assert (state_of(job), job.cursor) == (State.RUNNING, {})


def test_a_failure_waits_longer_each_time_and_ends(job, handler, caplog):
    handler.script = [ValueError("no such file")] * 99
    waits = []
    for _ in range(jobs.MOST_FAILURES):
        jobs.run(job_id=job.pk, now=NOON)
        job.refresh_from_db()
        waits.append((job.next_at - NOON).total_seconds())
        due(job)
    assert waits[:3] == [2, 4, 8]
    assert max(waits) == 300
    assert (state_of(job), job.last_error) == (State.DEAD, "ValueError: no such file")


@pytest.mark.parametrize("end", [MemoryError, SystemExit, KeyboardInterrupt])
def test_the_end_of_a_process_is_no_failure_of_the_job(job, handler, end):
    handler.script = [end()]
    with pytest.raises(end):
        jobs.run(job_id=job.pk, now=NOON)
    assert (state_of(job), job.failures) == (State.RUNNING, 0)


def test_a_job_without_memory_ends_its_own_process_alone(job, handler):
    """For a MemoryError Celery would end the whole worker, and three such ends in a minute stop the product."""
    handler.script = [MemoryError()]
    with pytest.raises(SystemExit):
        run_job(job.pk)
    assert (state_of(job), job.failures) == (State.RUNNING, 0)


# Ringing


def test_what_nobody_heard_is_rung_again(job):
    assert jobs.to_ring(now=NOON) == [(job.pk, "default")]
    assert jobs.to_ring(now=NOON + SECOND) == []
    assert jobs.to_ring(now=NOON + 31 * SECOND) == [(job.pk, "default")]


def test_only_what_is_due_is_rung(job):
    assert jobs.to_ring(now=NOON - SECOND) == []
    jobs.claim(job_id=job.pk, now=NOON)
    assert jobs.to_ring(now=NOON) == []


def test_where_a_thousand_messages_wait_the_sweeper_rings_no_more_until_they_are_fewer(job, monkeypatch, settings):
    settings.CHANNELS_REDIS += "?db=9"
    Job.objects.filter(pk=job.pk).update(next_at=database_now())
    rung = []
    monkeypatch.setattr(bell, "ring", lambda *told: rung.append(told))
    with redis.Redis.from_url(settings.CHANNELS_REDIS) as waiting:
        waiting.delete("default")
        waiting.lpush("default", *["a message"] * bell.MOST_WAITING)
        tick()
        assert rung == []
        waiting.lpop("default")
        Tick.objects.all().delete()
        tick()
    assert rung == [(job.pk, "default")]


def test_a_redis_that_says_nothing_of_its_queues_is_rung(settings):
    settings.CHANNELS_REDIS = "redis://127.0.0.1:1/0"
    assert bell.crowded() == set()


def test_redis_away_does_not_stop_the_work(handler, monkeypatch, tmp_path, django_capture_on_commit_callbacks):
    dead = f"redis+socket://{tmp_path}/no-redis.sock?virtual_host=0"
    monkeypatch.setattr(redis_away, "_until", 0.0)
    monkeypatch.setattr(redis_away, "SECONDS", 3600.0)
    with app.connection_for_write(dead) as nowhere:
        monkeypatch.setattr(bell.app, "send_task", _sender(nowhere))
        with django_capture_on_commit_callbacks(execute=True) as rung:
            job = due(jobs.enqueue(kind="test", key="one"))
    assert len(rung) == 1
    assert redis_away.is_known()
    assert jobs.run(job_id=job.pk, now=NOON)
    assert state_of(job) == State.DONE


def _sender(nowhere):
    send = app.send_task

    def to_nowhere(name, *, args, queue, retry):
        return send(name, args=args, queue=queue, retry=retry, connection=nowhere)

    return to_nowhere
