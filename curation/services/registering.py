"""Pictures of other buckets become assets where they lie: listed, read once to be measured, never copied."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from crowd.errors import CrowdError
from curation.intake.kinds import PICTURE_SUFFIXES, is_junk
from curation.models import Asset, Event, Job, LabelClass, Project, Stage, User
from curation.preprocessing.limits import MEGABYTE, PICTURE_LIMITS, Unreadable
from curation.services import events, ingest, jobs
from curation.services.ingest import Incoming
from curation.services.jobs import Again
from curation.services.taking_many import take_many
from curation.storing.errors import explained
from curation.storing.outside import is_plain, opened, source_of
from curation.storing.sources import SCHEME

A_RUN = 120.0  # seconds of one job, under its lease
LISTED_AT_ONCE, BYTES_AT_ONCE = 200, 32 * MEGABYTE
MOST_KEY, MOST_CLIENT_KEY, MOST_TOLD = 255, 200, 50
DONE = "assets.registered"


class SourceRefused(CrowdError):
    """A bucket that cannot be read as it was asked for; the sentence says what to mend."""


@dataclass(slots=True)
class Progress:
    """received = new + existing + refused so far, and the key after which it goes on."""

    after: str = ""
    received: int = 0
    new: int = 0
    existing: int = 0
    refused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    files_refused: list[dict[str, str]] = field(default_factory=list)

    def refuse(self, name: str, reason: str, sentence: str) -> None:
        self.received += 1
        self.refused += 1
        self.reasons = dict(Counter(self.reasons) + Counter([reason]))
        if len(self.files_refused) < MOST_TOLD:
            self.files_refused.append({"file": name, "reason": reason, "sentence": sentence})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is registered, and what is said of all of it."""

    source: str
    stage: Stage
    label_class: LabelClass | None = None
    licence: str = ""


@dataclass(frozen=True, slots=True)
class _File:
    address: str
    key: str
    size: int

    @property
    def client_key(self) -> str | None:
        return self.address if len(self.address) <= MOST_CLIENT_KEY else None


def check(source: str) -> None:
    """Raise SourceRefused unless the operator lets this be read and the bucket answers."""
    found = source_of(source)
    if found is None:
        raise SourceRefused(
            f"{source[:200]!r} lies in no bucket that may be read here; the operator names them in SOURCE_BUCKETS."
        )
    try:
        next(opened(found[0]).impatient().listed(found[1]), None)
    except Exception as error:  # noqa: BLE001  each storage has its own family of errors; the sentence is the answer
        raise SourceRefused(f"{source[:200]} cannot be listed: {explained(error)}.") from None


def ask(*, project: Project, wish: Wish, by: User) -> Job:
    """Have a job register what lies there; the same wish again looks for what is new since."""
    check(wish.source)
    payload = {
        "source": wish.source,
        "stage": wish.stage.pk,
        "label_class": wish.label_class.pk if wish.label_class else None,
        "licence": wish.licence,
        "by": by.pk,
    }
    named = json.dumps([project.pk, wish.source, wish.stage.pk, payload["label_class"], wish.licence])
    key = hashlib.sha256(named.encode()).hexdigest()[:40]
    jobs.wake(kind="register", key=key, project_id=project.pk, payload=payload)
    text = f"{by.name} asked to register what lies at {wish.source[:150]}."
    events.record(kind="assets.to_register", text=text, project=project, by=by)
    return Job.objects.get(kind="register", key=key)


def run_register(job: Job, now: datetime) -> Again | None:
    """Register for some seconds; the cursor holds the counts and the last key."""
    asked: dict[str, Any] = job.payload
    project = Project.objects.get(pk=job.project_id or 0)
    stage = Stage.objects.filter(project=project, pk=asked["stage"]).first() or ingest.entry_stage(project)
    label = LabelClass.objects.filter(project=project, pk=asked["label_class"]).first()
    progress = Progress(**job.cursor) if job.cursor else Progress()
    end = time.monotonic() + A_RUN
    wish = Wish(asked["source"], stage, label, asked["licence"])
    if not register(project=project, wish=wish, progress=progress, now=now, go_on=lambda: time.monotonic() < end):
        return Again(cursor=asdict(progress), done_n=progress.received)
    by = User.objects.filter(pk=asked["by"]).first()
    record(project=project, source=wish.source, progress=progress, by=by, now=now)
    return None


def record(*, project: Project, source: str, progress: Progress, by: User | None, now: datetime) -> None:
    text = f"{progress.new:,} new of {progress.received:,} files at {source[:150]}, registered where they lie."
    data = {"source": source, **asdict(progress)}
    events.record(kind=DONE, text=text, project=project, by=by, data=data, now=now)


