"""What is wrong with a recipe or a request is said in one sentence that names the place, before anything is made."""

import pytest

from crowd.errors import CrowdError
from curation.engine import asking
from curation.models import Project
from curation.recipes.loading import BadRecipe, load, names, parse

pytestmark = pytest.mark.django_db
STEPS = [{"low": 0, "high": 90, "price_usd": "0.03"}, {"low": 92, "high": 100, "price_usd": "0.04"}]


def refuse(sentence: str, **asked: object) -> None:
    with pytest.raises((BadRecipe, CrowdError)) as refusal:
        asking.campaign(**{"recipe": "gestures", "name": "Hands", "platform": "inhouse", **asked})
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"recipe": "dances"}, "There is no recipe 'dances'; known are"),
        ({"platform": "nowhere"}, "'nowhere' is not a known platform; known are inhouse, mturk"),
        ({"classes": ["peace", "salute"]}, "'salute' is not a class of gestures; classes are call, dislike"),
        ({"wanted": 0}, "must be from 1 to 1,000,000, not 0."),
        ({"wanted": 1_000_001}, "must be from 1 to 1,000,000, not 1000001."),
        ({"budget": "a lot"}, "The budget is wrong: 'a lot' is not an amount of money."),
        ({"budget": "-1"}, "The budget cannot be negative: -1."),
        ({"name": "n" * 121}, "at most 120 letters, not 121."),
    ],
)
def test_a_wrong_request_is_refused(asked, sentence):
    refuse(sentence, **asked)


@pytest.mark.parametrize(
    ("stage", "settings", "sentence"),
    [
        ("validate", {"overlap": 0}, "validate: overlap: Input should be greater than or equal to 1."),
        ("boxes", {"overlap": 30_001}, "boxes: overlap: Input should be less than or equal to 30000."),
        ("collect", {"price_usd": "-0.03"}, "collect: price_usd: -0.03 is negative; a price is 0 or more dollars."),
        ("collect", {"price_usd": "cheap"}, "collect: price_usd: 'cheap' is not an amount of money."),
        (
            "collect",
            {"price_by_skill": {"skill": "Recording", "steps": STEPS}},
            "the step 92 to 100 must start at 91: no gap, no overlap.",
        ),
        (
            "collect",
            {"price_by_skill": {"skill": "Recording", "steps": STEPS[:1]}},
            "the last step must end at 100, not at 90.",
        ),
        ("aggregate", {"method": "guess"}, "aggregate: method: 'guess' is not a method; known are"),
        ("checks", {"min_lnog": 1}, "checks: min_lnog: Extra inputs are not permitted."),
        (
            "validate",
            {"training_per_page": 2},
            "validate: training_per_page: training tasks are not mixed into paid pages, there or on our own; "
            "people learn before the exam, as many tasks as training_tasks says.",
        ),
        ("polish", {}, "There is no stage 'polish'; stages are collect, checks"),
    ],
)
def test_wrong_settings_of_a_stage_are_refused(stage, settings, sentence):
    with pytest.raises((BadRecipe, CrowdError)) as refusal:
        asking.campaign(recipe="gestures", platform="inhouse", settings={stage: settings})
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: [", "mine.yaml is not YAML"),
        ("name: a\ntitle: b\nclasses: {}\nstages: []", "mine.yaml: classes: Dictionary should have at least 1 item"),
        ("name: a\ntitle: b\ncolour: red", "mine.yaml: classes: Field required."),
        ("just text", "mine.yaml: the document: "),
        (
            "name: a\ntitle: b\nclasses: {cat: A cat}\nstages: [{name: class, kind: validate, title: Kind}]",
            "a stage cannot be called class: in exports that is an attribute of the picture.",
        ),
    ],
)
def test_a_wrong_file_is_refused(text, sentence):
    with pytest.raises(BadRecipe) as refusal:
        parse(text, origin="mine.yaml")
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", names())
def test_every_bundled_recipe_is_right(name):
    recipe = load(name)
    assert asking.campaign(recipe=name, platform="inhouse").recipe == recipe
    assert recipe.stages[-1].kind == "publish"
