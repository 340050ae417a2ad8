"""Jobs and their leases, whatever happens in whatever order: one holder at a time, and no call is ever lost."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from crowd.clock import database_now
from curation.models import Job
from curation.services import jobs
from curation.services.job_kinds import JOB_KINDS, JobKind
from curation.services.jobs import Again

pytestmark = [pytest.mark.django_db, pytest.mark.faults]
State = Job.State
SECOND = timedelta(seconds=1)
KINDS = {"passing": JobKind("not:loaded", lease_seconds=60), "lasting": JobKind("not:loaded", 60, lasting=True)}
OUTCOMES = [None, None, Again(), Again(after=5, cursor={"at": 40})]


@dataclass(frozen=True, slots=True)
class Run:
    """What one process has in hand, and when it began."""

    job: Job
    began: int


class Leases(RuleBasedStateMachine):
    """Two kinds, two keys each; processes that work, fail, die, freeze and wake up late."""

    @initialize()
    def begin(self) -> None:
        Job.objects.all().delete()
        JOB_KINDS.update(KINDS)
        self.now = database_now() - timedelta(days=1)  # so that every dead job has rested
        self.moment = 0
        self.runs: list[Run] = []
        self.claims: dict[int, int] = {}
        self.called: dict[int, int] = {}
        self.served: dict[int, int] = {}

    def teardown(self) -> None:
        for name in KINDS:
            JOB_KINDS.pop(name, None)

    def next_moment(self) -> int:
        self.moment += 1
        return self.moment

    @rule(kind=st.sampled_from(sorted(KINDS)), key=st.sampled_from("ab"))
    def somebody_calls(self, kind: str, key: str) -> None:
        jobs.wake(kind=kind, key=key)
        self.called[Job.objects.get(kind=kind, key=key).pk] = self.next_moment()
        self.no_later_than_now()

    def no_later_than_now(self) -> None:
        """The database's clock is a day ahead of the one that is turned here."""
        Job.objects.filter(state=State.DUE, next_at__gt=self.now + timedelta(hours=1)).update(next_at=self.now)

    @precondition(lambda self: self.called)
    @rule(data=st.data())
    def a_process_wants_one(self, data: st.DataObject) -> None:
        pk = data.draw(st.sampled_from(sorted(self.called)))
        held = Job.objects.filter(pk=pk, state=State.RUNNING).exists()
        taken = jobs.claim(job_id=pk, now=self.now)
        if taken is None:
            return
        assert not held, "two hold one job"
        self.claims[pk] = self.claims.get(pk, 0) + 1
        self.runs.append(Run(taken, self.next_moment()))

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def a_process_has_done_it(self, data: st.DataObject, outcome: Again | None) -> None:
        run, holds = self.one_of_the_runs(data)
        before = Job.objects.filter(pk=run.job.pk).values().get()
        jobs.finish(job=run.job, outcome=outcome, now=self.now)
        if not holds:
            assert Job.objects.filter(pk=run.job.pk).values().get() == before, "who woke up late wrote something"
        elif outcome is None:
            self.served[run.job.pk] = run.began

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def a_process_fails(self, data: st.DataObject) -> None:
        run, holds = self.one_of_the_runs(data)
        before = Job.objects.filter(pk=run.job.pk).values().get()
        jobs._fail(run.job, ValueError("no such file"), self.now)
        assert holds or Job.objects.filter(pk=run.job.pk).values().get() == before

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def a_process_dies(self, data: st.DataObject) -> None:
        self.one_of_the_runs(data)

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def a_process_wakes_up_after_another_took_its_job(self, data: st.DataObject, outcome: Again | None) -> None:
        """Only the fence tells them apart: the job runs, and the state is what it was for the first of them."""
        frozen, _ = self.one_of_the_runs(data)
        Job.objects.filter(pk=frozen.job.pk, state=State.RUNNING).update(lease_until=self.now - SECOND)
        jobs.sweep(now=self.now)
        jobs.retry(job_id=frozen.job.pk)
        Job.objects.filter(pk=frozen.job.pk, state=State.DUE).update(next_at=self.now)
        taken = jobs.claim(job_id=frozen.job.pk, now=self.now)
        if taken is not None:
            self.claims[taken.pk] += 1
            self.runs.append(Run(taken, self.next_moment()))
        before = Job.objects.filter(pk=frozen.job.pk).values().get()
        jobs.finish(job=frozen.job, outcome=outcome, now=self.now)
        jobs._fail(frozen.job, ValueError("no such file"), self.now)
        assert Job.objects.filter(pk=frozen.job.pk).values().get() == before, "who woke up late wrote something"

    def one_of_the_runs(self, data: st.DataObject) -> tuple[Run, bool]:
        """Return a run, which ends, and whether its process still holds the job."""
        run = self.runs.pop(data.draw(st.integers(0, len(self.runs) - 1)))
        return run, Job.objects.filter(pk=run.job.pk, state=State.RUNNING, fence=run.job.fence).exists()

    @rule(seconds=st.sampled_from([1, 61, 400]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND
        jobs.sweep(now=self.now)
        assert not Job.objects.filter(state=State.RUNNING, lease_until__lt=self.now).exists()

    @rule()
    def a_person_tries_the_dead_again(self) -> None:
        for pk in Job.objects.filter(state=State.DEAD).values_list("pk", flat=True):
            assert jobs.retry(job_id=pk)
        self.no_later_than_now()

    @invariant()
    def no_call_is_lost(self) -> None:
        """What is done was begun after the last call for it."""
        for pk in Job.objects.filter(state=State.DONE).values_list("pk", flat=True):
            assert self.served[pk] > self.called[pk]

    @invariant()
    def every_claim_is_counted(self) -> None:
        for pk, fence in Job.objects.values_list("pk", "fence"):
            assert fence == self.claims.get(pk, 0)

    @invariant()
    def only_what_kills_or_fails_again_and_again_is_dead(self) -> None:
        for kind, crashes, failures in Job.objects.filter(state=State.DEAD).values_list("kind", "crashes", "failures"):
            killed = crashes >= jobs.MOST_CRASHES and kind == "passing"
            assert killed or failures >= jobs.MOST_FAILURES

    @invariant()
    def what_runs_has_a_lease_and_what_waits_has_none(self) -> None:
        assert not Job.objects.filter(state=State.RUNNING, lease_until=None).exists()
        assert not Job.objects.filter(state=State.DUE).exclude(lease_until=None).exists()


class TestLeases(Leases.TestCase, TestCase):  # type: ignore[misc, name-defined]
    settings = settings(
        max_examples=30,
        stateful_step_count=50,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
