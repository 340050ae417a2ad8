"""Every kind of stage with real pictures: who passes, who is dropped and why, what is paid."""

import math

import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from crowd.errors import CrowdError, IllegalTransition
from crowd.models import Assignment, Evidence, Restriction, Task
from crowd.services import offers, trust
from curation.engine import flow
from curation.models import Annotation, Asset, Consensus, Decision, Event, Job, Stage
from curation.services import assets, class_examples, suspicions
from curation.services.jobs import Again
from curation.stages import checks as check_stage
from curation.stages.measuring import look
from curation.stages.registry import STAGE_KINDS, stage_kind
from tests.crowd import market
from tests.crowd.market import MINUTE, NOON
from tests.engine import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return world.campaign(wanted=6)


# Collect


def test_a_photo_becomes_an_asset_that_waits_unpaid(project):
    asset = world.send(project, world.photo("one"))
    assert world.stands(asset) == ("checks", "waiting", "")
    assert asset.label_class.name == world.SIGN
    assert world.totals(project).reserved_micro == 30_000
    assert world.totals(project).paid_micro == 0


def test_a_page_is_taken_in_once(project):
    world.send(project, world.photo("one"))
    assert flow.take_in(project_id=project.pk, now=NOON) == 0
    Assignment.objects.update(processed_at=None)
    flow.take_in(project_id=project.pk, now=NOON)
    assert Asset.objects.count() == 1


def test_a_page_that_fails_is_told_of_once_and_holds_up_no_later_page(project, monkeypatch):
    first = world.send(project, world.photo("one")).answer.assignment
    Assignment.objects.update(processed_at=None)
    kind, real = type(stage_kind("collect")), type(stage_kind("collect")).take_in

    def fails(self, stage, pages, now):
        if first in pages:
            raise DataError("value too long")
        real(self, stage, pages, now)

    monkeypatch.setattr(kind, "take_in", fails)
    world.send(project, world.photo("two"))
    again = flow.run_take_in(Job(project_id=project.pk, cursor={}), NOON)
    assert again == Again(after=flow.FAILED_AGAIN_AFTER)
    assert list(Assignment.objects.filter(processed_at=None)) == [first]
    assert Event.objects.filter(kind="page.not_taken_in", subject_id=first.pk).count() == 1


def test_votes_lock_the_budget_before_any_picture(project):
    world.checked(project, world.photo("one"))
    world.work(project, "validate")
    market.sent(world.batch(project, "validate"), world.worker(project, "rater"), answer="correct")
    with CaptureQueriesContext(connection) as done:
        flow.take_in(project_id=project.pk, now=NOON)
    locks = [row["sql"] for row in done.captured_queries if "FOR UPDATE" in row["sql"]]
    budget = next(i for i, sql in enumerate(locks) if 'FROM "crowd_budget"' in sql)
    assert budget < next(i for i, sql in enumerate(locks) if 'FROM "curation_asset"' in sql)


# Checks


def test_a_good_photo_passes_the_checks_and_is_measured(project):
    asset = world.checked(project, world.photo("one"))
    assert world.stands(asset) == ("validate", "waiting", "")
    assert (asset.width, asset.height) == (1920, 1080)
    assert asset.hash256
    assert asset.preview.screen_key
    assert world.page_of(asset).state == Assignment.State.SUBMITTED


@pytest.mark.parametrize(
    ("data", "reason"), [(b"<html>not a picture</html>", "unreadable"), ("small", "low_resolution")]
)
def test_what_cannot_be_used_is_rejected_unpaid_without_an_accusation(project, data, reason):
    asset = world.checked(project, world.small_photo("one") if data == "small" else data)
    assert world.stands(asset) == ("checks", "dropped", reason)
    page = world.page_of(asset)
    assert (page.state, page.reason) == (Assignment.State.REJECTED, assets.SENTENCES[reason])
    assert world.totals(project).free_micro == world.totals(project).limit_micro
    assert not Evidence.objects.exists()
    assert world.on_offer(project, "collect") == 6


