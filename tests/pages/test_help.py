"""The guides as pages of the product: all of them, with links and pictures that lead somewhere."""

import re
from urllib.parse import unquote

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import resolve, reverse

from curation.services import guides
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(make_user("Vera"))
    return client


def test_the_guide_is_one_click_away_on_every_page(reader):
    assert f'href="{reverse("help")}"' in reader.get(reverse("projects")).content.decode()
    text = reader.get(reverse("help")).content.decode()
    assert "<h1" in text
    assert "For the project lead" in text


def test_nobody_reads_it_without_signing_in(client):
    assert client.get(reverse("help")).status_code == 302


@pytest.mark.parametrize("name", ["no-such-guide", "../README", "pictures/assets-light.webp", "operator.md"])
def test_nothing_but_guides_is_shown(reader, name):
    assert reader.get(f"/help/{name}/").status_code == 404


@pytest.mark.parametrize("name", sorted(guides.all_guides()))
def test_what_a_guide_links_to_and_pictures_is_there(name):
    html = guides.html_of(name)
    anchors = {one: set(re.findall(r'id="([^"]+)"', guides.html_of(one))) for one in guides.all_guides()}
    for address in re.findall(r'href="([^"]+)"', html):
        page, _, part = address.partition("#")
        if "://" in page:
            continue
        target = name if not page else resolve(page).kwargs.get("name", guides.FIRST)
        assert not part or unquote(part) in anchors[target], address
    pictures = re.findall(r'<img src="/static/(guide/[^"]+)"', html)
    assert len(pictures) == html.count("<img")
    assert [one for one in pictures if not finders.find(one)] == []
    assert "style=" not in html


def test_every_guide_is_listed_once():
    listed = [one.name for _, found in guides.groups() for one in found]
    assert sorted(listed) == sorted(guides.all_guides())
