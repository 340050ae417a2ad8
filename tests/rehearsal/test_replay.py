"""What four campaigns published comes out of the product's own reports, read from rows that were written for it."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from crowd.models import LedgerEntry
from curation.engine.replay_plan import plan_of
from curation.models import Asset, Decision, Membership, Project
from curation.recipes.loading import load, names
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def replayed(recipe: str, *words: str) -> dict[str, Any]:
    out = StringIO()
    call_command("rehearse", recipe, "--set", "replay=published", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def counts(document: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {row["stage"]: (row["in"], row["passed"]) for row in document["funnel"] if row["dropped"] or "frames" in row}


def test_all_that_was_published_is_planned_to_the_last_item():
    written = {
        name: plan_of(load(name), None) for name in names() if name != "camera-footage" and not load(name).is_template
    }
    came = {name: sum(one.n for one in plan.groups) for name, plan in written.items()}
    assert came == {
        "feet-videos": 2_472 + 156_576,
        "gestures": 878_910,
        "tools-search": 8_628 + 3_041,
        "cars-search": 950_000,
    }
    left = {name: plan.delivered for name, plan in written.items()}
    assert left == {"feet-videos": 50_994, "gestures": 552_992, "tools-search": 11_669, "cars-search": 840_000}
    assert sum(one.boxes for one in written["tools-search"].groups) == 21_363
    addresses = written["cars-search"].addresses
    assert addresses is not None
    assert addresses.taken + sum(addresses.refused.values()) == 1_046_000


def test_a_tenth_of_the_films_keeps_their_ratios_and_a_second_time_reads_the_same_rows():
    document = replayed("feet-videos", "--size", "0.1")
    assert counts(document) == {"validate": (247, 151), "storyboard": (151, 151), "checks": (15_658, 5_700),
                                "frames": (5_700, 5_099)}  # fmt: skip
    assert next(row for row in document["funnel"] if row["stage"] == "storyboard")["frames"] == 15_658
    assert document["time"]["virtual_hours"] == 65
    assert [row["usd"] for row in document["cost"]["per_stage"] if row["usd"] != "0.00"] == ["3.775", "0.74", "3.00"]
    before = Asset.objects.count(), Decision.objects.count(), LedgerEntry.objects.count()
    again = replayed("feet-videos", "--size", "0.1")
    assert {**again, "time": None} == {**document, "time": None}
    assert (Asset.objects.count(), Decision.objects.count(), LedgerEntry.objects.count()) == before


def test_the_gestures_lose_what_was_published_and_cost_what_the_slide_adds_up_to(client):
    document = replayed("gestures", "--size", "10000")
    assert counts(document) == {"checks": (15_894, 15_022), "validate": (15_022, 10_131), "aggregate": (10_131, 10_000)}
    assert document["cost"]["total_usd"] == "1416.15"
    assert document["ledger"]["charged_usd"] == "1416.15"
    project = Project.objects.get(slug=document["project"])
    alice = make_user("Alice")
    Membership.objects.create(project=project, user=alice, role=Membership.Role.LEAD)
    client.force_login(alice)
    page = client.get(reverse("project", args=[project.public_id]))
    assert page.status_code == 200
    assert "10,000" in page.content.decode()


def test_the_table_of_tools_has_the_published_classes_and_flags_screwdrivers():
    document = replayed("tools-search")
    table = {row["class"]: (row["images"], row["boxes"], row["flag"]) for row in document["classes"]}
    assert table == {
        "driller": (2_004, 3_236, ""),
        "hammer": (2_005, 3_217, ""),
        "paintbrush": (1_006, 2_413, ""),
        "screwdriver": (3_356, 8_591, "over"),
        "wheelbarrow": (3_298, 3_906, ""),
    }
    assert document["quality"]["delivered"] == 11_669
    assert document["cost"]["total_usd"] == "3845.34"


def test_the_cars_are_told_from_the_address_on():
    document = replayed("cars-search", "--size", "0.01")
    steps = [(one["title"], one["came"], one["passed"]) for one in document["steps"]]
    assert steps == [
        ("Addresses fetched", 10_460, 10_000),
        ("Files that are pictures", 10_000, 9_500),
        ("Unique, large enough", 9_500, 9_500),
        ("Shows a car", 9_500, 8_400),
        ("Published", 8_400, 8_400),
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("camera-footage",), "has no published counts"),
        (("gestures", "--size", "1.5"), "a share up to 1.0"),
        (("gestures", "--size", "0.0000005"), "nothing would be delivered"),
        (("gestures", "--size", "0.0000008"), "nothing would be delivered"),
        (("gestures", "--set", "boxes.overlap=5"), "takes --size and nothing else"),
    ],
)
def test_what_cannot_be_replayed_is_refused_in_a_sentence(words, sentence):
    with pytest.raises(CommandError, match=sentence):
        replayed(*words)
    assert not Project.objects.exists()
