"""The palette reaches everything a person may open, and nothing else; the letters after G come from the same table."""

import pytest
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, reverse

from curation.dashboard.screens import ANYWHERE, OF_A_PROJECT
from curation.models import Asset, DatasetVersion, Project, User
from curation.services import finding
from curation.services.patience import in_time
from tests.factories import make_answer, make_asset, make_pool, make_project, make_worker
from tests.pages import office

pytestmark = pytest.mark.django_db


def found(client: Client, text: str = "", project: Project | None = None) -> dict[str, dict[str, str]]:
    """Return what the palette answers: group, label, address."""
    answer = client.get(reverse("palette"), {"q": text, "p": str(project.public_id) if project else ""})
    assert answer.status_code == 200
    return {group["title"]: {one["label"]: one["url"] for one in group["items"]} for group in answer.json()["groups"]}


@pytest.fixture
def world(project: Project) -> dict[str, str]:
    """A pool, a worker, a picture and a version, with the addresses of their pages."""
    pool, worker = make_pool(project, "PEACE"), make_worker()
    asset = make_asset(project, worker=worker, answer=make_answer(pool, worker), name="IMG_2041.jpg")
    DatasetVersion.objects.create(project=project, number=3, note="for Friday")
    here = project.public_id
    return {
        "peace": reverse("pool", args=[here, pool.pk]),
        worker.short_id: reverse("worker", args=[here, worker.pk]),
        worker.short_id[2:6]: reverse("worker", args=[here, worker.pk]),
        str(asset.public_id)[:18]: reverse("asset", args=[here, asset.public_id]),
        "img_20": reverse("asset", args=[here, asset.public_id]),
        "v3": reverse("datasets", args=[here]),
        "friday": reverse("datasets", args=[here]),
        project.name[:6].lower(): reverse("project", args=[here]),
    }


def test_each_thing_is_found_by_a_piece_of_its_name_and_its_page_opens(world, project, people: dict[str, Client]):
    for text, address in world.items():
        urls = [url for items in found(people["vera"], text).values() for url in items.values()]
        assert address in urls, text
        assert people["vera"].get(address).status_code == 200


def test_every_screen_of_a_project_marks_one_place_in_the_side_bar(project: Project, people: dict[str, Client]):
    for screen in (one for one in OF_A_PROJECT if not one.needs):
        page = people["alice"].get(reverse(screen.name, args=[project.public_id])).content.decode()
        bar = page.partition('aria-label="Screens"')[2].partition("</nav>")[0]
        assert bar.count('aria-current="page"') == (1 if bar else 0), screen.name


def test_what_is_named_so_comes_before_what_only_means_that(project: Project, people: dict[str, Client]):
    make_pool(project, "CALL")
    assert list(found(people["alice"], "call", project)) == ["Pools", "See also", "Assets"]
    assert list(found(people["alice"], "call", project)["See also"]) == ["Webhooks"]
    assert next(iter(found(people["alice"], "coverage", project)["See also"])) == "Balance"


def test_a_stranger_finds_nothing_of_it(world, project: Project, people: dict[str, Client]):
    make_project("Charlie's", lead=User.objects.get(name="Charlie"))
    for text in world:
        urls = [url for items in found(people["charlie"], text, project).values() for url in items.values()]
        assert not [url for url in urls if str(project.public_id) in url], text
    assert people["nobody"].get(reverse("palette")).status_code == 302


@pytest.mark.parametrize("name", ["alice", "rita", "vera"])
def test_every_screen_it_offers_opens_and_every_one_that_opens_is_offered(
    name: str, project, people: dict[str, Client]
):
    offered = set(found(people[name], "", project)["Screens"].values())
    for screen in OF_A_PROJECT:
        address = reverse(screen.name, args=[project.public_id])
        may = people[name].get(address).status_code == 200 and not screen.needs
        assert (address in offered) == may, screen.name
    for address in offered:
        assert people[name].get(address).status_code == 200, address


def test_only_leads_are_offered_what_leads_do_and_only_operators_the_system(
    project: Project, people: dict[str, Client]
):
    assert "Freeze a version" in found(people["alice"], "", project)["Commands"]
    assert "Freeze a version" not in found(people["rita"], "", project)["Commands"]
    assert "System" not in found(people["alice"])["Screens"]
    olaf = Client()
    olaf.force_login(User.objects.create_superuser("olaf@example.org", "Olaf"))
    assert found(olaf)["Screens"]["System"] == reverse("system")


def test_no_two_screens_share_a_letter():
    keys = [screen.key for screen in (*OF_A_PROJECT, *ANYWHERE) if screen.key]
    assert len(keys) == len(set(keys))


def test_what_begins_with_the_text_comes_first(project: Project, people: dict[str, Client]):
    assert next(iter(found(people["alice"], "sett", project)["Screens"])) == "Settings"


def test_names_that_take_too_long_are_left_to_the_list_of_assets(world, project, people, monkeypatch):
    assert "Assets" in found(people["vera"], "img_20", project)
    monkeypatch.setattr(finding, "NAMES_MS", 60)
    monkeypatch.setattr(finding, "in_time", lambda _look, *, milliseconds: in_time(a_nap, milliseconds=milliseconds))
    assert list(found(people["vera"], "img_20", project)["Assets"]) == ["Search the assets for “img_20”"]


def a_nap() -> list[Asset]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    return []


def test_it_asks_few_questions_however_much_there_is(project, world, people, django_assert_max_num_queries):
    for number in range(20):
        make_pool(project, f"PEACE {number}")
    with django_assert_max_num_queries(12):  # four of them keep the time of names
        found(people["alice"], "peace", project)


def test_every_page_that_needs_no_more_than_a_project_is_a_screen_of_the_table(alice: User):
    alice.is_staff = True
    alice.save()
    client, known = Client(), {screen.name for screen in (*OF_A_PROJECT, *ANYWHERE)}
    client.force_login(alice)
    project = office.empty_project(alice)
    pages = office.pages_of(project, client) + office.pages_for_all(client)
    plain = {page.name for page in pages if reverse_plainly(page.name, project) == page.url}
    assert plain - known == set()


def reverse_plainly(name: str, project: Project) -> str:
    """Return the address of a page that stands for itself or for its project; nothing for a page of one thing."""
    for args in ([], [project.public_id]):
        try:
            return reverse(name, args=args)
        except NoReverseMatch:
            continue
    return ""
