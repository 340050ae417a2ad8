"""Freezing a version: its row at once, its pictures slice by slice, and at the end the moment it is frozen.

Who asks gets the row back and a job does the rest; commands do all of it in one transaction. A version that is not
whole is never exported, compared or split.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef, Q

from crowd.errors import CrowdError
from curation.models import Asset, DatasetItem, DatasetVersion, Export, Job, Project, User
from curation.services import events, jobs, publish_filters, splits, versions
from curation.services.asset_query import QueryError
from curation.services.cards import frozen_card
from curation.services.jobs import Again
from curation.services.split_rows import contents_of
from curation.services.splits import SplitPlan
from curation.services.turns import VERSIONS, take_turns
from curation.services.version_items import (
    ClassNames,
    NothingToFreeze,
    Tally,
    items_of,
    meant_by,
    require_allowed,
    require_fit,
)

KIND: Final = "freeze"
SLICE, A_COPY = 2_000, 20_000
SECONDS_A_RUN = 100.0
SECONDS_TO_EARLIER = 5.0
GAVE_UP: Final = "It failed again and again; its job says why."
State = DatasetVersion.State
DIFFER: Final = """
SELECT EXISTS (
    SELECT FROM (SELECT * FROM curation_datasetitem WHERE dataset_id = %s) one
      FULL JOIN (SELECT * FROM curation_datasetitem WHERE dataset_id = %s) other USING (asset_id)
     WHERE (one.consensus_id, one.label_class_id, one.boxes, one.answers, one.split)
        IS DISTINCT FROM (other.consensus_id, other.label_class_id, other.boxes, other.answers, other.split))
