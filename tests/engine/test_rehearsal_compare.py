"""Settings side by side on equal seeds, on the command line, and kept."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from crowd.errors import CrowdError
from curation.engine.rehearsal_compare import cells_of, compared, right_boxes
from curation.engine.rehearsal_setup import _description
from curation.engine.wish import Wish
from curation.management.commands.rehearse import _of_its_own
from curation.models import Project, Rehearsal

pytestmark = pytest.mark.django_db(transaction=True)
SHORT = (
    "collect.per_worker=0",
    "validate.training_tasks=2",
    "validate.exam_tasks=2",
    "validate.control_per_page=0",
    "validate.exam_gate=0",
    "validate.training_gate=0",
    "boxes.needs_value=0",
)


def test_several_axes_make_a_grid_over_the_settings_that_all_share():
    cells = cells_of({"boxes": {"page_size": 4}}, ["boxes.overlap=3,5", "aggregate.method=median,hard-soft-drop"])
    assert [dict(cell.varied) for cell in cells] == [
        {"boxes.overlap": 3, "aggregate.method": "median"},
        {"boxes.overlap": 3, "aggregate.method": "hard-soft-drop"},
        {"boxes.overlap": 5, "aggregate.method": "median"},
        {"boxes.overlap": 5, "aggregate.method": "hard-soft-drop"},
    ]
    assert cells[0].settings == {"boxes": {"page_size": 4, "overlap": 3}, "aggregate": {"method": "median"}}


@pytest.mark.parametrize(
    ("axes", "sentence"),
    [
        (["boxes.overlap=1,2,3,4,5,6,7", "a.b=1,2"], "These are 14 combinations; at most 12"),
        (["boxes=3"], "must look like stage.name=value,value"),
        (["boxes.overlap=3,3"], "has the same value twice"),
        (["boxes.overlap=3", "boxes.overlap=5"], "compared twice"),
    ],
)
def test_a_grid_that_cannot_be_read_is_refused_in_a_sentence(axes, sentence):
    with pytest.raises(CrowdError, match=sentence):
        cells_of({}, axes)


def test_boxes_are_right_when_place_and_label_are():
    assert right_boxes({"precision": 1.0, "recall": 0.5, "label_accuracy": 0.9}) == pytest.approx(0.6)
    assert right_boxes({"precision": None, "recall": None, "label_accuracy": None, "sign_accuracy": 0.8}) == 0.8


def test_a_seed_that_delivered_nothing_has_no_price_and_is_on_no_front():
    nothing = {
        "seed": 1,
        "cost": {"total_usd": "1.00", "per_delivered_usd": None},
        "quality": {"delivered": 0},
        "workers": {"missed": 1},
        "time": {"virtual_hours": 2.0},
    }
    (row,) = compared([({}, [nothing])])
    assert (row["per_delivered_usd"], row["on_front"], row["cheaters_through"]) == (None, False, 1)


def test_the_command_compares_on_equal_seeds_and_keeps_every_rehearsal():
    out = StringIO()
    call_command(
        "rehearse", "gestures", "--size", "3", "--seeds", "2", "--pictures", "no", "--compare", "boxes.overlap=3,5",
        *(part for text in SHORT for part in ("--set", text)), "--json", stdout=out,
    )  # fmt: skip
    table = json.loads(out.getvalue())
    three, five = table["compared"]
    assert (three["settings"], three["seeds"]) == ({"boxes.overlap": 3}, [1, 2])
    assert five["cost_usd"] > three["cost_usd"] > 0
    kept = Rehearsal.objects.order_by("id")
    assert [(row.varied["boxes.overlap"], row.seed, row.state) for row in kept] == [
        (3, 1, "done"),
        (3, 2, "done"),
        (5, 1, "done"),
        (5, 2, "done"),
    ]
    assert kept[0].ran_as == Project.objects.filter(is_rehearsal=True).order_by("id")[0]


def test_wishes_that_differ_far_behind_are_two_projects():
    long = {"boxes": {f"setting_{number}": 7 for number in range(30)}, "validate": {"overlap": 3}}
    other = {**long, "validate": {"overlap": 5}}
    first, second = (_description(Wish("gestures", 1, 2, settings)) for settings in (long, other))
    assert first != second
    assert len(first) <= 300
    assert _description(Wish("gestures", 1, 2, {})) == "Rehearsal of gestures, seed 1, 2 photos"


def test_a_kept_rehearsal_says_whose_people_came_and_through_what():
    wish = Wish("gestures", 1, 2, {}, platform="toloka", visits_a_turn=1, like="my-gestures")
    assert _of_its_own(wish) == {"like": "my-gestures", "visits a turn": 1, "platform": "toloka"}
    assert _of_its_own(Wish("gestures", 1, 2, {})) == {}


def test_too_many_seeds_are_refused_before_anything_is_made():
    with pytest.raises(CommandError, match="--seeds must be from 1 to 20"):
        call_command("rehearse", "gestures", "--seeds", "21")
    assert not Project.objects.exists()
