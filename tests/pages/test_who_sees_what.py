"""Every page for every role: members see it, strangers and people without a session do not."""

import pytest
from django.test import Client
from django.urls import reverse

from crowd.models import Assignment, Evidence
from curation.models import Asset, Pool, Project, Stage
from tests.factories import make_answer, make_asset, make_consensus, make_evidence, make_pool, make_project, make_worker

PAGES = (
    "project",
    "pools",
    "pool",
    "instructions",
    "assets",
    "asset",
    "work",
    "workers",
    "worker",
    "balance",
    "sample",
    "outlook",
    "datasets",
    "dataset-compare",
    "settings",
    "live",
)
PARTS = ("kpis", "chart", "funnel", "pipeline", "pools", "levels", "events")
MOST_QUERIES = 14
# "assets": counts of every facet, once for each version of a small project; the others bring much together;
# "project", "pool": when pools were paused, and what share of pages is usually accepted, are read once for all rows;
# "workers": in which order all stand, then those of one page;
# "project" and the first page also ask for jobs in hand where no clock has ticked, as here
MORE_QUERIES = {"assets": 21, "balance": 18, "project": 24, "pool": 30, "outlook": 24, "workers": 15}


@pytest.fixture
def world(project: Project) -> dict[str, str]:
    """A project where something happened, and the addresses of its pages."""
    pool, worker = make_pool(project), make_worker()
    make_answer(pool, worker, Assignment.State.SUBMITTED)
    sent = make_asset(project, worker=worker, answer=make_answer(pool, worker))
    make_asset(project, Asset.State.DROPPED, stage="checks", reason="low_resolution")
    make_evidence(sent)
    make_consensus(sent)
    own = {"pool": pool.pk, "asset": sent.public_id, "worker": worker.pk}
    return {name: reverse(name, args=[project.public_id, *([own[name]] if name in own else [])]) for name in PAGES}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("person", ["alice", "rita", "vera"])
def test_a_member_opens_every_page(page: str, person: str, world: dict[str, str], people: dict[str, Client]):
    assert people[person].get(world[page]).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_finds_nothing_there(page: str, world: dict[str, str], people: dict[str, Client]):
    assert people["charlie"].get(world[page]).status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_without_a_session_one_is_asked_to_sign_in(page: str, world: dict[str, str], people: dict[str, Client]):
    answer = people["nobody"].get(world[page])
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_needs_few_queries(page, world, people, django_assert_max_num_queries):
    with django_assert_max_num_queries(MORE_QUERIES.get(page, MOST_QUERIES)):
        people["alice"].get(world[page])


@pytest.mark.parametrize("page", ["project", "pools", "assets", "workers", "balance", "datasets", "settings"])
def test_more_rows_need_no_more_queries(page, project, world, people, django_assert_max_num_queries):
    for number in range(5):
        pool, worker = make_pool(project, f"MORE {number}"), make_worker(f"W{number}")
        make_evidence(make_asset(project, worker=worker, answer=make_answer(pool, worker)))
    with django_assert_max_num_queries(MORE_QUERIES.get(page, MOST_QUERIES)):
        people["alice"].get(world[page])


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_overview_can_be_fetched_alone(part: str, project: Project, world, people: dict[str, Client]):
    address = reverse("project-part", args=[project.public_id, part])
    answer = people["vera"].get(address)
    assert f'data-fragment="{part}"' in answer.content.decode()
    assert "<html" not in answer.content.decode()
    assert people["charlie"].get(address).status_code == 404


@pytest.mark.parametrize("page", [name for name in PAGES if name != "live"])
def test_no_page_allows_inline_scripts_or_styles(page: str, world: dict[str, str], people: dict[str, Client]):
    answer = people["alice"].get(world[page])
    policy = answer["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert " style=" not in answer.content.decode()


def test_nobody_sees_another_projects_rows_through_his_own(project: Project, charlie, people: dict[str, Client]):
    theirs = make_project("Charlie's", lead=charlie)
    pool, worker = make_pool(project), make_worker()
    asset = make_asset(project, worker=worker, answer=make_answer(pool, worker))
    for name, own in {"pool": pool.pk, "asset": asset.public_id, "worker": worker.pk}.items():
        assert people["charlie"].get(reverse(name, args=[theirs.public_id, own])).status_code == 404


LEADS_ONLY = {
    "pool-change": {"priority": "3"},
    "pool-act": {},
    "asset-restore": {},
    "evidence-ban": {"days": "10"},
    "evidence-reject": {},
    "evidence-overturn": {},
    "freeze": {},
    "settings-storage-register": {"bucket": "s3://cameras/"},
    "settings-webhooks": {"url": "https://team.example/", "topics": "pool.finished"},
    "outlook-zone": {"zone": "UTC"},
    "balance-plan": {"plan": ""},
    "balance-scenarios": {},
    "models-judge": {},
    "balance-gap": {"gap": "1:0:0:1"},
    "balance-pool": {"gap": "1:0:0:1", "crowd": "inhouse"},
    "sample-keep": {"name": "spring", "shares": "light: low, normal", "size": "5", "seed": "0"},
    "dataset-card": {"title": "Signs"},
    "member-add": {"email": "new@example.org", "role": "viewer"},
    "invite": {"uses": "1", "days": "1"},
    "budget": {"limit": "900"},
}


@pytest.mark.parametrize("name", LEADS_ONLY)
@pytest.mark.parametrize("person", ["rita", "vera", "charlie"])
def test_only_a_lead_changes_things(name: str, person: str, project: Project, world, people: dict[str, Client]):
    own = {
        "pool-change": [Pool.objects.get().pk],
        "pool-act": [Pool.objects.get().pk, "pause"],
        "asset-restore": [Asset.objects.get(state=Asset.State.DROPPED).public_id],
        "evidence-ban": [Evidence.objects.get().pk],
        "evidence-reject": [Evidence.objects.get().pk],
        "evidence-overturn": [Evidence.objects.get().pk],
    }
    answer = people[person].post(reverse(name, args=[project.public_id, *own.get(name, [])]), LEADS_ONLY[name])
    assert answer.status_code == 404


def test_an_archived_project_is_listed_apart_and_seen_by_its_members_only(project: Project, people: dict[str, Client]):
    Project.objects.filter(pk=project.pk).update(archived_at=project.created_at)
    page = people["alice"].get("/").content.decode()
    assert page.count(project.name) == 1  # not in the switch of projects
    assert page.index("Finished rehearsals") < page.index(project.name)
    address = reverse("project", args=[project.public_id])
    assert people["alice"].get(address).status_code == 200
    assert people["charlie"].get(address).status_code == 404


def test_a_stage_that_comes_with_its_project_is_the_stage_of_the_table(project, people):
    """They come as JSON, which knows neither times nor decimals nor UUIDs: a field of such a kind has to be decoded."""
    Stage.objects.filter(project=project).update(settings={"most": 3, "share": 0.5, "of": ["a", None], "on": True})
    names = [field.attname for field in Stage._meta.concrete_fields]
    read = people["alice"].get(reverse("project", args=[project.public_id])).context["seat"].project.stages.all()
    found, stored = [[[getattr(row, name) for name in names] for row in rows] for rows in (read, project.stages.all())]
    assert found == stored
    assert [[*map(type, row)] for row in found] == [[*map(type, row)] for row in stored]
    assert all(None not in row for row in stored), "this test tells nothing of fields that are empty: fill them in"
