"""Settings of stages in the browser: checked by the kind's schema, on record, taken back."""

import pytest
from django.test import Client
from django.urls import reverse

from curation.models import Event, Project, Stage
from curation.stages.registry import STAGE_KINDS, stage_kind
from tests import scenes
from tests.factories import make_pool

pytestmark = pytest.mark.django_db
OPTIONS = [{"value": "yes", "label": "Yes", "keeps": True}, {"value": "no", "label": "No"}]


@pytest.fixture
def validate(project: Project) -> Stage:
    stage = project.stages.get(kind="validate")
    Stage.objects.filter(pk=stage.pk).update(settings={"options": OPTIONS})
    return Stage.objects.get(pk=stage.pk)


def address(stage: Stage) -> str:
    return reverse("settings-stage", args=[stage.project.public_id, stage.pk])


def test_a_change_is_saved_recorded_and_can_be_taken_back(validate: Stage, people: dict[str, Client]):
    assert people["alice"].post(address(validate), {"most_overlap": "7", "stop": "fixed"}).status_code == 302
    validate.refresh_from_db()
    assert (validate.settings["most_overlap"], validate.settings["stop"]) == (7, "fixed")
    event = Event.objects.get(kind="stage.settings")
    assert event.data["changes"] == {"most_overlap": [5, 7], "stop": ["curtailed", "fixed"]}
    back = reverse("settings-stage-back", args=[validate.project.public_id, validate.pk, event.pk])
    assert people["alice"].post(back).status_code == 302
    validate.refresh_from_db()
    assert (validate.settings["most_overlap"], validate.settings["stop"]) == (5, "curtailed")
    assert Event.objects.filter(kind="stage.settings").count() == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"tau": "2"}, "less than or equal to 1"),
        ({"most_overlap": "many"}, "should be a valid integer"),
        ({"options": "- [broken"}, "is not YAML"),
        ({"options": ""}, "Options"),
        ({"page_size": "2", "control_per_page": "2"}, "has no room for"),
    ],
)
def test_what_the_schema_refuses_is_said_and_nothing_is_saved(given, says, validate: Stage, people):
    answer = people["alice"].post(address(validate), given)
    assert answer.status_code == 400
    assert says in answer.content.decode()
    validate.refresh_from_db()
    assert validate.settings == {"options": OPTIONS}
    assert not Event.objects.exists()


def test_what_pools_ask_people_cannot_change_any_more(validate: Stage, people: dict[str, Client]):
    pool = make_pool(validate.project)
    pool.stage = validate
    pool.save()
    answer = people["alice"].post(address(validate), {"overlap": "5"})
    assert answer.status_code == 400
    assert "overlap cannot change any more" in answer.content.decode()


def test_a_box_that_is_not_ticked_is_off_and_a_field_that_is_not_sent_stays(project: Project, people):
    checks = project.stages.get(kind="checks")
    people["alice"].post(address(checks), {"duplicates-asked": "yes", "near_distance": "3"})
    checks.refresh_from_db()
    assert (checks.settings["duplicates"], checks.settings["near_distance"]) == (False, 3)
    assert "templates" not in checks.settings
    people["alice"].post(address(checks), {"near_distance": ""})
    checks.refresh_from_db()
    assert checks.settings["near_distance"] is None


@pytest.mark.parametrize("kind", STAGE_KINDS)
def test_every_kind_of_stage_has_a_form_that_saves_what_it_shows(kind: str, people, alice, project: Project):
    needed = {"validate": {"options": OPTIONS}, "boxes": {"labels": [{"name": "hand"}]}}.get(kind, {})
    stage, _ = Stage.objects.get_or_create(
        project=project, kind=kind, defaults={"position": 9, "name": kind, "title": kind}
    )
    Stage.objects.filter(pk=stage.pk).update(settings=needed)
    answer = people["alice"].get(address(stage))
    if kind == "aggregate":
        assert answer["Location"] == reverse("lab", args=[project.public_id])
        return
    rows = [row for name in ("now_rows", "pool_rows", "fixed_rows") for row in answer.context[name]]
    assert {row.name for row in rows} == set(stage_kind(kind).Settings.model_fields)
    assert [row.name for row in rows if not row.hint] == []
    shown = {row.name: row.value for row in rows if row.kind != "check" or row.value}
    assert people["alice"].post(address(stage), shown).status_code == 302
    assert not Event.objects.exists()


def test_members_look_leads_change_strangers_find_nothing(validate: Stage, people: dict[str, Client]):
    assert people["vera"].get(address(validate)).status_code == 200
    assert "Save</button>" not in people["vera"].get(address(validate)).content.decode()
    assert people["rita"].post(address(validate), {"tau": "0.9"}).status_code == 404
    assert people["charlie"].get(address(validate)).status_code == 404
    other = scenes.project().stages.get(kind="validate")
    strange = reverse("settings-stage", args=[validate.project.public_id, other.pk])
    assert people["alice"].get(strange).status_code == 404


def test_a_number_stored_with_a_point_is_still_the_usual_one(project: Project, people: dict[str, Client]):
    project.stages.filter(kind="collect").update(settings={"min_seconds": 0.0, "max_seconds": 2.5})
    page = people["alice"].get(reverse("settings-stages", args=[project.public_id])).content.decode()
    assert "Min seconds" not in page
    assert "Max seconds <b>2.5</b>" in page
