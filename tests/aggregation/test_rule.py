"""Every edge case of hard, soft and drop, in the words of the people who draw."""

import pytest

from aggregation import Box, BoxAnswer, BoxSettings, Consensus, aggregate_boxes
from tests.aggregation.drawing import DOT, A, B, crowd, moved, people, seen, summary

ELSEWHERE = (A, B, Box(400, 100, 50, 50, "x"), Box(0, 900, 50, 50, "x"), Box(900, 0, 50, 50, "x"))
BIG, SMALL = Box(100, 100, 400, 400, "x"), Box(250, 250, 100, 100, "x")
LEFT, RIGHT = Box(100, 100, 300, 300, "x"), Box(200, 100, 300, 300, "x")
CLOSE = Box(175, 100, 300, 300, "x")
FLAGGED = BoxAnswer("u9", (A,), ("no_hands",))
OUTSIDE = Box(2000, 10, 50, 50, "x")


def wide(width: float) -> list[Box]:
    return [Box(0, 0, width, 10, "x")]


def labelled(*labels: str) -> list[list[Box]]:
    return [[moved(A, person, label=label)] for person, label in enumerate(labels)]


CASES = {
    # how many answers
    "no answers": ([], ("drop", "few", "buy"), "enough"),
    "one answer": (crowd(1, A), ("drop", "few", "buy"), "enough"),
    "two answers": (crowd(2, A), ("drop", "few", "buy"), "enough"),
    "three agree": (crowd(3, A), ("hard", "x", "none"), None),
    # nothing there is a vote
    "all empty": ([[], [], []], ("hard", "", "none"), None),
    "two A and one empty": ([*crowd(2, A), []], ("soft", "x", "none"), "count"),
    "three A and two empty": ([*crowd(3, A), [], []], ("soft", "x", "none"), "count"),
    "one A and two empty": ([*crowd(1, A), [], []], ("soft", "", "none"), "count"),
    "two A and three empty": ([*crowd(2, A), [], [], []], ("soft", "", "none"), "count"),
    "two A and two empty": ([*crowd(2, A), [], []], ("drop", "split", "buy"), "count"),
    # how close
    "worst pair exactly .7": ([wide(10), wide(10), wide(7)], ("hard", "x", "none"), None),
    "worst pair .69": ([wide(10), wide(10), wide(6.9)], ("drop", "iou", "buy"), "iou"),
    # labels
    "labels x x y": (labelled("x", "x", "y"), ("soft", "x", "none"), "labels"),
    "labels three x two y": (labelled("x", "x", "x", "y", "y"), ("soft", "x", "none"), "labels"),
    "labels x y z": (labelled("x", "y", "z"), ("drop", "label", "buy"), "labels"),
    "labels two x two y": (labelled("x", "x", "y", "y"), ("drop", "split", "buy"), "labels"),
    # where
    "three boxes in three places": ([[box] for box in ELSEWHERE[:3]], ("drop", "disputed", "buy"), "groups"),
    "five boxes in five places": ([[box] for box in ELSEWHERE], ("drop", "disputed", "review"), "groups"),
    "extra box in one of three": ([*crowd(2, A), [A, B]], ("soft", "x", "none"), "count"),
    "extra boxes in two of three, two places": ([[A], [A, B], [A, ELSEWHERE[2]]], ("drop", "disputed", "buy"), "count"),
    "one of five missed B": ([*crowd(4, A, B), [A]], ("soft", "x x", "none"), "count"),
    "two of five missed B": ([*crowd(3, A, B), [A], [A]], ("soft", "x x", "none"), "count"),
    "three of five missed B": ([*crowd(2, A, B), [A], [A], [A]], ("soft", "x", "none"), "count"),
    "four of seven see B": ([*crowd(4, A, B), [A], [A], [A]], ("soft", "x x", "none"), "count"),
    "three of six see B": ([*crowd(3, A, B), [A], [A], [A]], ("drop", "split", "review"), "count"),
    # slips
    "dot in one of three": ([*crowd(2, A), [A, DOT]], ("soft", "x", "none"), "count"),
    "dot in all three": (crowd(3, A, DOT), ("soft", "x", "none"), None),
    "only a dot in one of three": ([*crowd(2, A), [DOT]], ("drop", "few", "buy"), "groups"),
    "only dots": ([[DOT], [DOT], [DOT]], ("drop", "few", "buy"), "clean"),
    "drawn twice by one of four": ([*crowd(3, A), [A, moved(A, 4)]], ("soft", "x", "none"), "count"),
    "drawn twice by two of three": ([[A], [A, moved(A, 4)], [A, moved(A, 4)]], ("soft", "x", "none"), "count"),
    "drawn twice by all": ([[A, moved(A, 2, 1)]] * 3, ("soft", "x", "none"), "clean"),
    "two labels by one person": ([*crowd(2, A), [A, moved(A, 0, label="y")]], ("soft", "x", "none"), "count"),
    "two labels by all": ([[A, moved(A, 2, 1, "y")]] * 3, ("hard", "x y", "none"), None),
    # boxes over boxes
    "nested, three agree": ([[BIG, SMALL]] * 3, ("hard", "x x", "none"), None),
    "crossing hands, other labels": (crowd(3, LEFT, moved(RIGHT, 0, label="y")), ("hard", "x y", "none"), None),
    "crossing hands, same label": (crowd(3, LEFT, RIGHT), ("hard", "x x", "none"), None),
    "crossing hands at IoU .6": (crowd(3, LEFT, CLOSE), ("hard", "x x", "none"), None),
    "crossing hands, one person saw one": ([*crowd(2, LEFT, RIGHT), [LEFT]], ("soft", "x x", "none"), "count"),
    # borders
    "box wholly outside": ([*crowd(2, A), [A, OUTSIDE]], ("soft", "x", "none"), "count"),
    "sticking out": ([[Box(x, 100, 150 - x, 200, "x")] for x in (-50, -10, 0)], ("hard", "x", "none"), None),
    # flags
    "no_hands without boxes": ([*crowd(2, A), BoxAnswer("u3", (), ("no_hands",))], ("soft", "x", "none"), "count"),
    "no_hands with boxes, one of four": ([*crowd(3, A), FLAGGED], ("soft", "x", "none"), "clean"),
    "no_hands with boxes, one of three": ([*crowd(2, A), FLAGGED], ("drop", "few", "buy"), "clean"),
    # loose boxes
    "one loose box under .5 of four": ([*crowd(3, A), [moved(A, 50, 50)]], ("soft", "x", "none"), "groups"),
    "one loose box of .5 to .7, four": ([*crowd(3, A), [moved(A, 40)]], ("soft", "x", "none"), "iou"),
    "one loose box of .5 to .7, three": ([*crowd(2, A), [moved(A, 40)]], ("drop", "iou", "buy"), "iou"),
    "two loose of five": ([*crowd(3, A), [moved(A, 40)], [moved(A, 0, 40)]], ("soft", "x", "none"), "iou"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_rule_decides_every_stated_case(case):
    answers, expected, failed = CASES[case]
    result = aggregate_boxes(seen(*answers))
    assert summary(result) == expected
    if failed is not None:
        assert result.failed_question == failed


def decide(*answers: object, **settings: object) -> Consensus:
    return aggregate_boxes(seen(*answers), BoxSettings(**settings))


def test_dots_that_everybody_drew_are_never_published_as_unanimous():
    result = aggregate_boxes(seen([A, DOT], [A, DOT], [A, DOT]))
    assert (result.status, result.failed_question, len(result.boxes)) == ("soft", "clean", 1)


def test_one_trusted_annotator_is_enough_where_the_project_says_so():
    assert summary(decide([A], min_answers=1)) == ("hard", "x", "none")


def test_who_missed_a_box_stays_used_and_does_not_support_it():
    result = decide(*crowd(4, A, B), [A])
    assert people(result) == {"used": ("u1", "u2", "u3", "u4", "u5"), "dropped": ()}
    assert [len(box.support) for box in result.boxes] == [5, 4]


def test_all_who_drew_a_box_support_it_even_those_who_named_it_otherwise():
    result = decide(*labelled("x", "x", "x", "y", "y"))
    assert result.boxes[0].support == ("u1", "u2", "u3", "u4", "u5")


def test_four_of_seven_set_one_of_the_others_aside():
    result = decide(*crowd(4, A, B), [A], [A], [A])
    assert len(result.dropped) == 1
    assert result.dropped[0] in {"u5", "u6", "u7"}


def test_an_outlier_costs_its_box_but_not_its_answer():
    assert decide(*crowd(3, A), [moved(A, 50, 50)]).dropped == ()


def test_a_loose_box_costs_the_whole_answer():
    assert people(decide(*crowd(3, A), [moved(A, 40)])) == {"used": ("u1", "u2", "u3"), "dropped": ("u4",)}


def test_a_contradictory_answer_is_set_aside_whole():
    assert decide(*crowd(3, A), FLAGGED).dropped == ("u9",)


def test_after_a_drop_everybody_is_dropped():
    assert people(decide(*crowd(2, A), [], [])) == {"used": (), "dropped": ("u1", "u2", "u3", "u4")}


def test_three_people_boxing_three_places_never_become_nothing_there():
    assert summary(decide([ELSEWHERE[1]], [ELSEWHERE[2]], [ELSEWHERE[3]], [], [])) == ("drop", "disputed", "review")


def test_undecided_existence_is_named_when_nobody_can_be_left_out():
    assert summary(decide([A], [], [A], [], max_drop=0)) == ("drop", "existence", "buy")


def test_the_median_of_each_corner_is_handed_out():
    box = decide([A], [moved(A, 5)], [moved(A, 0, 5)]).boxes[0]
    assert (box.x, box.y, box.w, box.h) == (100, 100, 200, 200)


def test_the_mean_of_each_corner_can_be_asked_for():
    box = decide([A], [moved(A, 5)], [moved(A, 0, 5)], combine="mean").boxes[0]
    assert box.x == pytest.approx(101.667, abs=0.001)
    assert box.y == pytest.approx(101.667, abs=0.001)


def test_the_mean_of_pairs_forgives_one_loose_pair():
    answers = ([A], [moved(A, 20)], [moved(A, 40)])
    assert decide(*answers).status == "drop"
    assert decide(*answers, iou_rule="mean_pair").status == "hard"


def test_a_box_drawn_from_right_to_left_counts_and_is_told():
    result = decide([Box(300, 300, -200, -200, "x")], [A], [A])
    assert result.status == "hard"
    assert result.trace[0].text == "prepare.flipped: 1 box drawn from right to left or from below (u1)"


def test_without_an_image_size_nothing_is_clipped():
    under = Box(-50, 100, 200, 200, "x")
    result = aggregate_boxes(seen([under], [under], [under], width=None, height=None))
    assert (result.status, result.boxes[0].x) == ("hard", -50)


def test_of_a_doubled_box_the_one_nearer_to_the_others_stays():
    result = decide([A], [moved(A, 12), A], [A])
    assert result.lowest_iou == 1.0


def test_one_more_answer_is_asked_for_below_the_maximum_and_a_reviewer_after_it():
    answers = ([A], [moved(A, 5)], [moved(A, 0, label="y")], [moved(A, 0, 5, "y")], [])
    assert decide(*answers).next == "review"
    assert decide(*answers, max_answers=7).next == "buy"


def test_a_project_may_buy_until_everybody_agrees():
    answers = (*crowd(2, A), [A, B])
    assert decide(*answers, buy_when="not_hard").next == "buy"
    assert decide(*answers, buy_when="not_hard", max_answers=3).next == "none"
    assert decide(*crowd(3, A), buy_when="not_hard").next == "none"


def test_a_flag_of_most_used_answers_is_handed_on():
    blurred = [BoxAnswer(f"u{n}", (A,), ("blurred", "blurred")) for n in (1, 2)]
    assert aggregate_boxes(seen(*blurred, [A])).flags == ("blurred",)
    assert aggregate_boxes(seen(blurred[0], [A], [A])).flags == ()


def test_the_lowest_pair_is_told_for_the_reviewer():
    assert decide([A], [A], [moved(A, 40)]).lowest_iou == pytest.approx(2 / 3)
    assert decide([], [], []).lowest_iou is None
