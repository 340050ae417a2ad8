"""The aggregation lab: what other settings would make of stored answers, applying them, comparing, going back."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from aggregation.core.reading import parse_image
from crowd.models import Worker
from curation.models import Annotation, Asset, Consensus, ConsensusRun, Job, Membership, Project
from curation.services import datasets
from curation.services.consensus import lab
from tests import scenes
from tests.crowd.market import NOON
from tests.engine import answered
from tests.engine.answered import ALIKE, APART, LOOSE

pytestmark = pytest.mark.django_db
TIGHT = (0.4, 0.401, 0.402)


@pytest.fixture
def project() -> Project:
    row = answered.project(max_answers=3)
    for name, role in {"Rita": "reviewer", "Vera": "viewer"}.items():
        Membership.objects.create(project=row, user=scenes.person(name), role=role)
    return row


def signed_in(name: str = "Alice") -> Client:
    client = Client()
    client.force_login(scenes.person(name))
    return client


def address(project: Project, name: str = "lab", *own: object) -> str:
    return reverse(name, args=[project.public_id, *own])


def look(project: Project, **settings: object) -> str:
    answer = signed_in().get(address(project), settings)
    assert answer.status_code == 200
    return answer.content.decode()


def shares(project: Project, **settings: object) -> list[tuple[int, int]]:
    """Hard, soft and drop: as they stand, as they would be."""
    bars = signed_in().get(address(project), settings).context["bars"]
    return [(bar.before_n, bar.after_n) for bar in bars]


READING = ("lab", "lab-results", "lab-curve", "lab-progress")


@pytest.mark.parametrize("page", READING)
@pytest.mark.parametrize(("name", "status"), [("Alice", 200), ("Rita", 200), ("Vera", 404), ("Charlie", 404)])
def test_leads_and_reviewers_look_and_others_find_nothing(project, page, name, status):
    answered.aggregated(project, ALIKE)
    assert signed_in(name).get(address(project, page)).status_code == status


@pytest.mark.parametrize("name", ["Rita", "Vera", "Charlie"])
def test_only_a_lead_applies_goes_back_and_takes_answers_home(project, name):
    answered.aggregated(project, ALIKE)
    who = signed_in(name)
    posted = [who.post(address(project, "lab-apply"), {"iou": "0.5", "confirmed": "yes"})]
    posted.append(who.post(address(project, "lab-back", 1), {"confirmed": "yes"}))
    assert [answer.status_code for answer in posted] == [404, 404]
    assert who.get(address(project, "lab-answers")).status_code == 404
    assert ConsensusRun.objects.count() == 1


def test_nobody_looks_without_signing_in(project):
    assert {Client().get(address(project, page)).status_code for page in READING} == {302}


def test_shares_are_shown_as_they_stand_and_as_they_would_be(project):
    answered.aggregated(project, TIGHT, TIGHT, LOOSE)
    assert shares(project) == [(2, 2), (0, 0), (1, 1)]
    assert shares(project, iou=0.5) == [(2, 3), (0, 0), (1, 0)]
    assert shares(project, iou=0.995) == [(2, 0), (0, 0), (1, 3)]


def test_looking_changes_nothing(project):
    answered.aggregated(project, TIGHT, LOOSE)
    before = list(Consensus.objects.order_by("id").values())
    look(project, iou=0.5)
    assert list(Consensus.objects.order_by("id").values()) == before
    assert ConsensusRun.objects.count() == 1


def test_a_changed_image_is_shown_before_and_after_with_its_trace(project):
    _, loose = answered.aggregated(project, TIGHT, LOOSE)
    page = signed_in().get(address(project), {"iou": "0.5"})
    (example,) = page.context["examples"]
    assert (example.asset, example.kind) == (str(loose.public_id), "comes back")
    assert (example.before.outcome.status, example.after.outcome.status) == ("drop", "hard")
    assert any("hard.iou: no" in step for step in example.before.telling)
    assert [person.letter for person in example.people] == ["A", "B", "C"]
    assert address(project, "asset", loose.public_id) in page.content.decode()


def test_people_stand_on_the_page_by_their_pseudonyms(project):
    answered.aggregated(project, TIGHT, LOOSE)
    said = look(project, iou=0.5)
    assert not any(worker.ext_id in said for worker in Worker.objects.all())


def test_the_question_that_fails_is_counted(project):
    answered.aggregated(project, TIGHT, LOOSE, APART)
    tallies = {tally.words: tally.after for tally in signed_in().get(address(project)).context["questions"]}
    assert tallies["IoU high enough?"] == 1
    assert tallies["Everybody in every group?"] == 1


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"iou": "1.5"}, "Setting iou is 1.5: expected a number above 0 to 1."),
        ({"iou": "nan"}, "Least IoU in a group is &#x27;nan&#x27;: expected a number."),
        ({"iou": "wide"}, "Least IoU in a group is &#x27;wide&#x27;: expected a number."),
        ({"min_answers": "2.5"}, "Fewest answers is 2.5: expected a whole number."),
        ({"min_answers": "4"}, "Max_answers is 3: expected at least min_answers, 4."),
        ({"method": "guess"}, "&#x27;guess&#x27; is not a method; known are"),
    ],
)
def test_a_setting_out_of_bounds_is_one_sentence_and_the_input_stays(project, setting, sentence):
    answered.aggregated(project, TIGHT)
    for page in ("lab", "lab-results"):
        answer = signed_in().get(address(project, page), setting)
        assert answer.status_code == 400
        assert sentence in answer.content.decode()
    form = signed_in().get(address(project), setting).context["form"]
    kept = {row.field.name: row.value for row in form.rows} | {"method": form.method}
    assert setting.items() <= kept.items()


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


def test_a_project_without_answers_says_what_is_missing(project):
    assert "No answers yet" in look(project)


def test_a_project_that_adds_up_nothing_says_so(project):
    Asset.objects.all().delete()
    project.stages.filter(kind="aggregate").delete()
    assert "adds up no boxes" in look(project)
    assert "Lab</a>" not in signed_in().get(address(project, "project")).content.decode()


def test_a_stage_that_is_not_there_is_not_found(project):
    answered.aggregated(project, TIGHT)
    assert signed_in().get(address(project), {"stage": "nowhere"}).status_code == 404


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


def test_the_downloaded_answers_are_those_the_command_reads(project):
    answered.aggregated(project, TIGHT, (0.4, None, 0.41))
    answer = signed_in().get(address(project, "lab-answers"))
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    images = [parse_image(json.loads(line)) for line in lines]
    assert sorted(len(image.annotations) for image in images) == [3, 3]
    assert {answer.annotator for image in images for answer in image.annotations} == {
        worker.short_id for worker in Worker.objects.all()
    }
    assert sum(not answer.boxes for image in images for answer in image.annotations) == 1


def test_the_command_says_what_differs_from_the_library(project):
    answered.aggregated(project, TIGHT)
    command = signed_in().get(address(project), {"iou": "0.8", "iou_rule": "mean_pair"}).context["command"]
    assert command.startswith("python -m aggregation boxes answers.jsonl --method hard-soft-drop --iou 0.8")
    assert "--set iou_rule=mean_pair" in command


def test_the_curve_falls_from_hard_to_drop_as_the_iou_rises(project):
    answered.aggregated(project, TIGHT, LOOSE, APART)
    answer = signed_in().get(address(project, "lab-curve"), {"iou": "0.65"})
    points = {point.iou: point for point in answer.context["points"]}
    assert (points[0.5].hard, points[0.9].hard) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert all(point.hard + point.soft + point.drop == pytest.approx(1) for point in points.values())
    assert "<html" not in answer.content.decode()


def test_without_scripts_the_curve_comes_with_the_page(project):
    answered.aggregated(project, TIGHT)
    assert "lab-curve" in look(project, curve=1)


def test_buying_is_replayed_in_the_order_in_which_answers_came(project):
    _, _, asked_more = answered.aggregated(project, TIGHT, LOOSE, LOOSE)
    answered.answer(asked_more, 0.402, by="w9")
    bought = signed_in().get(address(project, "lab-curve"), {"max_answers": "5"}).context["bought"]
    assert (bought.images, bought.stored, bought.answers) == (3, 10, 10)
    assert bought.short == 1
    kinder = signed_in().get(address(project, "lab-curve"), {"max_answers": "5", "iou": "0.5"}).context["bought"]
    assert (kinder.answers, kinder.short) == (9, 0)


def test_of_very_many_images_a_sample_is_tried_with_an_interval(project, monkeypatch):
    monkeypatch.setattr(lab, "WHOLE", 3)
    monkeypatch.setattr(lab, "SAMPLE", 2)
    answered.aggregated(project, *[TIGHT] * 4)
    page = signed_in().get(address(project))
    assert page.context["desk"].is_sample
    assert "A sample of 2 of 4 images" in page.content.decode()
    low, high = page.context["bars"][0].interval
    assert low < 1 <= high


def test_images_that_are_not_added_up_yet_are_not_counted(project):
    answered.aggregated(project, TIGHT)
    answered.image(project, (0.4,), at="boxes", state="working")
    page = signed_in().get(address(project))
    assert [bar.after_n for bar in page.context["bars"]] == [1, 0, 0]
    assert "1 more has answers that are not added up yet" in page.content.decode()


def test_before_the_first_result_answers_can_be_tried(project):
    answered.image(project, TIGHT)
    assert shares(project) == [(0, 1), (0, 0), (0, 0)]


def test_new_answers_are_seen_at_once(project):
    (asset,) = answered.aggregated(project, TIGHT)
    assert shares(project) == [(1, 1), (0, 0), (0, 0)]
    Asset.objects.filter(pk=asset.pk).update(stage=answered.stage(project), state="waiting")
    answered.answer(asset, 0.7, by="w8")
    assert shares(project)[0] == (1, 0)


def test_the_page_needs_few_queries_however_many_images_there_are(project, django_assert_max_num_queries):
    answered.aggregated(project, *[TIGHT] * 10, *[LOOSE] * 10)
    who = signed_in()
    lab._desk.cache_clear()
    with django_assert_max_num_queries(28):
        who.get(address(project), {"iou": "0.5"})
