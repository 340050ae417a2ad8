"""A process of a search is killed for good: the server's own log says what is asked again afterwards."""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from crowd.clock import database_now
from crowd.fetching import AnswerRefused
from curation.models import Asset, Crawl, CrawlLink, Job
from curation.services import jobs
from curation.services.crawling import answers, fetching, searching
from tests.crawling import engines
from tests.crawling.test_crawls import project, run, searx, site, start
from tests.crowd.fetching.servers import Site, page

__all__ = ["project", "searx", "site"]

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 120
WORKER = """
import sys
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from crowd.clock import database_now
from crowd.fetching import Limits
from curation.services import jobs
from curation.services.crawling import fetching, searching, searx
fetching.A_RUN = searching.A_RUN = 600.0
fetching.LIMITS = searx.LIMITS = Limits(
    most_bytes=20_000_000, total_seconds=600.0, connect_seconds=600.0, idle_seconds=600.0, plain_http=True
)
jobs.run(job_id=int(sys.argv[2]), now=database_now())
"""


@pytest.fixture(autouse=True)
def time_enough(monkeypatch):
    """How much one run of a job comes to on a slow machine is not under test."""
    monkeypatch.setattr(fetching, "A_RUN", 600.0)
    monkeypatch.setattr(searching, "A_RUN", 600.0)


class Silent:
    """Pages that answer nothing until the test is over; `arrived` counts who waits for one."""

    def __init__(self) -> None:
        self.arrived, self.over = threading.Semaphore(0), threading.Event()

    def __call__(self, _: BaseHTTPRequestHandler) -> None:
        self.arrived.release()
        self.over.wait(PATIENCE)

    def wait_for(self, visitors: int) -> None:
        for _ in range(visitors):
            assert self.arrived.acquire(timeout=PATIENCE)


@contextmanager
def silent() -> Iterator[Silent]:
    pages = Silent()
    try:
        yield pages
    finally:
        pages.over.set()


@contextmanager
def worker(job: Job, site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """Run one job in a process of its own."""
    Job.objects.filter(pk=job.pk).update(state="due", next_at=database_now())
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "curation.settings.test", "ALLOW_PRIVATE_HOSTS": site.host}
    words = [sys.executable, "-c", WORKER, str(connection.settings_dict["NAME"]), str(job.pk)]
    with subprocess.Popen(words, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def taken_back(job: Job) -> None:
    """Give back what a dead process held, as every second does."""
    jobs.sweep(now=database_now())
    job.refresh_from_db()
    assert (job.state, job.crashes) == (Job.State.DUE, 1)


def asked(site: Site) -> Counter[str]:
    return Counter(path for path, *_ in site.asked if path.startswith("/picture"))


def found(site: Site, searx: Any, project: Any, n: int) -> tuple[Crawl, list[str]]:
    """Search until so many addresses of one server are known; return them in the order they are asked in."""
    searx.found = {"red car": [site.url(f"/picture-{number}.jpg") for number in range(n)]}
    crawl = start(project, searx, lists={"colour": ["red"]}, engines=["alpha"])
    run(crawl, "crawl_search")
    urls = CrawlLink.objects.filter(crawl=crawl).order_by("next_at", "pk").values_list("url", flat=True)
    return crawl, [url.removeprefix(site.url("")) for url in urls]


def test_only_what_was_under_way_without_an_answer_is_asked_again(site, searx, project):
    """One server, two questions at once: each way ends at an address that stays silent, all before are answered."""
    crawl, paths = found(site, searx, project, 20)
    site.pages |= {path: page(engines.picture(n)) for n, path in enumerate(paths)}
    missing, busy = paths[3], paths[6]
    site.pages |= {missing: page(status=404), busy: page(status=503)}
    job = Job.objects.get(kind="crawl_fetch", key=str(crawl.pk))
    good = dict(site.pages)
    with silent() as pages:
        site.pages |= dict.fromkeys(paths[-2:], pages)
        with worker(job, site) as process:
            pages.wait_for(2)
            process.kill()
    assert set(CrawlLink.objects.values_list("state", flat=True)) == {"waiting"}  # nothing was taken in
    taken_back(job)
    site.pages = good
    run(crawl, "crawl_fetch")
    assert asked(site) == Counter(paths) + Counter(paths[-2:])
    assert Asset.objects.filter(project=project).count() == 18
    kept = {link.url.removeprefix(site.url("")): link for link in CrawlLink.objects.filter(asset=None)}
    assert {path: (link.state, link.code, link.tries) for path, link in kept.items()} == {
        missing: ("refused", "bad_answer", 0),
        busy: ("waiting", "", 1),
    }
    assert not list(answers.files_of(crawl.pk))


def test_of_the_questions_to_an_engine_only_the_one_under_way_is_asked_again(site, searx, project):
    colours = [f"c{n}" for n in range(6)]
    crawl = start(project, searx, lists={"colour": colours}, engines=["alpha"])
    job = Job.objects.get(kind="crawl_search", key=str(crawl.pk))
    with silent() as pages:

        def at_the_fifth(handler: BaseHTTPRequestHandler) -> None:
            (pages if len(site.asked) == 5 else searx.answer)(handler)

        site.pages["/search"] = at_the_fifth
        with worker(job, site) as process:
            pages.wait_for(1)
            process.kill()
    taken_back(job)
    run(crawl, "crawl_search")
    times = Counter(next(part for part in path.split("&") if "q=" in part) for path, *_ in site.asked)
    assert sorted(times.values()) == [1, 1, 1, 1, 1, 2]


def test_half_an_answer_is_none_and_what_is_left_over_goes(site, searx, project):
    crawl, (path, *_) = found(site, searx, project, 1)
    site.pages[path] = page(engines.picture(1))
    link = CrawlLink.objects.get()
    answers.Answers(crawl.pk).keep(link, engines.picture(1))
    (name,) = answers.files_of(crawl.pk)
    default_storage.delete(name)
    default_storage.save(name, ContentFile(engines.picture(1)[:100]))
    gone = CrawlLink(digest=b"x" * 16, tries=2)
    answers.Answers(crawl.pk).keep(gone, AnswerRefused("The server answered 503.", permanent=False))
    run(crawl, "crawl_fetch")
    assert asked(site) == Counter([path])
    assert Asset.objects.filter(project=project).count() == 1
    assert not list(answers.files_of(crawl.pk))


def test_a_refusal_that_was_kept_says_what_it_said(site, searx, project):
    crawl = start(project, searx)
    link = CrawlLink(digest=b"y" * 16, tries=1)
    kept = answers.Answers(crawl.pk)
    kept.keep(link, AnswerRefused("Too many questions.", permanent=False))
    answer = answers.Answers(crawl.pk).read(link)
    assert isinstance(answer, AnswerRefused)
    assert (str(answer), answer.permanent) == ("Too many questions.", False)
    kept.forget([link])
    assert kept.read(link) is None
