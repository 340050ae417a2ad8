"""One press opens every pool, or none when the budget cannot carry them."""

import pytest
from django.urls import reverse
from django.utils import timezone

from curation.engine import asking, campaigns
from curation.models import Pool
from curation.services.overview import campaigns as tables

pytestmark = pytest.mark.django_db


@pytest.fixture
def drafts(alice):
    asked = asking.campaign(
        recipe="gestures",
        platform="inhouse",
        name="Drafts",
        classes=["call", "like"],
        wanted=3,
        budget="10",
        settings={"validate": {"training_tasks": 0, "exam_tasks": 0, "control_per_page": 0}},
    )
    return campaigns.ensure_project(asked=asked, by=alice, now=timezone.now()).project


def states(project):
    return set(Pool.objects.filter(project=project).values_list("state", flat=True))


def test_a_lead_opens_all_of_them(people, drafts):
    assert "Open all 4" in people["alice"].get(reverse("pools", args=[drafts.public_id])).content.decode()
    people["alice"].post(reverse("pools-open", args=[drafts.public_id]))
    assert states(drafts) == {"opening"}


def test_a_budget_that_is_too_small_opens_none_and_says_so(people, drafts):
    people["alice"].post(reverse("budget", args=[drafts.public_id]), {"limit": "0.01"})
    page = people["alice"].post(reverse("pools-open", args=[drafts.public_id]), follow=True).content.decode()
    assert "is needed but only $0.01" in page
    assert states(drafts) == {"draft"}


def test_nobody_else_opens_them(people, drafts):
    assert people["charlie"].post(reverse("pools-open", args=[drafts.public_id])).status_code == 404
    assert states(drafts) == {"draft"}


def test_a_long_table_comes_in_pages_that_keep_its_order(people, drafts, monkeypatch):
    monkeypatch.setattr(tables, "PAGE", 3)
    address = reverse("pools", args=[drafts.public_id])
    titles = sorted(Pool.objects.filter(project=drafts).values_list("title", flat=True), reverse=True)
    first = people["alice"].get(f"{address}?sort=-name")
    assert [line.row.pool.title for line, _ in first.context["lines"]] == titles[:3]
    assert "1–3 of 4 pools" in first.content.decode()
    second = people["alice"].get(address + first.context["after"])
    assert [line.row.pool.title for line, _ in second.context["lines"]] == titles[3:]
    assert second.context["before"] == "?sort=-name&page=1"
    assert not second.context["after"]
