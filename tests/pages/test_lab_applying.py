"""The aggregation lab: applying settings, comparing versions, going back."""

import pytest

from curation.models import Annotation, Asset, ConsensusRun, Job, Project
from curation.services import datasets
from curation.services.consensus import lab, lab_effect
from tests import scenes
from tests.crowd.market import NOON
from tests.engine import answered
from tests.engine.answered import ALIKE, LOOSE
from tests.pages.at_lab import TIGHT, address, look, project_with_people, shares, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return project_with_people()


@pytest.mark.parametrize("name", ["Rita", "Vera", "Charlie"])
def test_only_a_lead_applies_goes_back_and_takes_answers_home(project, name):
    answered.aggregated(project, ALIKE)
    who = signed_in(name)
    posted = [who.post(address(project, "lab-apply"), {"iou": "0.5", "confirmed": "yes"})]
    posted.append(who.post(address(project, "lab-back", 1), {"confirmed": "yes"}))
    assert [answer.status_code for answer in posted] == [404, 404]
    assert who.get(address(project, "lab-answers")).status_code == 404
    assert ConsensusRun.objects.count() == 1


def test_a_wrong_setting_is_not_applied(project):
    answered.aggregated(project, TIGHT)
    answer = signed_in().post(address(project, "lab-apply"), {"iou": "1.5", "confirmed": "yes"})
    assert answer.status_code == 400
    assert ConsensusRun.objects.count() == 1


@pytest.mark.parametrize("posted", [{}, {"iou": "0.5"}, {"confirmed": "yes"}])
def test_without_answers_nothing_is_applied_and_a_sentence_says_so(project, posted):
    answer = signed_in().post(address(project, "lab-apply"), posted)
    assert answer.status_code == 400
    assert "Nothing can be applied before the first answer is there." in answer.content.decode()
    assert not ConsensusRun.objects.exists()


def test_confirming_says_who_comes_back_leaves_and_stays(project):
    _, published, kept = answered.aggregated(project, LOOSE, TIGHT, TIGHT)
    Asset.objects.filter(pk=published.pk).update(state="waiting", stage=answered.stage(project, "review"))
    datasets.freeze_version(project_id=project.pk, by=scenes.person("Alice"), note="", now=NOON)
    assert kept.state == "published"
    kind = signed_in().post(address(project, "lab-apply"), {"iou": "0.5"}).context["effect"]
    assert (kind.comes_back, kind.leaves, kind.frozen) == (1, 0, 0)
    strict = signed_in().post(address(project, "lab-apply"), {"iou": "0.999"}).context["effect"]
    assert (strict.comes_back, strict.leaves, strict.frozen) == (0, 1, 1)
    assert ConsensusRun.objects.count() == 1


def test_what_is_applied_becomes_what_confirming_promised(project):
    loose, *_ = answered.aggregated(project, LOOSE, TIGHT)
    posted = {"iou": "0.5", "note": "edges are loose"}
    effect = signed_in().post(address(project, "lab-apply"), posted).context["effect"]
    answer = signed_in().post(address(project, "lab-apply"), {**posted, "confirmed": "yes"}, follow=True)
    run = ConsensusRun.objects.get(number=2)
    assert (run.state, run.note, run.by) == ("applying", "edges are loose", scenes.person("Alice"))
    assert "Version 2 is being applied" in answer.content.decode()
    assert answered.finished(run).counts["came_back"] == effect.comes_back == 1
    assert answered.fresh(loose).state != "dropped"
    assert shares(project) == [(2, 2), (0, 0), (0, 0)]
    assert Annotation.objects.count() == 6


def test_the_page_says_how_far_applying_is_until_it_is_done(project):
    answered.aggregated(project, TIGHT)
    who, asked = signed_in(), {"was": "2"}
    who.post(address(project, "lab-apply"), {"iou": "0.5", "confirmed": "yes"})
    assert "Version 2 is being applied" in who.get(address(project, "lab-progress"), asked).content.decode()
    answered.finished(ConsensusRun.objects.get(number=2))
    assert "Version 2 is applied." in who.get(address(project, "lab-progress"), asked).content.decode()
    assert "is applied" not in who.get(address(project, "lab-progress")).content.decode()


