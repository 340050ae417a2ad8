"""When the votes about a photo are enough is a setting that leads see and turn."""

import pytest
from django.urls import reverse
from django.utils import timezone

from curation.engine import set_up
from curation.models import Job, Pool, Project, Stage
from tests.pages.test_new_project import FORM

pytestmark = pytest.mark.django_db
SHOWN = {
    **FORM,
    "validate.shown": "yes",
    "validate.price_usd": "0.09",
    "validate.overlap": "3",
    "validate.most_overlap": "5",
    "validate.page_size": "10",
    "validate.control_per_page": "1",
    "validate.stop": "posterior",
    "validate.tau": "0.99",
}


def test_the_form_of_a_new_project_shows_what_the_recipe_says(people):
    page = people["alice"].get(reverse("new-project"), {"recipe": "gestures"}).content.decode()
    assert '<option value="curtailed" selected>when settled</option>' in page
    assert 'name="validate.tau"' in page
    assert 'value="0.97"' in page


def test_what_is_chosen_becomes_the_stage_and_its_pool_says_so(people):
    assert people["alice"].post(reverse("new-project"), SHOWN).status_code == 302
    set_up.run_set_up(Job.objects.get(kind="set_up"), timezone.now())
    made = Project.objects.get(slug="two-signs")
    stage = Stage.objects.get(project=made, name="validate")
    assert (stage.settings["stop"], stage.settings["tau"]) == ("posterior", 0.99)
    pool = Pool.objects.get(stage=stage, kind="main")
    page = people["alice"].get(reverse("pool", args=[made.public_id, pool.pk])).content.decode()
    assert "as soon as a label is sure with a chance of 99.0 %, going by control tasks; up to 5" in page


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"validate.tau": "surely"}, "Sure from: this must be a number such as 0.97, not surely."),
        ({"validate.tau": "0.5"}, "Sure from: this must be more than 0.5, not 0.5."),
        ({"validate.tau": "1.1"}, "Sure from: this must be 1.0 or less, not 1.1."),
        ({"validate.stop": "never"}, "Enough votes: "),
    ],
)
def test_a_mistake_is_one_sentence_beside_its_field(people, wrong, sentence):
    answer = people["alice"].post(reverse("new-project"), {**SHOWN, **wrong})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Job.objects.filter(kind="set_up").exists()
