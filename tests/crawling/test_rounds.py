"""A search's pictures go through the filter by names again: both rounds side by side, and what changed."""

import hashlib
import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from crowd.clock import database_now
from curation.engine import filter_round, flow
from curation.models import Asset, Crawl, CrawlLink, Decision, Job, Project, Stage, TagRun, WebhookNotice
from curation.preprocessing.taggers.base import Tag
from curation.services import assets, jobs, notices, tagging
from curation.services.crawling import spot_checks
from curation.services.freezing import freeze_version
from curation.stages.tag import Word
from tests.engine import world
from tests.factories import make_asset, make_project, make_user

pytestmark = pytest.mark.django_db
SHOWN = ("car", "suv", "dog", "cat")


@pytest.fixture
def cars() -> Project:
    """A search of four pictures that a model has named, at a filter that keeps two of them."""
    project = make_project("Cars")
    Stage.objects.filter(project=project, name="validate").delete()
    settings = {"model": "simulated", "terms": ["car", "suv"], "top": 1, "taggers": []}
    Stage.objects.create(project=project, position=2, kind="tag", name="filter", title="Cars", settings=settings)
    crawl = Crawl.objects.create(project=project, name="round-1", searx_url="http://localhost", pattern="car")
    for name in SHOWN:
        asset = make_asset(project, Asset.State.WAITING, stage="tag", name=name)
        tagging.keep(asset=asset, name="simulated", tags=[Tag("label", name, "model", 0.9)], seconds=0.1)
        digest = hashlib.md5(name.encode(), usedforsecurity=False).digest()
        CrawlLink.objects.create(crawl=crawl, url=name, digest=digest, host="x", state="taken", asset=asset)
    work(project)
    assert stands(project) == {"car": "published", "suv": "published", "dog": "dropped", "cat": "dropped"}
    return project


def work(project: Project) -> None:
    for stage in project.stages.select_related("project").order_by("position"):
        while flow.work_stage(stage=stage, now=database_now()):
            pass


def go_through() -> None:
    """Run the job of a round to its end."""
    job = Job.objects.get(kind="filter_again")
    while job.state != Job.State.DONE:
        assert jobs.run(job_id=job.pk, now=database_now())
        job.refresh_from_db()


def stands(project: Project) -> dict[str, str]:
    return dict(Asset.objects.filter(project=project).values_list("name", "state"))


