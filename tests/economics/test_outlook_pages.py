"""Outlooks on pages: in words, in the project's time, with what can be done about it, for members only."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crowd.models import Assignment, Batch, Skill, SkillValue
from crowd.services import tallies
from curation.models import Event, Outlook, Pool, Project, User
from curation.services.outlook import outlook_of_pool, write_outlooks
from curation.services.overview import pool_rows
from tests.factories import make_answer, make_pool, make_project, make_user, make_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return make_user("Alice")


@pytest.fixture
def rita() -> User:
    return make_user("Rita")


@pytest.fixture
def project(alice: User, rita: User) -> Project:
    return make_project(lead=alice, reviewer=rita)


@pytest.fixture
def pool(project: Project) -> Pool:
    return make_pool(project, wanted=60)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def let_work(pool: Pool, pages: int = 24) -> None:
    now, worker = timezone.now(), make_worker()
    Pool.objects.filter(pk=pool.pk).update(started_at=now - timedelta(hours=8))
    for number in range(pages):
        page = make_answer(pool, worker).assignment
        at = now - timedelta(hours=number % 8, minutes=5)
        Assignment.objects.filter(pk=page.pk).update(submitted_at=at, judged_at=at)
    tallies.fold(now=now)


def page_of(pool: Pool, user: User) -> str:
    return signed_in(user).get(reverse("pool", args=[pool.project.public_id, pool.pk])).content.decode()


def test_a_pool_says_when_and_for_how_much_and_what_would_change_it(pool: Pool, alice: User):
    let_work(pool)
    page = page_of(pool, alice)
    assert "in the end" in page
    assert "What would change the end" in page
    assert "Let more people in" in page
    assert "Add a platform" in page
    assert "?price=0.04#change" in page


def test_a_pool_that_can_never_end_offers_three_ways_out_and_the_first_needs_one_click(pool: Pool, alice: User):
    let_work(pool, 8)
    skill = Skill.objects.create(account=pool.account, name="Steady hands")
    for number in range(4):
        SkillValue.objects.create(worker=make_worker(f"W{number}"), skill=skill, value=90)
    Batch.objects.filter(pool_id=pool.pk).update(needs_skill=skill, needs_value=80, per_worker=5)
    page = page_of(pool, alice)
    assert "4 people may do 5 each: 20 in all, and 60 are wanted." in page
    assert page.count('class="do"') == 3
    assert "Allow 15 each" in page
    signed_in(alice).post(reverse("pool-change", args=[pool.project.public_id, pool.pk]), {"per_worker": "15"})
    assert Batch.objects.get(pool_id=pool.pk).per_worker == 15
    assert "can never" not in page_of(pool, alice)
    assert Event.objects.filter(kind="pool.changed", text__contains="at most 15 of one person").exists()


@pytest.mark.parametrize("per_worker", [500, 5])
def test_fewer_people_than_are_asked_about_each_are_told_and_no_cap_is_offered(
    pool: Pool, alice: User, per_worker: int
):
    let_work(pool, 8)
    skill = Skill.objects.create(account=pool.account, name="Steady hands")
    for number in range(2):
        SkillValue.objects.create(worker=make_worker(f"W{number}"), skill=skill, value=90)
    terms = {"needs_skill": skill, "needs_value": 80, "per_worker": per_worker, "overlap": 3}
    Batch.objects.filter(pool_id=pool.pk).update(**terms)
    page = page_of(pool, alice)
    assert "3 people are asked about each, and 2 may work here." in page
    assert 'name="per_worker" value=' not in page.partition('id="outlook"')[2].partition("</section>")[0]


def test_a_cap_that_is_none_is_refused_in_a_sentence(pool: Pool, alice: User):
    address = reverse("pool-change", args=[pool.project.public_id, pool.pk])
    answer = signed_in(alice).post(address, {"per_worker": "-3"})
    assert answer.status_code == 400
    assert "One person may do from 1" in answer.content.decode()


def test_a_reviewer_reads_what_would_change_it_and_finds_no_button(pool: Pool, rita: User):
    let_work(pool)
    page = page_of(pool, rita)
    assert "What would change the end" in page
    assert 'class="do"' not in page


def test_what_was_said_before_stands_beside_what_came(pool: Pool, alice: User):
    let_work(pool)
    write_outlooks(project=pool.project, now=timezone.now() - timedelta(hours=1))
    assert Outlook.objects.filter(pool=pool).count() == 1
    page = page_of(pool, alice)
    assert page.count('class="said-bar"') == 1
    assert "so nobody knows how good they are here" in page


def test_days_are_told_in_the_projects_time_zone(pool: Pool, alice: User):
    let_work(pool)
    client, project = signed_in(alice), pool.project
    client.post(reverse("outlook-zone", args=[project.public_id]), {"zone": "Asia/Tokyo"})
    project.refresh_from_db()
    assert project.time_zone == "Asia/Tokyo"
    page = client.get(reverse("outlook", args=[project.public_id])).content.decode()
    row = pool_rows(project=project, now=timezone.now())[0][0]
    told = outlook_of_pool(row, now=timezone.now())
    assert told is not None
    assert told.soon_at is not None
    soon = [told.soon_at.astimezone(ZoneInfo("Asia/Tokyo")) + timedelta(minutes=n) for n in (-10, 0, 10)]
    assert any(f"{moment:%a %-d %b, %H}:" in page for moment in soon)
    said = client.post(reverse("outlook-zone", args=[project.public_id]), {"zone": "Moon/Crater"}, follow=True)
    assert "There is no time zone" in said.content.decode()
    project.refresh_from_db()
    assert project.time_zone == "Asia/Tokyo"


def test_a_stranger_finds_no_outlook_and_a_reviewer_sets_no_clock(pool: Pool, rita: User):
    address = reverse("outlook", args=[pool.project.public_id])
    assert signed_in(make_user("Charlie")).get(address).status_code == 404
    assert signed_in(rita).get(address).status_code == 200
    zone = reverse("outlook-zone", args=[pool.project.public_id])
    assert signed_in(rita).post(zone, {"zone": "UTC"}).status_code == 404


def test_the_overview_leads_to_the_outlook(pool: Pool, alice: User):
    let_work(pool)
    page = signed_in(alice).get(reverse("project", args=[pool.project.public_id])).content.decode()
    assert reverse("outlook", args=[pool.project.public_id]) in page
