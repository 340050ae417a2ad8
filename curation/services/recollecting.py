"""Rejected work that nobody is doing again: ask for one more answer to each."""

from datetime import datetime

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from crowd.errors import CrowdError
from crowd.models import Answer, Assignment, Task
from crowd.services import tasks
from curation.models import Asset, Pool, User
from curation.services import events, pools, versions

AGAIN = (Pool.State.OPEN, Pool.State.OPENING, Pool.State.PAUSED)


def given_up(*, pool: Pool) -> QuerySet[Task]:
    """Return tasks with a rejected answer that have too few good ones and are on offer to nobody."""
    rejected = Answer.objects.filter(task=OuterRef("pk"), assignment__state=Assignment.State.REJECTED)
    alive = [Assignment.State.ACTIVE, Assignment.State.SUBMITTED, Assignment.State.ACCEPTED]
    moved_on = Asset.objects.filter(pk=OuterRef("item_id")).exclude(stage_id=pool.stage_id, state=Asset.State.WORKING)
    counted = Task.objects.filter(batch__pool_id=pool.pk, overlap__isnull=False, cancelled=False).annotate(
        good=Count("answers", filter=Q(answers__assignment__state__in=alive))
    )
    return counted.filter(Exists(rejected), ~Exists(moved_on), good__lt=F("overlap"), issued__gte=F("overlap"))


@transaction.atomic
def recollect(*, pool_id: int, by: User, now: datetime) -> int:
    """Ask for one more answer to each of them; the platform hears of it. Returns how many."""
    pool = pools.locked(pool_id)
    if pool.state not in AGAIN:
        raise CrowdError(f"{pool.title} is {pool.get_state_display().lower()}: open it first, then ask again.")
    ids = list(given_up(pool=pool).values_list("pk", flat=True))
    n = tasks.want_more(Task.objects.filter(pk__in=ids))
    if n:
        text = f"{by.name} asked for {n:,} rejected results of {pool.title} again."
        events.record(kind="pool.changed", text=text, project=pool.project, subject=pool, by=by, now=now)
        versions.bump(project_id=pool.project_id)
    return n
