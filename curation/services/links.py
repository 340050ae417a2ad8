"""Pictures that a program names by their addresses: noted at once, fetched by a job behind the one guarded door."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models, transaction
from django.db.models import F

from crowd.errors import StorageRefused
from crowd.fetching import AddressRefused, FetchError, Limits, fetch_public
from crowd.fetching.links import read_link
from curation.models import Asset, Job, LinkToFetch, Project, Stage, User
from curation.preprocessing.limits import PICTURE_LIMITS, Unreadable
from curation.services import ingest, jobs
from curation.services.ingest import Incoming
from curation.services.jobs import Again

State = LinkToFetch.State
LIMITS = Limits(most_bytes=PICTURE_LIMITS.max_bytes, total_seconds=30.0, idle_seconds=10.0)
A_RUN = timedelta(seconds=15)  # after which the job comes again
PAUSES = (10, 60, 600, 3_600, 21_600)  # seconds before the second, the third … try


@dataclass(frozen=True, slots=True)
class Link:
    """A picture's address with the caller's own key for it."""

    client_key: str
    url: str
    name: str


def check(url: str) -> str:
    """Return the address as it will be asked for. Raises AddressRefused."""
    return str(read_link(url.strip(), limits=LIMITS, allow=frozenset(settings.ALLOWED_PRIVATE_HOSTS)))


@transaction.atomic
def note(
    *, project: Project, stage: Stage | None, links: Sequence[Link], by: User | None, now: datetime
) -> dict[str, Asset]:
    """Note addresses to fetch, and return the assets of those keys that are there already.

    A key that was refused before is tried again; one that waits takes the newer address.
    """
    keys = {one.client_key for one in links}
    known = {asset.client_key or "": asset for asset in Asset.objects.filter(project=project, client_key__in=keys)}
    rows = {
        one.client_key: LinkToFetch(
            project=project,
            created_by=by,
            client_key=one.client_key,
            name=one.name[-255:],
            url=one.url,
            stage=stage,
            next_at=now,
        )
        for one in links
        if one.client_key not in known
    }
    LinkToFetch.objects.bulk_create(
        [rows[key] for key in sorted(rows)],
        update_conflicts=True,
        unique_fields=["project", "client_key"],
        update_fields=["url", "name", "stage", "state", "code", "detail", "tries", "next_at"],
    )
    if rows:
        jobs.wake(kind="fetch_links", key=str(project.pk), project_id=project.pk)
        jobs.hasten(kind="fetch_links", key=str(project.pk))
    return known


def run_fetch(job: Job, now: datetime) -> Again | None:
    """Fetch what is due in a project for some seconds; come again when the next one is."""
    began, moment = time.monotonic(), now
    waiting = LinkToFetch.objects.filter(project_id=int(job.key), state=State.WAITING)
    due = waiting.select_related("project", "stage").order_by("next_at", "pk")
    while moment < now + A_RUN and (link := due.filter(next_at__lte=moment).first()) is not None:
        _fetch(link, moment)
        moment = now + timedelta(seconds=time.monotonic() - began)
    following = waiting.order_by("next_at").values_list("next_at", flat=True).first()
    return Again(after=max(0.0, (following - moment).total_seconds())) if following else None


def _fetch(link: LinkToFetch, now: datetime) -> None:
    try:
        with fetch_public(link.url, limits=LIMITS, allow=frozenset(settings.ALLOWED_PRIVATE_HOSTS)) as fetched:
            data = fetched.read()
        stage = link.stage or ingest.entry_stage(link.project)
        incoming = Incoming(link.name, data, "API", client_key=link.client_key)
        taken = ingest.take(project=link.project, stage=stage, incoming=incoming, now=now)
    except Unreadable as refusal:
        _end(link, State.REFUSED, refusal.reason_code, refusal.sentence)
    except AddressRefused as refusal:
        _end(link, State.REFUSED, "bad_address", str(refusal))
    except (FetchError, StorageRefused) as error:
        _after(link, error, now)
    else:
        _end(link, State.DONE, asset=taken.asset)


def _after(link: LinkToFetch, error: Exception, now: datetime) -> None:
    """Try again later, or say that it cannot be fetched."""
    if getattr(error, "permanent", False) or link.tries >= len(PAUSES):
        _end(link, State.REFUSED, "not_fetched", str(error))
        return
    later = now + timedelta(seconds=PAUSES[link.tries])
    _here(link).update(tries=F("tries") + 1, next_at=later, detail=str(error)[:300])


def _end(link: LinkToFetch, state: str, code: str = "", detail: str = "", asset: Asset | None = None) -> None:
    _here(link).update(state=state, code=code, detail=detail[:300], asset=asset, tries=F("tries") + 1)


def _here(link: LinkToFetch) -> models.QuerySet[LinkToFetch]:
    """The row, unless its address was changed meanwhile."""
    return LinkToFetch.objects.filter(pk=link.pk, url=link.url, state=State.WAITING)
