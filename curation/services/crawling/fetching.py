"""Addresses become pictures: many servers at once, few questions to each, a reason for every one that does not.

Threads fetch and keep each answer before anybody hears of it; rows are written by the thread of the job. A picture and
the word that its address is done are two writes: after a crash the same bytes are found again and not stored twice.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F

from crowd.errors import StorageRefused
from crowd.fetching import AddressRefused, AnswerRefused, FetchError, Limits, NotReached, TooSlow, fetch_public
from curation.models import Crawl, CrawlHost, CrawlLink, Job
from curation.preprocessing.limits import Unreadable
from curation.services import ingest
from curation.services.crawling import plans, weak_labels
from curation.services.crawling.answers import Answers
from curation.services.crawling.reach import reach
from curation.services.crawling.running import Running
from curation.services.ingest import Incoming, Taken
from curation.services.jobs import Again
from curation.services.taking_many import take_many

LIMITS = Limits(most_bytes=20_000_000, total_seconds=30.0, connect_seconds=5.0, idle_seconds=10.0, plain_http=True)
AT_ONE_HOST = 2  # questions to one server at the same time
A_SLICE = 400
MOST_OF_A_HOST = 40  # of a slice: a large server does not keep the others waiting
A_RUN = 20.0  # seconds, then the job comes again
PAUSES = (60, 600)  # seconds before the second and the third try
GIVEN_UP_AFTER = 5  # failures of a server in a row
TOGETHER, TOGETHER_BYTES = 50, 64_000_000  # pictures taken in at once

State = CrawlLink.State


@dataclass(frozen=True, slots=True)
class _Got:
    link: CrawlLink
    data: bytes = b""
    error: FetchError | None = None


def run_fetch(job: Job, now: datetime) -> Again | None:
    """Fetch what is due for some seconds; come again when the next address is."""
    crawl = plans.at_work(crawl_id=int(job.key))
    if crawl is None:
        return None
    run, answers = Running(now, A_RUN), Answers(crawl.pk)
    while run.left and plans.at_work(crawl_id=crawl.pk) and (due := _due(crawl, run.now)):
        for part in _together(_fetched(due, run, answers)):
            _take(crawl, part, run.now)
            answers.forget([one.link for one in part])
    if plans.at_work(crawl_id=crawl.pk) is None:
        return None
    following = CrawlLink.objects.filter(crawl=crawl, state=State.WAITING).order_by("next_at").first()
    if following is None:
        answers.clear()
        plans.label_again(project_id=crawl.project_id)
        return None
    return Again(after=max(0.0, (following.next_at - run.now).total_seconds()))


def _due(crawl: Crawl, now: datetime) -> list[CrawlLink]:
    """Return addresses to fetch now, not too many of one host."""
    waiting = CrawlLink.objects.filter(crawl=crawl, state=State.WAITING, next_at__lte=now)
    rows, of_host = list[CrawlLink](), defaultdict[str, int](int)
    for link in waiting.order_by("next_at", "pk")[: A_SLICE * 10]:
        of_host[link.host] += 1
        if of_host[link.host] <= MOST_OF_A_HOST and len(rows) < A_SLICE:
            rows.append(link)
    return rows


def _fetched(links: Sequence[CrawlLink], run: Running, answers: Answers) -> Iterator[_Got]:
    """Yield what came of each address as it comes; what the time does not reach is left for the next run.

    As many pictures are in memory as servers are asked at once. A server that fails is left alone in this run.
    """
    chains: dict[tuple[str, int], deque[CrawlLink]] = defaultdict(deque)
    allowed = reach()
    for number, link in enumerate(links):
        chains[link.host, number % AT_ONE_HOST].append(link)
    waiting = deque(chains.values())
    with ThreadPoolExecutor(max_workers=allowed.at_once) as pool:
        under_way: dict[Future[_Got], deque[CrawlLink]] = {}
        while waiting or under_way:
            while waiting and len(under_way) < allowed.at_once and run.left:
                chain = waiting.popleft()
                under_way[pool.submit(_fetch, chain.popleft(), allowed.hosts, answers)] = chain
            if not under_way:
                return
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                chain, one = under_way.pop(future), future.result()
                if chain and not isinstance(one.error, NotReached | TooSlow):
                    waiting.append(chain)
                yield one


def _fetch(link: CrawlLink, allow: frozenset[str], answers: Answers) -> _Got:
    answer = answers.read(link)
    if answer is None:
        try:
            with fetch_public(link.url, limits=LIMITS, allow=allow) as fetched:
                answer = fetched.read()
        except AnswerRefused as error:
            answer = error
        except FetchError as error:
            return _Got(link, error=error)
        answers.keep(link, answer)
    return _Got(link, error=answer) if isinstance(answer, AnswerRefused) else _Got(link, answer)


def _together(found: Iterator[_Got]) -> Iterator[list[_Got]]:
    part, size = list[_Got](), 0
    for one in found:
        part.append(one)
        size += len(one.data)
        if len(part) >= TOGETHER or size >= TOGETHER_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _take(crawl: Crawl, part: Sequence[_Got], now: datetime) -> None:
    came = [one for one in part if one.error is None]
    for one in part:
        if one.error is not None:
            _note_failure(crawl, one.link, one.error, now)
    _well(crawl, {one.link.host for one in came})
    known = weak_labels.known(links=[one.link for one in came])
    incoming = [
        Incoming(
            name=one.link.url.rpartition("/")[2].partition("?")[0][-255:] or one.link.host,
            data=one.data,
            source=f"search: {crawl.name}",
            client_key=f"crawl-{bytes(one.link.digest).hex()}",
            label_class=known[one.link.pk].label_class,
            licence=known[one.link.pk].licence[:120],
        )
        for one in came
    ]
    try:
        stage = crawl.stage or ingest.entry_stage(crawl.project)
        outcomes = take_many(project=crawl.project, stage=stage, incoming=incoming, now=now)
    except StorageRefused as error:
        for one in came:
            _again_later(one.link, str(error), now)
        return
    taken = [
        (one.link, outcome.asset) for one, outcome in zip(came, outcomes, strict=True) if isinstance(outcome, Taken)
    ]
    weak_labels.keep(crawl=crawl, taken=taken, known=known)
    for one, outcome in zip(came, outcomes, strict=True):
        _end(one.link, outcome, len(one.data), now)


def _end(link: CrawlLink, outcome: Taken | Unreadable, size: int, now: datetime) -> None:
    row = CrawlLink.objects.filter(pk=link.pk)
    if isinstance(outcome, Taken):
        row.update(state=State.TAKEN, asset=outcome.asset, size=size, ended_at=now, code="", detail="")
    else:
        _refuse(link, outcome.reason_code, outcome.sentence, now, size)


def _refuse(link: CrawlLink, code: str, why: str, now: datetime, size: int | None = None) -> None:
    CrawlLink.objects.filter(pk=link.pk, state=State.WAITING).update(
        state=State.REFUSED, code=code, detail=why[:300], size=size, ended_at=now
    )


def _note_failure(crawl: Crawl, link: CrawlLink, error: FetchError, now: datetime) -> None:
    if isinstance(error, AddressRefused):
        _refuse(link, "bad_address", str(error), now)
        return
    if isinstance(error, NotReached | TooSlow):
        _ill(crawl, link.host, now)
    if error.permanent or link.tries >= len(PAUSES):
        _refuse(link, "bad_answer" if error.permanent else "not_fetched", str(error), now)
    else:
        _again_later(link, str(error), now)


def _again_later(link: CrawlLink, why: str, now: datetime) -> None:
    later = now + timedelta(seconds=PAUSES[min(link.tries, len(PAUSES) - 1)])
    CrawlLink.objects.filter(pk=link.pk, state=State.WAITING).update(
        tries=F("tries") + 1, next_at=later, detail=why[:300]
    )


def _well(crawl: Crawl, hosts: set[str]) -> None:
    CrawlHost.objects.filter(crawl=crawl, name__in=hosts, failures__gt=0).update(failures=0)


def _ill(crawl: Crawl, name: str, now: datetime) -> None:
    """Count a failure of a server; one that fails again and again is not asked for anything more."""
    host, _ = CrawlHost.objects.get_or_create(crawl=crawl, name=name)
    CrawlHost.objects.filter(pk=host.pk).update(failures=F("failures") + 1)
    host.refresh_from_db()
    if host.failures < GIVEN_UP_AFTER:
        return
    CrawlHost.objects.filter(pk=host.pk).update(given_up=True)
    CrawlLink.objects.filter(crawl=crawl, host=name, state=State.WAITING).update(
        state=State.REFUSED,
        code="dead_host",
        detail=f"{name} failed {host.failures} times in a row and is not asked any more.",
        ended_at=now,
    )
