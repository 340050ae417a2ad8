"""Once a second: sweep leases, settle openings, wake what waits, and say which jobs to ring."""

from collections.abc import Collection
from datetime import datetime, timedelta

from crowd.models import Assignment
from crowd.platforms.registry import issuing_pages
from crowd.services import dispatch, handing_in, pulling, rollups, tallies, trust
from curation.engine import market
from curation.engine.flow import wake_take_in
from curation.models import Event, IdempotencyKey, Job, Pool, Project, Session, Tick
from curation.services import (
    batches,
    budgets,
    collusion,
    delivering,
    events,
    exporting,
    file_uploads,
    freezing,
    import_jobs,
    import_packages,
    import_requests,
    jobs,
    outlook,
    pools,
    rehearsals,
    trash,
    uploads,
)

TICKS_KEPT = timedelta(hours=1)
FINISHED_KEPT = timedelta(days=14)
TOLD_AGAIN = {"deadline.near": timedelta(days=1), "deadline.alarm": timedelta(minutes=30)}


def sweep(*, now: datetime, crowded: Collection[str] = ()) -> list[tuple[int, str]]:
    """Do what is due and return the jobs to ring, but for those of queues that are crowded."""
    jobs.sweep(now=now)
    dispatch.sweep(now=now)
    market.push_new_tasks(now=now)
    market.send_due(now=now)
    market.wake_pulls()
    market.wake_fetches(now=now)
    pools.settle_openings()
    handing_in.expire_leases(now=now)
    for project_id in projects_with_mail():
        wake_take_in(project_id)
    pause_where_money_ends(now=now)
    rollups.fold(now=now)
    tallies.fold(now=now)
    if int(now.timestamp()) % 30 == 0:
        budgets.warn_due(now=now)
        trust.end_timed(now=now)
        watch_deadlines(now=now)
        freezing.end_dead(now=now)
        exporting.end_dead(now=now)
        import_jobs.end_dead(now=now)
        rehearsals.end_dead(now=now)
    if int(now.timestamp()) % 600 == 0:
        clear_old_rows(now=now)
        tallies.forget_minutes(now=now)
        market.wake_compares(now=now)
        collusion.wake_due()
        outlook.wake_due(now=now)
        uploads.forget_unfinished(now=now)
        file_uploads.forget_unfinished(now=now)
        trash.empty_due(now=now)
        delivering.forget_old(now=now)
        batches.forget_old(now=now)
        import_requests.forget_unstarted(now=now)
        import_packages.forget_ended()
    return jobs.to_ring(now=now, but=crowded)


def watch_deadlines(*, now: datetime) -> None:
    """Let nothing be accepted by forgetting: what will be done and what needs a person is told to the project."""
    watched = pulling.watch_deadlines(now=now)
    for kind, told in (("deadline.near", watched.warnings), ("deadline.alarm", watched.alarms)):
        for one in told:
            pool = Pool.objects.select_related("project").filter(pk=one.batch.pool_id).first()
            if pool is not None and not _was_told(kind, pool, now):
                events.record(kind=kind, text=one.sentence, project=pool.project, subject=pool, now=now)


def _was_told(kind: str, pool: Pool, now: datetime) -> bool:
    lately = Event.objects.filter(kind=kind, subject_type="pool", subject_id=pool.pk)
    return lately.filter(created_at__gt=now - TOLD_AGAIN[kind]).exists()


def projects_with_mail() -> list[int]:
    """Projects with submitted pages that nobody has taken in; rehearsals on a virtual clock have their own driver."""
    rows = Assignment.objects.filter(processed_at__isnull=True, submitted_at__isnull=False, awaits_files=False)
    ids = set(rows.values_list("project_id", flat=True).distinct())
    live = Project.objects.filter(pk__in=ids, is_rehearsal=False)
    return sorted(live.values_list("pk", flat=True))


def pause_where_money_ends(*, now: datetime) -> int:
    """Pause open pools whose next page cannot be paid, with a sentence that says what to do."""
    open_pools = Pool.objects.filter(state=Pool.State.OPEN, price_micro__gt=0, project__is_rehearsal=False)
    issued_by_us = open_pools.exclude(account__platform__in=issuing_pages())  # the others hold what they may cost
    stopped = budgets.stops(pools=issued_by_us.select_related("account").order_by("id"))
    for pool, sentence in stopped:
        pools.pause_pool(pool_id=pool.pk, by=None, now=now, note=sentence)
    return len(stopped)


def clear_old_rows(*, now: datetime) -> None:
    Tick.objects.filter(created_at__lt=now - TICKS_KEPT).delete()
    Session.objects.filter(expire_date__lt=now).delete()
    IdempotencyKey.objects.filter(created_at__lt=now - IdempotencyKey.KEPT_FOR).delete()
    old = Job.objects.filter(state__in=[Job.State.DONE, Job.State.CANCELLED], finished_at__lt=now - FINISHED_KEPT)
    Job.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:5000])).delete()