"""
Adding = Callable[[DatasetVersion, int], int]


# --- at once ------------------------------------------------------------------------------------------------------
def freeze_version(
    *,
    project_id: int,
    by: User | None,
    note: str = "",
    query: str = "",
    split: SplitPlan | None = None,
    now: datetime,
) -> DatasetVersion:
    """Freeze assets with their current boxes as the next version, before this returns; see `request_version`."""
    project = Project.objects.get(pk=project_id)
    publish_filters.suggest(project=project, by=None, now=now)  # a refusal for what it finds leaves it in the queue
    with transaction.atomic():
        take_turns(project=project, what=VERSIONS)
        require_fit(project, query)
        version = _new(project, by=by, note=note, query=query, now=now)
        return _made_at_once(version, _add_meant, split, now, is_copy=False)


def newest_or_freeze(*, project_id: int, by: User | None, query: str, now: datetime) -> DatasetVersion:
    """Return the newest version of this query when it holds all that freezing now would, else freeze the next one."""
    frozen = DatasetVersion.objects.frozen().filter(project_id=project_id, query=query.strip())
    newest = frozen.select_related("project").order_by("-number").first()
    publish_filters.suggest(project=Project.objects.get(pk=project_id), by=None, now=now)  # outlives a refusal
    with transaction.atomic():
        version = freeze_version(project_id=project_id, by=by, query=query, now=now)
        if newest is None or not _says_the_same(newest, version):
            return version
        transaction.set_rollback(True)
    return newest


def _says_the_same(one: DatasetVersion, other: DatasetVersion) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(DIFFER, [one.pk, other.pk])
        (differ,) = cursor.fetchone()
    return not differ and one.card == other.card


@transaction.atomic
def split_version(*, dataset_id: int, plan: SplitPlan, by: User | None, now: datetime) -> DatasetVersion:
    """Freeze the next version: the pictures and boxes of this one, dealt out to the parts. This one stays as it is."""
    whole = _whole(dataset_id)
    take_turns(project=whole.project, what=VERSIONS)
    return _made_at_once(_new_split(whole, plan, by, now), _copying(whole), plan, now, is_copy=True)


def _made_at_once(
    version: DatasetVersion, add: Adding, plan: SplitPlan | None, now: datetime, *, is_copy: bool
) -> DatasetVersion:
    earlier = _still_to_deal(version, plan)
    if earlier is not None:
        raise CrowdError(f"{earlier} is being frozen; wait for it, so that what it has in a part stays there.")
    while _add_slice(version.pk, add):
        pass
    _finish(version.pk, plan, now, is_copy=is_copy)
    version.refresh_from_db()
    return version


# --- by a job -----------------------------------------------------------------------------------------------------
def request_version(
    *,
    project_id: int,
    by: User | None,
    note: str = "",
    query: str = "",
    split: SplitPlan | None = None,
    now: datetime,
) -> DatasetVersion:
    """Have assets frozen with their current boxes as the next version; images without boxes are kept.

    Which ones `query` says, in the language of saved views; published ones are meant unless it names a state. The same
    wish while it is carried out returns the version that is there. Raises NothingToFreeze, QueryError.
    """
    project = Project.objects.get(pk=project_id)
    wish = {"note": note, "query": query.strip(), "plan": asdict(split) if split else None, "of": None}
    publish_filters.suggest(project=project, by=None, now=now)
    with transaction.atomic():
        take_turns(project=project, what=VERSIONS)
        under_way = _under_way(project, wish)
        if under_way is not None:
            return under_way
        require_fit(project, query)
        version = _new(project, by=by, note=note, query=query, now=now)
        return _enqueued(version, wish)


@transaction.atomic
def request_split(*, dataset_id: int, plan: SplitPlan, by: User | None, now: datetime) -> DatasetVersion:
    """Have the next version frozen by a job: the pictures and boxes of this one, dealt out to the parts."""
    whole = _whole(dataset_id)
    wish = {"note": "", "query": "", "plan": asdict(plan), "of": whole.pk}
    take_turns(project=whole.project, what=VERSIONS)
    under_way = _under_way(whole.project, wish)
    return under_way or _enqueued(_new_split(whole, plan, by, now), wish)


def job_of(version: DatasetVersion) -> Job | None:
    """Return the job that freezes or froze a version, while it is kept."""
    return Job.objects.filter(kind=KIND, key=str(version.pk)).first()


def wanted_images(unfinished: Sequence[DatasetVersion]) -> dict[int, int]:
    """Return how many images versions that are being frozen will have, as soon as their job has counted them."""
    found = Job.objects.filter(kind=KIND, key__in=[str(one.pk) for one in unfinished], total_n__isnull=False)
    return {int(key): int(images or 0) for key, images in found.values_list("key", "total_n")}


def run_freeze(job: Job, now: datetime) -> Again | None:
    """Job: add pictures for some time, come again; when all are there, deal them out and say that it is frozen."""
    version = DatasetVersion.objects.select_related("project").filter(pk=int(job.key)).first()
    if version is None or version.state != State.FREEZING:
        return None
    wish, until = job.payload["wish"], time.monotonic() + SECONDS_A_RUN
    try:
        whole = _whole(wish["of"]) if wish["of"] else None
        if job.total_n is None:
            if not whole:
                publish_filters.suggest(project=version.project, by=None, now=now)
                require_fit(version.project, version.query)
            images = whole.counts["images"] if whole else meant_by(version.project, version.query).count()
            Job.objects.filter(pk=job.pk).update(total_n=images)
        add = _copying(whole) if whole else _add_meant
        while done := _add_slice(version.pk, add):
            if time.monotonic() > until:
                return Again(done_n=done)
        plan = _plan(wish["plan"])
        if _still_to_deal(version, plan) is not None:
            return Again(after=SECONDS_TO_EARLIER)
        if not whole:
            publish_filters.suggest(project=version.project, by=None, now=now)
        _finish(version.pk, plan, now, is_copy=whole is not None)
    except (CrowdError, QueryError) as refusal:
        _fail(version.pk, str(refusal), now)
    return None


def begin_again(job: Job) -> None:
    """A person has a job that died tried again: the version that was given up with it is being frozen again."""
    DatasetVersion.objects.filter(pk=int(job.key), frozen_at=None).update(error="")
    Job.objects.filter(pk=job.pk).update(total_n=None)


def end_dead(*, now: datetime) -> int:
    """End versions whose job has died or was given up: nobody will freeze them any more."""
    waiting = DatasetVersion.objects.filter(frozen_at=None, error="").values_list("pk", flat=True)
    ended = Job.objects.filter(kind=KIND, key__in=[str(pk) for pk in waiting])
    keys = list(ended.filter(state__in=[Job.State.DEAD, Job.State.CANCELLED]).values_list("key", flat=True))
    for key in keys:
        _fail(int(key), GAVE_UP, now)
    return len(keys)


def _enqueued(version: DatasetVersion, wish: Mapping[str, Any]) -> DatasetVersion:
    payload = {"dataset_id": version.pk, "wish": wish}
    jobs.enqueue(kind=KIND, key=str(version.pk), project_id=version.project_id, payload=payload)
    versions.bump(project_id=version.project_id)
    return version


def _under_way(project: Project, wish: Mapping[str, Any]) -> DatasetVersion | None:
    asked = Job.objects.filter(kind=KIND, project_id=project.pk, state__in=[Job.State.DUE, Job.State.RUNNING])
    keys = asked.filter(payload__wish=wish).values_list("key", flat=True)
    unfinished = DatasetVersion.objects.filter(pk__in=[int(key) for key in keys], frozen_at=None, error="")
    return unfinished.select_related("project").first()


def _plan(told: Mapping[str, Any] | None) -> SplitPlan | None:
    return SplitPlan(**{**told, "by": tuple(told["by"])}) if told else None


# --- the row ------------------------------------------------------------------------------------------------------
def _new(
    project: Project, *, by: User | None, note: str, query: str, now: datetime, card: dict[str, Any] | None = None
) -> DatasetVersion:
    newest = DatasetVersion.objects.filter(project=project).aggregate(n=Max("number"))["n"] or 0
    version = DatasetVersion.objects.create(
        project=project,
        number=newest + 1,
        note=note[:300],
        query=query.strip(),
        counts=Tally().as_json(),
        card=frozen_card(project) if card is None else card,
        created_by=by,
        created_at=now,
    )
    version.refresh_from_db(fields=["public_id"])
    return version


def _new_split(whole: DatasetVersion, plan: SplitPlan, by: User | None, now: datetime) -> DatasetVersion:
    note = f"{whole}, split by {', '.join(plan.by) or 'picture'}"
    return _new(whole.project, by=by, note=note, query=whole.query, card=whole.card, now=now)


def _whole(dataset_id: int) -> DatasetVersion:
    whole = DatasetVersion.objects.select_related("project").get(pk=dataset_id)
    if whole.frozen_at is None:
        raise CrowdError(f"{whole} is not frozen yet.")
    return whole


# --- its pictures -------------------------------------------------------------------------------------------------
@transaction.atomic
def _add_slice(version_id: int, add: Adding) -> int:
    """Add the next pictures and return how many there are; 0 when there is nothing more to add."""
    version = DatasetVersion.objects.select_for_update(of=("self",)).select_related("project").get(pk=version_id)
    if version.state != State.FREEZING:
        return 0
    last = version.items.aggregate(last=Max("asset_id"))["last"] or 0
    if not add(version, last):
        return 0
    version.save(update_fields=["counts"])
    return int(version.counts["images"])


def _add_meant(version: DatasetVersion, last: int) -> int:
    meant = meant_by(version.project, version.query).filter(pk__gt=last).order_by("pk")
    assets = list(meant[:SLICE])
    if any(asset.width is None or asset.height is None for asset in assets):
        unmeasured = meant_by(version.project, version.query).filter(Q(width=None) | Q(height=None)).count()
        raise CrowdError(f"{unmeasured:,} of these images were never measured; send them through the checks first.")
    items = items_of(version, assets, ClassNames(version.project))
    DatasetItem.objects.bulk_create(items)
    tally = Tally(version.counts)
    tally.add(items)
    version.counts = tally.as_json()
    return len(items)


def _copying(whole: DatasetVersion) -> Adding:
    def add(version: DatasetVersion, last: int) -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO curation_datasetitem "
                "(dataset_id, asset_id, consensus_id, label_class_id, boxes, answers, split) "
                "SELECT %s, asset_id, consensus_id, label_class_id, boxes, answers, '' FROM curation_datasetitem "
                "WHERE dataset_id = %s AND asset_id > %s ORDER BY asset_id LIMIT %s",
                [version.pk, whole.pk, last, A_COPY],
            )
            added = cursor.rowcount
        # Images as far as it is; all the rest as in the version it is made of, until it is counted at the end.
        version.counts = {**whole.counts, "images": int(version.counts["images"]) + added}
        return int(added)

    return add


# --- its end ------------------------------------------------------------------------------------------------------
@transaction.atomic
def _finish(version_id: int, plan: SplitPlan | None, now: datetime, *, is_copy: bool) -> None:
    version = DatasetVersion.objects.select_for_update(of=("self",)).select_related("project").get(pk=version_id)
    if version.state != State.FREEZING:
        return
    if not is_copy:
        _ask_again(version)
    version.counts = {**version.counts, **contents_of(version)}
    if not version.counts["images"]:
        raise NothingToFreeze(f"Nothing that was meant is there any more, so {version} has nothing to freeze.")
    if plan is not None:
        splits.assign(version=version, plan=plan)
    version.frozen_at = now
    version.save(update_fields=["counts", "frozen_at"])
    counts = version.counts
    parts = f", split into {', '.join(plan.shares)}" if plan else ""
    text = f"Version {version.number} was frozen: {counts['images']:,} images, {counts['boxes']:,} boxes{parts}."
    _record("dataset.frozen", text, version, now)
    for export_id in Export.objects.filter(dataset=version, state=Export.State.QUEUED).values_list("pk", flat=True):
        jobs.hasten(kind="export", key=str(export_id))


def _ask_again(version: DatasetVersion) -> None:
    """Take out what was meant when its slice was added and is not any more. Raises as `require_allowed`."""
    still = meant_by(version.project, version.query).filter(pk=OuterRef("asset_id"))
    version.items.filter(~Exists(still)).delete()
    held = Asset.objects.filter(dataset_items__dataset=version)
    require_allowed(version.project, held, whole=not version.query)


def _still_to_deal(version: DatasetVersion, plan: SplitPlan | None) -> DatasetVersion | None:
    """Return an earlier version under way: a plan that keeps what is in a part has to know where that one puts it."""
    if plan is None or not plan.keep:
        return None
    earlier = DatasetVersion.objects.filter(project=version.project_id, number__lt=version.number)
    return earlier.filter(frozen_at=None, error="").order_by("number").first()


@transaction.atomic
def _fail(version_id: int, sentence: str, now: datetime) -> None:
    """Say why a version cannot be frozen; the pictures it had so far are in none."""
    version = DatasetVersion.objects.select_for_update(of=("self",)).select_related("project").get(pk=version_id)
    if version.state != State.FREEZING:
        return
    version.items.all().delete()
    version.error, version.counts = sentence[:300], Tally().as_json()
    version.save(update_fields=["error", "counts"])
    _record("dataset.failed", f"Version {version.number} was not frozen: {sentence}", version, now)


def _record(kind: str, text: str, version: DatasetVersion, now: datetime) -> None:
    events.record(kind=kind, text=text, project=version.project, subject=version, by=version.created_by, now=now)
    versions.bump(project_id=version.project_id)
