"""A detector of generated pictures: what it finds is evidence of the gravest level, and waits for a person."""

import pytest
from django.urls import reverse
from pydantic import ValidationError

from crowd.models import Assignment, Evidence, Restriction
from curation.models import Decision, Membership
from curation.preprocessing.taggers.base import Tag, View
from curation.preprocessing.taggers.registry import Setup
from curation.services import suspicions, tagging
from curation.stages.checks import ChecksSettings
from tests.crowd.market import NOON
from tests.engine import world

pytestmark = pytest.mark.django_db
ASKED: list[float] = []


class Bright:
    """Takes the picture for generated, the brighter the surer."""

    needs = frozenset({View.LIGHT})
    cost_ms = 1.0

    def __init__(self, name: str, version: str = "7") -> None:
        self.name, self.version = name, version

    def tags(self, views) -> list[Tag]:
        ASKED.append(views.light.brightness)
        return [Tag("generated", "yes", "model", score=views.light.brightness / 255)]


@pytest.fixture(autouse=True)
def bright(monkeypatch):
    ASKED.clear()
    setups = {"bright": Setup.model_validate({"class": f"{__name__}:Bright"})}
    monkeypatch.setattr(tagging, "setups", lambda: setups)
    tagging.tagger.cache_clear()
    yield
    tagging.tagger.cache_clear()


def campaign(least: float):
    return world.campaign(wanted=20, checks={"detector": "bright", "detector_score": least})


def test_what_the_detector_finds_waits_for_a_person_with_source_and_score_and_bans_nobody(client):
    project = campaign(0.01)
    asset = world.checked(project, world.photo("one"))
    assert world.stands(asset) == ("checks", "held", "generated")
    assert world.page_of(asset).state == Assignment.State.SUBMITTED
    evidence = Evidence.objects.get()
    assert (evidence.level, evidence.awaits_person) == (80, True)
    assert not Evidence.counting().exists()
    details = evidence.details
    assert (details["detector"], details["version"], details["says"]) == ("bright", "7", "generated")
    assert details["score"] == pytest.approx(ASKED[0] / 255, abs=1e-3)
    assert Decision.objects.filter(asset=asset).latest("id").evidence["least_score"] == 0.01
    alice = world.person("Alice")
    Membership.objects.create(project=project, user=alice, role="lead")
    client.force_login(alice)
    board = client.get(reverse("workers", args=[project.public_id])).content.decode()
    assert "A detector takes it for generated" in board
    assert f"bright, version 7</span><b>generated {details['score']:.2f}, 0.01 is enough" in board


def test_a_person_rejects_it_or_lets_it_go_on():
    project, alice = campaign(0.01), world.person("Alice")
    one, two = (world.checked(project, world.photo(seed), world.worker(project, seed)) for seed in ("one", "two"))
    first, second = Evidence.objects.order_by("id")
    suspicions.confirm(evidence_id=first.pk, by=alice, now=NOON)
    assert world.stands(one)[1:] == ("dropped", "generated")
    assert world.page_of(one).reason == "The photo was generated or changed by a program."
    assert list(Evidence.counting()) == [first]
    suspicions.clear(evidence_id=second.pk, by=alice, now=NOON)
    assert world.stands(two)[:2] == ("validate", "waiting")
    assert not Restriction.objects.exists()


def test_under_the_least_score_the_picture_goes_on_and_a_copy_is_not_shown_to_the_detector():
    project = campaign(1.0)
    assert world.stands(world.checked(project, world.photo("one")))[1] != "held"
    assert len(ASKED) == 1
    world.checked(project, world.photo("one"))
    assert len(ASKED) == 1
    assert Evidence.objects.get().level == 0


def test_a_detector_that_nobody_has_set_up_is_refused_by_name():
    with pytest.raises(ValidationError, match="'clever' is no tagger"):
        ChecksSettings(detector="clever")
