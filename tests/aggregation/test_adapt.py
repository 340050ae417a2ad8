"""Whether one more answer is worth its price."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation import BoxSettings, Consensus, ConsensusBox, LabelSettings, aggregate_boxes, vote
from aggregation.adapt import AdaptSettings, advise_boxes, advise_labels, choose
from aggregation.adapt.gains import decision_gain, label_gain, placed_after, prospect
from tests.aggregation.drawing import A, B, crowd, moved, seen

TWO = BoxSettings(min_answers=2)
FINDING = AdaptSettings(placement=0, value=1, price=0.01)
chances = st.floats(0, 1)


def agreed(*boxes: tuple[float, float, int], confidence: float, answers: int = 3, image: str = "i") -> Consensus:
    """A consensus of so many answers; a box is its confidence, its chance to meet IoU .75 and its supporters."""
    found = tuple(
        ConsensusBox(100 * n, 0, 50, 50, "x", certain, placed, tuple(f"u{i}" for i in range(support)))
        for n, (certain, placed, support) in enumerate(boxes)
    )
    names = tuple(f"u{i}" for i in range(answers))
    return Consensus(image, "soft", found, names, (), (), "none", confidence, None, (), "any")


def test_one_answer_is_never_enough():
    advice = advise_boxes(agreed((0.99, 0.99, 1), confidence=0.98, answers=1), AdaptSettings(price=100))
    assert advice.next == "buy"
    assert advice.words == "buy: 1 of at least 2 answers"


def test_a_clear_image_stops_and_says_what_one_more_answer_would_be_worth():
    advice = advise_boxes(agreed((0.99, 0.97, 3), confidence=0.98), AdaptSettings(price=0.01, value=0.1))
    assert advice.next == "stop"
    assert 0 < advice.gain < advice.price == 0.01
    assert (
        advice.words == f"stop: right with chance 0.98; one more answer is worth {round(advice.gain, 6):g}, costs 0.01"
    )


def test_an_object_as_likely_there_as_not_is_worth_one_more_answer():
    doubtful = agreed((0.5, 0.5, 1), confidence=0.5, answers=2)
    advice = advise_boxes(doubtful, FINDING)
    # somebody draws what is there in 85 %, what is not in 12 %: right in (.85 + .88) / 2 after one more
    assert advice.gain == pytest.approx(0.865 - 0.5)
    assert advice.next == "buy"
    assert advise_boxes(doubtful, replace(FINDING, price=0.37)).next == "stop"


def test_what_may_be_missing_is_worth_an_answer_too():
    complete, lacking = agreed((0.98, 0.9, 3), confidence=0.98), agreed((0.98, 0.9, 3), confidence=0.6)
    assert advise_boxes(complete, FINDING).next == "stop"
    assert advise_boxes(lacking, FINDING).next == "buy"


def test_loose_boxes_are_bought_only_by_who_pays_for_placement():
    loose = agreed((0.99, 0.5, 2), confidence=0.98, answers=2)
    assert advise_boxes(loose, FINDING).next == "stop"
    assert advise_boxes(loose, replace(FINDING, placement=1)).next == "buy"


def test_after_the_most_answers_a_reviewer_decides_what_is_still_in_doubt():
    advice = advise_boxes(agreed((0.5, 0.5, 3), confidence=0.5, answers=7), FINDING)
    assert (advice.next, advice.words.split(";")[0].split(":")[0]) == ("review", "review")
    assert advise_boxes(agreed((0.99, 0.97, 7), confidence=0.98, answers=7), FINDING).next == "stop"


def test_a_dropped_image_is_in_doubt():
    dropped = aggregate_boxes(seen([A], [moved(A, 40)], [A]))
    assert dropped.status == "drop"
    assert advise_boxes(dropped).next == "buy"
    assert advise_boxes(dropped, AdaptSettings(max_answers=3)).next == "review"


def test_the_simple_rule_asks_for_two_thresholds():
    found, placed = agreed((0.9, 0.6, 3), confidence=0.8), agreed((0.99, 0.9, 3), confidence=0.95)
    rule = AdaptSettings(rule="threshold", theta=0.75, theta_75=0.7)
    assert advise_boxes(placed, rule).next == "stop"
    assert "meets IoU 0.75 with chance 0.6, 0.7 needed" in advise_boxes(found, rule).words
    assert advise_boxes(found, replace(rule, theta_75=0.0)).next == "stop"
    assert "the image is right with chance 0.8, 0.85 needed" in advise_boxes(found, replace(rule, theta=0.85)).words


@pytest.mark.parametrize("rule", ["gain", "threshold"])
def test_what_was_closed_takes_a_clear_loss_to_open_again(rule):
    settings = AdaptSettings(rule=rule, placement=0, value=1, price=0.05, theta=0.9)
    slightly = agreed((0.99, 0.9, 3), confidence=0.89)
    clearly = agreed((0.99, 0.9, 3), confidence=0.7)
    assert advise_boxes(slightly, settings).next == ("buy" if rule == "threshold" else "stop")
    assert advise_boxes(slightly, settings, closed=True).next == "stop"
    assert advise_boxes(clearly, settings, closed=True).next == "buy"


def test_hysteresis_holds_between_price_and_price_with_slack():
    doubtful = agreed((0.7, 0.6, 2), confidence=0.7)
    fewer = prospect(doubtful, 5).gain(0)
    settings = AdaptSettings(placement=0, value=1, price=fewer - 0.01)
    assert advise_boxes(doubtful, settings).next == "buy"
    assert advise_boxes(doubtful, settings, closed=True).next == "stop"
    assert advise_boxes(doubtful, replace(settings, price=fewer - 0.03), closed=True).next == "buy"


def test_the_next_answers_go_where_they_gain_most():
    images = [
        agreed((0.99, 0.9, 5), confidence=0.98, image="sure"),
        agreed((0.5, 0.5, 1), confidence=0.5, image="doubt"),
        agreed((0.9, 0.6, 3), confidence=0.85, image="loose"),
        agreed((0.5, 0.5, 3), confidence=0.5, answers=7, image="full"),
        agreed((0.9, 0.9, 1), confidence=0.9, answers=1, image="begun"),
    ]
    assert choose(images, AdaptSettings(), 9) == ["begun", "doubt", "loose", "sure"]
    assert choose(images, AdaptSettings(), 2) == ["begun", "doubt"]
    assert choose(images, AdaptSettings(), 0) == []


@given(chances, chances, chances)
def test_nobody_is_expected_to_do_harm(chance, hit, false):
    assert 0 <= decision_gain(chance, 1, hit, false) <= 0.5 + 1e-12
    assert decision_gain(chance, 1, 1, 0) == pytest.approx(min(chance, 1 - chance))
    assert decision_gain(chance, 5, 0.3, 0.3) == pytest.approx(0, abs=1e-12)


@given(chances, st.integers(2, 9))
def test_a_vote_is_worth_nothing_from_a_guesser_and_the_whole_doubt_from_an_oracle(chance, classes):
    assert label_gain(chance, classes, 1.0) == pytest.approx(min(chance, 1 - chance))
    assert label_gain(chance, classes, 1 / classes) == pytest.approx(0, abs=1e-12)


@given(chances, st.integers(1, 9))
def test_places_grow_surer_by_less_with_every_box(chance, support):
    first, second = placed_after(chance, support), placed_after(chance, support + 1)
    assert chance <= second <= first <= 1


@given(st.lists(st.tuples(st.floats(0.01, 1), chances, st.integers(1, 7)), max_size=5), chances, chances)
def test_an_outlook_is_never_worse_and_no_better_than_no_errors_at_all(boxes, confidence, placement):
    outlook = prospect(agreed(*boxes, confidence=confidence, answers=7), 4)
    for series, most in ((outlook.fewer, outlook.errors), (outlook.closer, len(boxes))):
        assert all(-1e-12 <= now <= more + 1e-12 for now, more in pairwise((0, *series, most)))
    assert outlook.gain(placement) >= outlook.gain(0)
    assert prospect(agreed(*boxes[::-1], confidence=confidence, answers=7), 4) == outlook


def test_what_only_two_answers_can_turn_is_worth_buying_too():
    likely = agreed((0.91, 0.9, 2), confidence=0.91)
    assert decision_gain(0.91, 1) == 0
    assert decision_gain(0.91, 2) > 0
    assert prospect(likely, 1).gain(0) == 0
    assert advise_boxes(likely, replace(FINDING, price=0.001)).next == "buy"


def test_every_method_can_be_advised_on():
    for method in ("hard-soft-drop", "median", "mean", "wbf"):
        sure = aggregate_boxes(seen(*crowd(5, A, B)), TWO, method)
        unsure = aggregate_boxes(seen(*crowd(2, A), [A, B]), TWO, method)
        assert advise_boxes(sure).gain < advise_boxes(unsure).gain


@pytest.mark.parametrize(
    ("said", "expected"), [("", "buy"), ("x", "buy"), ("xx", "stop"), ("xy", "buy"), ("xxy", "stop"), ("xyz", "review")]
)
def test_votes_stop_when_those_to_come_cannot_change_the_label(said, expected):
    assert advise_labels(vote(dict(enumerate(said)))).next == expected


def test_votes_with_known_skills_stop_when_sure_or_when_one_more_is_not_worth_it():
    five = LabelSettings(stop="posterior", tau=0.97, max_answers=5)
    unsure = replace(vote(dict(enumerate("xxy")), five), confidence=0.9)
    simple = AdaptSettings(rule="threshold")
    assert advise_labels(unsure, simple, five).words.startswith("buy: the label is not sure enough")
    assert advise_labels(replace(unsure, confidence=0.96), simple, five, closed=True).next == "stop"
    assert advise_labels(replace(unsure, confidence=0.97), simple, five).next == "stop"
    assert advise_labels(replace(unsure, confidence=0.6), AdaptSettings(value=1.0), five).next == "buy"
    assert advise_labels(replace(unsure, confidence=0.6), AdaptSettings(value=0.01), five).next == "stop"


@pytest.mark.parametrize("known", [False, True])
def test_a_label_that_was_enough_is_opened_again_only_for_a_clear_gain(known):
    five = LabelSettings(stop="posterior", max_answers=5)
    unsure = replace(vote(dict(enumerate("xxy")), five), confidence=0.6)
    gain = advise_labels(unsure, AdaptSettings(value=1), five).gain
    slightly, clearly = (AdaptSettings(value=1, price=gain - more) for more in (0.01, 0.03))
    assert advise_labels(unsure, slightly, five, closed=known).next == ("stop" if known else "buy")
    assert advise_labels(unsure, clearly, five, closed=known).next == "buy"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"price": -1}, "setting price is -1: expected a number from 0"),
        ({"value": float("nan")}, "setting value is nan"),
        ({"max_answers": 1}, "setting max_answers is 1: expected a whole number of at least 2"),
        ({"rule": "always"}, "setting rule is 'always': expected one of gain, threshold"),
        ({"theta_75": 1.5}, "setting theta_75 is 1.5: expected a number from 0 to 1"),
    ],
)
def test_a_wrong_setting_of_buying_is_refused(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        AdaptSettings(**wrong)
