"""One more answer is bought where it is worth its price, from somebody new, on every platform."""

from collections import Counter
from typing import Any

import pytest

from crowd.models import Account, Batch, OutboxCommand, Task
from curation.engine import campaigns
from curation.engine.rehearsal import rehearse
from curation.engine.wish import Wish
from curation.models import Annotation, Asset, Consensus, Project
from curation.services.consensus import buying, runs
from curation.services.consensus.agreeing import way_of
from curation.services.consensus.prices import dearest_answer
from tests import scenes
from tests.crowd.market import NOON
from tests.engine import answered, world
from tests.engine.answered import ALIKE

pytestmark = pytest.mark.django_db
WORTH = {"buy_when": "worth", "min_answers": 2, "max_answers": 4}


def project(**settings: object) -> Project:
    found = answered.project(**{**WORTH, **settings})
    scenes.batch(found, "boxes", price_micro=60_000, page_size=6)
    return found


def test_the_price_of_an_answer_is_that_of_its_share_of_the_dearest_page():
    found = project()
    scenes.batch(found, "boxes", price_micro=120_000, page_size=7, control_per_page=1)
    assert dearest_answer(answered.stage(found, "boxes")) == 20_000
    terms = buying.terms_of(way_of(runs.current_run(stage=answered.stage(found), now=NOON)))
    assert (terms.price, terms.value, terms.max_answers) == (0.02, 0.1, 4)


@pytest.mark.parametrize(("value", "stands"), [("0", "publish"), ("100", "boxes")])
def test_two_answers_that_agree_are_enough_unless_a_right_image_is_worth_more(value, stands):
    found = project(value_usd=value)
    (asset,) = answered.aggregated(found, (0.4, 0.43))
    assert answered.stands(asset)[0] == stands
    assert answered.current(asset).trace[-1].startswith("stop: " if value == "0" else "buy: ")


def test_what_nobody_agrees_on_is_dropped_when_it_is_worth_nothing_more():
    found = project(value_usd="0")
    (asset,) = answered.aggregated(found, (0.1, 0.6))
    assert answered.stands(asset)[:2] == ("aggregate", "dropped")


def test_nothing_is_bought_above_the_most_answers():
    found = project(value_usd="100")
    (asset,) = answered.aggregated(found, (*ALIKE, 0.401))
    assert answered.stands(asset) == ("review", "held", "in_doubt")
    assert answered.current(asset).next_step == "review"


def test_an_image_held_for_its_doubt_is_sorted_again_when_the_rule_of_buying_is_another():
    found = project(value_usd="100")
    (asset,) = answered.aggregated(found, (*ALIKE, 0.401))
    answered.apply(found, buy_when="drop")
    assert answered.stands(asset) == ("review", "waiting", "")
    answered.work(found)
    assert answered.stands(asset)[1] == "published"


def test_people_paid_by_the_hour_cost_nothing_an_answer_so_the_method_decides_when_to_ask_them():
    found = answered.project(**WORTH, value_usd="100")
    scenes.batch(found, "boxes", price_micro=0)
    agreed, apart = answered.aggregated(found, ALIKE, (0.05, 0.35))
    assert answered.stands(agreed)[1] == "published"
    assert answered.stands(apart) == ("boxes", "waiting", "")


def test_what_was_good_enough_takes_a_clear_loss_to_open_again_unless_an_answer_was_taken_back():
    found = project(value_usd="0")
    (asset,) = answered.aggregated(found, ALIKE)
    row = answered.current(asset)
    assert buying.was_enough(row, [*row.inputs, 999])
    assert not buying.was_enough(row, row.inputs[1:])
    row.next_step = "buy"
    assert not buying.was_enough(row, row.inputs)
    assert not buying.was_enough(None, [])


def test_an_image_a_reviewer_had_one_more_answer_for_is_not_opened_for_a_small_gain(monkeypatch):
    found = project(value_usd="0")
    (asset,) = answered.aggregated(found, ALIKE)
    asked: list[bool] = []
    real = buying.advise_boxes

    def noted(*given: Any, closed: bool) -> Any:
        asked.append(closed)
        return real(*given, closed=closed)

    monkeypatch.setattr(buying, "advise_boxes", noted)
    answered.answer(asset, 0.401, by="w7")
    Asset.objects.filter(pk=asset.pk).update(stage=answered.stage(found), state="waiting")
    answered.work(found)
    assert asked == [True]


def test_in_our_own_market_somebody_new_is_asked_until_it_no_longer_pays():
    found = world.campaign(
        wanted=2, boxes={"overlap": 2, "price_usd": "0.01", "page_size": 1}, aggregate={**WORTH, "value_usd": "100"}
    )
    asset = world.checked(found, world.photo("one"))
    world.validate(found, "correct", "correct")
    for n, left in enumerate((0.4, 0.43, 0.415, 0.42)):
        world.work(found, "aggregate")
        world.work(found, "boxes")
        assert world.on_offer(found, "boxes") == (2 if n == 0 else 1)
        world.box(found, left)
    world.work(found)
    assert world.stands(asset) == ("review", "held", "in_doubt")
    rows = Consensus.objects.filter(asset=asset, stage__name="aggregate").order_by("version")
    assert [row.n_answers for row in rows] == [2, 3, 4]
    given = Annotation.objects.filter(asset=asset, kind="boxes").values_list("worker_id", flat=True)
    assert len(set(given)) == 4
    assert Task.objects.get(item_id=asset.pk, batch=world.batch(found, "boxes")).overlap == 4


@pytest.mark.django_db(transaction=True)
def test_through_toloka_as_many_answers_are_bought_one_by_one_as_in_our_own_market(monkeypatch):
    monkeypatch.setattr(campaigns, "CONTROL_STOCK", 6)
    own, answers = rehearsed("rehearsal")
    elsewhere, there = rehearsed("toloka")
    assert elsewhere == own
    assert there == answers
    assert max(answers.values()) > 2  # the number that every image starts with
    account = Account.objects.get(platform="toloka")
    boxes = Batch.objects.get(account=account, interface="boxes")
    assert OutboxCommand.objects.filter(batch_id=boxes.pk, kind="set_overlap", state="done").exists()


def rehearsed(platform: str) -> tuple[dict, Counter[int]]:
    settings = {
        "validate": {"whole_pages": True, "training_tasks": 3, "exam_tasks": 3, "page_size": 4},
        "boxes": {"whole_pages": True, "overlap": 2},
        "aggregate": {**WORTH, "value_usd": "50"},
    }
    document = rehearse(wish=Wish("gestures", 7, 3, settings, platform=platform, visits_a_turn=1))
    document["time"].pop("wall_seconds")
    images = Asset.objects.filter(project=Project.objects.latest("id"), state="published").order_by("id")
    rows = Annotation.objects.filter(asset__in=images, kind="boxes")
    given = Counter(rows.values_list("asset_id", flat=True))
    assert rows.values("asset_id", "worker_id").distinct().count() == rows.count()
    return document, Counter({place: given[asset.pk] for place, asset in enumerate(images)})
