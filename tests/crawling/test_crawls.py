"""Crawls against a stand-in of searx and a server with good, dead, false and private addresses."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.fetching.limits import Limits
from curation.models import Asset, AssetTag, Crawl, CrawlCall, CrawlEngine, CrawlHost, CrawlLink, Job, SourcedPicture
from curation.services import jobs
from curation.services.crawling import fetching, plans, searching
from curation.services.crawling.report import is_over, report
from tests import factories
from tests.crawling import engines
from tests.crowd.fetching.servers import Site, page, redirect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site(settings):
    with Site() as made:
        settings.ALLOWED_PRIVATE_HOSTS = [made.host]
        yield made


@pytest.fixture
def searx(site):
    return engines.searx(site)


@pytest.fixture
def project():
    return factories.make_project("Cars")


def spec(searx, **changed: Any):
    usual = {
        "name": "cars",
        "searx_url": searx.url,
        "pattern": "{colour} car",
        "lists": {"colour": ["red", "blue"]},
        "engines": ["alpha", "beta"],
        "seconds_between": 0,
    }
    return plans.Spec(**{**usual, **changed})


def start(project, searx, **changed: Any):
    return plans.start(project=project, spec=spec(searx, **changed), by=None, now=database_now())


def run(crawl, kind, later=timedelta(seconds=1)):
    """Let the job run as a worker would, even if it were due later."""
    job = Job.objects.get(kind=kind, key=str(crawl.pk))
    Job.objects.filter(pk=job.pk).update(state="due", next_at=database_now())
    assert jobs.run(job_id=job.pk, now=database_now() + later)


def finish(crawl):
    run(crawl, "crawl_search")
    run(crawl, "crawl_fetch")


def test_pictures_come_in_with_class_attributes_licence_and_where_they_were_found(site, searx, project):
    project.classes.create(name="red", index=90, prompt="red")
    project.classes.create(name="blue", index=91, prompt="blue")
    site.pages |= {"/1.jpg": page(engines.picture(1)), "/2.jpg": page(engines.picture(2))}
    searx.found = {"red car": [site.url("/1.jpg")], "blue car": [site.url("/1.jpg"), site.url("/2.jpg")]}
    crawl = start(project, searx, class_from="colour")
    finish(crawl)
    assert Asset.objects.filter(project=project).count() == 2
    shared = CrawlLink.objects.get(url=site.url("/1.jpg"))
    assert [(hit.rank, hit.licence, hit.call.query.text) for hit in shared.hits.order_by("call_id")] == [
        (1, "CC BY 4.0", "red car"),
        (1, "CC BY 4.0", "red car"),
        (1, "CC BY 4.0", "blue car"),
        (1, "CC BY 4.0", "blue car"),
    ]
    tags = AssetTag.objects.filter(asset=shared.asset).order_by("value")
    assert [(tag.key, tag.value, tag.source) for tag in tags] == [
        ("colour", "blue", "query"),
        ("colour", "red", "query"),
    ]
    other = CrawlLink.objects.get(url=site.url("/2.jpg")).asset
    assert (other.label_class.name, other.licence, other.source) == ("blue", "CC BY 4.0", "search: cars")
    assert SourcedPicture.objects.get(asset=other).reference == site.url("/2.jpg")
    found = report(crawl)
    assert found["addresses"] == {"taken": 2}
    assert found["classes"] == [
        {"class": "blue", "found": 2, "taken": 2},
        {"class": "red", "found": 1, "taken": 1},
    ]
    assert is_over(crawl)


def test_a_killed_crawl_goes_on_without_asking_anything_twice(site, searx, project, monkeypatch):
    colours = [f"c{n}" for n in range(12)]
    site.pages |= {f"/{n}.jpg": page(engines.picture(n)) for n in range(12)}
    searx.found = {f"c{n} car": [site.url(f"/{n}.jpg")] for n in range(12)}
    crawl = start(project, searx, lists={"colour": colours})
    store = searching._store
    left = iter([True] * 9 + [False])

    def dies(*args: Any):
        if not next(left):
            raise KeyboardInterrupt  # the process is gone: nothing after this line happens
        store(*args)

    monkeypatch.setattr(searching, "_store", dies)
    with pytest.raises(KeyboardInterrupt):
        run(crawl, "crawl_search")
    monkeypatch.setattr(searching, "_store", store)
    run(crawl, "crawl_fetch")
    finish(crawl)
    again = {question: n for question, n in searx.asked.items() if n > 1}
    assert len(searx.asked) == 24
    assert len(again) <= 1  # the one whose answer was on its way
    fetched = [path for path, *_ in site.asked if path.endswith(".jpg")]
    assert sorted(fetched) == sorted({f"/{n}.jpg" for n in range(12)})
    assert Asset.objects.filter(project=project).count() == 12


def test_an_engine_that_says_no_is_asked_more_slowly_and_the_other_goes_on(searx, project):
    searx.troubled["beta"] = 2
    crawl = start(project, searx)
    run(crawl, "crawl_search")
    alpha, beta = CrawlEngine.objects.order_by("name")
    assert set(alpha.calls.values_list("state", flat=True)) == {"done"}
    assert set(beta.calls.values_list("state", flat=True)) == {"done"}
    at_beta = [engine for (_, engine, _), n in searx.asked.items() for _ in range(n)].count("beta")
    assert at_beta == 4  # two questions, each answer refused before it came
    assert (alpha.refusals, beta.refusals) == (0, 0)


def test_an_engine_that_never_answers_is_given_up(searx, project, monkeypatch):
    monkeypatch.setattr(searching, "MOST_REFUSALS", 2)
    searx.troubled["beta"] = 99
    crawl = start(project, searx)
    run(crawl, "crawl_search")
    assert report(crawl)["questions"] == {"done": 2, "refused": 2}
    assert "too many requests" in CrawlCall.objects.filter(state="refused").first().note


def test_an_instance_that_is_down_for_a_moment_loses_no_question(searx, project):
    searx.down = 1
    crawl = start(project, searx)
    run(crawl, "crawl_search")
    assert report(crawl)["questions"] == {"done": 4}


def test_an_instance_without_json_stops_the_crawl_with_a_sentence_and_it_can_go_on(site, searx, project):
    answer = site.pages["/search"]
    site.pages["/search"] = page(b"<html>", Content_Type="text/html")
    crawl = start(project, searx)
    run(crawl, "crawl_search")
    crawl.refresh_from_db()
    assert "allow the format json" in crawl.stopped
    site.pages["/search"] = answer
    assert start(project, searx) == crawl
    run(crawl, "crawl_search")
    assert report(crawl)["questions"] == {"done": 4}


def test_every_address_that_gives_no_picture_has_its_reason(site, searx, project, monkeypatch):
    monkeypatch.setattr(fetching, "LIMITS", Limits(most_bytes=50_000, total_seconds=3, idle_seconds=1, plain_http=True))
    site.pages |= {
        "/page.jpg": page(b"<html>no picture</html>" * 10),
        "/empty.jpg": page(b""),
        "/large.jpg": page(b"x" * 60_000),
        "/away.jpg": redirect("http://10.0.0.1/secret.jpg"),
        "/good.jpg": page(engines.picture(5)),
    }
    names = ["page", "empty", "large", "away", "gone", "good"]
    private = "http://169.254.169.254/latest.jpg"
    searx.found = {"red car": [*(site.url(f"/{name}.jpg") for name in names), private]}
    crawl = start(project, searx, lists={"colour": ["red"]}, engines=["alpha"])
    finish(crawl)
    codes = dict(CrawlLink.objects.values_list("url", "code"))
    assert codes == {
        site.url("/page.jpg"): "not_an_image",
        site.url("/empty.jpg"): "empty",
        site.url("/large.jpg"): "bad_answer",
        site.url("/away.jpg"): "bad_address",
        site.url("/gone.jpg"): "bad_answer",
        site.url("/good.jpg"): "",
        private: "bad_address",
    }
    assert report(crawl)["addresses"] == {"refused": 6, "taken": 1}


def test_a_dead_host_is_asked_a_few_times_and_the_rest_finishes(site, searx, project, settings):
    dead = "127.0.0.1:9"  # the port of discard, where nobody listens
    settings.ALLOWED_PRIVATE_HOSTS = [site.host, dead]
    site.pages["/good.jpg"] = page(engines.picture(6))
    searx.found = {"red car": [*(f"http://{dead}/{n}.jpg" for n in range(30)), site.url("/good.jpg")]}
    crawl = start(project, searx, lists={"colour": ["red"]}, engines=["alpha"])
    run(crawl, "crawl_search")
    CrawlLink.objects.filter(url__contains=":9/").update(host="dead.example")
    run(crawl, "crawl_fetch")
    host = CrawlHost.objects.get(name="dead.example")
    assert host.given_up
    assert host.failures <= fetching.GIVEN_UP_AFTER + fetching.AT_ONE_HOST
    refused = CrawlLink.objects.filter(host="dead.example")
    assert set(refused.values_list("state", "code")) == {("refused", "dead_host")}
    assert CrawlLink.objects.get(url=site.url("/good.jpg")).state == "taken"


def test_the_same_crawl_goes_on_and_another_one_under_its_name_is_refused(searx, project):
    crawl = start(project, searx)
    assert start(project, searx) == crawl
    with transaction.atomic(), pytest.raises(CrowdError, match="with other pattern; give this one another name"):
        start(project, searx, pattern="old {colour} car")
    assert Crawl.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"searx_url": "ftp://x"}, "is no address of a searx instance"),
        ({"engines": []}, "at least one search engine"),
        ({"pages": 0}, "0 pages of each query"),
        ({"class_from": "model"}, "there is none of that name"),
        ({"class_from": "colour"}, "Cars has no class red, blue"),
        ({"pattern": "{model} car"}, "names {model}"),
    ],
)
def test_what_cannot_be_crawled_is_refused_before_anything_is_written(searx, project, changed, sentence):
    with pytest.raises(CrowdError, match=sentence):
        start(project, searx, **changed)
    assert (Crawl.objects.count(), CrawlCall.objects.count()) == (0, 0)


def test_the_command_says_what_it_would_ask_and_reports_what_there_is(searx, project):
    out = StringIO()
    words = ["--searx", searx.url, "--query", "{colour} car", "--list", "colour=red,blue", "--engines", "alpha,beta"]
    call_command("crawl", project.slug, *words, "--dry-run", "--json", stdout=out)
    planned = json.loads(out.getvalue())
    assert (planned["queries"], planned["calls"], planned["most_pictures"]) == (2, 4, 400)
    assert not Crawl.objects.exists()
    out = StringIO()
    call_command("crawl", project.slug, *words, "--json", stdout=out)
    assert json.loads(out.getvalue())["questions"] == {"planned": 4}
    out = StringIO()
    call_command("crawl", project.slug, stdout=out)
    assert "0 answered, 4 to ask" in out.getvalue()
    with pytest.raises(CommandError, match="has no crawl “other”"):
        call_command("crawl", project.slug, "--name", "other")


def test_a_crawl_that_is_stopped_or_whose_project_is_in_the_trash_asks_nothing_more(searx, project):
    crawl = start(project, searx)
    call_command("crawl", project.slug, "--name", crawl.name, "--stop", stdout=StringIO())
    run(crawl, "crawl_search")
    assert not searx.asked
    start(project, searx)
    type(project).objects.filter(pk=project.pk).update(trashed_at=database_now())
    run(crawl, "crawl_search")
    assert not searx.asked
    type(project).objects.filter(pk=project.pk).update(trashed_at=None)
    run(crawl, "crawl_search")
    assert len(searx.asked) == 4


def test_halves_of_letters_in_a_result_leave_out_that_result_alone(site, searx, project):
    site.pages["/good.jpg"] = page(engines.picture(7))
    searx.found = {"red car": ["https://odd.example/\ud800.jpg", site.url("/good.jpg")]}
    crawl = start(project, searx, lists={"colour": ["red"]}, engines=["alpha"])
    finish(crawl)
    assert report(crawl)["addresses"] == {"taken": 1}