@pytest.mark.parametrize(("again", "reason"), [("same", "same_file"), ("resaved", "same_photo")])
def test_the_same_picture_again_is_rejected_with_the_pair_as_evidence(project, again, reason):
    wanda = world.worker(project)
    first = world.checked(project, world.photo("one"), wanda)
    second = world.checked(project, world.photo("one") if again == "same" else world.resaved("one"), wanda)
    assert world.stands(first)[0] == "validate"
    assert world.stands(second) == ("checks", "dropped", reason)
    evidence = Evidence.objects.get()
    assert (evidence.worker, evidence.level, evidence.kind) == (wanda, 0, reason)
    assert (evidence.item_id, evidence.other_item_id) == (second.pk, first.pk)
    assert world.page_of(second).state == Assignment.State.REJECTED


def test_two_photos_of_two_people_are_not_the_same(project):
    for seed in ("one", "two"):
        assert world.stands(world.checked(project, world.photo(seed)))[0] == "validate"


def test_the_example_sent_back_is_rejected_unpaid_with_evidence(project):
    asset = world.checked(project, world.example())
    assert world.stands(asset) == ("checks", "dropped", "template_copy")
    evidence = Evidence.objects.get()
    assert (evidence.level, evidence.item_id) == (Evidence.Level.TEMPLATE, asset.pk)
    assert evidence.details["template_class"] == world.SIGN
    assert world.totals(project).paid_micro == world.totals(project).reserved_micro == 0


def test_a_class_with_another_example_still_finds_copies_of_the_first_and_judges_photos_beside_theirs(project):
    label = project.classes.get(name=world.SIGN)
    first, places = label.example_key, Task.objects.filter(batch=world.batch(project, "collect"))
    for place in places:
        place.payload["template_key"] = first
        place.save(update_fields=["payload"])
    before = world.send(project, world.photo("one"))
    label = class_examples.set_example(label=label, data=world.photo("own"), by=world.person("Ann"), now=NOON + MINUTE)
    assert list(places.filter(issued=0).values_list("payload__template_key", flat=True).distinct()) == [
        label.example_key
    ]
    copy = world.checked(project, world.example(), world.worker(project, "eve"))
    assert world.stands(copy) == ("checks", "dropped", "template_copy")
    assert Evidence.objects.get().details["template_key"] == first
    world.work(project, "validate")
    assert Task.objects.get(item_id=before.pk).payload["template_key"] == first


def test_an_edited_example_waits_for_a_person(project):
    asset = world.checked(project, world.edited_example("mirrored"))
    assert world.stands(asset) == ("checks", "held", "template_copy")
    assert world.page_of(asset).state == Assignment.State.SUBMITTED
    suspicions.confirm(evidence_id=Evidence.objects.get().pk, by=None, now=NOON)
    assert world.stands(asset) == ("checks", "dropped", "template_copy")
    assert world.page_of(asset).state == Assignment.State.REJECTED


def test_a_false_alarm_goes_on_and_is_paid_when_validation_says_so(project):
    asset = world.checked(project, world.example())
    suspicions.clear(evidence_id=Evidence.objects.get().pk, by=world.person("Alice"), now=NOON)
    assert world.stands(asset) == ("validate", "waiting", "")
    assert world.totals(project).paid_micro == 0
    world.validate(project, "correct", "correct", "correct")
    assert world.page_of(asset).state == Assignment.State.ACCEPTED


def test_who_measures_for_too_long_decides_nothing_that_was_decided_meanwhile(project):
    asset = world.checked(project, world.photo("one"))
    assert world.stands(asset) == ("validate", "waiting", "")
    checks = project.stages.get(name="checks")
    settings = check_stage.ChecksSettings()
    asset.stage = checks  # as it stood when the measuring began
    looked = look([asset], settings, math.inf)
    check_stage.check_all(looked=looked, stage=checks, settings=settings, now=NOON, until=math.inf)
    check_stage.decide_all(found=[(asset, check_stage.Finding())], now=NOON)
    check_stage.decide_all(found=[(asset, check_stage.Finding("blurred"))], now=NOON)
    assert world.stands(asset) == ("validate", "waiting", "")
    assert world.verdicts(asset) == [("checks", "entered"), ("checks", "passed")]


# Validate


