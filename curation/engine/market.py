"""Platforms elsewhere: commands are sent, pages pulled, files fetched, new tasks pushed. Jobs, each a short slice."""

from datetime import datetime, timedelta

from crowd import holders
from crowd.clock import database_now
from crowd.errors import BudgetExceeded
from crowd.models import Account, Assignment, Batch, RemoteFile, Task
from crowd.platforms.registry import elsewhere
from crowd.rehearsal.models import RehearsalCrowd
from crowd.services import comparing, dispatch, files, holding, publishing, pulling
from curation.engine.flow import wake_take_in
from curation.models import Job, Pool
from curation.services import jobs, pools, versions
from curation.services.jobs import Again

SLICE = 4.0
MOMENT = 0.5
COMPARED_EVERY = timedelta(days=1)


def send_due(*, now: datetime) -> None:
    """Carry out what concerns our own database at once; leave what needs the network to a job for each account."""
    _wake_held()
    driven = set(RehearsalCrowd.objects.filter(follows_wall_clock=False).values_list("account_id", flat=True))
    for account_id, slug in dispatch.accounts_due(now=now):
        if account_id in driven:  # a rehearsal's driver moves this one
            continue
        if slug in elsewhere():
            jobs.wake(kind="dispatch", key=str(account_id), payload={"account_id": account_id})
        else:
            dispatch.drain(now=now, who=holders.myself(), account_id=account_id)


def _wake_held() -> None:
    """Accounts held after a restore are compared with their platforms when a person has asked for it."""
    for account_id in holding.wanted():
        jobs.wake(kind="compare_held", key=str(account_id), payload={"account_id": account_id})


def run_compare_held(job: Job, _now: datetime) -> None:
    """Job: compare one account with its platform and let it go. Whatever fails here, the account stays held."""
    holding.compare(account=Account.objects.get(pk=job.payload["account_id"]), now=database_now())


def run_dispatch(job: Job, _now: datetime) -> Again | None:
    """Job: send the commands of one account until none is due or the slice is over."""
    more = dispatch.drain_for(account_id=job.payload["account_id"], seconds=SLICE, who=holders.myself())
    return Again() if more else None


def wake_pulls() -> None:
    """Batches elsewhere with something to come have a job that pulls them; it falls asleep with them."""
    alive = set(
        Job.objects.filter(kind="pull", state__in=[Job.State.DUE, Job.State.RUNNING]).values_list("key", flat=True)
    )
    for batch in _worth_pulling():
        if str(batch.pk) in alive:
            continue
        jobs.wake(kind="pull", key=str(batch.pk), project_id=batch.project_id, payload={"batch_id": batch.pk})


def pull_soon(*, batch_id: int) -> None:
    """Pull a batch now: its platform has said that there is something new."""
    batch = Batch.objects.get(pk=batch_id)
    key = {"kind": "pull", "key": str(batch.pk)}
    jobs.wake(**key, project_id=batch.project_id, payload={"batch_id": batch.pk})
    jobs.hasten(**key)


def _worth_pulling() -> list[Batch]:
    open_now = [Batch.State.OPEN, Batch.State.PAUSED]
    there = Batch.objects.filter(account__platform__in=elsewhere()).exclude(remote_id="")
    there = there.exclude(account__rehearsal__follows_wall_clock=False)
    unjudged = Assignment.objects.filter(
        batch__in=there, state__in=[Assignment.State.SUBMITTED, Assignment.State.ACTIVE]
    ).values("batch_id")
    return list(there.filter(state__in=open_now) | there.filter(pk__in=unjudged))


def run_pull(job: Job, _now: datetime) -> Again | None:
    """Job: take over what came in for one batch, and come again while more can come."""
    batch_id = job.payload["batch_id"]
    now = database_now()
    pulled = pulling.pull_batch(batch_id=batch_id, now=now)
    if pulled.taken and job.project_id is not None:
        wake_take_in(job.project_id)
    if pulled.stopped:
        _pause(Batch.objects.get(pk=batch_id), pulled.stopped, now)
    if pulled.more:
        return Again()
    if not any(batch.pk == batch_id for batch in _worth_pulling()):
        return None
    return Again(after=max(MOMENT, (pulled.next_at - database_now()).total_seconds()))


def wake_compares(*, now: datetime) -> None:
    """Once a day the pages of open batches elsewhere are counted on both sides: platforms list every one for that."""
    there = Batch.objects.filter(account__platform__in=elsewhere(), state=Batch.State.OPEN).exclude(remote_id="")
    for batch in there.exclude(account__rehearsal__follows_wall_clock=False):
        last = comparing.last_compared(batch)
        if last is None or last.at <= now - COMPARED_EVERY:
            _wake_compare(batch)


def compare_soon(*, pool_id: int) -> None:
    """Count the pages of a pool on both sides now: somebody has asked."""
    for batch in Batch.objects.filter(pool_id=pool_id):
        _wake_compare(batch)


def _wake_compare(batch: Batch) -> None:
    payload = {"batch_id": batch.pk}
    jobs.wake(kind="compare_batch", key=str(batch.pk), project_id=batch.project_id, payload=payload)


def run_compare(job: Job, _now: datetime) -> None:
    """Job: ask a platform for its books of one batch."""
    found = comparing.compare_batch(batch_id=job.payload["batch_id"], now=database_now())
    if found is not None and job.project_id is not None:
        versions.bump(project_id=job.project_id)


def wake_fetches(*, now: datetime) -> None:
    waiting = RemoteFile.objects.filter(state=RemoteFile.State.WAITING, next_at__lte=now)
    waiting = waiting.exclude(assignment__account__rehearsal__follows_wall_clock=False)
    for account_id in waiting.order_by().values_list("assignment__account_id", flat=True).distinct():
        jobs.wake(kind="fetch_files", key=str(account_id), payload={"account_id": account_id})


def run_fetch_files(job: Job, _now: datetime) -> Again | None:
    """Job: stream files of answers into our storage."""
    fetched = files.fetch_due(now=database_now(), account_id=job.payload["account_id"])
    for project_id in fetched.project_ids:
        wake_take_in(project_id)
    return Again() if fetched else None


def push_new_tasks(*, now: datetime) -> None:
    """Plan pushes of tasks that came up since their batch was published; a pool without money for them pauses."""
    fresh = Task.objects.filter(to_push=True, batch__published_at__isnull=False).order_by()
    fresh = fresh.exclude(batch__account__rehearsal__follows_wall_clock=False)
    for batch_id in sorted(fresh.values_list("batch_id", flat=True).distinct()):
        batch = Batch.objects.select_related("account").get(pk=batch_id)
        try:
            publishing.plan_pushes(batch=batch)
        except BudgetExceeded as error:
            _pause(batch, str(error), now)


def _pause(batch: Batch, sentence: str, now: datetime) -> None:
    pool = Pool.objects.filter(pk=batch.pool_id, state=Pool.State.OPEN).first()
    if pool is not None:
        pools.pause_pool(pool_id=pool.pk, by=None, now=now, note=sentence[:200])