def crawl(project: Project, *words: str) -> dict[str, object]:
    out = io.StringIO()
    call_command("crawl", project.slug, "--name", "round-1", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_other_terms_let_others_in_and_ask_the_model_nothing(cars):
    Stage.objects.filter(project=cars, name="filter").update(
        settings={"model": "simulated", "terms": ["car", "dog"], "top": 1, "taggers": []}
    )
    runs = TagRun.objects.count()
    assert crawl(cars, "--filter-again")["filtered_again"] == 4
    go_through()
    work(cars)
    assert stands(cars) == {"car": "published", "suv": "dropped", "dog": "published", "cat": "dropped"}
    assert TagRun.objects.count() == runs
    found = crawl(cars)
    assert found["rounds"] == [{"number": 1, "came": 4, "kept": 2}, {"number": 2, "came": 4, "kept": 2}]
    ids = {name: str(public_id) for name, public_id in Asset.objects.values_list("name", "public_id")}
    assert found["changed"] == {"came": [ids["dog"]], "left": [ids["suv"]]}


def test_a_picture_of_which_the_filter_says_the_same_is_moved_nowhere_and_nobody_is_told(cars, monkeypatch):
    monkeypatch.setattr(notices, "heard", lambda _: {"asset.accepted", "asset.rejected"})
    Stage.objects.filter(project=cars, name="filter").update(
        settings={"model": "simulated", "terms": ["car", "dog"], "top": 1, "taggers": []}
    )
    last = Decision.objects.latest("pk").pk
    crawl(cars, "--filter-again")
    go_through()
    work(cars)
    said = Decision.objects.filter(pk__gt=last).order_by("pk").values_list("asset__name", "stage__name", "verdict")
    verdicts = {name: [(stage, verdict) for one, stage, verdict in said if one == name] for name in SHOWN}
    assert verdicts["car"] == [("filter", "passed")]
    assert verdicts["cat"] == [("filter", "dropped")]
    assert verdicts["suv"] == [("publish", "returned"), ("filter", "dropped")]
    assert verdicts["dog"][:2] == [("filter", "restored"), ("filter", "passed")]
    ids = {name: str(public_id) for name, public_id in Asset.objects.values_list("name", "public_id")}
    told = WebhookNotice.objects.order_by("topic").values_list("topic", "about__asset")
    assert list(told) == [("asset.accepted", ids["dog"]), ("asset.rejected", ids["suv"])]


def test_the_layers_of_the_filter_count_each_picture_once(cars):
    stage = Stage.objects.get(project=cars, name="filter")
    Stage.objects.filter(pk=stage.pk).update(settings={**stage.settings, "terms": ["car"]})
    crawl(cars, "--filter-again")
    go_through()
    stage.refresh_from_db()
    (layer,) = tagging.funnel(stage)
    assert (layer.reached, layer.passed) == (4, 1)


def test_a_round_waits_while_its_stage_is_paused_and_is_not_begun_twice(cars):
    Stage.objects.filter(project=cars, name="filter").update(state=Stage.State.PAUSED)
    crawl(cars, "--filter-again")
    job = Job.objects.get(kind="filter_again")
    assert jobs.run(job_id=job.pk, now=database_now())
    with pytest.raises(CommandError, match="are going through the filter already"):
        crawl(cars, "--filter-again")
    Stage.objects.filter(project=cars, name="filter").update(state=Stage.State.RUNNING)
    Job.objects.filter(pk=job.pk).update(next_at=database_now())
    go_through()
    assert crawl(cars, "--filter-again")["filtered_again"] == 4


def test_a_round_is_begun_and_watched_on_the_searchs_page(cars):
    alice, vera = make_user("Alice"), make_user("Vera")
    cars.memberships.create(user=alice, role="lead")
    cars.memberships.create(user=vera, role="viewer")
    lead, viewer, row = Client(), Client(), Crawl.objects.get()
    lead.force_login(alice)
    viewer.force_login(vera)
    page, again = (reverse(name, args=[cars.public_id, row.public_id]) for name in ("crawl", "crawl-filter-again"))
    assert again in lead.get(page).content.decode()
    assert again not in viewer.get(page).content.decode()
    Stage.objects.filter(project=cars, name="filter").update(
        settings={"model": "simulated", "terms": ["car", "dog"], "top": 1, "taggers": []}
    )
    told = lead.post(again, follow=True).content.decode()
    assert "4 pictures go through the filter again" in told
    assert "0 pictures have gone through Cars again so far." in told
    assert "hx-trigger" in told
    assert again not in told
    assert "are going through the filter already" in lead.post(again, follow=True).content.decode()
    go_through()
    over = lead.get(page).content.decode()
    assert "The last round lets 1 in and 1 out." in over
    assert "hx-trigger" not in over
    assert again in over


def test_nothing_is_begun_where_the_filter_has_decided_about_nothing(cars):
    Crawl.objects.create(project=cars, name="round-2", searx_url="http://localhost", pattern="car")
    with pytest.raises(CommandError, match="has decided about no picture"):
        call_command("crawl", cars.slug, "--name", "round-2", "--filter-again")
    assert not Job.objects.filter(kind="filter_again").exists()


def test_a_picture_that_takes_longer_than_a_slice_is_gone_on_with(cars, monkeypatch):
    TagRun.objects.all().delete()
    crawl(cars, "--filter-again")
    monkeypatch.setattr(filter_round.tag, "SECONDS_A_SLICE", -1.0)
    again = filter_round.run_round(Job.objects.get(kind="filter_again"), database_now())
    assert again is not None
    assert again.cursor == {}


@pytest.mark.parametrize("away", ["trashed_at", "archived_at"])
def test_a_round_asks_nothing_in_the_trash_and_in_the_archive(cars, away):
    crawl(cars, "--filter-again")
    Project.objects.filter(pk=cars.pk).update(**{away: database_now()})
    decided = Decision.objects.count()
    assert filter_round.run_round(Job.objects.get(kind="filter_again"), database_now()) is None
    assert Decision.objects.count() == decided


def test_a_round_that_is_killed_goes_on_and_counts_each_picture_once(cars, monkeypatch):
    monkeypatch.setattr(filter_round, "A_SLICE", 3)
    crawl(cars, "--filter-again")
    job = Job.objects.get(kind="filter_again")
    filter_round.run_round(job, database_now())  # what it settled is stored, that it did is not
    go_through()
    assert crawl(cars)["rounds"] == [{"number": 1, "came": 4, "kept": 2}, {"number": 2, "came": 4, "kept": 2}]


@pytest.mark.parametrize("by_kind", [Decision.By.REVIEWER, Decision.By.CROWD])
def test_what_a_person_has_said_a_word_about_stays(cars, by_kind):
    asset = Asset.objects.get(name="car")
    Decision.objects.create(project_id=cars.pk, asset=asset, stage=asset.stage, verdict="passed", by_kind=by_kind)
    assert crawl(cars, "--filter-again")["filtered_again"] == 3
    assert "changed" not in crawl(cars)


def test_what_a_spot_check_found_right_stays(cars):
    car, suv = (Asset.objects.get(name=name).public_id for name in ("car", "suv"))
    search = Crawl.objects.get(name="round-1")
    spot_checks.judge(crawl=search, seen=[car, suv], wrong=[suv], by=world.person("alice"), now=database_now())
    assert crawl(cars, "--filter-again")["filtered_again"] == 3
    assert stands(cars)["car"] == "published"


def test_what_a_person_drops_while_the_filter_is_asked_stays_dropped(cars, monkeypatch):
    ask = filter_round.tag.words_of

    def and_drop(**words: Any) -> list[Word]:
        said = ask(**words)
        suv = Asset.objects.get(name="suv")
        assets.decide(asset=suv, verdict="dropped", reason="blurred", by_kind=Decision.By.PERSON)
        return said

    monkeypatch.setattr(filter_round.tag, "words_of", and_drop)
    crawl(cars, "--filter-again")
    filter_round.run_round(Job.objects.get(kind="filter_again"), database_now())
    work(cars)
    assert stands(cars)["suv"] == "dropped"
    assert Asset.objects.get(name="suv").reason == "blurred"


def test_a_version_is_frozen_whole_while_a_round_is_under_way(cars):
    crawl(cars, "--filter-again")
    assert freeze_version(project_id=cars.pk, by=None, now=database_now()).counts["images"] == 2


def test_what_the_filter_holds_goes_through_it_again(cars):
    Asset.objects.filter(state=Asset.State.DROPPED).update(state=Asset.State.HELD)
    Stage.objects.filter(project=cars, name="filter").update(
        settings={"model": "simulated", "terms": ["car", "suv", "dog"], "otherwise": "hold", "taggers": []}
    )
    assert crawl(cars, "--filter-again")["filtered_again"] == 4
    go_through()
    work(cars)
    assert stands(cars) == {"car": "published", "suv": "published", "dog": "published", "cat": "held"}


def test_a_picture_that_is_sent_through_once_more_makes_no_round(cars):
    Stage.objects.filter(project=cars, name="filter").update(
        settings={"model": "simulated", "terms": ["car"], "top": 1, "taggers": []}
    )
    crawl(cars, "--filter-again")
    go_through()
    work(cars)
    Asset.objects.filter(name="cat").update(state=Asset.State.WAITING)
    work(cars)
    found = crawl(cars)
    assert found["rounds"] == [{"number": 1, "came": 4, "kept": 2}, {"number": 2, "came": 4, "kept": 1}]
    assert found["changed"]["left"] == [str(Asset.objects.get(name="suv").public_id)]


def test_without_a_model_there_is_nothing_to_do_again(cars):
    Stage.objects.filter(project=cars, name="filter").update(settings={"taggers": []})
    with pytest.raises(CommandError, match="No stage of this project filters by the names of a model"):
        crawl(cars, "--filter-again")
