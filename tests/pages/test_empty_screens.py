"""What a lead sees before anything has happened: one sentence, and the next step."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from curation.engine import set_up
from curation.models import Job, Project, User
from tests.factories import make_pool, make_project

pytestmark = pytest.mark.django_db
LEADS_TO_POOLS = ("project", "assets", "duplicates", "quality", "money", "balance")


@pytest.fixture
def nothing(alice: User) -> Project:
    project = make_project("Not begun", lead=alice)
    make_pool(project)
    return project


def main_of(page: str) -> str:
    return page.partition("<main")[2].partition("</main>")[0]


@pytest.mark.parametrize("name", LEADS_TO_POOLS)
def test_an_empty_screen_leads_to_the_pools(name: str, nothing: Project, people: dict[str, Client]):
    page = main_of(people["alice"].get(reverse(name, args=[nothing.public_id])).content.decode())
    pools = reverse("pools", args=[nothing.public_id])
    assert re.search(rf'class="btn[^"]*" href="{pools}"', page)


def test_nothing_is_compared_or_handed_to_one_person_before_there_is_any(nothing: Project, people: dict[str, Client]):
    own = [nothing.public_id]
    assert "Compare the pictures" not in people["alice"].get(reverse("duplicates", args=own)).content.decode()
    inhouse = people["alice"].get(reverse("inhouse", args=own)).content.decode()
    assert "Tasks for one person" not in inhouse
    assert "Make a link above" in inhouse


def test_the_overview_says_how_to_bring_in_pictures_of_ones_own(nothing: Project, people: dict[str, Client]):
    page = main_of(people["alice"].get(reverse("project", args=[nothing.public_id])).content.decode())
    assert f"./winnow ingest {nothing.slug} FOLDER" in page
    assert "See losses" not in page


@pytest.mark.parametrize("start", [{}, {"start": "all"}], ids=["asked for by an older version", "of today"])
def test_while_the_first_project_is_set_up_nobody_is_told_that_there_is_none(
    start: dict[str, str], charlie: User, people: dict[str, Client]
):
    plan = {"recipe": "hagrid", "classes": ["ok"], "wanted": 5, "platform": "simulator", "budget": "50"}
    payload = {**plan, "name": "Friday hands", "by": charlie.pk, **start}
    Job.objects.create(kind=set_up.KIND, key="first", payload=payload, next_at=timezone.now())
    page = people["charlie"].get("/").content.decode()
    assert "“Friday hands” is being set up" in page
    assert "No projects yet" not in page
