"""Searches in the browser: proposed by the recipe, counted before they begin, watched, stopped, looked at."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crowd.clock import database_now
from curation.dashboard.crawl_form import read_lists
from curation.models import (
    Asset,
    AssetTag,
    Crawl,
    CrawlCall,
    CrawlEngine,
    CrawlHit,
    CrawlLink,
    CrawlQuery,
    Job,
    LabelClass,
)
from curation.services import jobs
from curation.services.crawling import plans, spot_checks
from curation.services.crawling.funnel import Step, out_of_order
from curation.services.crawling.spot_checks import Precision
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead():
    return factories.make_user("Alice")


@pytest.fixture
def project(lead):
    made = factories.make_project("Cars", lead=lead)
    type(made).objects.filter(pk=made.pk).update(recipe="cars-search")
    made.refresh_from_db()
    return made


@pytest.fixture
def client(lead):
    signed_in = Client()
    signed_in.force_login(lead)
    return signed_in


def form(**changed: Any) -> dict[str, Any]:
    usual = {
        "name": "round 1",
        "searx_url": "https://searx.example.org",
        "pattern": "{colour} car",
        "engines": "alpha, beta",
        "lists": "colour: red, blue\ngreen",
        "class_from": "",
        "pages": "1",
        "per_query": "50",
        "seconds_between": "2",
    }
    return {**usual, **changed}


def crawled(project, pictures: int = 3) -> Crawl:
    """Return a search that has found so many pictures, a page that is none, and a server that is away."""
    crawl = Crawl.objects.create(project=project, name="found", searx_url="https://s.example.org", pattern="{c} car")
    query = CrawlQuery.objects.create(crawl=crawl, text="red car", attributes={"c": "red"})
    engine = CrawlEngine.objects.create(crawl=crawl, name="alpha")
    call = CrawlCall.objects.create(query=query, engine=engine, state="done", hits=pictures, answered_at=database_now())
    for n in range(pictures):
        asset = factories.make_asset(project, Asset.State.PUBLISHED)
        link = CrawlLink.objects.create(
            crawl=crawl, url=f"https://a.example/{n}.jpg", digest=bytes([n] * 16), host="a.example", state="taken",
            asset=asset, ended_at=database_now(),
        )  # fmt: skip
        CrawlHit.objects.create(link=link, call=call, rank=n + 1, page_url="https://a.example/page", licence="CC BY")
    for n, code in enumerate(("not_an_image", "dead_host"), start=100):
        CrawlLink.objects.create(
            crawl=crawl, url=f"https://a.example/{n}", digest=bytes([n] * 16), host="a", state="refused", code=code
        )
    return crawl


def test_the_form_holds_the_recipes_search_and_counts_before_anything_is_asked(client, project):
    address = reverse("crawls", args=[project.public_id])
    shown = client.get(address).content.decode()
    assert "{colour} {model} car" in shown
    assert "Chevrolet El Camino" in shown
    counted = client.post(reverse("crawl-start", args=[project.public_id]), form(do="preview"))
    assert "3 queries" in counted.content.decode()
    assert not Crawl.objects.exists()


def test_a_search_begins_stops_and_goes_on(client, project):
    answer = client.post(reverse("crawl-start", args=[project.public_id]), form(do="start"))
    crawl = Crawl.objects.get(project=project)
    assert answer["Location"] == reverse("crawl", args=[project.public_id, crawl.public_id])
    assert crawl.queries.count() == 3
    assert 'hx-trigger="every 3s"' in client.get(answer["Location"]).content.decode()
    assert "At work" in client.get(reverse("crawls", args=[project.public_id])).content.decode()
    client.post(reverse("crawl-stop", args=[project.public_id, crawl.public_id]))
    assert "Stopped by Alice." in client.get(answer["Location"]).content.decode()
    client.post(reverse("crawl-go-on", args=[project.public_id, crawl.public_id]))
    crawl.refresh_from_db()
    assert not crawl.stopped


def test_a_search_of_many_questions_is_written_down_by_a_job_that_may_die(client, project, monkeypatch):
    monkeypatch.setattr(plans, "MOST_AT_ONCE", 5)
    monkeypatch.setattr(plans, "A_SLICE", 2)
    monkeypatch.setattr(plans, "SECONDS_A_RUN", 0.0)
    answer = client.post(reverse("crawl-start", args=[project.public_id]), form(do="start"))
    crawl, job = Crawl.objects.get(project=project), Job.objects.get(kind="plan_crawl")
    assert crawl.queries.count() == 0
    assert "every 3s" in client.get(answer["Location"]).content.decode(), "it has begun"
    assert "At work" in client.get(reverse("crawls", args=[project.public_id])).content.decode()
    client.post(reverse("crawl-go-on", args=[project.public_id, crawl.public_id]))
    assert not Job.objects.filter(kind="crawl_search").exists(), "nothing is asked before all is written down"
    jobs.run(job_id=job.pk, now=timezone.now())
    assert crawl.queries.count() == 2
    while jobs.run(job_id=job.pk, now=timezone.now()):
        pass
    assert list(crawl.queries.order_by("pk").values_list("text", flat=True)) == ["red car", "blue car", "green car"]
    assert CrawlCall.objects.filter(query__crawl=crawl).count() == 6
    assert Job.objects.filter(kind__in=["crawl_search", "crawl_fetch"], state="due").count() == 2


def test_a_slice_is_as_long_as_its_pages_and_engines_let_it_be(client, project, monkeypatch):
    monkeypatch.setattr(plans, "MOST_AT_ONCE", 5)
    monkeypatch.setattr(plans, "CALLS_A_SLICE", 5)
    monkeypatch.setattr(plans, "SECONDS_A_RUN", 0.0)
    client.post(reverse("crawl-start", args=[project.public_id]), form(do="start"))
    jobs.run(job_id=Job.objects.get(kind="plan_crawl").pk, now=timezone.now())
    assert CrawlCall.objects.count() == 4, "two questions to each of the two"


def test_a_class_that_is_gone_before_all_is_written_down_stops_the_search(project, monkeypatch):
    car = LabelClass.objects.create(project=project, name="car", index=90)
    spec = plans.Spec("cars", "https://searx.example.org", "{thing}", ["a"], {"thing": ["car"]}, class_from="thing")
    monkeypatch.setattr(plans, "MOST_AT_ONCE", 0)
    crawl = plans.request(project=project, spec=spec, by=None, now=timezone.now())
    job = Job.objects.get(kind="plan_crawl")
    LabelClass.objects.filter(pk=car.pk).update(retired_at=timezone.now())
    jobs.run(job_id=job.pk, now=timezone.now())
    crawl.refresh_from_db()
    assert "has no class car" in crawl.stopped
    assert not crawl.queries.exists()
    LabelClass.objects.filter(pk=car.pk).update(retired_at=None)
    plans.request(project=project, spec=spec, by=None, now=timezone.now())
    jobs.run(job_id=job.pk, now=timezone.now())
    crawl.refresh_from_db()
    assert not crawl.stopped
    assert crawl.queries.get().label_class == car


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"lists": "red, blue"}, "belongs to no list"),
        ({"pages": "many"}, "a whole number is expected"),
        ({"searx_url": "ftp://x"}, "is no address of a searx instance"),
        ({"name": ""}, "Give the search a name."),
    ],
)
def test_a_wrong_form_gets_one_sentence_and_keeps_what_was_typed(client, project, changed, sentence):
    answer = client.post(reverse("crawl-start", args=[project.public_id]), form(**changed, do="start"))
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert "alpha, beta" in answer.content.decode()
    assert not Crawl.objects.exists()


def test_the_funnel_says_what_became_of_each_address(client, project):
    crawl = crawled(project)
    page = client.get(reverse("crawl", args=[project.public_id, crawl.public_id])).content.decode()
    assert "Addresses fetched" in page
    assert "Not an image" in page
    assert ">Done<" in client.get(reverse("crawls", args=[project.public_id])).content.decode()
    asset = crawl.links.filter(asset__isnull=False).first().asset
    story = client.get(reverse("asset", args=[project.public_id, asset.public_id])).content.decode()
    assert "Found at" in story
    assert "red car" in story
    assert "place 1 at alpha" in story


def test_an_expensive_step_before_a_cheaper_one_that_drops_more_is_named():
    slow, fast = Step("Model", 100, 95, 5, 10.0, "model"), Step("Checks", 95, 50, 45, 1.0, "checks")
    assert out_of_order([slow, fast]) == (slow, fast)
    assert out_of_order([fast, slow]) is None


def test_what_a_person_says_of_a_sample_is_a_tag_beside_the_others(client, project):
    crawl = crawled(project)
    address = reverse("crawl-check", args=[project.public_id, crawl.public_id])
    seen = [str(one.public_id) for one in spot_checks.to_judge(crawl, at_once=20)]
    assert len(seen) == 3
    client.post(address, {"seen": seen, "wrong": seen[:1]})
    client.post(address, {"seen": seen, "wrong": seen})  # sent twice: the first word stands
    tags = AssetTag.objects.filter(project_id=project.pk, key="spot check")
    assert sorted(tags.values_list("value", "source")) == [("right", "person")] * 2 + [("wrong", "person")]
    assert spot_checks.precision(crawl) == Precision(3, 2)
    assert "The sample is judged" in client.get(address).content.decode()


def test_precision_has_wilsons_interval_and_says_how_many_more_would_do():
    found = Precision(100, 93)
    low, high = found.interval
    assert (round(low, 2), round(high, 2)) == (0.86, 0.97)
    assert 500 < found.more < 800
    assert Precision(0, 0).interval is None


def test_strangers_find_no_search_and_viewers_begin_none(project):
    crawl = crawled(project)
    stranger, viewer = Client(), Client()
    stranger.force_login(factories.make_user("Charlie"))
    vera = factories.make_user("Vera")
    project.memberships.create(user=vera, role="viewer")
    viewer.force_login(vera)
    for name in ("crawls", "crawl", "crawl-check"):
        args = [project.public_id] if name == "crawls" else [project.public_id, crawl.public_id]
        assert stranger.get(reverse(name, args=args)).status_code == 404
    assert viewer.get(reverse("crawls", args=[project.public_id])).status_code == 200
    assert viewer.post(reverse("crawl-start", args=[project.public_id]), form(do="start")).status_code == 404
    assert viewer.post(reverse("crawl-stop", args=[project.public_id, crawl.public_id])).status_code == 404
    assert viewer.post(reverse("crawl-filter-again", args=[project.public_id, crawl.public_id])).status_code == 404


def test_lists_are_read_from_lines():
    assert read_lists("colour: red, blue\ngreen\n\nmodel:\nFord Ka\nBMW X5") == {
        "colour": ["red", "blue", "green"],
        "model": ["Ford Ka", "BMW X5"],
    }
