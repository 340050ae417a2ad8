"""A project whose collecting pool is on Toloka, moved by hand."""

from dataclasses import replace
from datetime import timedelta

from crowd.clock import database_now
from crowd.models import Account, Batch
from crowd.services import dispatch
from curation.engine import campaigns, market
from curation.models import Job, Pool
from curation.services import pools
from tests.crowd.market import NOON
from tests.engine import world


def pool(account: Account, wanted: int = 3) -> Pool:
    """The draft of a collecting pool."""
    asked = replace(world.asked(wanted), platform=account.slug)
    return world.collecting(campaigns.ensure_project(asked=asked, by=None, now=NOON).project)


def opened(account: Account, wanted: int = 3) -> Pool:
    of = pool(account, wanted)
    resume(of)
    return of


def resume(of: Pool) -> None:
    """Press the button and let the outbox work."""
    pools.open_pool(pool_id=of.pk, by=None, now=database_now(), accept_differences=True)
    settle(of)


def settle(of: Pool) -> None:
    for minute in range(10):
        dispatch.drain(now=database_now() + timedelta(minutes=minute))
    pools.settle_openings()
    of.refresh_from_db()


def batch(of: Pool) -> Batch:
    return Batch.objects.select_related("account").get(pool_id=of.pk)


def pull(of: Pool) -> None:
    """Let the job that pulls have its turn."""
    job = Job(kind="pull", key="now", project_id=of.project_id, payload={"batch_id": batch(of).pk})
    market.run_pull(job, database_now())
    of.refresh_from_db()