def test_a_majority_accepts_the_photo_and_pays_it_once(project):
    asset = world.checked(project, world.photo("one"))
    world.validate(project, "correct", "incorrect", "correct")
    assert world.stands(asset) == ("boxes", "waiting", "")
    assert world.page_of(asset).state == Assignment.State.ACCEPTED
    assert world.totals(project).paid_micro == 30_000 + 3 * 90_000
    consensus = Consensus.objects.get(asset=asset)
    assert (consensus.label, consensus.n_answers, consensus.trace) == (
        "correct",
        3,
        ["votes: 2 × correct, 1 × incorrect"],
    )


def test_the_sender_is_not_asked_about_his_own_photo(project):
    wanda = world.worker(project)
    world.checked(project, world.photo("one"), wanda)
    world.work(project)
    found = offers.offers(worker_id=wanda.pk, now=NOON)
    assert {offer.batch.interface: offer.available for offer in found}["choice"] == 0


def test_a_photo_found_wrong_is_dropped_rejected_and_its_place_given_back(project):
    asset = world.checked(project, world.photo("one"))
    world.validate(project, "incorrect", "incorrect", "correct")
    assert world.stands(asset) == ("validate", "dropped", "incorrect")
    assert world.page_of(asset).reason == "The photo does not show what was asked for."
    assert world.on_offer(project, "collect") == 6
    assert world.totals(project).paid_micro == 2 * 90_000


def test_a_tie_buys_one_more_answer_until_five_and_is_then_undecided(project):
    asset = world.checked(project, world.photo("one"))
    world.validate(project, "correct", "incorrect", "rotated")
    assert world.on_offer(project, "validate") == 1
    world.validate(project, "third_party")
    assert world.on_offer(project, "validate") == 1
    world.validate(project, "not_loaded")
    assert world.on_offer(project, "validate") == 0
    assert world.stands(asset) == ("validate", "dropped", "undecided")
    assert Consensus.objects.get().status == Consensus.Status.UNDECIDED


def test_a_fourth_answer_can_decide(project):
    asset = world.checked(project, world.photo("one"))
    world.validate(project, "correct", "incorrect", "rotated", "correct")
    assert world.stands(asset)[0] == "boxes"
    assert world.on_offer(project, "validate") == 0


def ban(who, project, until) -> None:
    trust.restrict(
        worker_id=who.pk, scope=Restriction.Scope.PROJECT, scope_id=project.pk, reason="", until=until, by_rule="speed"
    )


@pytest.mark.parametrize(("minutes", "discarded"), [(5, True), (-5, False)])
def test_the_work_of_somebody_banned_by_a_rule_is_set_aside_while_the_ban_lasts(project, minutes, discarded):
    world.checked(project, world.photo("one"))
    world.work(project)
    who = world.worker(project, "hasty")
    market.sent(world.batch(project, "validate"), who, answer="correct")
    ban(who, project, NOON + minutes * MINUTE)
    flow.take_in(project_id=project.pk, now=NOON)
    assert (Annotation.objects.get().discarded_at is not None) is discarded
    assert world.on_offer(project, "validate") == (2 if discarded else 1)


# Boxes and aggregation


def test_three_boxes_that_agree_become_one(project):
    asset = world.boxed(project)
    assert world.stands(asset) == ("aggregate", "waiting", "")
    world.work(project, "aggregate")
    consensus = Consensus.objects.get(asset=asset, stage__name="aggregate")
    assert consensus.status == Consensus.Status.HARD
    assert consensus.boxes.get().x == pytest.approx(0.402, abs=0.002)
    assert world.stands(asset)[0] == "review"


def test_disagreement_buys_a_fourth_box_and_the_older_consensus_stays(project):
    asset = world.checked(project, world.photo("one"))
    world.validate(project, "correct", "correct", "correct")
    world.box(project, 0.05, 0.35, 0.65)
    world.work(project, "aggregate")
    assert world.stands(asset) == ("boxes", "waiting", "")
    world.work(project, "boxes")
    assert world.on_offer(project, "boxes") == 1
    world.box(project, 0.352)
    world.work(project, "aggregate")
    rows = Consensus.objects.filter(asset=asset, stage__name="aggregate").order_by("version")
    assert [row.n_answers for row in rows] == [3, 4]
    assert [row.is_current for row in rows] == [False, True]
    assert ("aggregate", "returned") in world.verdicts(asset)


