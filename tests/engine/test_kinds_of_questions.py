"""Classification with several answers, pairs, and descriptions: votes and texts through the real stages."""

import pytest

from crowd.clock import database_now
from curation.models import Annotation, Asset, Consensus, LabelClass, Stage
from curation.recipes.loading import OWN_ATTRIBUTES
from curation.services import class_examples
from curation.services.export_records import Wish, _attributes, rows_of
from curation.services.freezing import freeze_version
from curation.services.overview import asset_counts
from curation.stages.describe import Describe
from curation.stages.validate import ValidateSettings
from tests.engine import world

SIGNS = [{"value": "palm", "label": "Palm", "keeps": True}, {"value": "ok", "label": "OK", "keeps": True}]
OTHER = [*SIGNS, {"value": "nothing", "label": "Nothing"}]
SIDES = [{"value": "photo", "label": "Photo", "keeps": True}, {"value": "example", "label": "Example"}]


@pytest.mark.django_db
def test_the_set_that_most_people_chose_is_the_label():
    project = world.campaign(validate={"options": OTHER, "multiple": True, "stop": "fixed"})
    asset = world.checked(project, world.photo("one"))
    world.validate(project, "palm+ok", "palm", "palm+ok")
    agreed = Consensus.objects.get(asset=asset)
    assert (agreed.label, agreed.status) == ("palm+ok", "label")
    assert world.stands(asset)[0] == "boxes"


@pytest.mark.django_db
def test_a_pair_is_decided_by_votes_for_a_picture_not_for_a_side():
    project = world.campaign(validate={"options": SIDES, "shows": "pair"})
    assert world.batch(project, "validate").interface == "pair"
    asset = world.checked(project, world.photo("one"))
    world.validate(project, "example", "example")
    assert world.stands(asset) == ("validate", "dropped", "example")


@pytest.mark.django_db
def test_answers_that_are_pictures_show_the_examples_a_lead_gives_after_the_pool_was_opened():
    signs = [{"value": world.SIGN, "label": "It", "keeps": True}, {"value": "nothing", "label": "Nothing"}]
    project = world.campaign(validate={"options": signs, "option_pictures": True})
    label = project.classes.get(name=world.SIGN)
    given = class_examples.set_example(label=label, data=world.photo("own"), by=world.person("Ann"), now=world.NOON)
    shown = {option["value"]: option.get("picture") for option in world.batch(project, "validate").spec["options"]}
    assert shown == {world.SIGN: given.example_key, "nothing": None}
    assert given.example_key != label.example_key


@pytest.mark.django_db
def test_descriptions_are_kept_whole_and_the_picture_goes_on():
    project = world.campaign()
    validate = project.stages.get(name="validate")
    Stage.objects.filter(pk=validate.pk).update(kind="describe", settings={"overlap": 2, "page_size": 1})
    draft = Describe().pools(project.stages.get(pk=validate.pk), [], 2)[0]
    batch = world.batch(project, "validate")
    batch.interface, batch.spec, batch.overlap = draft.interface, dict(draft.spec), draft.overlap
    batch.save(update_fields=["interface", "spec", "overlap"])
    asset = world.checked(project, world.photo("one"))
    long = "A person in a yellow jumper shows two fingers, " * 3
    world.answer(project, "validate", text="A hand.\nTwo fingers.")
    assert world.stands(asset)[:2] == ("validate", "working")
    page = world.answer(project, "validate", text=long)
    assert world.stands(asset)[0] == "boxes"
    shown = list(Annotation.objects.filter(asset=asset, kind="text").order_by("id").values_list("label", flat=True))
    assert shown[0] == "A hand. Two fingers."
    assert (len(shown[1]), shown[1][-1]) == (60, "…")
    assert page.answers.get().raw.payload["text"] == long
    (record,) = exported(project, "state:waiting")
    assert record.attributes["validate"] == f"A hand.\nTwo fingers.\n{long}"


@pytest.mark.django_db
def test_what_a_question_came_to_is_exported_and_what_a_gate_let_pass_is_not():
    project = world.campaign(validate={"options": OTHER, "multiple": True, "stop": "fixed"})
    world.checked(project, world.photo("one"))
    world.validate(project, "palm+ok", "palm", "palm+ok")
    (record,) = exported(project, "state:waiting")
    assert record.attributes["validate"] == "palm+ok"
    Stage.objects.filter(project=project, name="validate").update(settings={"options": SIDES})
    (record,) = exported(project, "state:waiting")
    assert "validate" not in record.attributes


@pytest.mark.django_db
def test_the_chosen_class_becomes_the_class_of_a_picture_where_the_question_asks_for_it():
    project = world.campaign(validate={"options": OTHER, "sets_class": True, "stop": "fixed"})
    ours = LabelClass.objects.create(project=project, index=90, name="palm", prompt="An open palm")
    decided = world.checked(project, world.photo("one"))
    before = decided.label_class
    world.validate(project, "palm", "nothing", "palm")
    refused = world.checked(project, world.photo("two"))
    world.validate(project, "nothing", "palm", "nothing")
    unknown = world.checked(project, world.photo("three"))
    world.validate(project, "ok", "ok", "ok")
    assert [Asset.objects.get(pk=one.pk).label_class for one in (decided, refused, unknown)] == [ours, before, before]
    assert before not in {None, ours}
    assert asset_counts(project=project).sum(class_id=ours.pk) == 1
    (record,) = exported(project, "class:palm state:waiting")
    assert record.attributes["class"] == "palm"


def test_no_question_may_be_called_what_a_picture_says_of_itself():
    about = ["palm", "hard", 0.9, True, "CC0", "a folder", False, "{}"]
    assert set(_attributes(about, "")) == OWN_ATTRIBUTES


def exported(project, query):
    version = freeze_version(project_id=project.pk, by=None, query=query, now=database_now())
    return [row.record for row in rows_of(Wish(version))]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"shows": "pair", "options": [*OTHER, SIDES[0]]}, "a pair needs two options"),
        ({"shows": "pair", "options": SIDES, "multiple": True}, "a pair needs two options"),
        ({"multiple": True, "options": [{"value": "a+b", "label": "Both"}, SIGNS[0]]}, "have no '+'"),
        ({"multiple": True, "options": [*OTHER, {"value": "o" * 50, "label": "Other"}]}, "together may have 60"),
        ({"options": [*OTHER, {"value": "o" * 61, "label": "Other"}]}, "an option's value may have 60"),
    ],
)
def test_questions_that_could_not_be_told_apart_are_refused(changed, sentence):
    with pytest.raises(ValueError, match=sentence.replace("+", r"\+")):
        ValidateSettings.model_validate(changed)


def test_a_set_goes_on_only_when_all_of_it_may():
    settings = ValidateSettings.model_validate({"options": OTHER, "multiple": True})
    assert settings.keeps("palm+ok")
    assert not settings.keeps("palm+nothing")
    assert not settings.keeps("undecided")
