"""The job that groups a project's pictures by likeness, one distance a slice; what is known already is taken over."""

from __future__ import annotations

import secrets
import time
from datetime import datetime
from typing import Any

import numpy as np
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from curation.models import Asset, Job, LookalikeSearch, Project
from curation.preprocessing.hashes import LOW_CONTRAST
from curation.preprocessing.leaders import Words, group
from curation.services import events, jobs, versions
from curation.services.jobs import Again
from curation.services.lookalikes import arrays
from curation.services.lookalikes.arrays import STOPS, Grouping, Ids, Pictures

KIND = "find_lookalikes"


def ask(*, project: Project) -> None:
    """Let the pictures be grouped anew; asked twice, it is done once."""
    jobs.wake(kind=KIND, key=str(project.pk), project_id=project.pk)


def at_work(*, project: Project) -> Job | None:
    """Return the job while it has something to do, or when it has failed."""
    live = [Job.State.DUE, Job.State.RUNNING, Job.State.DEAD]
    return Job.objects.filter(kind=KIND, key=str(project.pk), state__in=live).first()


def comparable(project_id: int) -> QuerySet[Asset]:
    """Return the pictures that may be grouped: in the project still, and with a hash that means something."""
    return Asset.objects.filter(project_id=project_id, hash256__isnull=False, contrast__gte=LOW_CONTRAST).exclude(
        state=Asset.State.DROPPED
    )


def run_search(job: Job, now: datetime) -> Again | None:
    """Job: group at one more distance; after the last one the new search takes the place of the old."""
    project_id = int(job.key)
    cursor = dict(job.cursor) or _begin(project_id)
    started = time.perf_counter()
    stop = STOPS[len(cursor["kept"])]
    pictures, earlier = arrays.pictures_of(cursor["prefix"]), _earlier(project_id)
    known = None if earlier is None else _taken_over(pictures, earlier, stop)
    grouping = grouped(pictures, hashes_of(pictures.ids), stop, known)
    arrays.store_grouping(cursor["prefix"], stop, grouping)
    cursor["kept"] = {**cursor["kept"], str(stop): int((grouping.leaders == np.arange(len(pictures.ids))).sum())}
    cursor["seconds"] = cursor["seconds"] + time.perf_counter() - started
    if len(cursor["kept"]) < len(STOPS):
        return Again(cursor=cursor, done_n=len(cursor["kept"]), total_n=len(STOPS))
    _finish(project_id, cursor, len(pictures.ids), now)
    return None


def _begin(project_id: int) -> dict[str, Any]:
    """Fix which pictures are grouped: those of the last search in their order, then new ones, the sharpest first."""
    prefix = f"lookalikes/{secrets.token_hex(16)}"
    live = live_of(project_id)
    known = _earlier(project_id)
    before = [] if known is None else [pk for pk in arrays.pictures_of(known).ids.tolist() if pk in live]
    had = set(before)
    ids = before + [pk for pk in live if pk not in had]
    classes = np.array([live[pk] for pk in ids], np.int64)
    arrays.store_pictures(prefix, Pictures(np.array(ids, np.int64), classes))
    return {"prefix": prefix, "kept": {}, "seconds": 0.0}


def live_of(project_id: int) -> dict[int, int]:
    """Return the pictures that may be grouped with the class of each (0 = none), the sharpest first."""
    sharpness, pixels = Coalesce(F("sharpness"), 0.0), F("width") * F("height")
    rows = comparable(project_id).order_by(sharpness.desc(), pixels.desc(nulls_last=True), "id")
    return {pk: label or 0 for pk, label in rows.values_list("id", "label_class_id").iterator(20_000)}


def _earlier(project_id: int) -> str | None:
    return LookalikeSearch.objects.filter(project_id=project_id).values_list("arrays_key", flat=True).first()


def hashes_of(ids: Ids) -> Words:
    """Return uint64[n, 4]; a picture that went meanwhile is as far from all others as can be."""
    wanted = ids.tolist()
    found: dict[int, bytes] = {}
    for start in range(0, len(wanted), 20_000):
        rows = Asset.objects.filter(pk__in=wanted[start : start + 20_000]).values_list("id", "hash256")
        found.update((pk, bytes(digest)) for pk, digest in rows if digest is not None)
    joined = b"".join(found.get(pk) or secrets.token_bytes(32) for pk in wanted)
    return np.frombuffer(joined, np.uint64).reshape(-1, 4)


def grouped(pictures: Pictures, rows: Words, stop: int, known: Grouping | None) -> Grouping:
    """Group each class for itself: the same place with another sign is another picture.

    `rows`: the hash of each picture. `known`: what holds already for the first of them.
    """
    leaders = np.arange(len(rows), dtype=np.int32)
    distances = np.zeros(len(rows), np.uint8)
    for label in np.unique(pictures.classes).tolist():
        places = np.flatnonzero(pictures.classes == label).astype(np.int32)
        if known is None:
            found, bits = group(rows[places], stop)
        else:
            n = int((places < len(known.leaders)).sum())
            inside = np.searchsorted(places, known.leaders[places[:n]]).astype(np.int32)
            found, bits = group(rows[places], stop, leaders=inside, distances=known.distances[places[:n]])
        leaders[places], distances[places] = places[found], bits
    return Grouping(leaders, distances)


def _taken_over(pictures: Pictures, earlier: str, stop: int) -> Grouping | None:
    """Return what the last search found for the first pictures of this one, if it still holds.

    It does when every leader is still there, in its class: each member is proven against its own leader only.
    """
    try:
        before, grouping = arrays.pictures_of(earlier), arrays.grouping_of(earlier, stop)
    except (FileNotFoundError, ObjectDoesNotExist):
        return None
    place = {pk: number for number, pk in enumerate(pictures.ids.tolist())}
    new_place = np.array([place.get(pk, -1) for pk in before.ids.tolist()], np.int32)
    stays = np.flatnonzero(new_place >= 0)
    led = new_place[grouping.leaders[stays]]
    at = new_place[stays]
    if (led < 0).any() or (pictures.classes[at] != pictures.classes[led]).any():
        return None
    if (pictures.classes[at] != before.classes[stays]).any():
        return None
    return Grouping(led.astype(np.int32), grouping.distances[stays])


@transaction.atomic
def _finish(project_id: int, cursor: dict[str, Any], pictures: int, now: datetime) -> None:
    before = _earlier(project_id)
    LookalikeSearch.objects.update_or_create(
        project_id=project_id,
        defaults={
            "arrays_key": cursor["prefix"],
            "pictures": pictures,
            "kept": cursor["kept"],
            "seconds": round(cursor["seconds"], 2),
            "updated_at": now,
            "asked_at": now,
            "joined": 0,
        },
    )
    project = Project.objects.get(pk=project_id)
    text = f"{pictures:,} pictures were compared with each other for near-duplicates."
    events.record(kind="lookalikes.found", text=text, project=project, now=now)
    versions.bump(project_id=project_id)
    if before is not None and before != cursor["prefix"]:
        transaction.on_commit(lambda: arrays.delete(before))
