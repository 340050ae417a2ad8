"""The plan of conditions, as people type it: read, kept, and refused with the line that is wrong."""

import pytest
from django.utils import timezone

from curation.models import Event, PlanFactor, Project, User
from curation.services.coverage import BadPlan, Wish, plan_of, plan_text, read_plan, save_plan

EIGHT = """weather: sunny 40%, windy 20%, rainy 20%, snowy 20%
light: low 30% ±10, normal 50%, bright 20%
angle: low, face-level, onlooking, top-down
reflective: yes, no
motion: yes 25%, no 75%
people: yes 50%, no 50%
sharpness: 0..60 10%, 60..5000 90%
resolution: sd 10% +/- 2, hd 40%, full-hd 40%, 4k 10%
"""


def test_eight_conditions_are_eight_lines():
    factors = read_plan(EIGHT)
    assert [one.name for one in factors] == [
        "weather", "light", "angle", "reflective", "motion", "people", "sharpness", "resolution",
    ]  # fmt: skip
    assert factors[1].wishes[0] == Wish("low", 30.0, 10.0)
    assert [wish.share for wish in factors[2].wishes] == [25.0] * 4
    assert factors[7].wishes[0].tolerance == 2.0
    assert read_plan(plan_text(factors)) == factors


def test_a_value_may_say_which_performance_is_tolerated():
    (light, weather) = read_plan("light: low 30% ±10 ≥70%, normal 70% >= 95\nweather: sunny ≥90%, snowy")
    assert light.wishes == (Wish("low", 30.0, 10.0, 70.0), Wish("normal", 70.0, 5.0, 95.0))
    assert weather.wishes == (Wish("sunny", 50.0, least=90.0), Wish("snowy", 50.0))
    assert read_plan(plan_text([light, weather])) == [light, weather]
    with pytest.raises(BadPlan, match="Line 1: a tolerated performance lies between 0 and 100 %, not at 120 %"):
        read_plan("light: low 30% ≥120%, normal 70%")


def test_a_value_leads_to_the_query_of_its_assets():
    weather, light, *_, sharpness, _ = read_plan(EIGHT)
    assert weather.query("sunny") == 'tag:"weather: sunny"'
    assert light.query("low") == "light:low"
    assert sharpness.query("0..60") == "sharpness:0..60"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("light", "Line 1: write the condition"),
        ("light: low", "Line 1: light has 2 to 30 values, not 1"),
        ("light: low 50%, normal 30%", "the shares of light make 80 %, not 100 %"),
        ("light: low 50%, normal", "“normal” has no share"),
        ("light: low, murky", "light:murky is unknown; light is low, normal, bright"),
        ("\nweather: sunny, sunny", "Line 2: “sunny” is twice in weather"),
        ("weather: a, b\nweather: c, d", "Line 2: weather is in the plan already"),
        ("width: small, large", "width is a number: give ranges"),
        ("\n".join(f"tag{n}: a, b" for n in range(21)), "at most 20 conditions, not 21"),
        ("x" * 8_001, "at most 8,000 characters"),
    ],
)
def test_a_line_nobody_understands_is_named(text: str, sentence: str):
    with pytest.raises(BadPlan) as refused:
        read_plan(text)
    assert sentence in str(refused.value)


@pytest.mark.django_db
def test_a_plan_replaces_the_one_before_and_is_in_the_log(project: Project, alice: User):
    for text in (EIGHT, "light: low, normal, bright"):
        save_plan(project=project, text=text, by=alice, now=timezone.now())
    assert [one.name for one in plan_of(project)] == ["light"]
    events = list(Event.objects.filter(kind="plan.conditions").values_list("text", flat=True))
    assert events[-1] == "The data set should cover: light."
    save_plan(project=project, text="light: low, normal, bright", by=alice, now=timezone.now())
    assert Event.objects.filter(kind="plan.conditions").count() == 2


@pytest.mark.django_db
def test_a_plan_that_is_refused_leaves_the_old_one(project: Project, alice: User):
    save_plan(project=project, text=EIGHT, by=alice, now=timezone.now())
    with pytest.raises(BadPlan):
        save_plan(project=project, text="light: low, normal\nwidth: x, y", by=alice, now=timezone.now())
    assert PlanFactor.objects.filter(project=project).count() == 8
