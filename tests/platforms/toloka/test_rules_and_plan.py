"""Which quality rules Toloka keeps, what of a plan it cannot do, what it costs."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd import rules
from crowd.audience import Audience
from crowd.models import Account
from crowd.platforms.toloka import Toloka, plan, quality
from crowd.rules.kinds import surely_under
from tests.crowd import market
from tests.platforms.toloka.plans import spec

FOREVER = {"duration_unit": "PERMANENT"}


def account(percent=None):
    return Account(slug="a", label="Ours", platform="toloka", commission_percent=percent)


def collectors(batch):
    return [
        (
            one["collector_config"]["type"],
            one["collector_config"].get("parameters", {}),
            [{(c["key"], c["operator"], c["value"]) for c in rule["conditions"]} for rule in one["rules"]],
            one["rules"][0]["action"]["type"],
            {k: v for k, v in one["rules"][0]["action"]["parameters"].items() if k != "private_comment"},
        )
        for one in quality.configs_of(batch, {"Eyes": "9"})
    ]


SUSPEND = {"kind": "suspend", "days": 10}
KEPT = [
    (
        {"kind": "skipped_in_row", "most": 10, "action": SUSPEND},
        ("SKIPPED_IN_ROW_ASSIGNMENTS", {}, [{("skipped_in_row_count", "GTE", 10)}], "RESTRICTION_V2",
         {"scope": "POOL", "duration": 10, "duration_unit": "DAYS"}),
    ),
    (
        {"kind": "answer_count", "most": 3},
        ("ANSWER_COUNT", {}, [{("assignments_accepted_count", "GTE", 3)}], "RESTRICTION_V2",
         {"scope": "POOL", **FOREVER}),
    ),
    (
        {"kind": "income", "most_micro": 20_000_000},
        ("INCOME", {}, [{("income_sum_for_last_24_hours", "GTE", Decimal(20))}], "RESTRICTION_V2",
         {"scope": "PROJECT", "duration": 1, "duration_unit": "DAYS"}),
    ),
    (
        {"kind": "speed", "method": "fixed", "seconds_per_task": 2.5, "times": 3, "of_last": 10,
         "action": {"kind": "ban", "scope": "account", "days": None}},
        ("ASSIGNMENT_SUBMIT_TIME", {"fast_submit_threshold_seconds": 2, "history_size": 10},
         [{("fast_submitted_count", "GTE", 3)}], "RESTRICTION_V2", {"scope": "ALL_PROJECTS", **FOREVER}),
    ),
    (
        {"kind": "acceptance", "least_rate": 0.7, "least_pages": 5, "of_last": 20,
         "action": {"kind": "ban", "scope": "project", "days": 30}},
        ("ACCEPTANCE_RATE", {"history_size": 20},
         [{("total_assignments_count", "GTE", 5), ("accepted_assignments_rate", "LT", 70)}], "RESTRICTION_V2",
         {"scope": "PROJECT", "duration": 30, "duration_unit": "DAYS"}),
    ),
    (
        {"kind": "skipped_in_row", "most": 2, "action": {"kind": "set_skill", "skill": "Eyes", "value": 5}},
        ("SKIPPED_IN_ROW_ASSIGNMENTS", {}, [{("skipped_in_row_count", "GTE", 2)}], "SET_SKILL",
         {"skill_id": "9", "skill_value": 5}),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "collector"), KEPT)
def test_a_rule_that_toloka_has_becomes_its_collector(rule, collector):
    batch = spec(rules=[rule])
    assert collectors(batch) == [collector]
    assert quality.lacks(batch) == []


def test_a_page_that_is_short_is_not_taken_for_a_fast_one():
    rule = {"kind": "speed", "method": "fixed", "seconds_per_task": 2.5}
    ((_, parameters, *_),) = collectors(spec(page_size=10, rules=[rule]))
    assert parameters["fast_submit_threshold_seconds"] == 2
    assert "counts only those under 2 s" in quality.lacks(spec(page_size=10, rules=[rule]))[0]
    ((_, parameters, *_),) = collectors(spec(kind="exam", page_size=10, rules=[rule]))
    assert parameters["fast_submit_threshold_seconds"] == 25


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"kind": "control", "method": "monitor"}, "fixed limits only"),
        ({"kind": "speed", "method": "robust"}, "fixed limits only"),
        ({"kind": "speed", "method": "fixed", "seconds_per_task": 0.5}, "whole seconds"),
        ({"kind": "skipped_in_row", "action": {"kind": "warn"}}, "not Toloka's to do"),
        ({"kind": "acceptance", "action": {"kind": "reject"}}, "not Toloka's to do"),
        ({"kind": "acceptance", "action": {"kind": "stop_paying"}}, "not Toloka's to do"),
        ({"kind": "acceptance", "action": {"kind": "hold"}}, "not Toloka's to do"),
    ],
)
def test_a_rule_that_toloka_has_not_is_said_and_not_sent(rule, sentence):
    batch = spec(rules=[rule])
    assert collectors(batch) == []
    (said,) = quality.lacks(batch)
    assert sentence in said


def test_one_submission_is_kept_in_part_and_that_is_said():
    batch = spec("photo", rules=[{"kind": "one_submission"}])
    assert collectors(batch)[0][-1] == {"scope": "PROJECT", **FOREVER}
    assert quality.lacks(batch) != []


@pytest.mark.parametrize("kind", ["control", "majority"])
@pytest.mark.parametrize("interface", ["boxes", "photo"])
def test_answers_that_cannot_be_compared_letter_by_letter_are_left_to_our_engine(kind, interface):
    method = {"method": "bound"} if kind == "control" else {}
    batch = spec(interface, rules=[{"kind": kind, **method}])
    assert collectors(batch) == []
    assert "letter by letter" in quality.lacks(batch)[0]


def test_skills_that_a_rule_sets_are_made_before_the_pool():
    rule = {"kind": "skipped_in_row", "action": {"kind": "set_skill", "skill": "Eyes"}}
    assert quality.skills_in(spec(rules=[rule])) == ["Eyes"]


@given(
    least=st.floats(0.3, 0.95), fewest=st.integers(1, 20), answers=st.integers(1, 200), share=st.floats(0, 1)
)  # fmt: skip
def test_toloka_is_never_harsher_than_the_rule(least, fewest, answers, share):
    """Whoever one of the sent conditions strikes, the rule itself strikes."""
    right = int(share * answers)
    rule = rules.ControlRule(method="bound", least_accuracy=least, least_answers=fewest)
    pairs = [(c[0]["value"], c[1]["value"]) for c in quality._control(rule, spec())]
    struck = [n for n, percent in pairs if answers >= n and Decimal(100 * right) / answers <= percent]
    if struck:
        assert surely_under([True] * right + [False] * (answers - right), least, fewest).applies


def test_a_rule_of_the_bound_strikes_at_the_rates_that_make_it_sure():
    rule = {"kind": "control", "method": "bound", "least_answers": 5, "least_accuracy": 0.7}
    ((kind, _, strikes, _, _),) = collectors(spec(rules=[rule]))
    assert kind == "GOLDEN_SET"
    assert {("golden_set_answers_count", "GTE", 5), ("golden_set_correct_answers_rate", "LTE", Decimal(0))} in strikes


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"price_micro": 4_000}, "Toloka pays at least $0.005 a page; $0.004 is less. Raise the price."),
        ({"price_table": [(0, 50, 1_000)], "price_skill": "Eyes"}, "$0.001 is less"),
        ({"price_table": [(0, 50, 9_000)]}, "none is named"),
        ({"review_days": 22}, "1 to 21 days for reviewing; 22 are planned."),
        ({"review_days": 0}, "0 are planned"),
        ({"overlap": 30_001}, "at most 30,000 people; 30,001 are planned."),
        ({"page_size": 501}, "at most 500 tasks"),
        ({"control_per_page": 1}, "A page of 1 task has no room for 1 control task and a real one."),
        ({"page_size": 5, "whole_pages": False}, "A short page on Toloka costs as much as a full one"),
        (
            {"page_size": 5, "control_per_page": 1, "spec": {**market.SPECS["choice"], "control_rate": "adaptive"}},
            "Every page on Toloka has 1 control task",
        ),
        ({"assignment_seconds": 4}, "at least 5 seconds"),
        ({"priority": -1}, "from 0 to 100; -1"),
        ({"interface": "boxes", "page_size": 5, "control_per_page": 1}, "letter by letter"),
        ({"interface": "boxes", "kind": "exam"}, "No exam can be graded there"),
        ({"interface": "boxes", "spec": {"labels": [{"name": "hand"}]}}, "two labels"),
        ({"interface": "link"}, "no page for 'link'"),
        ({"kind": "training", "audience": Audience(languages=["EN"]), "price_micro": 0}, "no filters of its own"),
        ({"kind": "training"}, "pays nothing for a training"),
        ({"audience": Audience(devices=["WATCH"])}, "no device 'WATCH'"),
        ({"spec": {"options": [{"value": "a", "label": "A"}]}}, "two options"),
    ],
)
def test_what_toloka_cannot_do_is_said_in_a_sentence(changed, sentence):
    (said,) = Toloka().lacks(account(), spec(**changed))
    assert sentence in said
    assert said.endswith(".")


@pytest.mark.parametrize("interface", ["photo", "choice", "boxes"])
def test_an_ordinary_plan_lacks_nothing(interface):
    assert Toloka().lacks(account(), spec(interface)) == []
    assert Toloka().lacks(account(), spec(kind="exam", price_micro=0)) == []


def test_the_fee_is_the_commission_and_nothing_while_nobody_knows_it():
    assert plan.fee(account(), 10_000) == 0
    assert plan.fee(account(30), 10_000) == 3_000
    assert Toloka().quote(account(Decimal("12.5")), pages=3, price_micro=30_000) == 3 * 33_750


@pytest.mark.parametrize(("price", "fee"), [(5_002, 2_501), (5_001, 2_500), (5_003, 2_502)])
def test_half_a_millionth_goes_to_the_even_side_once(price, fee):
    assert plan.fee(account(50), price) == fee
