"""Results counted by word: only where all words of a thing were answered, and also for pictures that come later."""

from datetime import UTC, datetime

import pytest

from curation.models import CrawlCall, Job
from curation.services.crawling import counting, fetching, plans
from tests import factories

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def counted(**numbers: tuple[int | None, int | None]):
    """Return a counting search about one car, with what each engine says of each word; None: it was refused."""
    crawl = plans.start(
        project=factories.make_project("Cars"),
        spec=plans.Spec(
            name="bodies",
            searx_url="https://searx.example.org",
            pattern="{model} {body}",
            lists={"model": ["el camino"], "body": ["car", "truck"]},
            engines=list(numbers),
            counts=True,
        ),
        by=None,
        now=NOON,
    )
    for engine, (car, truck) in numbers.items():
        for word, n in (("car", car), ("truck", truck)):
            call = CrawlCall.objects.filter(engine__name=engine, query__attributes__body=word, engine__crawl=crawl)
            call.update(state="refused" if n is None else "done", results=n, answered_at=None if n is None else NOON)
    return crawl


def vector(crawl):
    return [dict(one.counts) for one in counting.vectors(crawl)]


def test_counts_of_engines_that_answered_every_word_are_added_up():
    assert vector(counted(alpha=(100, 900), beta=(10, 40))) == [{"truck": 940, "car": 110}]


def test_an_engine_that_refused_a_word_has_no_say_about_any_of_them():
    assert vector(counted(alpha=(5000, None), beta=(10, 40))) == [{"truck": 40, "car": 10}]


def test_nothing_is_said_of_a_thing_that_no_engine_answered_in_full():
    assert vector(counted(alpha=(5000, None))) == []


def test_pictures_that_come_in_later_are_labelled_by_a_search_that_is_over():
    crawl = counted(alpha=(100, 900))
    Job.objects.filter(kind="crawl_search").update(state="done")
    pictures = plans.start(
        project=crawl.project,
        spec=plans.Spec(
            name="pictures",
            searx_url="https://searx.example.org",
            pattern="{model}",
            lists={"model": ["el camino"]},
            engines=["alpha"],
        ),
        by=None,
        now=NOON,
    )
    fetching.run_fetch(Job(kind="crawl_fetch", key=str(pictures.pk)), NOON)
    assert Job.objects.get(kind="crawl_search", key=str(crawl.pk)).state == "due"