def register(
    *, project: Project, wish: Wish, progress: Progress, now: datetime, go_on: Callable[[], bool] = lambda: True
) -> bool:
    """Register what lies behind the last key; return whether the end was reached. Known files are not read again."""
    files = _files(wish.source, progress)
    while listed := list(islice(files, LISTED_AT_ONCE)):
        there = _there(project, wish, listed)
        for portion in _portions(listed, there):
            _register(project, wish, portion, progress, there=there, now=now)
            progress.after = portion[-1].key
            if not go_on():
                return False
    return True


def _portions(files: Sequence[_File], there: Container[str | None]) -> Iterator[list[_File]]:
    """Cut files so that a portion's bytes are few: those that must be read."""
    portion: list[_File] = []
    size = 0
    for one in files:
        portion.append(one)
        size += 0 if one.client_key in there else min(one.size, PICTURE_LIMITS.max_bytes)
        if size > BYTES_AT_ONCE:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _files(source: str, progress: Progress) -> Iterator[_File]:
    """List files, leaving out folders and what operating systems leave behind."""
    found = source_of(source)
    if found is None:
        raise SourceRefused(f"{source} lies in no bucket that may be read here any more.")
    bucket, prefix = found
    for one in opened(bucket).listed(prefix, after=progress.after):
        if not one.key.endswith("/") and not is_junk(one.key):
            yield _File(f"{SCHEME}{bucket.name}/{one.key}", one.key, one.size)


def _register(
    project: Project,
    wish: Wish,
    files: Sequence[_File],
    progress: Progress,
    *,
    there: Container[str | None],
    now: datetime,
) -> None:
    portion: list[tuple[_File, Incoming]] = []
    for one in files:
        if one.client_key in there:
            progress.received += 1
            progress.existing += 1
            continue
        incoming = _read(wish, one, progress)
        if incoming is not None:
            portion.append((one, incoming))
    _take(project, wish.stage, portion, progress, now)


def _there(project: Project, wish: Wish, files: Sequence[_File]) -> set[str | None]:
    """Return the keys that need not be read again; where no checks measure, those with measurements and copies."""
    keys = [one.client_key for one in files if one.client_key]
    found = Asset.objects.filter(project=project, client_key__in=keys)
    if wish.stage.kind != ingest.ENTRY_KIND:
        found = found.filter(preview__isnull=False)
    return set(found.values_list("client_key", flat=True))


def _read(wish: Wish, one: _File, progress: Progress) -> Incoming | None:
    """Read a file once; what cannot be a picture is refused by its name and size alone."""
    refusal = _refusal(one)
    if refusal is not None:
        progress.refuse(one.address, *refusal)
        return None
    found = source_of(one.address)
    if found is None:
        return None
    try:
        with opened(found[0]).open(found[1]) as file:
            data = file.read()
    except Exception as error:  # noqa: BLE001  each storage has its own family of errors; the sentence is the answer
        progress.refuse(one.address, "not_readable", explained(error))
        return None
    return Incoming(
        name=one.key.rpartition("/")[2],
        data=data,
        source=wish.source,
        client_key=one.client_key,
        label_class=wish.label_class,
        licence=wish.licence,
        kept_at=one.address,
    )


def _refusal(one: _File) -> tuple[str, str] | None:
    """Return the reason and the sentence for a file that need not be read to be refused."""
    if "." + one.key.rpartition(".")[2].lower() not in PICTURE_SUFFIXES:
        return "not_an_image", "only JPEG, PNG and WEBP are registered where they lie"
    if one.size > PICTURE_LIMITS.max_bytes:
        return "too_large", f"it has more than {PICTURE_LIMITS.max_bytes // MEGABYTE} MB"
    if len(one.address) > MOST_KEY:
        return "bad_name", f"it has more than {MOST_KEY} letters"
    if not is_plain(one.key):
        return "bad_name", "its key has empty or dotted parts or a backslash, so that another file may be meant"
    return None


def _take(
    project: Project, stage: Stage, portion: Sequence[tuple[_File, Incoming]], progress: Progress, now: datetime
) -> None:
    outcomes = take_many(project=project, stage=stage, incoming=[one for _, one in portion], now=now)
    for (file, _), outcome in zip(portion, outcomes, strict=True):
        if isinstance(outcome, Unreadable):
            progress.refuse(file.address, outcome.reason_code, outcome.sentence)
        else:
            progress.received += 1
            progress.new += outcome.is_new
            progress.existing += not outcome.is_new


def latest(*, project: Project, limit: int = 10) -> list[Event]:
    """Return the last registrations that ended, newest first, each with its receipt."""
    return list(Event.objects.filter(project_id=project.pk, kind=DONE).order_by("-pk")[:limit])


def under_way(*, project: Project) -> list[Job]:
    live = [Job.State.DUE, Job.State.RUNNING, Job.State.DEAD]
    return list(Job.objects.filter(project_id=project.pk, kind="register", state__in=live).order_by("pk"))
