"""Forecasts of recipes: the published tables to the cent, scaled ones, plans, projects; by command as documented."""

import io
import json
from decimal import Decimal
from fractions import Fraction

import pytest
from django.core.management import CommandError, call_command

from crowd.models import Budget
from curation.economics.interval import Step, price_interval
from curation.economics.pages import pages_needed
from tests.engine import world


def told(*words: str) -> dict:
    out = io.StringIO()
    call_command("forecast", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def paid(sheet: dict) -> dict[str, str]:
    return {row["stage"]: row["usd"] for row in sheet["rows"]}


def test_pages_leave_room_for_control_tasks_and_the_last_one_may_be_left_out():
    assert pages_needed(items=830_679, answers=Fraction(3), control=Fraction("0.1")) == 2_768_930
    assert pages_needed(items=2_472, answers=Fraction(3), a_page=10) == 742
    assert pages_needed(items=2_472, answers=Fraction(3), a_page=10, partial_page=False) == 741
    assert pages_needed(items=0, answers=Fraction(3), a_page=10) == 0
    with pytest.raises(ValueError, match="not all of them are control tasks"):
        pages_needed(items=1, answers=Fraction(1), control=Fraction(1))


def test_the_published_gestures_are_printed_to_the_cent():
    found = told("gestures", "--published")
    assert paid(found["as_is"]) == {
        "collect": "8789.10",
        "validate": "24920.37",
        "boxes": "28011.50",
        "check_boxes": "140057.50",
        "classify": "16589.76",
    }
    assert (found["as_is"]["total_usd"], found["with_aggregation"]["total_usd"]) == ("218368.23", "78310.73")
    assert found["as_is"]["per_delivered_usd"] == "0.3948849712"
    assert found["with_aggregation"]["per_delivered_usd"] == "0.1416127720"
    assert (found["as_is"]["unit_sum_usd"], found["with_aggregation"]["unit_sum_usd"]) == (
        "0.3700000000",
        "0.1200000000",
    )
    low, high = map(Decimal, found["interval_usd"])
    assert low < Decimal("78310.73") < high
    assert found["hours"] == {"p50": None, "p90": None}


def test_the_published_gestures_for_ten_thousand_images_lose_the_same_shares():
    found = told("gestures", "--published", "--images", "10000")
    assert [row["n"] for row in found["as_is"]["rows"]] == [15_894, 15_022, 10_131, 10_131, 10_000]
    assert list(paid(found["with_aggregation"]).values()) == ["158.94", "450.66", "506.55", "0.00", "300.00"]
    assert (found["as_is"]["total_usd"], found["with_aggregation"]["total_usd"]) == ("3948.90", "1416.15")


def test_the_published_films_are_printed_to_the_tenth_of_a_cent_and_say_what_the_author_states():
    found = told("feet-videos", "--published")
    amounts = paid(found["as_is"])
    assert (amounts["collect"], amounts["validate"], amounts["frames"]) == ("37.675", "7.41", "30.00")
    assert found["as_is"]["total_usd"] == found["with_aggregation"]["total_usd"] == "75.085"
    assert found["as_is"]["unit_sum_usd"] is None
    assert "videos and of frames" in found["as_is"]["unit_sum_why"]
    assert "Its authors state $75 in all." in found["notes"]
    low, high = map(Decimal, found["interval_usd"])
    assert low < Decimal("75.085") < high


def test_an_item_that_becomes_many_is_drawn_as_a_count_of_many():
    found = price_interval([Step(1_000.0, 15_000, 0, entered=150)])
    assert found is not None
    assert found.middle == pytest.approx(10.0, rel=0.002)
    spread = 1.645 / 15_000**0.5  # of a Gamma with so large a shape, nearly normal
    assert (found.low, found.high) == (
        pytest.approx(10 * (1 - spread), rel=0.002),
        pytest.approx(10 * (1 + spread), rel=0.002),
    )


@pytest.mark.django_db
def test_a_plan_has_the_same_rows_on_both_sides_and_its_price_lies_within_its_interval():
    found = told("gestures", "--images", "1800", "--people", "20")
    assert found["delivered"] == 1_800
    assert [row["stage"] for row in found["as_is"]["rows"]] == [
        row["stage"] for row in found["with_aggregation"]["rows"]
    ]
    low, high = map(Decimal, found["interval_usd"])
    assert low < Decimal(found["with_aggregation"]["total_usd"]) < high
    assert paid(found["as_is"])["check_boxes"] != "0.00" == paid(found["with_aggregation"])["check_boxes"]
    assert 0 < found["hours"]["p50"] < found["hours"]["p90"]
    assert "Time is for 20 people at work at once." in found["notes"]


@pytest.mark.django_db
def test_a_change_of_a_setting_changes_the_plan():
    usual, dearer = told("gestures"), told("gestures", "--set", "boxes.price_usd=0.12")
    boxes = [Decimal(paid(one["with_aggregation"])["boxes"]) for one in (usual, dearer)]
    assert boxes[1] == 2 * boxes[0]


@pytest.mark.django_db
def test_votes_of_five_that_end_when_settled_cost_what_a_good_crowd_settles_with():
    usual, more = told("gestures"), told("gestures", "--set", "validate.overlap=5")
    answers = [row["answers"] for one in (usual, more) for row in one["as_is"]["rows"] if row["stage"] == "validate"]
    assert answers == [2.27, pytest.approx(2.27 + 3.48 - 2.255, abs=1e-4)]


@pytest.mark.django_db
def test_a_project_tells_what_it_has_paid_for():
    project = world.campaign()
    asset = world.checked(project, world.photo("one"))
    world.validate(project, "correct", "correct", "correct")
    found = told("--project", project.slug)
    assert paid(found["with_aggregation"])["collect"] == "0.03"
    assert found["interval_usd"] is None
    assert asset.project_id == project.pk


@pytest.mark.django_db
def test_a_project_in_euro_is_told_in_euro():
    project = world.campaign()
    Budget.objects.filter(project_id=project.pk).update(currency="EUR")
    found = told("--project", project.slug)
    assert (found["currency"], found["as_is"]["total_eur"]) == ("EUR", "0.00")
    assert "total_usd" not in found["as_is"]
    out = io.StringIO()
    call_command("forecast", "--project", project.slug, stdout=out)
    assert "0.00 EUR" in out.getvalue()
    assert "$" not in out.getvalue()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Name a recipe, or a project"),
        (["gestures", "--project", "gestures"], "Name a recipe, or a project"),
        (["nothing"], "There is no recipe"),
        (["gestures", "--images", "0"], "from 1 to"),
        (["gestures", "--images", "5"], "at least 18"),
        (["camera-footage", "--published"], "no published counts"),
        (["gestures", "--people", "0"], "at least 1"),
        (["gestures", "--published", "--set", "boxes.overlap=5"], "--set changes nothing"),
    ],
)
@pytest.mark.django_db
def test_a_wrong_word_is_answered_with_one_sentence(words, says):
    with pytest.raises(CommandError, match=says) as caught:
        told(*words)
    assert caught.value.returncode == 2
