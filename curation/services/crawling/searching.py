"""Engines are asked one question after the other, each at its own pace; every answer is stored before the next.

A process that dies loses at most the answer it was waiting for: that one question is asked again, no other is.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b

from django.db import transaction
from django.db.models import F

from curation.models import Crawl, CrawlCall, CrawlEngine, CrawlHit, CrawlLink, Job
from curation.services import jobs
from curation.services.crawling import counting, plans
from curation.services.crawling.reach import reach
from curation.services.crawling.running import Running
from curation.services.crawling.searx import Answer, Hit, SearchFailed, ask
from curation.services.jobs import Again

A_RUN = 15.0  # seconds, then the job comes again
LONGEST_PAUSE = timedelta(hours=1)
MOST_REFUSALS = 12  # of one engine in a row: about five hours of patience
MOST_TRIES = 6  # of one question where the instance itself fails

State = CrawlCall.State


def run_search(job: Job, now: datetime) -> Again | None:
    """Ask what is due for some seconds; come again when the next engine may be asked."""
    crawl = plans.at_work(crawl_id=int(job.key))
    if crawl is None:
        return None
    run = Running(now, A_RUN)
    while run.left and plans.at_work(crawl_id=crawl.pk):
        engine = _next_engine(crawl)
        if engine is None:
            return _finish(crawl, run)
        wait = (engine.next_at - run.now).total_seconds()
        if wait > run.left:
            return Again(after=wait)
        time.sleep(max(0.0, wait))
        if not _ask(crawl, engine, run):
            return None
    return Again(after=0)


def _finish(crawl: Crawl, run: Running) -> Again | None:
    """All questions are answered: what was counted is written to the pictures it is about."""
    done = not crawl.counts or counting.apply(crawl=crawl, run=run)
    return None if done else Again(after=0)


def _next_engine(crawl: Crawl) -> CrawlEngine | None:
    """Return the engine that may be asked first, of those with questions left."""
    waiting = CrawlEngine.objects.filter(crawl=crawl, calls__state=State.PLANNED).distinct()
    return waiting.order_by("next_at", "pk").first()


def _ask(crawl: Crawl, engine: CrawlEngine, run: Running) -> bool:
    """Ask the engine its next question; False = the crawl was stopped by what came of it."""
    call = engine.calls.filter(state=State.PLANNED).select_related("query").order_by("pk")[0]
    CrawlCall.objects.filter(pk=call.pk).update(tries=F("tries") + 1)
    try:
        answer = ask(
            crawl.searx_url,
            call.query.text,
            engine=engine.name,
            page=call.page,
            allow=reach().hosts,
            category="general" if crawl.counts else "images",
        )
    except SearchFailed as failure:
        return _failed(crawl, engine, call, failure, run.now)
    if answer.refused:
        return _refused(crawl, engine, answer.refused, run.now)
    _store(crawl, engine, call, answer, run.now)
    if not crawl.counts:
        jobs.wake(kind="crawl_fetch", key=str(crawl.pk), project_id=crawl.project_id)
    return True


def _failed(crawl: Crawl, engine: CrawlEngine, call: CrawlCall, failure: SearchFailed, now: datetime) -> bool:
    """The instance gave no answer: wait, or stop where waiting cannot help."""
    if failure.permanent:
        plans.stop(crawl=crawl, why=str(failure))
        return False
    if call.tries + 1 >= MOST_TRIES:
        CrawlCall.objects.filter(pk=call.pk).update(state=State.REFUSED, note=str(failure)[:300])
    _slow_down(crawl, engine, str(failure), now)
    return True


def _refused(crawl: Crawl, engine: CrawlEngine, why: str, now: datetime) -> bool:
    """The engine does not answer, too many requests for example: it alone is asked more slowly."""
    if engine.refusals + 1 >= MOST_REFUSALS:
        left = engine.calls.filter(state=State.PLANNED)
        left.update(state=State.REFUSED, note=f"{engine.name} was given up: {why}"[:300])
    _slow_down(crawl, engine, why, now)
    return True


def _slow_down(crawl: Crawl, engine: CrawlEngine, why: str, now: datetime) -> None:
    pause = min(LONGEST_PAUSE, timedelta(seconds=max(1.0, crawl.seconds_between)) * 2 ** (engine.refusals + 1))
    CrawlEngine.objects.filter(pk=engine.pk).update(refusals=F("refusals") + 1, note=why[:300], next_at=now + pause)


@transaction.atomic
def _store(crawl: Crawl, engine: CrawlEngine, call: CrawlCall, answer: Answer, now: datetime) -> None:
    kept = () if crawl.counts else answer.hits[: _room(crawl, call)]
    links = _links(crawl, kept)
    CrawlHit.objects.bulk_create(
        [
            CrawlHit(
                link=links[hit.url],
                call=call,
                rank=hit.rank,
                page_url=hit.page_url,
                title=hit.title,
                licence=hit.licence,
            )
            for hit in _first_of_each(kept)
        ],
        ignore_conflicts=True,
    )
    CrawlCall.objects.filter(pk=call.pk).update(
        state=State.DONE, hits=len(kept), results=answer.results, answered_at=now, note=""
    )
    pace = timedelta(seconds=crawl.seconds_between)
    CrawlEngine.objects.filter(pk=engine.pk).update(refusals=0, note="", next_at=now + pace)


def _room(crawl: Crawl, call: CrawlCall) -> int:
    """Return how many more pictures of this query are wanted from this engine."""
    earlier = CrawlCall.objects.filter(query=call.query_id, engine=call.engine_id, page__lt=call.page)
    return max(0, crawl.per_query - sum(earlier.values_list("hits", flat=True)))


def _links(crawl: Crawl, hits: Sequence[Hit]) -> dict[str, CrawlLink]:
    """Return the row of each address; one that several questions find is one row."""
    digests = {hit.url: digest_of(hit.url) for hit in hits}
    CrawlLink.objects.bulk_create(
        [
            CrawlLink(crawl=crawl, url=url, digest=digest, host=host_of(url))
            for url, digest in sorted(digests.items(), key=lambda item: item[1])
        ],
        ignore_conflicts=True,
    )
    rows = CrawlLink.objects.filter(crawl=crawl, digest__in=list(digests.values()))
    by_digest = {bytes(row.digest): row for row in rows}
    return {url: by_digest[digest] for url, digest in digests.items()}


def _first_of_each(hits: Sequence[Hit]) -> list[Hit]:
    return list({hit.url: hit for hit in reversed(hits)}.values())


def digest_of(url: str) -> bytes:
    return blake2b(url.encode(), digest_size=16).digest()


def host_of(url: str) -> str:
    """Return the host as its owner is asked: lower case, without user and port."""
    rest = url.split("://", 1)[-1]
    for end in "/?#\\":
        rest = rest.split(end, 1)[0]
    return rest.rsplit("@", 1)[-1].rsplit(":", 1)[0].lower()[:255]
