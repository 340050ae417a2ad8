"""The first page: pools of all campaigns with what to do, found, sorted and cut into pages; numbers that follow."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crowd.clock import database_now
from crowd.models import Assignment, Batch, OutboxCommand, Skill, Worker, WorkerTeam
from curation.models import Job, Pool, Project, Tick
from curation.services.overview import campaigns, pool_rows
from curation.services.overview.advice import Advised
from tests.factories import make_answer, make_pool, make_project, make_worker


def titles(client: Client, query: str = "") -> list[str]:
    return [line.row.pool.title for line, _ in client.get(f"/{query}").context["lines"]]


@pytest.fixture
def other(alice) -> Project:
    return make_project("Feet", lead=alice)


def test_the_pools_of_all_own_projects_are_listed_by_project_and_a_strangers_are_not(project, other, people, charlie):
    make_pool(project, "CALL"), make_pool(other, "WALK"), make_pool(make_project("Theirs", lead=charlie), "SECRET")
    page = people["alice"].get("/")
    assert [(line.row.pool.title, line.begins_project) for line, _ in page.context["lines"]] == [
        ("WALK", True), ("CALL", True),
    ]  # fmt: skip
    assert "SECRET" not in page.content.decode()
    assert titles(people["charlie"]) == ["SECRET"]


def test_a_filter_is_part_of_the_address(project, other, people):
    make_pool(project, "CALL"), make_pool(other, "WALK")
    done = make_pool(other, "RUN")
    Pool.objects.filter(pk=done.pk).update(state=Pool.State.DONE)
    assert titles(people["alice"], "?q=call") == ["CALL"]
    assert titles(people["alice"], f"?project={other.public_id}") == ["WALK"]
    assert titles(people["alice"], "?show=done") == ["RUN"]
    assert titles(people["alice"], "?show=stopped&sort=nonsense&page=%00&project=x") == []
    assert "Clear filter" in people["alice"].get("/?q=nobody").content.decode()


@pytest.mark.parametrize("column", sorted(campaigns.IN_MEMORY))
def test_every_column_sorts_both_ways(column, project, people):
    first, second = make_pool(project, "AAA", price_micro=10_000), make_pool(project, "BBB", wanted=5)
    Pool.objects.filter(pk=second.pk).update(priority=5)
    make_answer(first, make_worker())
    assert sorted(titles(people["alice"], f"?sort={column}")) == ["AAA", "BBB"]
    assert sorted(titles(people["alice"], f"?sort=-{column}")) == ["AAA", "BBB"]
    assert titles(people["alice"], "?sort=-priority") == ["BBB", "AAA"]
    assert titles(people["alice"], "?sort=-accepted") == ["AAA", "BBB"]


def test_a_long_list_is_cut_into_pages_that_follow_the_filter(project, people, monkeypatch):
    monkeypatch.setattr(campaigns, "PAGE", 2)
    for name in ("ONE", "TWO", "THREE"):
        make_pool(project, name)
    seen = titles(people["alice"], "?sort=name") + titles(people["alice"], "?sort=name&page=2")
    assert seen == ["ONE", "THREE", "TWO"]
    assert titles(people["alice"], "?sort=name&page=99") == ["TWO"]


def test_more_pools_need_no_more_queries(project, other, people, django_assert_max_num_queries):
    make_answer(make_pool(project, "CALL"), make_worker())
    with django_assert_max_num_queries(19):
        people["alice"].get("/")
    for number in range(6):
        make_answer(make_pool(other, f"MORE {number}"), make_worker())
    for query in ("", "?sort=left"):
        with django_assert_max_num_queries(19):
            people["alice"].get(f"/{query}")


def test_a_full_page_of_pools_from_as_many_projects_stays_light(people, alice):
    for number in range(campaigns.PAGE):
        make_pool(make_project(f"Hand gestures, part {number}", lead=alice), "PEACE INVERTED")
    page = people["alice"].get("/")
    assert len(page.context["lines"]) == campaigns.PAGE
    assert len(page.content) <= 120_000


def test_a_quiet_pool_says_to_raise_the_price_and_the_link_fills_it_in(project, people):
    pool = make_pool(project, "STOP", price_micro=30_000)
    Pool.objects.filter(pk=pool.pk).update(started_at=timezone.now() - timedelta(hours=2))
    page = people["alice"].get("/").content.decode()
    address = reverse("pool", args=[project.public_id, pool.pk])
    assert "Slow: raise the price" in page
    assert f'href="{address}?price=0.04#change">Raise to $0.04' in page
    assert 'value="0.04"' in people["alice"].get(f"{address}?price=0.04").content.decode()
    assert "Raise to" not in people["vera"].get("/").content.decode()


def test_a_pool_of_a_team_that_has_done_its_part_speaks_of_the_team(project):
    pool, worker = make_pool(project, "RARE", wanted=10), make_worker()
    team = WorkerTeam.objects.create(account=pool.account, name="Night shift")
    Worker.objects.filter(pk=worker.pk).update(team=team)
    Batch.objects.filter(pool_id=pool.pk).update(team=team, per_worker=1)
    make_answer(pool, worker)
    [row], _ = pool_rows(project=project, now=timezone.now())
    assert [one.text for one in Advised(row).all()] == ["Everybody of the team (1) has done all they may do here."]


def test_nobody_left_means_never(project, people):
    pool, worker = make_pool(project, "RARE", wanted=10), make_worker()
    batch = Batch.objects.get(pool_id=pool.pk)
    skill = Skill.objects.create(account=batch.account, name="Boxing: exam")
    worker.skill_values.create(skill=skill, value=90)
    Batch.objects.filter(pk=batch.pk).update(needs_skill=skill, needs_value=80, per_worker=10)
    assert "never" not in people["alice"].get("/").content.decode()
    Batch.objects.filter(pk=batch.pk).update(per_worker=1)
    assert "never" in people["alice"].get("/").content.decode()  # one person who may do one, and ten are wanted
    make_answer(pool, worker)
    page = people["alice"].get("/").content.decode()
    assert "never" in page
    assert "Nobody left: let more people in" in page
    Batch.objects.create(
        account=batch.account, key="exam", project_id=project.pk, pool_id=0, stage_id=0, kind="exam",
        interface="choice", grants_skill=skill, state=Batch.State.OPEN,
    )  # fmt: skip
    assert "Nobody left" not in people["alice"].get("/").content.decode()  # who passes the exam may come


def test_alarms_are_counted_and_lead_to_the_pool(project, people):
    pool = make_pool(project, "CALL")
    batch = Batch.objects.get(pool_id=pool.pk)
    OutboxCommand.objects.create(
        kind="open_batch", key="x", account=pool.account, batch_id=batch.pk, state=OutboxCommand.State.DEAD
    )
    for _ in range(12):
        make_answer(pool, make_worker())
    for _ in range(13):
        make_answer(pool, make_worker(), Assignment.State.REJECTED)
    line = people["alice"].get("/").context["lines"][0][0]
    assert [text.split(":")[0] for text in line.alarms] == [
        "1 command did not get through to the platform.",
        "Only 48 % of the pages are accepted",
    ]
    assert titles(people["alice"], "?sort=-alarms") == ["CALL"]


def test_without_a_worker_process_the_page_says_how_to_start_one(project, people):
    words = "No worker process runs"
    for address in ("/", reverse("project", args=[project.public_id])):
        assert words in people["alice"].get(address).content.decode()
    Tick.objects.create(name="tick", slot=1)
    assert words not in people["alice"].get("/").content.decode()


def test_while_the_product_starts_nobody_is_told_that_workers_are_missing(project, people, settings):
    settings.WORKERS_BEGIN_WITHIN = 10**9
    assert "No worker process runs" not in people["alice"].get("/").content.decode()


def test_workers_that_are_busy_with_long_jobs_are_not_said_to_be_missing(project, people):
    now = database_now()
    Job.objects.create(kind="set_up", key="long", state="running", lease_until=now + timedelta(hours=1))
    assert "No worker process runs" not in people["alice"].get("/").content.decode()
    Job.objects.update(lease_until=now - timedelta(hours=1))
    assert "No worker process runs" in people["alice"].get("/").content.decode()


def test_somebody_without_projects_reads_one_sentence_and_one_action(charlie, people):
    page = people["charlie"].get("/").content.decode()
    assert "No projects yet" in page
    assert reverse("new-project") in page


def test_live_numbers_of_the_first_page_follow_its_filter_and_are_the_persons_own(project, other, people):
    pool = make_pool(project, "CALL")
    make_pool(other, "WALK")
    answer = people["alice"].get(reverse("live-home") + "?q=call&since=-1").json()
    assert answer["fields"][f"pool:{pool.pk}:accepted"] == "0"
    assert {name.split(":")[1] for name in answer["fields"]} == {str(pool.pk)}
    again = people["alice"].get(reverse("live-home") + f"?since={answer['version']}").json()
    assert again["fields"] == {}
    assert people["charlie"].get(reverse("live-home") + "?since=-1").json()["fields"] == {}
    part = people["alice"].get(reverse("home-pools") + "?q=call").content.decode()
    assert "<html" not in part
    assert "WALK" not in part.replace('<option value="', "")
