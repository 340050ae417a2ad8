"""The aggregation lab: what other settings would make of stored answers."""

import json
import uuid
from dataclasses import fields

import pytest
from django.test import Client

from aggregation import BoxSettings
from aggregation.core.reading import parse_image
from crowd.models import Worker
from curation.dashboard.lab_fields import FIELDS
from curation.models import Asset, Consensus, ConsensusRun, Project, Stage
from curation.services import reviews
from curation.services.consensus import lab
from curation.services.consensus.settings import ConsensusSettings, read
from curation.stages.boxes import BoxesSettings
from tests import scenes
from tests.crowd.market import NOON
from tests.engine import answered
from tests.engine.answered import ALIKE, APART, LOOSE
from tests.pages.at_lab import TIGHT, address, look, project_with_people, shares, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return project_with_people()


READING = ("lab", "lab-results", "lab-curve", "lab-progress")


@pytest.mark.parametrize("page", READING)
@pytest.mark.parametrize(("name", "status"), [("Alice", 200), ("Rita", 200), ("Vera", 404), ("Charlie", 404)])
def test_leads_and_reviewers_look_and_others_find_nothing(project, page, name, status):
    answered.aggregated(project, ALIKE)
    assert signed_in(name).get(address(project, page)).status_code == status


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


def test_buying_begins_with_as_many_answers_as_the_stage_asks_for_by_itself(project):
    source = Stage.objects.get(project=project, kind="boxes")
    source.settings.pop("overlap", None)
    source.save(update_fields=["settings"])
    answered.aggregated(project, TIGHT)
    bought = signed_in().get(address(project, "lab-curve"), {"min_answers": "2"}).context["bought"]
    assert bought.answers == BoxesSettings.model_fields["overlap"].default == 3


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
    with django_assert_max_num_queries(29):  # one asks for the keys of the person, as on every page
        who.get(address(project), {"iou": "0.5"})


def test_every_setting_of_the_rules_can_be_turned():
    known = {one.name for one in FIELDS} | {"method", "source"}
    assert set(ConsensusSettings.model_fields) == known
    assert {one.name for one in fields(BoxSettings)} - known == {"label_bonus", "label_count", "empty_flags", "flags"}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("match_iou", "0.65"),
        ("duplicate_iou", "0.9"),
        ("dot_share", "0.25"),
        ("combine", "mean"),
        ("on_drop", "review"),
        ("ignore_px", "30"),
    ],
)
def test_a_fine_setting_is_turned_kept_in_the_address_and_named(project, setting, value):
    answered.aggregated(project, TIGHT)
    page = signed_in().get(address(project), {setting: value})
    assert [name for name, _, _ in page.context["differences"]] == [setting]
    assert f"{setting}={value}" in page.context["address"]
    assert str(getattr(page.context["settings"], setting)) in {value, f"{value}.0"}


def test_a_fine_setting_changes_what_is_counted(project):
    answered.aggregated(project, TIGHT)
    assert shares(project, dot_share=0.25) == [(1, 0), (0, 0), (0, 1)]


def test_on_a_drop_that_a_reviewer_decides_nothing_is_left_out(project):
    answered.aggregated(project, TIGHT)
    strict = {"iou": "0.999"}
    assert signed_in().post(address(project, "lab-apply"), strict).context["effect"].leaves == 1
    kinder = signed_in().post(address(project, "lab-apply"), {**strict, "on_drop": "review"})
    assert kinder.context["effect"].leaves == 0


def test_a_dearer_answer_is_counted_at_once(project):
    answered.aggregated(project, ALIKE)
    batch = scenes.batch(project, "boxes", price_micro=6, page_size=6)
    eager = {"buy_when": "worth", "value_usd": "0.01", "max_answers": "5"}
    assert signed_in().get(address(project), eager).context["trial"].wants_more == 1
    type(batch).objects.filter(pk=batch.pk).update(price_micro=60_000_000)
    assert signed_in().get(address(project), eager).context["trial"].wants_more == 0


def test_a_free_answer_is_not_bought_for_ever_and_the_page_says_so(project):
    answered.aggregated(project, ALIKE)
    eager = {"buy_when": "worth", "value_usd": "10", "max_answers": "5"}
    page = signed_in().get(address(project), eager)
    assert page.context["trial"].wants_more == 0
    assert "An answer costs nothing here" in page.content.decode()


def test_what_the_crowd_is_asked_for_is_read_anew(project):
    answered.aggregated(project, (0.4, 0.401, None))
    before = lab.desk(answered.stage(project))
    source = Stage.objects.filter(project=project, kind="boxes")
    source.update(settings={**source.get().settings, "labels": [{"name": str(n)} for n in range(9)]})
    after = lab.desk(answered.stage(project))
    assert (len(before.source.settings.get("labels", [])), len(after.source.settings["labels"])) != (9, 0)
    assert after.affairs != before.affairs
    assert len(after.source.settings["labels"]) == 9


def test_a_verdict_is_learnt_from_at_once_where_the_method_learns(project, monkeypatch):
    (image,) = answered.aggregated(project, TIGHT)
    seen = []
    monkeypatch.setattr(lab.fits, "is_due", lambda _source: True)
    monkeypatch.setattr(lab.gold, "known_boxes", lambda source: seen.append(source) or {})
    on, settings = lab.desk(answered.stage(project)), read({"method": "reliability"})
    lab.trial(on, settings)
    lab.trial(on, settings)
    assert len(seen) == 1
    Asset.objects.filter(pk=image.pk).update(stage=answered.stage(project, "review"), state="held")
    decided = reviews.Decided(key=uuid.uuid4(), asset=image.public_id, verdict="accept")
    reviews.record(project=project, user=scenes.person("Alice"), decisions=[decided], now=NOON)
    lab.trial(lab.desk(answered.stage(project)), settings)
    assert len(seen) == 2