def test_a_second_apply_meanwhile_is_refused_with_a_sentence(project):
    answered.aggregated(project, TIGHT)
    who = signed_in()
    who.post(address(project, "lab-apply"), {"iou": "0.5", "confirmed": "yes"})
    answer = who.post(address(project, "lab-apply"), {"iou": "0.6", "confirmed": "yes"}, follow=True)
    assert "Version 2 is being applied; wait until it is done" in answer.content.decode()
    assert ConsensusRun.objects.count() == 2


def test_two_versions_stand_side_by_side(project):
    answered.aggregated(project, LOOSE, TIGHT)
    answered.apply(project, iou=0.5)
    answer = signed_in().get(address(project, "lab-compare"), {"a": 1, "b": 2})
    assert [(bar.before_n, bar.after_n) for bar in answer.context["bars"]] == [(1, 2), (0, 0), (1, 0)]
    assert answer.context["differences"] == [("iou", "0.7", "0.5")]
    assert [example.kind for example in answer.context["examples"]] == ["comes back"]
    assert signed_in("Charlie").get(address(project, "lab-compare"), {"a": 1, "b": 2}).status_code == 404


@pytest.mark.parametrize("which", [{"a": "1"}, {"a": "1", "b": "9"}, {"a": "1", "b": "x"}])
def test_a_version_that_is_not_there_is_not_found(project, which):
    answered.aggregated(project, TIGHT)
    assert signed_in().get(address(project, "lab-compare"), which).status_code == 404


def test_going_back_brings_the_earlier_results_back_as_a_new_version(project):
    loose, _ = answered.aggregated(project, LOOSE, TIGHT)
    answered.apply(project, iou=0.5)
    asked = signed_in().post(address(project, "lab-back", 1))
    assert asked.context["effect"].leaves == 1
    assert ConsensusRun.objects.count() == 2
    signed_in().post(address(project, "lab-back", 1), {"confirmed": "yes"})
    run = answered.finished(ConsensusRun.objects.get(number=3))
    assert run.back_to == ConsensusRun.objects.get(number=1)
    assert answered.stands(loose)[:2] == ("aggregate", "dropped")
    assert [told.run.number for told in signed_in().get(address(project)).context["history"]] == [3, 2, 1]


def test_after_a_run_died_the_page_offers_to_apply_the_current_version_again(project):
    answered.aggregated(project, LOOSE)
    assert "Apply again…" not in look(project)
    signed_in().post(address(project, "lab-apply"), {"iou": "0.5", "confirmed": "yes"})
    Job.objects.filter(kind="reaggregate").update(state="dead", last_error="Out of memory.")
    page = look(project)
    assert "Version 2 does not go on: Out of memory." in page
    assert "Apply again…" in page
    said = signed_in().post(address(project, "lab-back", 1), {"confirmed": "yes"}, follow=True).content.decode()
    assert "Version 1 comes back as version 3." in said
    assert [run.state for run in ConsensusRun.objects.order_by("number")] == ["current", "failed", "applying"]


def test_going_back_promises_what_the_stored_results_do_whatever_is_known_of_people_by_now(project, monkeypatch):
    answered.apply(project, method="reliability", accept=0.0)
    images = answered.aggregated(project, TIGHT, LOOSE)
    answered.apply(project, method="hard-soft-drop")
    monkeypatch.setattr(lab_effect, "agree_and_advise", lambda **_: pytest.fail("stored results are there"))
    promised = signed_in().post(address(project, "lab-back", 2)).context["effect"]
    run = ConsensusRun.objects.get(number=2)
    signed_in().post(address(project, "lab-back", 2), {"confirmed": "yes"})
    done = answered.finished(ConsensusRun.objects.get(number=4))
    assert done.back_to == run
    assert (promised.comes_back, promised.is_estimate) == (done.counts["came_back"], False)
    assert answered.fresh(images[1]).state != "dropped"


def test_going_back_counts_every_image_with_the_same_answers_and_a_sample_of_the_others(project, monkeypatch):
    images = answered.aggregated(project, *[LOOSE] * 6)
    answered.apply(project, iou=0.5)
    monkeypatch.setattr(lab, "SAMPLE", 1)
    for image in images[:2]:
        answered.answer(image, 0.45, by="w8")
    found = lab_effect.effect_of_return(ConsensusRun.objects.get(number=1))
    assert (found.leaves, found.is_estimate) == (6, True)
    monkeypatch.setattr(lab_effect, "MOST_COUNTED", 3)
    found = lab_effect.effect_of_return(ConsensusRun.objects.get(number=1))
    assert (found.leaves, found.is_estimate) == (6, True)
