"""What a crawl asks: written down before the first question, so that it can be interrupted anywhere and goes on."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef
from django.db.models.functions import Cast

from crowd.errors import CrowdError
from curation.intake.queries import PLACE, BadQueries, Preview, Product, Wanted, preview
from curation.models import Crawl, CrawlCall, CrawlEngine, CrawlQuery, Job, LabelClass, Project, Stage, User
from curation.services import events, jobs
from curation.services.jobs import Again
from curation.services.turns import take_turns

MOST_CALLS, MOST_AT_ONCE = 2_000_000, 10_000
A_SLICE, CALLS_A_SLICE = 5_000, 20_000
A_BATCH: Final = 5_000
LOOK_AGAIN: Final = 3600.0
SECONDS_A_RUN = 40.0
MOST_PAGES = 50
PLANNING: Final = "plan_crawl"


@dataclass(frozen=True, slots=True)
class Spec:
    """`class_from` names the list whose values are classes of the project.

    `counts`: only how many results there are is asked for; see `counting`.
    """

    name: str
    searx_url: str
    pattern: str
    engines: Sequence[str]
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    without: Sequence[str] = ()
    class_from: str = ""
    pages: int = 1
    per_query: int = 100
    seconds_between: float = 1.7
    counts: bool = False

    @property
    def product(self) -> Product:
        """Raises CrowdError."""
        try:
            return Product(self.pattern, self.lists, frozenset(self.without))
        except BadQueries as wrong:
            raise CrowdError(str(wrong)) from None


def previewed(spec: Spec) -> Preview:
    """Say what would be asked, before anything is. Raises CrowdError."""
    _check(spec)
    return preview(
        sum(1 for _ in spec.product),
        engines=len(set(spec.engines)),
        pages=spec.pages,
        per_query=spec.per_query,
        seconds_between=spec.seconds_between,
    )


@transaction.atomic
def start(*, project: Project, spec: Spec, stage: Stage | None = None, by: User | None, now: datetime) -> Crawl:
    """Write all questions down and let them be asked. The same crawl again goes on where it is. Raises CrowdError."""
    return _begun(project, spec, stage, by, now, most_at_once=MOST_CALLS)


@transaction.atomic
def request(*, project: Project, spec: Spec, stage: Stage | None = None, by: User | None, now: datetime) -> Crawl:
    """Start a crawl while a person waits: many questions are written down by a job. Raises CrowdError."""
    return _begun(project, spec, stage, by, now, most_at_once=MOST_AT_ONCE)


def _begun(
    project: Project, spec: Spec, stage: Stage | None, by: User | None, now: datetime, *, most_at_once: int
) -> Crawl:
    take_turns(project=project, what="crawl")
    known = Crawl.objects.filter(project=project, name=spec.name).first()
    if known is not None:
        return _go_on(known, spec)
    planned = previewed(spec)
    if planned.calls > MOST_CALLS:
        raise CrowdError(f"That makes {planned.calls:,} questions; at most {MOST_CALLS:,} are asked in one crawl.")
    _require_classes(project, spec.class_from, spec.lists)
    crawl = Crawl.objects.create(
        project=project, stage=stage, created_by=by, created_at=now, **_columns(spec), name=spec.name
    )
    CrawlEngine.objects.bulk_create(CrawlEngine(crawl=crawl, name=name) for name in dict.fromkeys(spec.engines))
    text = f"Crawl “{crawl.name}”: {planned.queries:,} queries to {', '.join(spec.engines)}."
    events.record(kind="crawl.started", text=text, project=project, subject=crawl, by=by, now=now)
    if planned.calls > most_at_once:
        jobs.enqueue(kind=PLANNING, key=str(crawl.pk), project_id=project.pk)
    else:
        _plan(crawl)
        wake(crawl)
    return crawl


def run_plan(job: Job, _now: datetime) -> Again | None:
    """Job: write some questions down; when all are there, let them be asked."""
    crawl = Crawl.objects.select_related("project").filter(pk=int(job.key)).first()
    if crawl is None:
        return None
    try:
        _require_classes(crawl.project, crawl.class_from, crawl.lists)
    except CrowdError as gone:  # a class was retired or renamed in the meantime
        stop(crawl=crawl, why=str(gone))
        return Again(LOOK_AGAIN, done_n=crawl.queries.count())
    if not _plan(crawl, until=time.monotonic() + SECONDS_A_RUN):
        return Again(done_n=crawl.queries.count())
    _ring(crawl)
    return None


def being_planned(crawl: Crawl) -> bool:
    """Whether a job still writes down what is to be asked."""
    return Crawl.objects.filter(planning(), pk=crawl.pk).exists()


def planning() -> Exists:
    """Return what is true of a search that a job still writes down."""
    jobs_of_it = Job.objects.filter(kind=PLANNING, key=Cast(OuterRef("pk"), CharField()))
    return Exists(jobs_of_it.exclude(state__in=[Job.State.DONE, Job.State.CANCELLED]))


def wake(crawl: Crawl) -> None:
    """Let it ask and fetch, as soon as all it asks is written down."""
    if being_planned(crawl):
        jobs.hasten(kind=PLANNING, key=str(crawl.pk))
    else:
        _ring(crawl)


def _ring(crawl: Crawl) -> None:
    jobs.wake(kind="crawl_search", key=str(crawl.pk), project_id=crawl.project_id)
    if not crawl.counts:
        jobs.wake(kind="crawl_fetch", key=str(crawl.pk), project_id=crawl.project_id)


def stop(*, crawl: Crawl, why: str) -> None:
    """Ask and fetch nothing more until somebody starts it again; what is under way may still come in."""
    Crawl.objects.filter(pk=crawl.pk).update(stopped=why[:300])


def at_work(*, crawl_id: int) -> Crawl | None:
    """Return the crawl with its project, unless it is stopped or its project is in the trash or the archive."""
    wanted = Crawl.objects.select_related("project", "stage").filter(pk=crawl_id, stopped="")
    return wanted.filter(project__trashed_at=None, project__archived_at=None).first()


def label_again(*, project_id: int) -> None:
    """Pictures have come after their results were counted: they get what was found as well."""
    for crawl_id in Crawl.objects.filter(project_id=project_id, counts=True, stopped="").values_list("id", flat=True):
        jobs.wake(kind="crawl_search", key=str(crawl_id), project_id=project_id)


def _go_on(crawl: Crawl, spec: Spec) -> Crawl:
    changed = [name for name, value in _columns(spec).items() if getattr(crawl, name) != value]
    engines = set(crawl.engines.values_list("name", flat=True))
    if changed or engines != set(spec.engines):
        what = ", ".join(name.replace("_", " ") for name in changed) or "engines"
        raise CrowdError(f"There is a crawl “{crawl.name}” with other {what}; give this one another name.")
    stop(crawl=crawl, why="")
    wake(crawl)
    crawl.refresh_from_db()
    return crawl


def _columns(spec: Spec) -> dict[str, object]:
    return {
        "searx_url": spec.searx_url.rstrip("/"),
        "pattern": spec.pattern,
        "lists": {name: list(values) for name, values in spec.lists.items()},
        "without": list(spec.without),
        "class_from": spec.class_from,
        "pages": spec.pages,
        "per_query": spec.per_query,
        "seconds_between": spec.seconds_between,
        "counts": spec.counts,
    }


def _check(spec: Spec) -> None:
    try:
        parts = urlsplit(spec.searx_url)
    except ValueError:  # half an IPv6 address
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise CrowdError(f"{spec.searx_url!r} is no address of a searx instance, such as https://searx.example.org.")
    if not spec.engines or any(not name.strip() or "," in name for name in spec.engines):
        raise CrowdError("Name at least one search engine of the instance, such as “google images”.")
    if not 1 <= spec.pages <= MOST_PAGES:
        raise CrowdError(f"{spec.pages} pages of each query are asked for; 1 to {MOST_PAGES} can be.")
    if spec.per_query < 1 or not 0 <= spec.seconds_between <= 3600:
        raise CrowdError(
            "At least one picture of each query, and 0 to 3600 seconds between two questions, are expected."
        )
    if spec.counts and len(dict.fromkeys(PLACE.findall(spec.pattern))) != 2:
        raise CrowdError("Counting needs two lists: the things, and behind them the words, such as “{model} {body}”.")
    if spec.class_from and spec.class_from not in spec.lists:
        raise CrowdError(f"The class comes from the list “{spec.class_from}”, and there is none of that name.")


def _require_classes(project: Project, class_from: str, lists: Mapping[str, Sequence[str]]) -> None:
    if not class_from:
        return
    known = set(project.classes.filter(retired_at=None).values_list("name", flat=True))
    missing = [value for value in lists[class_from] if value not in known]
    if missing:
        raise CrowdError(
            f"{project.name} has no class {', '.join(missing[:5])}; add it first, or name no --class-from."
        )


def _plan(crawl: Crawl, *, until: float = math.inf) -> bool:
    """Write down what is not there yet of the product, in its order, until a moment; True = all of it is there."""
    product = Product(crawl.pattern, crawl.lists, frozenset(crawl.without))
    queries = islice(product, crawl.queries.count(), None)
    engines = list(crawl.engines.order_by("pk"))
    classes = {one.name: one for one in crawl.project.classes.filter(retired_at=None)} if crawl.class_from else {}
    a_slice = max(1, min(A_SLICE, CALLS_A_SLICE // (crawl.pages * max(1, len(engines)))))
    while wanted := list(islice(queries, a_slice)):
        _write(crawl, wanted, engines, classes)
        if time.monotonic() > until:
            return False
    return True


@transaction.atomic
def _write(
    crawl: Crawl, wanted: Sequence[Wanted], engines: Sequence[CrawlEngine], classes: Mapping[str, LabelClass]
) -> None:
    queries = CrawlQuery.objects.bulk_create(
        CrawlQuery(
            crawl=crawl,
            text=one.text,
            attributes=dict(one.attributes),
            label_class=classes.get(one.attributes.get(crawl.class_from, "")),
        )
        for one in wanted
    )
    calls = (
        CrawlCall(query=query, engine=engine, page=page)
        for query in queries
        for page in range(1, crawl.pages + 1)
        for engine in engines
    )
    CrawlCall.objects.bulk_create(calls, batch_size=A_BATCH)
