"""Quality rules as they stand in a column, and their verdicts, which are pure."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd import rules
from crowd.errors import CrowdError
from crowd.rules import History
from tests.crowd.market import MINUTE, NOON

DAY = timedelta(days=1)


# Reading


def test_rules_survive_their_column():
    asked = rules.read([{"kind": kind} for kind in rules.KINDS])
    assert [rule.kind for rule in asked] == list(rules.KINDS)
    assert rules.read(rules.plain(asked)) == asked
    for rule in asked:
        assert rule.says()[0].isupper() or rule.says()[0].isdigit() or rule.says()[0] == "$"
        assert rule.says().endswith(".")


def test_the_form_of_earlier_batches_means_what_it_meant():
    control, speed = rules.read(
        {"control": {"least_answers": 5, "least_accuracy": 0.7}, "speed": {"seconds_per_task": 0.7, "times": 3}}
    )
    month = rules.Ban(scope="project", days=30)
    assert control == rules.ControlRule(method="bound", least_answers=5, least_accuracy=0.7, action=month)
    assert speed == rules.SpeedRule(method="fixed", seconds_per_task=0.7, times=3, action=month)
    assert rules.read({}) == []


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"kind": "mood"}, "'mood' is no kind of rule; known are control, speed"),
        ({}, "None is no kind of rule"),
        ({"kind": "control", "clicker": 0.95}, "cannot be told apart"),
        ({"kind": "control", "least_acuracy": 0.7}, "least_acuracy"),
        ({"kind": "speed", "times": 11}, "11 fast pages of the last 10 cannot be"),
        ({"kind": "acceptance", "least_pages": 9, "of_last": 5}, "9 judged pages are never among the last 5"),
        ({"kind": "income", "most_micro": 0}, "most_micro"),
        ({"kind": "speed", "action": {"kind": "ban", "days": 0}}, "days"),
        ({"kind": "speed", "action": {"kind": "shout"}}, "action"),
    ],
)
def test_a_wrong_rule_is_refused_with_a_sentence(row, sentence):
    with pytest.raises(CrowdError, match=sentence) as refused:
        rules.read([{"kind": "control"}, row])
    assert "Quality rule 2" in str(refused.value)


def test_a_pool_keeps_a_bounded_number_of_rules():
    with pytest.raises(CrowdError, match="31 quality rules are too many"):
        rules.read([{"kind": "control"}] * 31)


# Verdicts are pure


def test_five_wrong_control_answers_in_a_row_suspend_and_four_do_not():
    watch = rules.ControlRule()
    assert watch.verdict(History(NOON, controls=[False] * 5)).applies
    assert not watch.verdict(History(NOON, controls=[False] * 4)).applies
    assert not watch.verdict(History(NOON, controls=[True] * 30 + [False] * 2)).applies


@given(st.lists(st.booleans(), max_size=40))
def test_more_right_answers_never_make_the_bound_strike(answers):
    bound = rules.ControlRule(method="bound")
    if bound.verdict(History(NOON, controls=[*answers, True])).applies and len(answers) >= bound.least_answers:
        assert bound.verdict(History(NOON, controls=answers)).applies


def test_income_counts_the_last_24_hours_only():
    rule = rules.IncomeRule(most_micro=3_000_000)
    paid = [(NOON - DAY, 2_000_000), (NOON - DAY + MINUTE, 2_000_000), (NOON, 999_999)]
    assert not rule.verdict(History(NOON, paid=paid)).applies
    assert rule.verdict(History(NOON, paid=[*paid, (NOON, 1)])).applies