def test_boxes_that_never_agree_are_dropped_after_five(project):
    asset = world.checked(project, world.photo("one"))
    world.validate(project, "correct", "correct", "correct")
    for left in (0.0, 0.2, 0.4, 0.6, 0.8):
        if world.fresh(asset).stage.name == "aggregate":
            world.work(project, "aggregate")
        world.box(project, left)
    world.work(project, "aggregate")
    stage, state, reason = world.stands(asset)
    assert (stage, state) == ("aggregate", "dropped")
    assert reason.startswith("disagree")
    assert Annotation.objects.filter(asset=asset, kind="boxes").count() == 5


# Review and publish


def test_the_sure_ones_are_published_without_a_person(project):
    asset = world.boxed(project)
    world.work(project)
    assert world.stands(asset) == ("publish", "published", "")
    assert world.verdicts(asset)[-2:] == [("review", "passed"), ("publish", "passed")]


def test_a_sample_of_the_sure_ones_is_held_for_a_person():
    project = world.campaign(wanted=2, review={"sample": 1.0})
    asset = world.boxed(project)
    world.work(project)
    assert world.stands(asset) == ("review", "held", "sample")


def test_an_image_without_consensus_is_held_for_a_person(project):
    asset = world.boxed(project)
    Asset.objects.filter(pk=asset.pk).update(stage=project.stages.get(name="review"))
    world.work(project, "review")
    assert world.stands(asset) == ("review", "held", "no_consensus")


# Restoring


def test_a_restored_photo_goes_to_the_stage_after_the_one_that_dropped_it(project):
    asset = world.checked(project, world.small_photo("one"))
    assets.restore(asset_id=asset.pk, by=world.person("Alice"), note="good enough", now=NOON)
    assert world.stands(asset) == ("validate", "waiting", "")
    assert world.page_of(asset).state == Assignment.State.REJECTED
    world.validate(project, "correct", "correct", "correct")
    assert world.page_of(asset).state == Assignment.State.ACCEPTED


def test_a_photo_restored_after_validation_is_paid(project):
    asset = world.checked(project, world.photo("one"))
    world.validate(project, "incorrect", "incorrect", "incorrect")
    paid = world.totals(project).paid_micro
    assets.restore(asset_id=asset.pk, by=world.person("Alice"), now=NOON)
    assert world.stands(asset) == ("boxes", "waiting", "")
    assert world.totals(project).paid_micro == paid + 30_000


def test_only_what_was_dropped_is_restored(project):
    asset = world.checked(project, world.photo("one"))
    with pytest.raises(IllegalTransition, match="cannot become restored"):
        assets.restore(asset_id=asset.pk, by=world.person("Alice"), now=NOON)


def test_a_file_that_is_no_picture_is_not_restored(project):
    asset = world.checked(project, b"no picture")
    with pytest.raises(CrowdError, match="cannot be read as a picture"):
        assets.restore(asset_id=asset.pk, by=world.person("Alice"), now=NOON)
    assert world.stands(asset)[1] == "dropped"


# All kinds


@pytest.mark.parametrize("slug", sorted(STAGE_KINDS))
def test_a_paused_stage_rests(project, slug):
    asset = world.send(project, world.photo("one"))
    last = {"project": project, "kind": slug, "name": f"a {slug} stage", "title": slug, "position": 99}
    stage = project.stages.filter(kind=slug).first() or Stage.objects.create(**last)
    stage.move_to(Stage.State.PAUSED)
    Asset.objects.filter(pk=asset.pk).update(stage=stage)
    assert flow.work_stage(stage=stage, now=NOON) is False
    assert world.fresh(asset).state == "waiting"
    assert Decision.objects.filter(asset=asset).count() == 1


@pytest.mark.parametrize("slug", sorted(STAGE_KINDS))
def test_a_kind_names_itself_and_refuses_settings_it_does_not_know(slug):
    kind = stage_kind(slug)
    assert kind.slug == slug
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        kind.Settings.model_validate({"no_such_setting": 1})
