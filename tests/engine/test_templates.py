"""Task templates: one question about pictures that are brought, rehearsed from the first answer to the export."""

import pytest

from crowd.clock import database_now
from curation.engine import asking
from curation.engine.class_list import read_classes
from curation.engine.rehearsal_pictures import rehearse_pictures
from curation.engine.rehearsal_setup import ran_as
from curation.engine.wish import Wish
from curation.recipes.loading import load, names
from curation.services.export_records import Wish as Export
from curation.services.export_records import rows_of
from curation.services.freezing import freeze_version

TEMPLATES = [name for name in names() if load(name).is_template]
SIZE = 3


def test_every_kind_of_question_has_a_template():
    assert TEMPLATES == [
        "classification",
        "face-detection",
        "image-to-text",
        "segmentation",
        "side-by-side",
        "text-to-image",
    ]


@pytest.mark.parametrize(
    ("recipe", "stage", "asked"),
    [
        ("classification", "classify", ["cat", "red_fox", "nothing_of_these"]),
        ("text-to-image", "choose", ["cat", "red_fox", "none_of_these"]),
        ("segmentation", "boxes", ["cat", "red_fox"]),
        ("face-detection", "boxes", ["cat", "red_fox"]),
    ],
)
def test_the_classes_somebody_types_are_the_answers(recipe: str, stage: str, asked: list[str]):
    campaign = asking.campaign(recipe=recipe, platform="inhouse", classes=["cat", "red_fox"])
    settings = next(one.settings for one in campaign.recipe.stages if one.name == stage)
    answers = settings.get("options") or settings["labels"]
    assert [one.get("value") or one["name"] for one in answers] == asked
    assert campaign.added == {"cat": "cat", "red_fox": "red_fox"}


def test_a_class_of_a_template_needs_no_words_and_one_of_another_preset_does():
    listed = read_classes("cat\nfox,20,A red fox", {}, need_prompts=False)
    assert (listed.prompts, listed.quotas, listed.faults) == ({"cat": "cat", "fox": "A red fox"}, {"fox": 20}, [])
    assert "not a class of this preset" in read_classes("cat", {}).faults[0]


@pytest.mark.django_db
@pytest.mark.parametrize("name", TEMPLATES)
def test_a_rehearsal_ends_with_answers_in_the_export(name: str):
    wish = Wish(name, 1, SIZE, {})
    document = rehearse_pictures(wish=wish)
    project = ran_as(wish)
    assert project is not None
    version = freeze_version(project_id=project.pk, by=None, now=database_now())
    records = [row.record for row in rows_of(Export(version))]
    assert len(records) >= SIZE - 1, document["funnel"]  # about one the crowd may be wrong
    question = load(name).stages[1]
    if question.kind == "boxes":
        outlined = question.settings.get("shape") == "outline"
        assert all(bool(box.outline) is outlined for record in records for box in record.boxes)
        assert all(record.boxes for record in records)
    else:
        assert all(record.attributes[question.name] for record in records)
        if question.settings.get("sets_class"):
            assert all(record.attributes["class"] == record.attributes[question.name] for record in records)
