"""Labels by several workers: one label a task, or none, and what each worker is worth."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregation import LABEL_METHODS, LabelSettings, Vote, aggregate_labels, vote

every_method = pytest.mark.parametrize("method", LABEL_METHODS)


def votes(**tasks: str) -> list[Vote]:
    """One letter a worker: `votes(t1="xxy")`."""
    return [Vote(task, f"w{i}", label) for task, said in tasks.items() for i, label in enumerate(said) if label != "."]


def pool(seed: int = 7, tasks: int = 300, clickers: int = 3) -> tuple[list[Vote], dict[str, str]]:
    """A pool of three classes, three votes a task, ten workers of whom some click at random."""
    rng = np.random.default_rng(seed)
    truth = {f"t{n:03}": "abc"[rng.integers(3)] for n in range(tasks)}
    given = []
    for task, label in truth.items():
        for worker in rng.choice(10, 3, replace=False):
            right = rng.random() < (1 / 3 if worker < clickers else 0.9)
            said = label if right else "abc".replace(label, "")[rng.integers(2)]
            given.append(Vote(task, f"w{worker}", said))
    return given, truth


def test_most_votes_win_with_their_share():
    result = vote({"w1": "x", "w2": "x", "w3": "y"})
    assert (result.label, result.confidence, result.counts) == ("x", pytest.approx(2 / 3), {"x": 2, "y": 1})


def test_a_tie_decides_nothing():
    assert vote({"w1": "y", "w2": "x"}).label is None


def test_nobody_voted_yet():
    result = vote({})
    assert (result.label, result.confidence, result.next) == (None, 0, "buy")


@pytest.mark.parametrize(
    ("said", "advice"),
    [("x", "buy"), ("xx", "none"), ("xy", "buy"), ("xxy", "none"), ("xyz", "review")],
)
def test_no_vote_is_bought_that_cannot_change_the_leader(said, advice):
    assert vote(dict(enumerate(said))).next == advice


@pytest.mark.parametrize("most", [1, 3, 4, 5])
def test_stopping_early_gives_the_same_label_as_all_votes(most):
    for said in product("xyz", repeat=most):
        full = vote(dict(enumerate(said)), LabelSettings(max_answers=most)).label
        for so_far in range(most + 1):
            early = vote(dict(enumerate(said[:so_far])), LabelSettings(max_answers=most))
            if early.next == "none":
                assert early.label == full
                break


def test_a_posterior_stop_buys_until_the_label_is_sure_enough():
    sure = LabelSettings(stop="posterior", tau=0.97, max_answers=7)
    given, _ = pool()
    outcome = aggregate_labels(given, sure, "one-coin")
    assert {result.next for result in outcome.tasks.values()} == {"none", "buy"}
    assert all((result.confidence >= 0.97) == (result.next == "none") for result in outcome.tasks.values())


@every_method
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_order_of_the_votes_changes_nothing(method, data):
    given, _ = pool(tasks=12)
    assert aggregate_labels(data.draw(st.permutations(given)), method=method) == aggregate_labels(given, method=method)


@every_method
def test_the_names_of_the_classes_do_not_matter(method):
    given, _ = pool(tasks=60)
    other = [Vote(v.task, v.worker, {"a": "z", "b": "y", "c": "x"}[v.label]) for v in given]
    first, second = aggregate_labels(given, method=method), aggregate_labels(other, method=method)
    renamed = {"a": "z", "b": "y", "c": "x", None: None}
    for task, result in first.tasks.items():
        assert renamed[result.label] == second.tasks[task].label
        assert result.confidence == pytest.approx(second.tasks[task].confidence, abs=1e-9)


@every_method
def test_a_unanimous_pool_stays_unanimous(method):
    outcome = aggregate_labels(votes(t1="xxx", t2="yyy", t3="xxx"), method=method)
    assert [result.label for result in outcome.tasks.values()] == ["x", "y", "x"]


@every_method
def test_a_pool_of_one_vote_is_finite(method):
    outcome = aggregate_labels([Vote("t", "w", "x")], method=method)
    assert outcome.tasks["t"].label == "x"
    assert 0 < outcome.tasks["t"].confidence <= 1
    assert 0 < outcome.workers[0].lower < outcome.workers[0].accuracy < outcome.workers[0].upper < 1


@every_method
def test_no_votes_no_labels(method):
    outcome = aggregate_labels([], method=method)
    assert (dict(outcome.tasks), outcome.workers) == ({}, ())


@every_method
def test_a_lone_tie_between_two_newcomers_decides_nothing(method):
    assert aggregate_labels(votes(t1="xy"), method=method).tasks["t1"].label is None


@every_method
def test_in_a_pool_of_two_tasks_no_label_becomes_impossible(method):
    outcome = aggregate_labels(votes(t1="xxy", t2="xy"), method=method)
    assert outcome.tasks["t1"].label == "x"
    assert outcome.tasks["t1"].confidence < 0.96
    assert outcome.tasks["t2"].confidence < 0.9


@every_method
def test_who_clicks_at_random_ends_below_who_looks(method):
    given, _ = pool()
    skills = {skill.worker: skill.accuracy for skill in aggregate_labels(given, method=method).workers}
    assert max(skills[f"w{n}"] for n in range(3)) < min(skills[f"w{n}"] for n in range(3, 10))


def test_knowing_the_workers_beats_counting_heads():
    given, truth = pool()
    outcomes = {method: aggregate_labels(given, method=method).tasks for method in LABEL_METHODS}
    right = {method: sum(tasks[t].label == label for t, label in truth.items()) for method, tasks in outcomes.items()}
    assert right["one-coin"] > right["majority"]
    assert right["dawid-skene"] > right["majority"]


@every_method
def test_a_worker_wrong_in_most_answers_is_flagged_and_not_made_a_virtue(method):
    given = votes(**{f"t{n:02}": ("xxxy" if n % 2 else "yyyx") for n in range(40)})
    skills = {skill.worker: skill for skill in aggregate_labels(given, method=method).workers}
    assert skills["w3"].adversarial
    assert skills["w3"].accuracy < 0.5
    assert not skills["w0"].adversarial


def test_the_interval_tells_ten_controls_from_fifty():
    def interval(right: int, n: int) -> tuple[float, float]:
        tasks = {f"t{i:02}": ("xxx" if i < right else "yyx") for i in range(n)}
        skills = {s.worker: s for s in aggregate_labels(votes(**tasks), method="majority").workers}
        return skills["w2"].lower, skills["w2"].upper

    assert interval(9, 10) == pytest.approx((0.70, 0.96), abs=0.01)
    assert interval(45, 50) == pytest.approx((0.81, 0.94), abs=0.01)


def test_a_confusion_matrix_says_what_is_taken_for_what():
    given = votes(**{f"t{n:02}": ("xxxy" if n % 2 else "yyyy") for n in range(60)})
    skills = {skill.worker: skill for skill in aggregate_labels(given, method="dawid-skene").workers}
    assert skills["w3"].confusion["x"]["y"] > 0.8
    assert skills["w0"].confusion["x"]["x"] > 0.8


def test_an_unknown_method_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="unknown method 'glad': expected one of majority, one-coin, dawid-skene"):
        aggregate_labels([], method="glad")
